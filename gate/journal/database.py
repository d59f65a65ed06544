"""The journal in the database that the migrations change: what a crash must not tear apart commits with the step."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from gate.journal import looking, reading
from gate.journal.answers import document
from gate.journal.looking import Look
from gate.journal.making import made, refusal
from gate.journal.published import finding
from gate.journal.tables import TABLES, VERSIONS, JournalVersion
from gate.journal.writing import DURABLY, Writing
from gate.model.changes import Change
from gate.model.errors import UsageError
from gate.model.migration import Query
from gate.model.plan import Finding
from gate.model.program import Program
from gate.model.rates import PastRun
from gate.model.run import Run, UnitRun
from gate.model.version import VERSION
from gate.run.journalling import DEFAULT_SCHEMA, Kept, Mark, ProgramState, Standing, Start
from gate.run.world import Row

Ask: TypeAlias = Callable[[Query], tuple[Row, ...]]


@dataclass(frozen=True)
class DatabaseJournal:
    """`ask` runs one query on the runner's connection, in autocommit; meets `gate.run.journalling.Journal`."""

    ask: Ask
    schema: str = DEFAULT_SCHEMA
    versions: tuple[JournalVersion, ...] = VERSIONS
    gate: str = VERSION

    @property
    def keeps_programs(self) -> bool:
        return True

    def standing(self) -> Standing:
        look = self._look()
        place = f"schema {self.schema} of {look.database}"
        if not look.has_journal:
            return Standing(place=place)
        if len(look.tables) < len(TABLES):
            broken = _incomplete(self.schema, look)
            return Standing(place=place, unreadable=broken.problem, remedy=broken.remedy)
        if not _may_read(look):
            problem = f"the role {look.role} may not read the journal in schema {self.schema}"
            grant = look.grant(self.schema, writes=False)
            return Standing(place=place, unreadable=problem, remedy=grant, is_forbidden=True)
        rows = self.ask(reading.asks_for_standing(self.schema))
        return reading.standing(rows, place=place, version=self.versions[-1].version)

    def needs_acceptance(self) -> Finding | None:
        look = self._look()
        due = self._due(self._version(look))
        if not due:
            return None
        names = list(look.all_tables)
        if look.has_schema and look.major >= 15:
            names += document(self.ask(looking.asks_for_schema_publications(self.schema)))
        return finding(self.schema, names, due, is_new=not look.has_schema)

    def prepare(self) -> None:
        look = self._look()
        if look.has_journal and len(look.tables) < len(TABLES):
            raise _incomplete(self.schema, look)
        if look.has_journal and not _may_read(look):
            raise refusal(self.schema, look)
        standing = self._version(look)
        if standing > self.versions[-1].version:
            raise self._is_newer()
        due = self._due(standing)
        if look.is_read_only or look.unwritable or (due and not _may_make(look)):
            raise refusal(self.schema, look)
        if due:
            self.ask(made(self.schema, due, gate=self.gate, is_new=not look.has_schema))

    def begin_run(self, start: Start) -> None:
        self.ask(self._writing.buries(start.id))
        self.ask(self._writing.begins_run(start))

    def heartbeat(self, run: str) -> None:
        self.ask(self._writing.beats(run))

    def is_current(self, run: str) -> bool:
        return document(self.ask(self._writing.asks_whether_current(run))) is True

    def end_run(self, run: Run) -> None:
        self.ask(self._writing.ends_run(run))
        self.ask(self._writing.prunes_runs())
        self.ask(self._writing.prunes_programs())

    def keep(self, program: Program, *, run: str) -> int:
        key = document(self.ask(self._writing.keeps(program, run)))
        if key is None:
            raise UsageError(
                f"{program.migration} has an unfinished program in the journal already",
                remedy="gate status tells how far it came; gate release takes it up",
            )
        return int(key)

    def take_up(self, key: int, *, run: str) -> None:
        self.ask(self._writing.takes_up(key, run))

    def record(self, key: int, mark: Mark, *, run: str) -> None:
        self.ask(self._writing.marks(key, mark, run))

    def measure(self, key: int, unit: UnitRun, *, run: str) -> None:
        self.ask(self._writing.measures(key, unit, run))

    def mark(self, key: int, mark: Mark, *, run: str) -> tuple[Query, ...]:
        return (self._writing.own_role, DURABLY, self._writing.marks(key, mark, run))

    def finish(self, key: int, state: ProgramState) -> tuple[Query, ...]:
        return (self._writing.finishes(key, state),)

    def asks(self, key: int, ordinal: int) -> tuple[Query, ...]:
        return (reading.asks_for_mark(self.schema, key, ordinal),)

    def read(self, rows: Sequence[Row]) -> Mark | None:
        return reading.mark(rows)

    def keep_change(self, change: Change, *, run: str) -> str:
        return str(document(self.ask(self._writing.keeps_change(change, run))))

    def settle_change(self, key: str) -> None:
        self.ask(self._writing.settles_change(key))
        self.ask(self._writing.prunes_changes())

    def settled(self) -> tuple[Kept, ...]:
        if not _is_readable(self._look()):
            return ()
        return reading.kept(self.ask(reading.asks_for_settled(self.schema)))

    def past_runs(self) -> tuple[PastRun, ...]:
        if not _is_readable(self._look()):
            return ()
        return reading.past_runs(self.ask(reading.asks_for_past_runs(self.schema)))

    @property
    def _writing(self) -> Writing:
        return Writing(self.schema)

    def _look(self) -> Look:
        return looking.look(self.ask(looking.asks(self.schema)))

    def _version(self, look: Look) -> int:
        """0 where there is none, or where it may not be read."""
        if not look.has_journal or not _may_read(look):
            return 0
        return int(document(self.ask(looking.asks_for_version(self.schema))) or 0)

    def _due(self, version: int) -> tuple[JournalVersion, ...]:
        return tuple(item for item in self.versions if item.version > version)

    def _is_newer(self) -> UsageError:
        standing = self.standing()
        return UsageError(
            f"the journal in schema {self.schema} is of version {standing.version}, made by gate {standing.made_by}; "
            f"gate {self.gate} knows version {self.versions[-1].version}, and writes nothing to a newer one",
            remedy=f"release with gate {standing.made_by} or a later one",
        )


def _may_read(look: Look) -> bool:
    return look.may_use_schema and not look.unreadable


def _is_readable(look: Look) -> bool:
    return len(look.tables) == len(TABLES) and _may_read(look)


def _may_make(look: Look) -> bool:
    if not look.has_schema:
        return look.may_create_schema
    is_empty = look.has_journal or not (look.others or look.tables)
    return look.may_use_schema and look.may_create_in_schema and is_empty


def _incomplete(schema: str, look: Look) -> UsageError:
    missing = ", ".join(f"{schema}.{table}" for table in TABLES if table not in look.tables)
    return UsageError(
        f"the journal is not whole: {missing} is missing",
        remedy=f"bring it back from a backup; if no migration is half done, drop what is left of schema {schema}, and "
        "gate makes it anew",
    )
