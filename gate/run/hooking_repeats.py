"""People are told a refusal once: Argo CD tries a refused release five times, and Heroku runs it at each config change.

What was told before is in the journal, in the documents of the runs before this one. Where there is none everybody is
told, and gets the key by which a receiver knows it again.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol, runtime_checkable

from gate.model.repeats import dedupe_of
from gate.model.run import HookRun, Outcome
from gate.model.units import lasting
from gate.run.hooking import Hook, Left

REPEAT_AFTER_S = 3600.0
_NOT_AGAIN = "not told again"
_LONGEST_S = 0.1

Told = Mapping[str, Any]
"""A document of `gate.model.run_document`."""


@runtime_checkable
class TellsPeople(Protocol):
    """A hook whose message is of no use twice; `repeat_after_s` is when it is again, 0 for always."""

    @property
    def repeat_after_s(self) -> float: ...


def quieted(
    hooks: Sequence[Hook], event: str, document: str, earlier: Callable[[], Sequence[Told]]
) -> tuple[Hook, ...]:
    """The hooks, with one that says why it is silent in place of each that has told this before.

    `document` is the run's as hooks get it. `earlier` has the documents of the runs in the journal, newest first; this
    one is skipped, and one that never ended. It is asked only where somebody may be silent.
    """
    if not any(isinstance(hook, TellsPeople) and hook.repeat_after_s > 0 for hook in hooks):
        return tuple(hooks)
    told = json.loads(document)
    if told.get("outcome") != Outcome.REFUSED.value:
        return tuple(hooks)
    before = earlier()
    return tuple(_quiet(hook, event, told, before) for hook in hooks)


def is_repeat(document: Told, earlier: Sequence[Told], within_s: float, *, event: str, name: str) -> str:
    """Since when the hook of that name has told this same refusal, as `12 min ago, of run 0193c2f1`; empty if not.

    Only a refusal is a repeat: every other end is one of something that was begun. A run that ended otherwise in
    between makes it news again.
    """
    now = _ended(document)
    if document.get("outcome") != Outcome.REFUSED.value or now is None:
        return ""
    key = dedupe_of(document)
    for other in earlier:
        if not other or other.get("run") == document.get("run") or not _is_of_same(other, document):
            continue
        at = _ended(other)
        if at is None or dedupe_of(other) != key or now - at > timedelta(seconds=within_s):
            return ""
        if _has_told(other, event, name):
            return f"{lasting(max(0.0, (now - at).total_seconds()))} ago, of run {other.get('run')}"
    return ""


def _quiet(hook: Hook, event: str, document: Told, earlier: Sequence[Told]) -> Hook:
    if not isinstance(hook, TellsPeople):
        return hook
    before = is_repeat(document, earlier, hook.repeat_after_s, event=event, name=hook.name)
    return _Silent(hook.name, before) if before else hook


@dataclass(frozen=True)
class _Silent:
    """Stands for a hook that is not called."""

    name: str
    before: str
    longest_s: float = _LONGEST_S

    def call(self, event: str, document: str, left_s: Left) -> HookRun:  # noqa: ARG002 - as every hook
        output = f"{_NOT_AGAIN}: this same refusal was told {self.before}"
        return HookRun(event=event, name=self.name, seconds=0.0, output=output)


def _is_of_same(other: Told, document: Told) -> bool:
    """A journal may be that of several databases, and a database that of several projects."""
    return all(other.get(name) == document.get(name) for name in ("database", "source"))


def _has_told(other: Told, event: str, name: str) -> bool:
    """Whether that hook was called then, and worked."""
    hooks = other.get("hooks") or ()
    return any(
        (hook.get("event"), hook.get("name")) == (event, name)
        and not hook.get("problem")
        and not (hook.get("output") or "").startswith(_NOT_AGAIN)
        for hook in hooks
    )


def _ended(document: Told) -> datetime | None:
    try:
        begun = datetime.fromisoformat(str(document.get("started_at")))
        return begun.astimezone(UTC) + timedelta(seconds=float(document.get("seconds") or 0.0))
    except ValueError:
        return None
