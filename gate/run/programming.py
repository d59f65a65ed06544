"""From a plan to programs: what of each migration is run as one, in which order, and under which limits."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from gate.model.actions import CreateIndex, SetSetting, TransactionControl
from gate.model.costs import NO_TIME, Seconds, total
from gate.model.effects import Effect
from gate.model.errors import UsageError
from gate.model.migration import Migration
from gate.model.plan import MigrationPlan, StatementPlan, TransactionPlan, Verdict
from gate.model.program import Batches, Command, Program, Unit, UnitKind, WantedLock
from gate.model.rates import Learned
from gate.model.steps import Backfill, Gather, StatementStep, Step, StepKind, Wait
from gate.model.work import LONG, Work
from gate.plan.reading import ReadMigration, ReadStatement
from gate.run.gathering import after
from gate.run.pricing import priced
from gate.sql.parse import parse_all
from gate.sql.script import split_script

_OPENS, _CLOSES = frozenset({"begin", "start"}), frozenset({"commit", "end"})
_SETS_BY_CALL = re.compile(r"\s*select\s+(?:pg_catalog\s*\.\s*)?set_config\s*\(", re.IGNORECASE)
_UNKNOWN_S = 86400.0
BOOKKEEPING = "the migration is done: writes the bookkeeping"


@dataclass(frozen=True, kw_only=True)
class ToRun:
    """A migration that was judged, beside its texts."""

    plan: MigrationPlan
    read: ReadMigration


def programs(
    to_run: Iterable[ToRun], *, source: str, stall_s: float, learned: Mapping[Work, Learned] | None = None
) -> tuple[Program, ...]:
    """One for each migration, in order; `learned` is what its times were estimated with.

    Raises UsageError for what cannot be supervised.
    """
    return tuple(_Programming(item, source, stall_s, learned or {}).program() for item in to_run)


def fingerprint(migration: Migration) -> str:
    """The same for the same statements run in the same way; comments do not count."""
    digest = hashlib.sha256(f"{migration.is_transactional}\x00{migration.sending.name}".encode())
    for statement in migration.statements:
        digest.update(f"\x00{statement.sql}\x01{statement.data or ''}".encode())
    return f"sha256:{digest.hexdigest()}"


@dataclass
class _Programming:
    """`found` are the units so far, `settings` places of the SET statements that are in force."""

    item: ToRun
    source: str
    stall_s: float
    learned: Mapping[Work, Learned] = field(default_factory=dict)
    found: list[Unit] = field(default_factory=list)
    settings: tuple[int, ...] = ()

    def program(self) -> Program:
        plan, migration = self.item.plan, self.item.read.migration
        is_apart = any(statement.verdict is Verdict.SPLIT for statement in plan.statements)
        if is_apart:
            for place, statement in enumerate(plan.statements):
                self._apart(place, statement)
        else:
            for transaction in plan.transactions:
                self._together(transaction)
        units = self._with_bookkeeping(is_apart=is_apart)
        return Program(
            source=self.source,
            migration=migration.id or migration.name,
            path=migration.path,
            fingerprint=fingerprint(migration),
            units=tuple(replace(unit, ordinal=number) for number, unit in enumerate(units, start=1)),
        )

    def _with_bookkeeping(self, *, is_apart: bool) -> Iterator[Unit]:
        """The rows of the tool stand in the only transaction, or come last; statistics are gathered after that."""
        first = self.found[0] if self.found else None
        if len(self.found) == 1 and not is_apart and first is not None and first.kind is UnitKind.TRANSACTION:
            yield replace(first, writes_bookkeeping=True)
        else:
            yield from self.found
            yield Unit(ordinal=0, kind=UnitKind.TRANSACTION, why=BOOKKEEPING, writes_bookkeeping=True, seconds=NO_TIME)
        effects = [effect for statement in self.item.plan.statements for effect in self._whole_effects(statement)]
        for relation, columns in after(effects):
            yield _gather(relation, columns, self.settings)

    def _whole_effects(self, statement: StatementPlan) -> tuple[Effect, ...]:
        """Those of a split are followed by what it gathers itself."""
        if any(isinstance(step, Gather) for step in statement.to_run):
            return ()
        steps = [effect for step in statement.to_run for effect in step.effects]
        return tuple(steps) if statement.to_run else statement.effects

    # --- what passes as it stands -------------------------------------------------------------------------------------

    def _together(self, transaction: TransactionPlan) -> None:
        """Statements that commit together; BEGIN and COMMIT are the unit's own."""
        inner = [place for place in transaction.statements if not self._is_edge(place)]
        controls = [self._control(place) for place in inner]
        if "prepare" in controls:
            raise UsageError(
                f"{self.item.read.migration.path}: PREPARE TRANSACTION leaves a transaction that nobody supervises",
                remedy="run this migration by hand",
            )
        if not inner or "rollback" in controls:
            return
        plans = [self.item.plan.statements[place] for place in inner]
        if len(inner) == 1 and self._is_setting(inner[0]) and not self.item.plan.is_transactional:
            self.settings = (*self.settings, inner[0])
            return
        if len(inner) == 1 and plans[0].forbids_transaction:
            self.found.append(self._bare(inner[0], plans[0]))
        else:
            self.found.append(self._transaction(tuple(inner), plans, _blocked_s(transaction, plans, self.stall_s)))
        # Those that are not LOCAL outlive the transaction.
        self.settings = (*self.settings, *(place for place in inner if self._is_setting(place, outlives=True)))

    def _transaction(self, places: tuple[int, ...], plans: Sequence[StatementPlan], blocked_s: float | None) -> Unit:
        locks = _locks(effect for plan in plans for effect in plan.effects)
        shutting = (number for number, plan in enumerate(plans) if _locks(plan.effects))
        return Unit(
            ordinal=0,
            kind=UnitKind.TRANSACTION,
            limits=StepKind.CATALOG if locks else _kind(plans),
            why=self._why(plans),
            line=plans[0].line,
            commands=tuple(Command(place=place) for place in places),
            settings=self.settings,
            locks=locks,
            locked_from=next(shutting, 0),
            blocked_s=blocked_s,
            seconds=_seconds(plans),
            undo="; ".join(reversed([plan.undo for plan in plans if plan.undo])),
            is_final=any(plan.undo is None for plan in plans),
            touches=_touched(plans),
            priced=priced(plans[0].effects, self.learned) if len(plans) == 1 else None,
        )

    def _bare(self, place: int, plan: StatementPlan) -> Unit:
        """A statement that no block may hold, as it stands."""
        return Unit(
            ordinal=0,
            kind=UnitKind.STATEMENT,
            limits=StepKind.CONCURRENT,
            why=self._why([plan]),
            line=plan.line,
            commands=(Command(place=place),),
            settings=self.settings,
            seconds=_seconds([plan]),
            undo=plan.undo or "",
            is_final=plan.undo is None,
            builds=_built(self._statement(place), plan.effects),
            touches=_touched([plan]),
            priced=priced(plan.effects, self.learned),
        )

    def _why(self, plans: Sequence[StatementPlan]) -> str:
        kinds = list(dict.fromkeys(plan.kind for plan in plans))
        return ", ".join(kinds[:4]) + (", ..." if len(kinds) > 4 else "")

    # --- what is taken apart ------------------------------------------------------------------------------------------

    def _apart(self, place: int, plan: StatementPlan) -> None:
        if plan.to_run:
            self.found.extend(self._step(step, plan) for step in plan.to_run)
        elif self._is_setting(place):
            self.settings = (*self.settings, place)
        elif self._control(place) is None and plan.verdict is not Verdict.SPLIT:
            # One that is split and has no steps is done in those of another.
            if plan.forbids_transaction:
                self.found.append(self._bare(place, plan))
            else:
                self.found.append(self._transaction((place,), [plan], _blocked_alone_s(plan.effects, self.stall_s)))

    def _step(self, step: Step, plan: StatementPlan) -> Unit:
        common = Unit(
            ordinal=0,
            kind=UnitKind.TRANSACTION,
            why=step.why,
            line=plan.line,
            undo=step.undo,
            is_final=step.is_final,
            settings=self.settings,
            seconds=total(effect.seconds for effect in step.effects) if step.effects else NO_TIME,
            touches=tuple(sorted({effect.relation for effect in step.effects})),
            priced=priced(step.effects, self.learned),
        )
        match step:
            case StatementStep():
                return self._statement_step(step, common)
            case Backfill():
                return replace(common, kind=UnitKind.BACKFILL, limits=StepKind.BATCH, batches=batches_of(step))
            case Gather():
                return replace(common, kind=UnitKind.GATHER, relation=step.relation, columns=step.columns)
            case Wait():
                return replace(common, kind=UnitKind.WAIT, commands=(Command(sql=step.sql),))
            case _:
                raise TypeError(step)

    def _statement_step(self, step: StatementStep, common: Unit) -> Unit:
        commands = tuple(Command(sql=item.sql) for item in split_script(step.sql))
        if not step.is_transactional:
            (parsed,) = parse_all(step.sql)
            action = parsed.statement.action
            builds = _built_by(action, step.effects) if isinstance(action, CreateIndex) else None
            return replace(common, kind=UnitKind.STATEMENT, limits=step.kind, commands=commands, builds=builds)
        locks = _locks(step.effects)
        blocked_s = _blocked_alone_s(step.effects, self.stall_s)
        return replace(common, limits=step.kind, commands=commands, locks=locks, blocked_s=blocked_s)

    # --- one statement ------------------------------------------------------------------------------------------------

    def _statement(self, place: int) -> ReadStatement:
        return self.item.read.statements[place]

    def _control(self, place: int) -> str | None:
        statement = self._statement(place).statement
        action = statement.action if statement is not None else None
        return action.what if isinstance(action, TransactionControl) else None

    def _is_edge(self, place: int) -> bool:
        return self._control(place) in _OPENS | _CLOSES

    def _is_setting(self, place: int, *, outlives: bool = False) -> bool:
        statement = self._statement(place).statement
        action = statement.action if statement is not None else None
        is_set = isinstance(action, SetSetting) and not (outlives and action.is_local)
        return is_set or _SETS_BY_CALL.match(self._statement(place).script.sql) is not None


