"""A statement into steps: recipes are asked, and asked again of every step that still works under a blocking lock.

The steps are held against the catalog rolled forward, as any statement is, so that what a step locks is known by the
same facts.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import cast

from gate.model.actions import Action, AlterTable, NamedPart, SetDefault, SetType, Statement
from gate.model.effects import Effect, NotUnderstood, ServerWouldReject
from gate.model.snapshot import Snapshot
from gate.model.steps import Backfill, CannotSplit, Gather, StatementStep, Step, StepKind
from gate.model.work import LONG, Work
from gate.plan.inverses import inverse
from gate.rules import apply, derive
from gate.rules.merging import effects
from gate.splits import recipe_for
from gate.splits.case import Case
from gate.sql.parse import Parsed, parse_all
from gate.sql.rewriting.alter_table import groups, joined

# A recipe's step may need a recipe, and that one's too: a column with a key, its NOT NULL, its index.
_DEPTH = 6


def _as_they_are(action: Action, found: tuple[Effect, ...], before: Snapshot) -> tuple[Effect, ...]:  # noqa: ARG001
    return found


def _as_it_is(step: Backfill, before: Snapshot) -> Backfill:  # noqa: ARG001
    return step


@dataclass(frozen=True, kw_only=True)
class Prices:
    """Fills in traffic and cost: of a statement's effects, and of a backfill. Without any, the steps alone are made."""

    statement: Callable[[Action, tuple[Effect, ...], Snapshot], tuple[Effect, ...]] = _as_they_are
    backfill: Callable[[Backfill, Snapshot], Backfill] = _as_it_is


UNPRICED = Prices()


def steps_of(sql: str, statement: Statement, before: Snapshot, prices: Prices = UNPRICED) -> tuple[Step, ...]:
    """What to run instead of the statement. Raises CannotSplit where there is no safer way, with the reason."""
    splitter = _Splitter(before, prices)
    return tuple(splitter.split(sql, statement, _DEPTH))


def alone(sql: str, statement: Statement, found: tuple[Effect, ...], before: Snapshot) -> tuple[Step, ...]:
    """The statement as a step of its own: in a transaction by itself it holds its locks for itself only.

    Where nobody knows what takes it back, nobody knows whether it needs what was done before it.
    """
    undo = inverse(statement.action, before)
    return (
        StatementStep(
            sql=sql,
            why="by itself: nothing else is done while it holds its locks",
            kind=_kind(found, statement),
            is_transactional=not statement.forbids_transaction,
            undo=undo or "",
            is_final=undo is None,
            effects=found,
        ),
    )


def works_under_lock(found: tuple[Effect, ...]) -> bool:
    """Whether rows are worked on under a lock that shuts others out of a relation that may have some."""
    return any(
        set(effect.work) & LONG and effect.keeps_others_out and not (effect.is_new or effect.is_known_empty)
        for effect in found
    )


