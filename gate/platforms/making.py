"""From a hook's setting to the hook: a kind is found by its name, in the module of `gate.platforms` that is called so.

`webhook` is `gate.platforms.webhook`, `heroku.rollback` is `gate.platforms.heroku`; each has its kinds in `HOOKS`, by
what follows the point, empty for the module itself. Nothing is imported that no setting names.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from importlib import import_module
from importlib.util import find_spec
from pkgutil import iter_modules
from typing import Any, TypeAlias

from gate import platforms
from gate.model.errors import UsageError
from gate.platforms.preset import UNKNOWN, Platform
from gate.platforms.secrets import Secrets
from gate.policy.policy import HookSetting
from gate.run.hooking import Hook, Ledger

_ROOM = platforms.__name__
_KIND = re.compile(r"[a-z_]+(\.[a-z_]+)?", re.ASCII)


@dataclass(frozen=True, kw_only=True)
class Around:
    """What a hook may need beside its setting.

    `table` is gate.toml's `[platform.KEY]` by key. `ledger` is None where nothing can be written down: then nothing may
    be changed that would have to be put back. `masked` takes every secret out of a text, those of `secrets` included.
    """

    environment: Mapping[str, str]
    platform: Platform = UNKNOWN
    tables: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    secrets: Secrets = field(default_factory=Secrets)
    ledger: Ledger | None = None
    masked: Callable[[str], str] = str


Factory: TypeAlias = Callable[[HookSetting, Around], Hook]
"""Raises UsageError for options that it does not know or that contradict themselves; reaches nobody yet."""


def later(module: str, name: str = "made") -> Factory:
    """The factory of that name in that module, which is imported when a hook is made."""

    def make(setting: HookSetting, around: Around) -> Hook:
        factory: Factory = getattr(import_module(module), name)
        return factory(setting, around)

    return make


def made(setting: HookSetting, around: Around) -> Hook:
    """The hook. Raises UsageError for a kind that there is not, or for its options."""
    return _factory(setting.kind)(setting, around)


def _factory(kind: str) -> Factory:
    module, _, name = kind.partition(".")
    known = _hooks(module) if _KIND.fullmatch(kind) else {}
    if name not in known:
        near = get_close_matches(kind, kinds(), 1)
        raise UsageError(
            f"there is no hook {kind!r}" + (f": did you mean {near[0]}?" if near else ""),
            remedy=f"one of {', '.join(kinds())}",
        )
    return known[name]


def kinds() -> tuple[str, ...]:
    """All kinds, as they are written in gate.toml."""
    modules = sorted(module.name for module in iter_modules(platforms.__path__))
    return tuple(f"{module}.{name}".rstrip(".") for module in modules for name in _hooks(module))


def _hooks(module: str) -> Mapping[str, Factory]:
    if find_spec(f"{_ROOM}.{module}") is None:
        return {}
    hooks: Mapping[str, Factory] = getattr(import_module(f"{_ROOM}.{module}"), "HOOKS", {})
    return hooks