def _locks(effects: Iterable[Effect]) -> tuple[WantedLock, ...]:
    """Relations that others are kept out of, in one order for every program."""
    strongest: dict[tuple[str, str], WantedLock] = {}
    for effect in effects:
        if effect.keeps_others_out and not effect.is_new:
            key = (effect.schema, effect.name)
            known = strongest.get(key)
            if known is None or effect.lock > known.mode:
                strongest[key] = WantedLock(
                    schema=effect.schema, name=effect.name, mode=effect.lock, is_table=effect.kind in ("r", "p")
                )
    return tuple(strongest[key] for key in sorted(strongest))


def _kind(plans: Sequence[StatementPlan]) -> StepKind:
    """Nobody is kept out: the limits are those of the work."""
    work = {kind for plan in plans for effect in plan.effects for kind in effect.work}
    return StepKind.VALIDATION if work & LONG else StepKind.CATALOG


def _touched(plans: Sequence[StatementPlan]) -> tuple[str, ...]:
    return tuple(sorted({effect.relation for plan in plans for effect in plan.effects}))


def _seconds(plans: Sequence[StatementPlan]) -> Seconds | None:
    return total(plan.seconds for plan in plans)


def _blocked_s(transaction: TransactionPlan, plans: Sequence[StatementPlan], stall_s: float) -> float | None:
    """How long others may be kept out by what the plan passes, where that is longer than the limit."""
    shutting = [hold for hold in transaction.holds if hold.shuts_out]
    new = {effect.relation for plan in plans for effect in plan.effects if effect.is_new}
    longest = [
        hold.seconds.high if hold.seconds is not None else _UNKNOWN_S for hold in shutting if hold.relation not in new
    ]
    found = max(longest, default=0.0)
    return found if found > stall_s else None


