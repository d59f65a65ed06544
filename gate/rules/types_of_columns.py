"""ALTER COLUMN TYPE: rewrite or not, which indexes are built anew, which foreign keys are made again.

Source: PostgreSQL 18 `tablecmds.c` (ATPrepAlterColumnType, ATExecAlterColumnType, RememberAllDependentForRebuilding,
ATPostAlterTypeCleanup), `indexcmds.c` CheckIndexCompatible.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import cast

from gate.model.actions import Action, Part, SetType
from gate.model.catalog import Column, Constraint, Index, IndexKey, Ref, Relation, Type
from gate.model.effects import Effect, NotUnderstood, ServerWouldReject, Touch
from gate.model.facts import Expect, Fact, Proof
from gate.model.locks import LockMode
from gate.model.names import Name, quoted
from gate.model.plan import Finding, Severity
from gate.model.rules import STATEMENT, Rule
from gate.model.snapshot import Snapshot
from gate.model.work import Work
from gate.rules.alter_table import At, PartRule, always
from gate.rules.coercion import Shape, assignment_exists, column_shape, rewrites, shape_of
from gate.rules.columns import identity_sequences
from gate.rules.dependents import CLASS
from gate.rules.lookup import family, referencing
from gate.rules.proven import column_named
from gate.rules.ruling import FamilyRule

AE, SRE = LockMode.ACCESS_EXCLUSIVE, LockMode.SHARE_ROW_EXCLUSIVE
_SCAN = frozenset({Work.VALIDATION_SCAN})


def _set_type(part: Part, at: At) -> Iterator[Touch]:
    change = cast(SetType, part)
    column = column_named(at.table, change.column)
    new = shape_of(change.type, at.world)
    _check(change, column, new, at)
    if at.table.kind == "c":
        yield from _typed_tables(change, new, at)
        return
    for table in at.targets:
        mine = table.column(change.column)
        if mine is not None:
            yield from _one_table(change, mine, new, replace(at, table=table))
    yield from _identity(column, at)


def _typed_tables(change: SetType, new: Shape, at: At) -> Iterator[Touch]:
    """Tables OF a composite type, and what inherits from them, follow it under CASCADE."""
    for typed in at.world.relations.values():
        if typed.of_type and typed.of_type == at.table.row_type:
            for table in family(at.world, typed):
                mine = table.column(change.column)
                if mine is not None:
                    yield from _one_table(change, mine, new, replace(at, table=table))


def _check(change: SetType, column: Column, new: Shape, at: At) -> None:
    if column.inherit_count:
        raise ServerWouldReject(f'cannot alter inherited column "{column.name}"', sqlstate="42P16")
    if column.number in at.table.partition_columns:
        raise ServerWouldReject(
            f'cannot alter column "{column.name}": it is part of the partition key of relation "{at.table.name}"',
            sqlstate="42P16",
        )
    old = column_shape(column, at.world).type
    while old.kind == "d" and old.base in at.world.types:
        old = at.world.types[old.base]
    target = new.type
    while target.kind == "d" and target.base in at.world.types:
        target = at.world.types[target.base]
    if change.using is None and old.oid != target.oid and not assignment_exists(old, target, at.world):
        raise ServerWouldReject(
            f'column "{column.name}" cannot be cast automatically to type {new.type.name}',
            sqlstate="42804",
            remedy=f"write USING {column.name}::{new.type.name}, or the conversion that is meant",
        )
    if at.table.kind != "c":
        _check_dependents(column, at)


_REFUSES = {
    "pg_rewrite": "a view or rule",
    "pg_policy": "a policy definition",
    "pg_trigger": "a trigger definition",
    "pg_proc": "a function or procedure",
}


def _check_dependents(column: Column, at: At) -> None:
    """Views, rules, policies, triggers and functions that use the column make the server refuse (0A000)."""
    for edge in at.world.dependents.get(Ref(CLASS, at.table.oid, column.number), ()):
        what = _REFUSES.get(edge.dependent.catalog)
        if edge.dependent.catalog == "pg_attrdef" and edge.kind != "a" and edge.relation == at.table.oid:
            continue
        if what is not None:
            raise ServerWouldReject(
                f'cannot alter type of a column used by {what}: {edge.name} depends on column "{column.name}"',
                sqlstate="0A000",
                remedy="drop what uses the column and create it again in the same transaction, or add a new column",
            )


# --- one table --------------------------------------------------------------------------------------------------------


def _one_table(change: SetType, column: Column, new: Shape, at: At) -> Iterator[Touch]:
    table = at.table
    rewrite = _rewrites(change, column, new, at)
    work: set[Work] = set()
    if rewrite and table.has_storage:
        work.add(Work.REWRITE)
    elif table.has_storage:
        if any(
            _must_rebuild(index, change, column, new, at) for index in table.indexes if column.number in index.columns
        ):
            work.add(Work.INDEX_BUILD)
        if any(
            item.kind == "c" and item.is_valid and item.is_enforced and column.number in item.columns
            for item in table.constraints
        ):
            work.add(Work.VALIDATION_SCAN)
    # A table without a byte has no statistics to lose.
    yield Touch(table.oid, at.lock, frozenset(work), loses=() if table.is_known_empty else (column.name,))
    yield from _foreign_keys(column, table, at.world, changes=rewrite or column.type != new.type.oid)


def _rewrites(change: SetType, column: Column, new: Shape, at: At) -> bool:
    if column.generated == "v":
        return False
    using = change.using
    old = column_shape(column, at.world)
    if column.generated == "s":
        return rewrites(old, new, at.world)
    if using is None or using.column == column.name:
        return rewrites(old, new, at.world)
    if using.cast_of == column.name and using.cast_to is not None:
        middle = shape_of(using.cast_to, at.world)
        if not _explicit_exists(old, middle, at):
            raise ServerWouldReject(f"cannot cast type {old.type.name} to {middle.type.name}", sqlstate="42846")
        return _explicitly_rewrites(old, middle, at) or rewrites(middle, new, at.world)
    return True


def _explicitly_rewrites(old: Shape, new: Shape, at: At) -> bool:
    """A cast that only exists through text computes every row."""
    try:
        return rewrites(old, new, at.world)
    except ServerWouldReject:
        return True


def _explicit_exists(old: Shape, new: Shape, at: At) -> bool:
    """An explicit cast exists by pg_cast, through text, or within one type."""
    if old.type.oid == new.type.oid or "S" in (old.type.category, new.type.category):
        return True
    if old.type.kind in "de" or new.type.kind in "de" or old.type.element or new.type.element:
        return True
    return any((item.source, item.target) == (old.type.oid, new.type.oid) for item in at.world.casts)


def _must_rebuild(index: Index, change: SetType, column: Column, new: Shape, at: At) -> bool:
    """CheckIndexCompatible: an index is kept only where operator classes and collations stay, without expressions."""
    if index.has_expressions or index.has_predicate or not index.is_valid or index.is_exclusion or index.parent:
        return True
    collation = _collation(change, new, at)
    for key in index.keys:
        if key.column != column.number:
            continue
        if key.collation and key.collation == column.collation and collation not in (None, key.collation):
            return True
        if not _same_opclass(key, index, new, at):
            return True
    return False


def _collation(change: SetType, new: Shape, at: At) -> int | None:
    if change.collation is None:
        return new.type.collation
    name = change.collation
    found = (
        item.oid
        for item in at.world.others
        if item.catalog == "pg_collation" and item.name == name.name and name.schema in (None, item.schema)
    )
    oid = next(found, None)
    if oid is None:
        raise ServerWouldReject(f'collation "{name}" does not exist', sqlstate="42704")
    return oid


def _same_opclass(item: IndexKey, index: Index, new: Shape, at: At) -> bool:
    old_input = at.world.types.get(item.opclass_input)
    if old_input is not None and old_input.name in ("anyarray", "anyenum", "anyrange", "anymultirange", "record"):
        return False
    if not item.is_default_opclass:
        return True
    return _default_opclass(index.method, new.type, at.world) == item.opclass


def _default_opclass(method: str, kind: Type, world: Snapshot) -> int | None:
    """GetDefaultOpClass: exact input type first, then one that the type is binary coercible to."""
    while kind.kind == "d" and kind.base in world.types:
        kind = world.types[kind.base]
    classes = [item for item in world.operator_classes if item.method == method and item.is_default]
    exact = next((item.oid for item in classes if item.input == kind.oid), None)
    if exact is not None:
        return exact
    coercible = {
        item.target for item in world.casts if item.source == kind.oid and item.method == "b" and item.context == "i"
    }
    return next((item.oid for item in classes if item.input in coercible), None)


# --- foreign keys and sequences ---------------------------------------------------------------------------------------


def _foreign_keys(column: Column, table: Relation, world: Snapshot, *, changes: bool) -> Iterator[Touch]:
    """Each foreign key at the column, on either side, is dropped and made again: ACCESS EXCLUSIVE on both tables.

    `changes` tells whether the type itself changes, or the table is rewritten: then it is validated anew.
    """
    for constraint in table.constraints:
        if constraint.kind == "f" and column.number in constraint.columns:
            yield from _remade(constraint, table, world, validates=changes)
    for other, found in referencing(world, table):
        if column.number in found.referenced_columns:
            yield from _remade(found, other, world, validates=changes)


def _remade(constraint: Constraint, table: Relation, world: Snapshot, *, validates: bool) -> Iterator[Touch]:
    validates = validates and constraint.is_valid and constraint.is_enforced
    for oid in (table.oid, constraint.referenced):
        relation = world.relations.get(oid)
        if relation is None:
            raise NotUnderstood(f"the other table of foreign key {constraint.name} was not read")
        yield Touch(oid, AE, _SCAN if validates and relation.has_storage else frozenset())


def _identity(column: Column, at: At) -> Iterator[Touch]:
    if column.identity:
        yield from (Touch(item.oid, SRE) for item in identity_sequences(at.world, at.table, column.number))


def _apply(part: Part, at: At) -> Snapshot:
    change = cast(SetType, part)
    new = shape_of(change.type, at.world)
    collation = _collation(change, new, at) or 0

    def changed(table: Relation) -> Relation:
        columns = tuple(
            replace(item, type=new.type.oid, typmod=new.typmod, collation=collation, has_statistics=False)
            if item.name == change.column
            else item
            for item in table.columns
        )
        return replace(table, columns=columns)

    return _without_old_type(at.world, at.targets, change.column).put(*(changed(table) for table in at.targets))


def _without_old_type(world: Snapshot, tables: tuple[Relation, ...], name: str) -> Snapshot:
    """Neither the column nor its default needs the old type any more: it may be dropped."""
    columns = [(table, column) for table in tables if (column := table.column(name)) is not None]
    refs = {Ref(CLASS, table.oid, column.number) for table, column in columns}
    holders = {table.oid for table in tables}
    left = dict(world.dependents)
    for old in {Ref("pg_type", column.type) for _, column in columns} & left.keys():
        left[old] = tuple(
            edge
            for edge in left[old]
            if edge.dependent not in refs and (edge.dependent.catalog, edge.relation in holders) != ("pg_attrdef", True)
        )
    return replace(world, dependents=left)


# --- rules ------------------------------------------------------------------------------------------------------------


def _statistics_lost(action: Action, effects: tuple[Effect, ...], before: Snapshot) -> Iterator[Finding]:
    """A warning for each table that keeps its rows but loses what the planner knew of a column."""
    del action, before
    for effect in effects:
        if effect.loses_statistics and not effect.is_new and not effect.is_known_empty and effect.kind in "rm":
            columns = ", ".join(quoted(name) for name in effect.loses_statistics)
            table = Name(effect.name, effect.schema)
            yield Finding(
                rule="statistics-lost",
                severity=Severity.WARN,
                problem=f"throws away the statistics of {effect.relation} ({columns}): until they are there again "
                "queries on it may get bad plans",
                remedy=f"run ANALYZE {table} ({columns}) right after it commits",
                relation=effect.relation,
            )


RULES = (
    FamilyRule(
        rule=Rule(
            name="statistics-lost",
            about=STATEMENT,
            harm="A change of a column's type throws away the column's statistics, even where it rewrites nothing. "
            "Until the table is analysed again the planner guesses, and queries that were fast can become slow ones.",
            way_out="ANALYZE table (column) right after the change commits; do not wait for autovacuum to come by.",
        ),
        finds=_statistics_lost,
        setup="CREATE TABLE t (a varchar(10)); INSERT INTO t VALUES ('x'); ANALYZE t",
        bad="ALTER TABLE t ALTER COLUMN a TYPE text",
        good="ALTER TABLE t ALTER COLUMN a SET DEFAULT 'y'",
    ),
)

PARTS = {SetType: PartRule(always(AE), _set_type, _apply, order=1, kinds="rpfc")}

_DOC = "https://www.postgresql.org/docs/18/sql-altertable.html#SQL-ALTERTABLE-NOTES"


def _fact(form: str, column: str, target: str, *work: Work, index: str = "", zone: str = "") -> Fact:
    setup = (
        f"CREATE TABLE t (a {column}); INSERT INTO t VALUES (NULL); "
        + index
        + (f"; SET timezone = '{zone}'" if zone else "")
    )
    expect = Expect(relation="public.t", lock=AE, work=frozenset(work or {Work.CATALOG_ONLY}), loses_statistics=("a",))
    return Fact(
        form=form,
        source=_DOC,
        proof=Proof(setup=setup, statement=f"ALTER TABLE t ALTER COLUMN a TYPE {target}", expects=(expect,)),
    )


FACTS = (
    _fact("varchar to a longer varchar", "varchar(10)", "varchar(20)"),
    _fact("varchar to a shorter varchar", "varchar(20)", "varchar(10)", Work.REWRITE),
    _fact("varchar to text", "varchar(10)", "text"),
    _fact("text to varchar without length", "text", "varchar"),
    _fact("text to varchar(n)", "text", "varchar(10)", Work.REWRITE),
    _fact("char(n) to text", "char(10)", "text", Work.REWRITE),
    _fact("numeric to more precision", "numeric(10,2)", "numeric(12,2)"),
    _fact("numeric to another scale", "numeric(10,2)", "numeric(12,4)", Work.REWRITE),
    _fact("numeric to unconstrained", "numeric(10,2)", "numeric"),
    _fact("timestamp to more precision", "timestamp(3)", "timestamp(6)"),
    _fact("interval to less precision", "interval", "interval(3)", Work.REWRITE),
    _fact("int to bigint", "int", "bigint", Work.REWRITE),
    _fact("cidr to inet", "cidr", "inet"),
    _fact("inet to cidr", "inet", "cidr USING a::cidr", Work.REWRITE),
    _fact("bit varying to a longer one", "varbit(8)", "varbit(16)"),
    _fact("json to jsonb", "json", "jsonb USING a::jsonb", Work.REWRITE),
    _fact("array of a wider element", "varchar(5)[]", "varchar(10)[]", Work.REWRITE),
    _fact(
        "collation change of an indexed column",
        "text",
        'text COLLATE "C"',
        Work.INDEX_BUILD,
        index="CREATE INDEX ON t (a)",
    ),
    _fact("varchar to text, indexed", "varchar(10)", "text", index="CREATE INDEX ON t (a)"),
)