@dataclass
class _Splitter:
    """`world` is the catalog after the steps so far."""

    world: Snapshot
    prices: Prices

    def split(self, sql: str, statement: Statement, depth: int) -> Iterator[Step]:
        """The steps of a statement that is known to need them."""
        action = statement.action
        if isinstance(action, AlterTable) and len(action.parts) > 1:
            yield from self._parts(sql, action, depth)
            return
        recipe = recipe_for(action)
        if recipe is None or depth == 0:
            raise CannotSplit("there is no safer way to do this beside running queries")
        case = Case(sql=sql, action=action, effects=self._effects(action), before=self.world)
        for step in recipe(case):
            yield from self._step(step, depth - 1)

    def _parts(self, sql: str, action: AlterTable, depth: int) -> Iterator[Step]:
        """Part by part; those that do no work stay in one statement, which takes its lock once."""
        idle: tuple[str, ...] = ()
        for texts in groups(sql, self._constraints(action)):
            if self._is_idle((*idle, *texts)):
                idle = (*idle, *texts)
                continue
            yield from self._at_once(idle)
            idle = ()
            if self._is_idle(texts):
                # Under its own lock, not under that of the parts before it.
                idle = texts
            elif len(texts) > 1:
                yield from self._together(texts, depth)
            else:
                yield from self.split(texts[0], _statement_of(texts[0]), depth)
        yield from self._at_once(idle)

    def _constraints(self, action: AlterTable) -> dict[str, str]:
        oid = self.world.find(action.name)
        table = self.world.relations.get(oid) if oid is not None else None
        return {item.name: item.kind for item in table.constraints} if table is not None else {}

    def _is_idle(self, texts: tuple[str, ...]) -> bool:
        sql = joined(texts)
        return sql is not None and not works_under_lock(self._effects(_statement_of(sql).action))

    def _at_once(self, texts: tuple[str, ...]) -> Iterator[Step]:
        sql = joined(texts)
        if sql is not None:
            statement = _statement_of(sql)
            found, before = self._effects(statement.action), self.world
            self.world = apply(statement.action, before)
            yield alone(sql, statement, found, before)[0]

    def _together(self, texts: tuple[str, ...], depth: int) -> Iterator[Step]:
        """What one part takes away another gives back: the first steps of all are one statement, the others follow."""
        of_type = _with_defaults(texts)
        if of_type is not None:
            yield from self._retyped(*of_type, depth)
            return
        world = self.world
        first: list[str] = []
        later: list[Step] = []
        for text in texts:
            action = _statement_of(text).action
            found, begin = self._effects(action), text
            if works_under_lock(found):
                recipe = recipe_for(action)
                if recipe is None:
                    raise CannotSplit("there is no safer way to do this beside running queries")
                head, *rest = recipe(Case(sql=text, action=action, effects=found, before=self.world))
                begin, later = head.sql, [*later, *rest]
            first.append(begin)
            for parsed in parse_all(begin):
                self.world = apply(parsed.statement.action, self.world)
        self.world = world
        if any(len(parse_all(text)) > 1 for text in first) or not self._is_idle(tuple(first)):
            raise CannotSplit(_TOGETHER, remedy=_TOGETHER_REMEDY)
        yield from self._at_once(tuple(first))
        for step in later:
            # What an exchange began stays, as the exchange does.
            yield from self._step(replace(step, is_final=True), depth - 1)

    def _retyped(self, text: str, defaults: tuple[str, ...], later: tuple[str, ...], depth: int) -> Iterator[Step]:
        """A change of type takes the column's default along; what else is said of the column follows."""
        action = _statement_of(text).action
        recipe = recipe_for(action)
        assert recipe is not None
        found = self._effects(action)
        for step in recipe(Case(sql=text, action=action, effects=found, before=self.world, defaults=defaults)):
            yield from self._step(step, depth - 1)
        for other in later:
            if self._is_idle((other,)):
                yield from self._at_once((other,))
            else:
                yield from self.split(other, _statement_of(other), depth)

    def _step(self, step: Step, depth: int) -> Iterator[Step]:
        match step:
            case StatementStep(sql=sql):
                yield from self._statement(step, parse_all(sql), depth)
            case Backfill(batch=sql):
                found = self._effects(_statement_of(sql).action)
                yield self.prices.backfill(replace(step, effects=found), self.world)
            case Gather(sql=sql):
                yield replace(step, effects=self._effects(_statement_of(sql).action))
            case _:
                yield step

    def _statement(self, step: StatementStep, parsed: tuple[Parsed, ...], depth: int) -> Iterator[Step]:
        found: dict[str, Effect] = {}
        world = self.world
        for item in parsed:
            action = item.statement.action
            here = self._effects(action)
            if works_under_lock(here) and len(parsed) == 1 and depth:
                yield from self.split(step.sql, item.statement, depth)
                return
            found.update({effect.relation: effect for effect in here if _is_stronger(effect, found)})
            self.world = apply(action, self.world)
        merged = tuple(sorted(found.values(), key=lambda effect: (-effect.lock.strength, effect.relation)))
        if works_under_lock(merged):
            self.world = world
            raise CannotSplit("a part of it would still work under a lock that shuts others out")
        yield replace(step, effects=merged)

    def _effects(self, action: Action) -> tuple[Effect, ...]:
        try:
            return self.prices.statement(action, effects(derive(action, self.world), self.world), self.world)
        except (ServerWouldReject, NotUnderstood) as answer:
            raise CannotSplit(f"a step could not be foreseen: {answer.problem}", remedy=answer.remedy) from answer


_TOGETHER = "what it takes away must not be gone before what takes its place is there"
_TOGETHER_REMEDY = (
    "in a migration before this one make what takes its place, under another name (an index CONCURRENTLY, a constraint "
    "NOT VALID and validated); then exchange them in one statement"
)


def _with_defaults(texts: tuple[str, ...]) -> tuple[str, tuple[str, ...], tuple[str, ...]] | None:
    """The change of a column's type, the changes of its default, and what follows it; None for any other group."""
    parts = [(text, cast("AlterTable", _statement_of(text).action).parts[0]) for text in texts]
    types = [text for text, part in parts if isinstance(part, SetType)]
    defaults = tuple(text for text, part in parts if isinstance(part, SetDefault))
    later = tuple(text for text, part in parts if isinstance(part, NamedPart) and part.what in _AFTER_TYPE)
    columns = {part.column for _, part in parts}
    if len(types) != 1 or len(columns) != 1 or len(texts) != 1 + len(defaults) + len(later):
        return None
    return types[0], defaults, later


_AFTER_TYPE = frozenset({"SetNotNull", "SetStatistics", "SetOptions", "SetStorage", "SetCompression"})


def _statement_of(sql: str) -> Statement:
    """The only one in the text."""
    (parsed,) = parse_all(sql)
    return parsed.statement


def _is_stronger(effect: Effect, found: dict[str, Effect]) -> bool:
    return effect.relation not in found or effect.lock > found[effect.relation].lock


def _kind(found: tuple[Effect, ...], statement: Statement) -> StepKind:
    work = {kind for effect in found for kind in effect.work}
    if statement.forbids_transaction or Work.INDEX_BUILD in work:
        return StepKind.CONCURRENT
    if Work.VALIDATION_SCAN in work:
        return StepKind.VALIDATION
    return StepKind.BATCH if Work.WRITE in work else StepKind.CATALOG
