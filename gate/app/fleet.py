"""`gate plan --fleet`: many databases planned in one process, a few at a time; what is the same for all is done once.

The files are read and parsed once. Catalogs, rows and sessions are each database's own: none is judged by another's.
"""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from gate.app.fleet_members import AT_ONCE, Fleet, fleet_of
from gate.app.opening import open_source
from gate.app.pending import Answer
from gate.app.plan import plan_with
from gate.app.request import Request, Say, silent
from gate.app.settings import Settings, load
from gate.model.errors import Exit, GateError, InvalidSql
from gate.model.fleet import FleetPlan, Member, Unplanned
from gate.model.migration import Migration
from gate.model.plan import Plan
from gate.model.version import VERSION
from gate.plan.grouping import Groups
from gate.plan.reading import ReadMigration, read
from gate.sources.tool import Source

_LONGEST_S = 300.0
"""Beside watching the traffic: a server that says nothing any more holds up one of the pool, and not for ever."""
_FULL_S, _PAUSE_S = 30.0, 1.0
_IS_FULL = ("too many clients", "too many connections", "remaining connection slots")


def plan_fleet(request: Request) -> FleetPlan:
    """The plans. What goes wrong with one database is told of it; raises what concerns all of them."""
    begun_s = time.monotonic()
    settings = load(request)
    fleet = fleet_of(request, settings)
    planning = _Planning(request=request, settings=settings, source=open_source(settings), fleet=fleet, say=request.say)
    groups, unplanned = Groups(), []
    for name, made in planning.all(request.at_once or AT_ONCE):
        if isinstance(made, Plan):
            groups.add(name, made)
        else:
            unplanned.append(made)
    names = tuple(one.name for one in fleet.members)
    return FleetPlan(
        gate=VERSION,
        fleet=fleet.spec,
        seconds=time.monotonic() - begun_s,
        groups=groups.done(names),
        unplanned=tuple(sorted(unplanned, key=lambda one: names.index(one.name))),
        shard=fleet.shard,
    )


@dataclass
class _Files:
    """The migrations of the one source, each read and parsed once, by whoever needs it first."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    read: dict[Migration, ReadMigration] = field(default_factory=dict)

    def __call__(self, source: Source, answer: Answer) -> tuple[ReadMigration, ...]:
        with self.lock:
            for migration in answer.migrations:
                if migration not in self.read:
                    (self.read[migration],) = read((source.load(migration),))
            return tuple(self.read[migration] for migration in answer.migrations)


@dataclass
class _Planning:
    """The pool: threads that end with the process, so that nobody who stops it waits for a server that is silent."""

    request: Request
    settings: Settings
    source: Source
    fleet: Fleet
    say: Say
    files: _Files = field(default_factory=_Files)
    waiting: queue.SimpleQueue[Member] = field(default_factory=queue.SimpleQueue)
    answers: queue.SimpleQueue[tuple[str, Plan | Unplanned | BaseException]] = field(default_factory=queue.SimpleQueue)

    def all(self, at_once: int) -> Iterator[tuple[str, Plan | Unplanned]]:
        """As they come. The first is planned alone: all that has to be imported is there then."""
        members = self.fleet.members
        total = len(members)
        self._say(0, total)
        for place, one in enumerate(members[:1], 1):
            yield one.name, self._one(one)
            self._say(place, total)
        for one in members[1:]:
            self.waiting.put(one)
        for _ in range(min(at_once, total - 1)):
            threading.Thread(target=self._work, name="plan", daemon=True).start()
        for place in range(2, total + 1):
            name, made = self.answers.get()
            if isinstance(made, BaseException):
                raise made
            self._say(place, total)
            yield name, made

    def _say(self, done: int, total: int) -> None:
        self.say(f"planned {done:,} of {total:,} databases")

    def _work(self) -> None:
        while True:
            try:
                one = self.waiting.get_nowait()
            except queue.Empty:
                return
            try:
                self.answers.put((one.name, self._one(one)))
            except BaseException as error:  # noqa: BLE001 - a bug is raised where the command is
                self.answers.put((one.name, error))

    def _one(self, one: Member) -> Plan | Unplanned:
        longest_s = _LONGEST_S + self.settings.sample
        request = replace(self.request, database_url=one.given, say=silent, warn=silent)
        until_s = time.monotonic() + _FULL_S
        while True:
            try:
                return plan_with(request, self.settings, self.source, reads=self.files, longest_s=longest_s)
            except GateError as error:
                if time.monotonic() < until_s and any(said in error.problem for said in _IS_FULL):
                    time.sleep(_PAUSE_S)
                    continue
                hidden = self.fleet.hidden
                place = f"{error.path}:{error.line}:{error.column}: " if isinstance(error, InvalidSql) else ""
                return Unplanned(
                    name=one.name,
                    exit=Exit(error.exit_code),
                    problem=place + hidden(error.problem),
                    remedy=hidden(error.remedy),
                )
