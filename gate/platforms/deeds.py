"""Hooks that act on a platform through its API, whichever it is: their time, their errors as words, what they put back.

A platform says how a call is opened, and what has to be true beforehand; a hook of it is a deed.
"""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any, Generic, Protocol, TypeVar

from gate.model.changes import Change, Until
from gate.model.errors import GateError, UsageError
from gate.model.run import HookRun
from gate.platforms.making import Around
from gate.policy.policy import HookSetting
from gate.run.hooking import ON_BEGIN, Ledger, Left

RESTORE = "restore"
_LAST = "on_success"
A = TypeVar("A")
"""The API of a platform."""
C = TypeVar("C")
"""A call of one."""
C_contra = TypeVar("C_contra", contravariant=True)


@dataclass(frozen=True, kw_only=True)
class Said:
    """What became of it, for people; `problem` is empty where all is well."""

    output: str = ""
    problem: str = ""


@dataclass(frozen=True, kw_only=True)
class ApiCall(Generic[A]):
    """One call of a hook, while its time lasts."""

    api: A
    event: str
    document: str
    around: Around

    @property
    def is_begin(self) -> bool:
        return self.event == ON_BEGIN

    @property
    def is_final(self) -> bool:
        """What is set now is how it shall stay."""
        return self.event == _LAST

    @property
    def until(self) -> Until:
        """When what is changed now is put back."""
        return Until.RUN_ENDS if self.is_begin else Until.SUCCESS


class Deed(Protocol[C_contra]):
    """What a hook does. All of it may raise errors of gate."""

    def do(self, call: C_contra, /) -> Said: ...


class Undoable(Deed[C_contra], Protocol[C_contra]):
    """One that can be put back."""

    def undo(self, call: C_contra, change: Change, /) -> Said: ...


@dataclass(frozen=True, kw_only=True)
class ApiHook(ABC, Generic[C]):
    """`pause` waits between two requests, in seconds."""

    setting: HookSetting
    around: Around = field(repr=False)
    deed: Deed[C]
    pause: Callable[[float], None] = time.sleep

    @property
    def name(self) -> str:
        return self.setting.kind

    @property
    def longest_s(self) -> float:
        return self.setting.timeout_s

    @abstractmethod
    def opened(self, event: str, document: str, left_s: Left) -> C:
        """A call that ends with `left_s`; nobody is asked yet. Raises UsageError for what is not told."""

    @abstractmethod
    def problem(self, call: C) -> str:
        """What would keep the deed from being done, with what to do about it; empty where nothing would."""

    def call(self, event: str, document: str, left_s: Left) -> HookRun:
        """Does it; what goes wrong is the problem of what is returned."""
        return self._run(event, document, left_s, self.deed.do)

    def check(self, left_s: Left) -> str:
        """Tries out all but the deed itself."""
        return self._run("check", "", left_s, lambda call: Said(problem=self.problem(call))).problem

    def _run(self, event: str, document: str, left_s: Left, act: Callable[[C], Said]) -> HookRun:
        begun_s = time.monotonic()

        def remaining_s() -> float:
            return min(left_s(), self.longest_s - (time.monotonic() - begun_s))

        try:
            said = act(self.opened(event, document, remaining_s))
        except GateError as error:
            said = Said(problem=in_words(error))
        return HookRun(
            event=event,
            name=self.name,
            seconds=time.monotonic() - begun_s,
            problem=self._masked(said.problem),
            output=self._masked(said.output),
        )

    def _masked(self, text: str) -> str:
        """The token too, whoever has said it."""
        return self.around.secrets.masked(self.around.masked(text))


@dataclass(frozen=True, kw_only=True)
class UndoableHook(ApiHook[C]):
    """One whose change is put back by whoever ends the run."""

    deed: Undoable[C]

    @abstractmethod
    def check_meant(self, call: C, change: Change) -> None:
        """Raises UsageError where something else than what was changed is meant by now."""

    def restore(self, change: Change, left_s: Left) -> HookRun:
        """Puts it back where it is still as gate has set it."""
        setting = replace(self.setting, options={**self.setting.options, **change.where})

        def act(call: C) -> Said:
            self.check_meant(call, change)
            return self.deed.undo(call, change)

        return replace(self, setting=setting)._run(RESTORE, "", left_s, act)  # noqa: SLF001 - our own


def in_words(error: GateError) -> str:
    """The problem and the way out; a hook's report has no other place for that."""
    return f"{error.problem}: {error.remedy}" if error.remedy else error.problem


def kept(
    ledger: Ledger | None, change: Change, act: Callable[[], object], was_not_done: Callable[[GateError], bool]
) -> None:
    """Does what changes something, once it is written down; a change that was certainly not made is struck out."""
    if ledger is None:
        raise GateError(
            "nothing was changed: there is no journal in which it could be written down, so nobody could put it back",
            remedy="it works in gate release, with a journal",
        )
    key = ledger.keep(change)
    try:
        act()
    except GateError as error:
        if was_not_done(error):
            # Where that cannot be written whoever puts it back will find nothing to be done.
            with suppress(GateError):
                ledger.settle(key)
        raise


@dataclass(frozen=True, kw_only=True)
class ToldOptions:
    """Those that stand beside `hook` in gate.toml. All that is read raises UsageError for what does not do."""

    kind: str
    told: Mapping[str, Any]

    def text(self, key: str, default: str = "") -> str:
        found = self.told.get(key, default)
        if isinstance(found, str):
            return found.strip()
        raise UsageError(f"{self.kind}: {key} is no text", remedy=f'write {key} = "..."')

    def number(self, key: str, default: int | None = None, *, what: str = "whole number") -> int:
        """A whole one that is not negative."""
        found = self.told.get(key, default)
        if isinstance(found, int) and not isinstance(found, bool) and found >= 0:
            return found
        raise UsageError(f"{self.kind}: {key} is no {what}", remedy=f"write {key} = {default or 0}")
