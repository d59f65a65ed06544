"""Many plans as few: databases whose plans differ in numbers only are one group, with the range of each number."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from gate.model.effects import Effect
from gate.model.fleet import Group, Range, Touched
from gate.model.plan import MigrationPlan, Plan, StatementPlan, Verdict
from gate.plan.likeness import Likeness, likeness


@dataclass
class _Span:
    """The least and the most so far."""

    least: float | None = None
    most: float | None = None
    most_on: str | None = None
    unknown: int = 0

    def add(self, name: str, least: float | None, most: float | None) -> None:
        if least is None or most is None:
            self.unknown += 1
            return
        self.least = least if self.least is None else min(self.least, least)
        if self.most is None or most > self.most:
            self.most, self.most_on = most, name

    @property
    def range(self) -> Range:
        return Range(least=self.least, most=self.most, most_on=self.most_on, unknown=self.unknown)


@dataclass
class _Spans:
    """The numbers of one relation under one statement."""

    rows: _Span = field(default_factory=_Span)
    size_bytes: _Span = field(default_factory=_Span)
    seconds: _Span = field(default_factory=_Span)

    def add(self, name: str, effect: Effect) -> None:
        self.rows.add(name, effect.rows, effect.rows)
        self.size_bytes.add(name, effect.size_bytes, effect.size_bytes)
        low, high = (effect.seconds.low, effect.seconds.high) if effect.seconds is not None else (None, None)
        self.seconds.add(name, low, high)


@dataclass
class _Group:
    """One kind of plan. Only the plan of the largest database is kept."""

    example_name: str
    example: Plan
    names: list[str] = field(default_factory=list)
    in_the_way: list[str] = field(default_factory=list)
    spans: list[_Spans] = field(default_factory=list)

    def add(self, name: str, plan: Plan) -> None:
        self.names.append(name)
        if plan.blockers:
            self.in_the_way.append(name)
        effects = [effect for _, _, effect in _effects(plan)]
        self.spans = self.spans or [_Spans() for _ in effects]
        for spans, effect in zip(self.spans, effects, strict=True):
            spans.add(name, effect)
        if _weight(plan) > _weight(self.example):
            self.example_name, self.example = name, plan

    def done(self, order: dict[str, int]) -> Group:
        touched = (
            Touched(
                migration=migration.id,
                path=migration.path,
                line=statement.line,
                relation=effect.relation,
                lock=effect.lock.value,
                rows=spans.rows.range,
                size_bytes=spans.size_bytes.range,
                seconds=spans.seconds.range,
            )
            for (migration, statement, effect), spans in zip(_effects(self.example), self.spans, strict=True)
        )
        return Group(
            names=tuple(sorted(self.names, key=order.__getitem__)),
            example_name=self.example_name,
            example=self.example,
            touched=tuple(touched),
            in_the_way=tuple(sorted(self.in_the_way, key=order.__getitem__)),
        )


@dataclass
class Groups:
    """Takes plans in any order, and says in the end which are alike."""

    found: dict[Likeness, _Group] = field(default_factory=dict)

    def add(self, name: str, plan: Plan) -> None:
        """One database more."""
        self.found.setdefault(likeness(plan), _Group(name, plan)).add(name, plan)

    def done(self, names: tuple[str, ...]) -> tuple[Group, ...]:
        """The worst verdict first, then the group with most databases; `names` is the order within."""
        order = {name: place for place, name in enumerate(names)}
        made = [group.done(order) for group in self.found.values()]
        verdicts = list(Verdict)
        return tuple(
            sorted(made, key=lambda one: (-verdicts.index(one.verdict), one.is_quiet, -len(one.names), one.names))
        )


def _effects(plan: Plan) -> Iterator[tuple[MigrationPlan, StatementPlan, Effect]]:
    for migration in plan.migrations:
        for statement in migration.statements:
            for effect in statement.effects:
                yield migration, statement, effect


def _weight(plan: Plan) -> tuple[float, int]:
    """Of two plans that say the same the one that takes longer shows more, then the one of the larger relations."""
    effects = [effect for _, _, effect in _effects(plan)]
    seconds = sum(effect.seconds.high for effect in effects if effect.seconds is not None)
    return seconds, sum(effect.size_bytes or 0 for effect in effects)
