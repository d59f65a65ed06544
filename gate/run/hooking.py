"""Hooks: what is called when a release begins and ends, in which order, and how they share the time that is left.

A hook never changes how a release ended: whatever becomes of it is a line in the report. Only one of `on_begin` may
keep it from beginning.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol, runtime_checkable

from gate.model.changes import Change, KeptChange
from gate.model.errors import GateError
from gate.model.run import HookRun, Outcome
from gate.policy.policy import HookSetting, Release

Left = Callable[[], float]
"""The seconds that are left; asked anew each time, for a signal shortens them."""

ON_BEGIN = "on_begin"
"""Something is pending and is let pass; nothing has been changed yet."""
ON_WATCH_FAILURE = "on_watch_failure"
"""After a deploy: the release is the current one, and goes wrong. Only here is a rollback due."""

_LEAST_S = 0.05
_SILENT = frozenset({Outcome.NOTHING_PENDING, Outcome.RUNNING})


class Hook(Protocol):
    """Something that wants to know how a release goes.

    `document` is the run as JSON, `longest_s` what a call takes at most. `call` returns before `left_s()` is 0, and
    says in `HookRun.problem` what went wrong; the only errors that it may raise are gate's own.
    """

    @property
    def name(self) -> str: ...
    @property
    def longest_s(self) -> float: ...
    def call(self, event: str, document: str, left_s: Left) -> HookRun: ...


@runtime_checkable
class Checked(Protocol):
    """A hook that can tell beforehand whether it would work: a token's scopes, an app's name, a missing RBAC rule."""

    def check(self, left_s: Left) -> str:
        """What would keep it from working, with what to do about it; empty where nothing would. Changes nothing."""


@runtime_checkable
class Restoring(Protocol):
    """A hook that changes something, and can put it back. In `call` it keeps each change in its ledger first."""

    def restore(self, change: Change, left_s: Left) -> HookRun:
        """Puts it back if it is still as gate has set it; what somebody else has changed since is left, and said.

        `problem` is empty if there is nothing to do any more, in `output` what was done.
        """


class Ledger(Protocol):
    """Where changes are written down before they are made. Raises GateError where nothing can be written."""

    def keep(self, change: Change) -> str:
        """The key that `settle` takes."""

    def settle(self, key: str) -> None:
        """It was put back, or was never made."""

    def kept(self) -> tuple[KeptChange, ...]:
        """Oldest first: what nobody has put back."""


def event_of(outcome: Outcome) -> str | None:
    """Which hooks are called for it; None where nothing was to be done, and nobody needs to know."""
    if outcome in _SILENT:
        return None
    return {Outcome.DONE: "on_success", Outcome.REFUSED: "on_refused"}.get(outcome, "on_failure")


def settings_of(release: Release, event: str) -> tuple[HookSetting, ...]:
    """Those that the policy names for an event of a release, in their order."""
    return {
        ON_BEGIN: release.on_begin,
        "on_success": release.on_success,
        "on_refused": release.on_refused,
        "on_failure": release.on_failure,
    }[event]


def call_all(
    hooks: Sequence[Hook], event: str, document: str, left_s: Left, now_s: Callable[[], float]
) -> tuple[HookRun, ...]:
    """One after the other; each has its share of what is left by then, and one that has none is not called."""
    found: list[HookRun] = []
    for place, hook in enumerate(hooks):
        later = tuple(other.longest_s for other in hooks[place + 1 :])
        found.append(_call(hook, event, document, shared(left_s, now_s, hook.longest_s, later)))
    return tuple(found)


def share_s(left_s: float, longest_s: float, later: Sequence[float]) -> float:
    """What a hook may take: an equal part, or more where those after it do not want theirs.

    `later` has the longest that each of them takes.
    """
    equal_s = left_s / (1 + len(later))
    return max(0.0, min(longest_s, left_s, max(equal_s, left_s - sum(later))))


def shared(left_s: Left, now_s: Callable[[], float], longest_s: float, later: Sequence[float]) -> Left:
    """What remains of the share: of all that there would have been when it began, had it been known by then."""
    begun_s = now_s()

    def remaining() -> float:
        spent_s = now_s() - begun_s
        return share_s(left_s() + spent_s, longest_s, later) - spent_s

    return remaining


def _call(hook: Hook, event: str, document: str, left_s: Left) -> HookRun:
    if left_s() < _LEAST_S:
        return HookRun(event=event, name=hook.name, seconds=0.0, problem="was not called: no time was left for it")
    try:
        return hook.call(event, document, left_s)
    except GateError as error:
        return HookRun(event=event, name=hook.name, seconds=0.0, problem=str(error))