def _blocked_alone_s(effects: Iterable[Effect], stall_s: float) -> float | None:
    shutting = [effect for effect in effects if effect.keeps_others_out and not effect.is_new]
    found = max((effect.seconds.high if effect.seconds is not None else 0.0 for effect in shutting), default=0.0)
    return found if found > stall_s else None


def _built(read: ReadStatement, effects: Sequence[Effect]) -> tuple[str, str] | None:
    action = read.statement.action if read.statement is not None else None
    return _built_by(action, effects) if isinstance(action, CreateIndex) else None


def _built_by(action: CreateIndex, effects: Sequence[Effect]) -> tuple[str, str] | None:
    """Schema and name of the index; it is where its table is. None where the server will choose the name."""
    tables = [effect.schema for effect in effects if Work.INDEX_BUILD in effect.work] or [
        effect.schema for effect in effects
    ]
    if action.name is None or not tables:
        return None
    return action.table.schema or tables[0], action.name


def batches_of(step: Backfill) -> Batches:
    """A backfill as a program has it."""
    return Batches(
        relation=step.relation,
        oid=step.oid,
        keys=step.keys,
        key_types=step.key_types,
        sql=step.batch,
        rows=step.rows,
        pins=step.pins,
        is_repeatable=step.is_repeatable,
    )


def _gather(relation: str, columns: tuple[str, ...], settings: tuple[int, ...]) -> Unit:
    return Unit(
        ordinal=0,
        kind=UnitKind.GATHER,
        limits=StepKind.VALIDATION,
        why=f"gathers the statistics of {relation} that the migration threw away",
        relation=relation,
        columns=columns,
        # Who may alter the table by a role that the file has set may analyze it only so.
        settings=settings,
        seconds=NO_TIME,
    )
