"""ALTER TABLE: what its parts do to one relation, in the order in which the server does it.

Source: PostgreSQL 18 `tablecmds.c` (ATController: catalogs first, then one pass over the rows for all rewrites and
checks of a table, then the foreign keys).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from gate.model.actions import (
    AddColumn,
    AddConstraint,
    AlterTable,
    AttachPartition,
    ConstraintSpec,
    NamedPart,
    Part,
    SetType,
)
from gate.model.catalog import Index, Relation
from gate.model.expressions import Expression
from gate.model.rates import Figures
from gate.model.work import Work
from gate.plan.costs import indexing, joining, rewriting, scanning
from gate.plan.costs.amount import NOTHING, Amount, summed
from gate.plan.costs.extent import is_toasted, width_of
from gate.plan.costs.site import Site, columns_named, last_number, named

_RANDOM_UUIDS = frozenset({"gen_random_uuid", "uuid_generate_v4", "uuidv4", "uuidv7"})
# A date, a number or a text from another one.
_CONVERSION_CALLS = 1.5


def altered(action: AlterTable, site: Site) -> Amount | None:
    """All parts; None where the other side of a foreign key has an unknown size."""
    top = named(site.world, action.name)
    total = NOTHING
    if site.does(Work.REWRITE):
        total += _rewritten(action, site)
    builds = list(_builds(action, site)) if site.does(Work.INDEX_BUILD) else []
    if site.does(Work.INDEX_BUILD) and not builds:
        builds = [rewriting.all_indexes(site.extent, site.world, site.figures)]
    total += summed(builds)
    if site.does(Work.VALIDATION_SCAN):
        joined = joining.joined(action.parts, top, site) if top is not None else ()
        if joined is None:
            return None
        checks = list(_checks(action.parts, site))
        total += summed(joined)
        if not site.does(Work.REWRITE) and (checks or not joined):
            total += _scanned(checks, site)
    return total


# --- one pass over the rows -------------------------------------------------------------------------------------------


def _rewritten(action: AlterTable, site: Site) -> Amount:
    extent, figures = site.extent, site.figures
    if all(isinstance(part, NamedPart) and part.what == "SetTableSpace" for part in action.parts):
        return _copied(action, site)
    extra = sum(_computing_ns(part, figures) for part in action.parts)
    return rewriting.rewritten(extent, site.world, figures, extra_ns=extra)


def _copied(action: AlterTable, site: Site) -> Amount:
    oid = site.world.find(action.name)
    index = next((item for item in site.relation.indexes if item.oid == oid), None)
    if index is None:
        return rewriting.copied(site.extent.heap_bytes + site.extent.toast_bytes, site.figures)
    return rewriting.copied(index.size_bytes or 0, site.figures)


def _computing_ns(part: Part, figures: Figures) -> float:
    """What a new value takes, for one row."""
    match part:
        case AddColumn(spec=spec) if spec.serial or spec.identity:
            return figures.call_ns * 2
        case AddColumn(spec=spec):
            return _calls_ns(spec.default, figures) + _calls_ns(spec.generated, figures)
        case SetType(using=using):
            return figures.call_ns * _CONVERSION_CALLS + _calls_ns(using, figures)
        case _:
            return 0.0


def _calls_ns(expression: Expression | None, figures: Figures) -> float:
    if expression is None:
        return 0.0
    random = sum(1 for call in expression.calls if call.name.name in _RANDOM_UUIDS)
    other = len(expression.calls) - random + len(expression.operators) * 0.5
    return random * figures.random_uuid_ns + other * figures.call_ns


@dataclass(frozen=True, slots=True)
class _Check:
    """One thing asked of every row: the last column that it needs, what it takes where that is more than a comparison,
    and whether it looks into TOASTed values.
    """

    column: int
    extra_ns: float = 0.0
    reads_toast: bool = False


def _scanned(checks: list[_Check], site: Site) -> Amount:
    return scanning.scanned(
        site.extent,
        site.figures,
        checking_ns=max(1, len(checks)) * site.figures.check_ns + sum(check.extra_ns for check in checks),
        columns=max((check.column for check in checks), default=1),
        reads_toast=any(check.reads_toast for check in checks),
    )


def _checks(parts: tuple[Part, ...], site: Site) -> Iterator[_Check]:
    table = site.relation
    for part in parts:
        match part:
            case AddConstraint(spec=spec) if not spec.is_valid:
                pass
            case AddConstraint(spec=spec) if spec.kind in "cnp" and spec.index is None:
                yield _check(spec, site)
            case AddColumn(spec=spec):
                if spec.is_not_null or any(item.kind == "c" for item in spec.constraints):
                    yield _Check(len(table.columns) + 1)
            case NamedPart(what="SetNotNull", column=column):
                yield _Check(last_number(columns_named(table, (column,))))
            case NamedPart(what="ValidateConstraint", name=name):
                found = table.constraint(name or "")
                if found is not None and found.kind != "f":
                    columns = [item for number in found.columns if (item := table.column_number(number))]
                    yield _Check(
                        last_number(columns),
                        found.kind == "c" and any(is_toasted(item, site.extent) for item in columns),
                    )
            case AttachPartition() | SetType():
                yield _Check(len(table.columns))
            case _:
                pass


def _check(spec: ConstraintSpec, site: Site) -> _Check:
    expression = spec.expression
    if expression is None:
        return _Check(last_number(columns_named(site.relation, spec.columns)))
    columns = columns_named(site.relation, expression.columns)
    looks = bool(expression.calls or expression.operators)
    patterns = sum(1 for operator in expression.operators if "~" in operator)
    calls = len(expression.calls) * _CALLS_OF_A_CHECK + patterns * _CALLS_OF_A_PATTERN
    return _Check(
        last_number(columns),
        extra_ns=calls * site.figures.call_ns + len(expression.operators) * site.figures.check_ns,
        reads_toast=looks and any(is_toasted(column, site.extent) for column in columns),
    )


# A function of a text looks at all of it; LIKE and regular expressions do so again and again.
_CALLS_OF_A_CHECK = 2
_CALLS_OF_A_PATTERN = 4


# --- indexes ----------------------------------------------------------------------------------------------------------


def _builds(action: AlterTable, site: Site) -> Iterator[Amount]:
    for part in action.parts:
        match part:
            case AddConstraint(spec=spec) if spec.kind in "pux" and spec.index is None:
                yield _built(spec, site)
            case AddColumn(spec=spec):
                yield from (_built(item, site) for item in spec.constraints if item.kind in "pux")
            case SetType(column=name) if not site.does(Work.REWRITE):
                column = site.relation.column(name)
                for index in site.relation.indexes:
                    if column is not None and column.number in index.columns:
                        yield indexing.rebuilt(index, site.extent, site.world, site.figures)
            case AttachPartition(bound=bound) if bound is not None:
                yield from _missing(named(site.world, action.name), site)
            case _:
                pass


def _missing(parent: Relation | None, site: Site) -> Iterator[Amount]:
    """The parent's indexes that the attached table does not bring."""
    brought = {(item.method, _names(item, site.relation)) for item in site.relation.indexes}
    for index in parent.indexes if parent is not None else ():
        names = _names(index, parent)
        if (index.method, names) in brought:
            continue
        columns = [site.relation.column(name) if name else None for name in names]
        keys = [
            indexing.key_of(column, site.world, site.extent) if column else indexing.EXPRESSION_KEY
            for column in columns
        ]
        spec = indexing.IndexSpec(
            method=index.method,
            keys=tuple(keys),
            is_unique=index.is_unique,
            last_column=last_number(column for column in columns if column),
        )
        yield indexing.built(spec, site.extent, site.figures, site.server)


def _names(index: Index, table: Relation | None) -> tuple[str | None, ...]:
    """Of the key columns; None for an expression."""
    columns = [table.column_number(key.column) if table is not None else None for key in index.keys]
    return tuple(column.name if column else None for column in columns)


def _built(spec: ConstraintSpec, site: Site) -> Amount:
    columns = columns_named(site.relation, spec.columns)
    keys = [indexing.key_of(column, site.world, site.extent) for column in columns]
    missing = max(len(spec.columns), 1) - len(columns) if spec.has_expressions or not columns else 0
    built = indexing.IndexSpec(
        method=spec.method,
        keys=(*keys, *[indexing.EXPRESSION_KEY] * missing),
        included_width=sum(width_of(column, site.world) for column in columns_named(site.relation, spec.include)),
        is_unique=True,
        last_column=last_number(columns),
    )
    return indexing.built(built, site.extent, site.figures, site.server)
