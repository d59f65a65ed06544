"""The live catalog, read in one read-only repeatable-read transaction of two bounded rounds.

Round one finds what the statements name; round two follows it to everything that they can reach (`sql/closure.sql`) and
reads that whole. Nothing but ACCESS SHARE is taken, and nothing is waited for: what others hold under ACCESS EXCLUSIVE
is described from the raw catalog, and `unread` says so.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass

import psycopg
from psycopg import errors

from gate.db import assembling, finding, relations, session
from gate.db.asking import Ask, Asking, Row
from gate.db.errors import translated
from gate.db.reaching import Reach, reach_ask, reached
from gate.model.catalog import Relation
from gate.model.snapshot import Snapshot
from gate.model.wants import Wants

LOCK_TIMEOUT = "100ms"
STATEMENT_TIMEOUT = "60s"
CHUNK = 500
"""Relations whose rows are held in memory at one time."""

Told = assembling.Told

_BEGIN = b"BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"
_SAVE, _BACK = b"SAVEPOINT gate_look", b"ROLLBACK TO SAVEPOINT gate_look"
_BUSY = (errors.LockNotAvailable, errors.InternalError_, errors.UndefinedTable, errors.UndefinedObject)
"""What a definition or a size answers when another session took or dropped the relation meanwhile."""


def _nobody(_relations: Sequence[Relation]) -> None:
    """For whoever waits for the whole."""


def read(
    connection: psycopg.Connection,
    wants: Wants,
    *,
    release_role: str | None = None,
    already: Snapshot | None = None,
    told: Told = _nobody,
) -> Snapshot:
    """What the catalog says of `wants` and of all that it reaches, for the role that will run the release.

    `already` is a snapshot read before: what it holds stays unless it is read again. `told` gets the relations chunk by
    chunk, while the server is at work on the next; of those with a sequence's position it is not the last word.

    Raises:
        UsageError: there is no such release role.
        Unreachable, MissingPrivilege: the server went away, or the role may not read the catalog.
    """
    try:
        snapshot = _Reading(connection, wants, release_role, told).read()
    except psycopg.Error as error:
        raise translated(error) from error
    finally:
        Asking(connection).end()
    return snapshot if already is None else assembling.joined(already, snapshot)


@dataclass
class _Reading:
    """One reading, round after round."""

    connection: psycopg.Connection
    wants: Wants
    release_role: str | None
    told: Told = _nobody

    def read(self) -> Snapshot:
        asking = Asking(self.connection)
        first = self._first_round(asking)
        session_, found, locked = first.session, first.found, first.locked
        reach = self._reach(asking, found)
        seeds = assembling.Seeds(
            oids=[*dict.fromkeys([*reach.relations, *found.system])],
            types=[*dict.fromkeys([*found.types, *reach.types])],
            functions=[*dict.fromkeys([*found.functions, *reach.functions])],
        )
        second = _second_round(asking, self.wants, seeds, session_, locked, self.told)
        return assembling.snapshot(asking, self.wants, first, reach, second)

    def _first_round(self, asking: Asking) -> assembling.FirstRound:
        names = finding.asks(self.wants)
        limits = {
            "lock_timeout": LOCK_TIMEOUT,
            "statement_timeout": STATEMENT_TIMEOUT,
            "scans": "off",
            "work_mem": "16MB" if self.wants.needs_database else "256kB",
        }
        before = session.settings_asks(self.release_role)
        asked: list[Ask] = [
            *before,
            ("begin", limits),
            *session.asks(self.release_role),
            ("event_triggers", {}),
            ("locked", {}),
            *names.values(),
        ]
        answers = asking.all(asked, before=(_BEGIN,))
        settings, answers = answers[: len(before)], answers[len(before) + 1 :]
        server, role_settings, schemas, extensions, triggers, locked, *rest = answers
        of_session = session.session(
            self.connection, settings, [server, role_settings, schemas, extensions], self.release_role
        )
        return assembling.FirstRound(
            session=of_session,
            schemas=schemas,
            event_triggers=triggers,
            locked=[row["oid"] for row in locked],
            found=finding.found(self.wants, of_session.server.search_path, dict(zip(names, rest, strict=True))),
        )

    def _reach(self, asking: Asking, found: finding.Found) -> Reach:
        ask = reach_ask(found, is_whole=self.wants.needs_database)
        if ask is None:
            return Reach()
        return reached(found, asking.each(ask), is_whole=self.wants.needs_database)


def _second_round(
    asking: Asking,
    wants: Wants,
    seeds: assembling.Seeds,
    of: session.Session,
    locked: list[int],
    told: Told = _nobody,
) -> assembling.SecondRound:
    """Everything about these relations and objects; a large set in chunks, so that memory stays bounded."""
    once = assembling.once_asks(wants, seeds)
    answers = asking.all(once)
    round_ = assembling.SecondRound.of(answers, of, told)
    chunks = [seeds.oids[start : start + CHUNK] for start in range(0, len(seeds.oids), CHUNK)]
    with _without_collector() if len(chunks) > 1 else nullcontext():
        left = _eager(asking, chunks, round_, locked)
        for chunk in left:
            rows, locked = _patient(asking, chunk, of, locked)
            round_.add(rows, set(locked) & set(chunk))
    return round_


def _eager(
    asking: Asking, chunks: list[list[int]], round_: assembling.SecondRound, locked: list[int]
) -> list[list[int]]:
    """Reads chunk after chunk without a pause, and gives back those from which on another session was in the way.

    The savepoint is rolled back after each: that gives back the locks that definitions of views took.
    """
    batches = (_asks(asking, chunk, round_.session, locked) for chunk in chunks)
    done = 0
    asking.run(_SAVE)
    try:
        for rows in asking.ahead(batches, after=_BACK):
            round_.add(rows, set(locked) & set(chunks[done]))
            done += 1
    except _BUSY:
        asking.run(_BACK)
    return chunks[done:]


def _asks(asking: Asking, chunk: list[int], of: session.Session, locked: list[int]) -> list[Ask]:
    return relations.asks(
        chunk, role_oid=of.role_oid, major=asking.major, locked=locked, sees_statistics=of.sees_statistics
    )


@contextmanager
def _without_collector() -> Iterator[None]:
    """A hundred thousand new values without a cycle among them: the collector would look through all of them, often."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


def _patient(
    asking: Asking, chunk: list[int], of: session.Session, locked: list[int]
) -> tuple[list[list[Row]], list[int]]:
    """The rows of a chunk, without what others hold by now; if one more comes in between, without all of it."""
    for left_out in (_locked(asking, locked), list(chunk)):
        try:
            return asking.all(_asks(asking, chunk, of, left_out), after=(_BACK,)), left_out
        except _BUSY:
            asking.run(_BACK)
    raise AssertionError("with every relation left out nothing is opened")


def _locked(asking: Asking, before: list[int]) -> list[int]:
    """What others hold or await under ACCESS EXCLUSIVE now, or did at the first look."""
    return sorted({*before, *(row["oid"] for row in asking.all([("locked", {})])[0])})
