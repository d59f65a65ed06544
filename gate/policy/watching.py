"""`[watch]`: from the file's table to how a release is held after its deploy, and what in it cannot be meant."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from gate.policy.addresses import address_problem
from gate.policy.file import File, HealthTable, WatchTable
from gate.policy.policy import DEFAULT, Health, Watch
from gate.policy.quantities import SHORTEST_S
from gate.policy.releasing import given, hook_problems, hooks_of


def watch_of(table: WatchTable | None, otherwise: Watch = DEFAULT.watch) -> Watch:
    """What the table says, over what held before it."""
    if table is None:
        return otherwise
    told: dict[str, Any] = {
        "for_s": table.for_,
        "every_s": table.every,
        "start_after_s": table.start_after,
        "failures": table.failures,
        "release": table.release,
        "health": None if table.health is None else _health(table.health),
        "command": None if table.command is None else tuple(table.command),
        "command_timeout_s": table.command_timeout,
        "blocked_s": table.blocked,
        "blocked_sessions": table.blocked_sessions,
        "on_failure": hooks_of(table.on_failure),
    }
    return replace(otherwise, **given(told))


def _health(table: HealthTable) -> Health:
    told = {"statuses": table.status, "timeout_s": table.timeout, "text": table.text}
    return Health(url=table.url, **given(told))


def watch_problems(file: File) -> Iterator[str]:
    """What contradicts itself, or says nothing."""
    table = file.watch
    if table is None:
        return
    if table.health is not None and (problem := address_problem(table.health.url)):
        yield f"watch.health.url {problem}: write env:NAME, the variable that holds it, or file:PATH"
    if table.health is not None and table.health.timeout == 0:
        yield "watch.health.timeout is 0: nothing could be answered in it"
    if table.command is not None and not (table.command and table.command[0].strip()):
        yield 'watch.command names no program: write ["program", "argument"]'
    yield from _time_problems(table)
    for place, hook in enumerate(table.on_failure or ()):
        yield from hook_problems(hook, f"watch.on_failure.{place}")


def _time_problems(table: WatchTable) -> Iterator[str]:
    settled = watch_of(table)
    if table.every is not None and table.every < SHORTEST_S:
        yield "watch.every is below 100 ms: the app would be asked without a pause"
    if table.command_timeout == 0:
        yield "watch.command_timeout is 0: no program could run in it"
    if settled.blocked_s is not None and settled.blocked_s > settled.for_s:
        yield f"watch.blocked is {settled.blocked_s:g} s, longer than the watch itself ({settled.for_s:g} s)"
    if settled.every_s * settled.failures > settled.for_s and {"for_", "every", "failures"} & table.model_fields_set:
        yield f"watch.for is {settled.for_s:g} s, too short for {settled.failures} samples in a row"
