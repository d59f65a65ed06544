"""`[release]`: from the file's table to how a release runs, and what in it cannot be meant."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from gate.policy.file import File, HookTable, KillTable, ReleaseTable, ThrottleTable, dotted
from gate.policy.journals import journal_path, journal_schema_problem
from gate.policy.policy import DEFAULT, HookSetting, KillFilter, Release, Throttle, Undo

_EVENTS = ("on_begin", "on_failure", "on_refused", "on_success")
_OFF = "off"
# PostgreSQL counts its timeouts in milliseconds, and takes 0 for none at all.
_SHORTEST_S = 0.001


def release_of(table: ReleaseTable | None, otherwise: Release = DEFAULT.release) -> Release:
    """What the table says, over what held before it."""
    if table is None:
        return otherwise
    told: dict[str, Any] = {
        "stall_s": table.stall,
        "lock_wait_s": table.lock_wait,
        "runner_wait_s": table.runner_wait,
        "grace_s": table.grace,
        "undo": None if table.undo is None else Undo(table.undo),
        "down": table.down,
        "is_journal_published": table.journal_published,
        "throttle": None if table.throttle is None else _throttle(table.throttle, otherwise.throttle),
        "kill": None if table.kill is None else tuple(map(_filter, table.kill)),
        **{event: hooks_of(getattr(table, event)) for event in _EVENTS},
    }
    return replace(otherwise, **given(told))


def _throttle(table: ThrottleTable, otherwise: Throttle) -> Throttle:
    told = {
        "batch_s": table.batch,
        "lag_s": table.lag,
        "lag_bytes": table.lag_wal,
        "retained_bytes": table.retained_wal,
        "growth_bytes": table.growth,
        "active": table.active,
    }
    limits: dict[str, Any] = {name: None if value == _OFF else value for name, value in given(told).items()}
    return replace(otherwise, **limits)


def _filter(table: KillTable) -> KillFilter:
    return KillFilter(
        application=table.application,
        user=table.user,
        idle_in_transaction_s=table.idle_in_transaction,
        older_than_s=table.older_than or 0.0,
        how=table.how or "terminate",
        reason=(table.reason or "").strip(),
    )


def hooks_of(tables: Sequence[HookTable] | None) -> tuple[HookSetting, ...] | None:
    if tables is None:
        return None
    return tuple(map(_hook, tables))


def _hook(table: HookTable) -> HookSetting:
    told = given({"timeout_s": table.timeout, "kind": table.hook, "is_required": table.required})
    return HookSetting(command=tuple(table.command or ()), options=dict(table.model_extra or {}), **told)


def given(told: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in told.items() if value is not None}


# --- what cannot be meant ---------------------------------------------------------------------------------------------

_Spelling = Callable[[tuple[int | str, ...]], str]


def release_problems(file: File, otherwise: Release = DEFAULT.release, spelled: _Spelling = dotted) -> Iterator[str]:
    """What contradicts itself; keys are `spelled` as they stand where they come from."""
    if file.budget == 0:
        yield f"{spelled(('budget',))} is 0: no release could run"
    table = file.release
    if table is None:
        return
    yield from _time_problems(table, file.budget, release_of(table, otherwise), spelled)
    yield from _journal_problems(table, spelled)
    yield from _throttle_problems(table.throttle, spelled)
    for place, item in enumerate(table.kill or ()):
        yield from _kill_problems(item, spelled(("release", "kill", place)))
    for event in _EVENTS:
        for place, hook in enumerate(getattr(table, event) or ()):
            yield from hook_problems(hook, spelled(("release", event, place)))


def _time_problems(table: ReleaseTable, budget_s: float | None, settled: Release, spelled: _Spelling) -> Iterator[str]:
    stall, lock_wait = spelled(("release", "stall")), spelled(("release", "lock_wait"))
    if table.stall is not None and table.stall < _SHORTEST_S:
        yield f"{stall} is below 1 ms: no lock could ever be had"
    elif (table.stall, table.lock_wait) != (None, None) and settled.stall_s > settled.lock_wait_s:
        yield f"{stall} is {settled.stall_s:g} s, longer than {lock_wait} ({settled.lock_wait_s:g} s)"
    if table.grace == 0:
        yield f"{spelled(('release', 'grace'))} is 0: nothing could be ended in it"
    if not budget_s:
        return
    for key in ("stall", "lock_wait", "runner_wait"):
        limit = getattr(table, key)
        if limit is not None and limit > budget_s:
            name = spelled(("release", key))
            yield f"{name} is {limit:g} s, longer than the budget of the whole release ({budget_s:g} s)"


def _journal_problems(table: ReleaseTable, spelled: _Spelling) -> Iterator[str]:
    is_file = False
    if table.journal is not None:
        try:
            is_file = journal_path(table.journal) is not None
        except ValueError as error:
            yield f"{spelled(('release', 'journal'))}: {error}"
    if table.journal_schema is not None:
        key = spelled(("release", "journal_schema"))
        if problem := journal_schema_problem(table.journal_schema):
            yield f"{key} {problem}"
        elif is_file:
            yield f"{key} says nothing of a journal that is a file"
    if table.journal_published and is_file:
        yield f"{spelled(('release', 'journal_published'))} says nothing of a journal that is a file"


def _command_problems(table: HookTable, key: str) -> Iterator[str]:
    if table.command is None:
        yield f'{key} has neither command nor hook: write command = ["program", "argument"], or hook = "webhook"'
    elif not table.command or not table.command[0].strip():
        yield f'{key}.command names no program: write ["program", "argument"]'
    elif any("\0" in argument for argument in table.command):
        yield f"{key}.command holds a character that no argument may have"
    for name in table.model_extra or ():
        yield f"{key}: unknown key {name!r} of a command"


def _throttle_problems(table: ThrottleTable | None, spelled: _Spelling) -> Iterator[str]:
    if table is None:
        return
    if table.batch is not None and table.batch < _SHORTEST_S:
        yield f"{spelled(('release', 'throttle', 'batch'))} is below 1 ms: no row could be changed in it"
    for key in ("lag", "lag_wal", "retained_wal", "growth"):
        if getattr(table, key) == 0:
            yield f'{spelled(("release", "throttle", key))} is 0: no backfill would ever go on; "off" takes it away'


def _kill_problems(table: KillTable, key: str) -> Iterator[str]:
    is_for_all = not any((text or "").strip("* ") for text in (table.application, table.user))
    if is_for_all and table.idle_in_transaction is None:
        yield f"{key} would end whoever is in the way: give application, user or idle_in_transaction"
    if table.idle_in_transaction == 0:
        yield f"{key}.idle_in_transaction is 0: between two statements of its transaction every session is idle"
    if table.how == "cancel" and table.idle_in_transaction is not None:
        yield f"{key}.how is cancel, which does nothing to a session that is idle: terminate does"


def hook_problems(table: HookTable, key: str) -> Iterator[str]:
    if table.hook is None:
        yield from _command_problems(table, key)
    elif table.command is not None:
        yield f"{key} has both a command and a hook: each is an entry of its own"
    if table.required is not None and ".on_begin." not in key:
        yield f"{key}.required is for on_begin: no other hook changes how a release ends"
    if table.timeout is not None and table.timeout < _SHORTEST_S:
        yield f"{key}.timeout is below 1 ms: no program could run in it"
