"""What a column's new self needs before it can take the old one's place: indexes, checks, keys, statistics.

All of it is built while the table is read and written, under names of its own; the exchange gives it the old names.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from gate.model.catalog import Constraint, Index, Relation, Statistics
from gate.model.names import Name, quoted
from gate.model.steps import CannotSplit, Gather, StatementStep, Step, StepKind
from gate.splits.conversions import has_collation
from gate.splits.finding import name_of
from gate.splits.retyping import Retyping
from gate.sql.rewriting.alter_table import joined
from gate.sql.rewriting.constraints import (
    add_check,
    add_foreign_key,
    add_not_null,
    drop_constraint,
    validate_constraint,
)
from gate.sql.rewriting.handing_over import give_statistics
from gate.sql.rewriting.indexes import concurrently, drop_index
from gate.sql.rewriting.renaming import with_column_renamed
from gate.sql.rewriting.type_changes import (
    analyze,
    columns_of_statistics,
    drop_statistics,
    index_beside,
    is_equal,
    statistics_beside,
)


@dataclass(frozen=True, kw_only=True)
class KeyCopy:
    """A foreign key of `table`, and the name of the one that is like it but for the column."""

    table: Relation
    old: Constraint
    name: str


@dataclass(frozen=True, kw_only=True)
class Copies:
    """What is made anew, each with the name that it has until the exchange.

    `proof` is the check that the new column has the right value, empty where the column can be NULL and not compared.
    """

    proof: str
    not_null: tuple[Constraint, str] | None
    checks: tuple[tuple[Constraint, str], ...]
    indexes: tuple[tuple[Index, str], ...]
    keys: tuple[KeyCopy, ...]
    statistics: tuple[tuple[Statistics, str], ...]


def copies(of: Retyping, *, is_comparable: bool) -> Copies:
    """What hangs on the column, with new names."""
    table, number, names = of.table, of.column.number, of.names
    old_not_null = next((item for item in table.constraints if item.kind == "n" and number in item.columns), None)
    by_check = of.column.is_not_null and old_not_null is None
    return Copies(
        proof=names.constraint(table, of.column.name, "gate_same") if is_comparable or by_check else "",
        not_null=(old_not_null, names.constraint(table, of.column.name, "gate_not_null")) if old_not_null else None,
        checks=tuple(
            (item, names.constraint(table, of.column.name, "gate_check"))
            for item in table.constraints
            if item.kind == "c" and number in item.columns
        ),
        indexes=tuple((item, names.index(table, of.column.name)) for item in table.indexes if number in item.columns),
        keys=tuple(_keys(of)),
        statistics=tuple(
            (item, names.statistics(table, of.column.name)) for item in table.statistics if number in item.columns
        ),
    )


def _keys(of: Retyping) -> Iterator[KeyCopy]:
    for item in of.table.constraints:
        if item.kind == "f" and of.column.number in item.columns:
            yield _key(of, of.table, item)
    for table, item in referencing(of):
        if not (table.oid == of.table.oid and of.column.number in item.columns):
            yield _key(of, table, item)


def _key(of: Retyping, table: Relation, item: Constraint) -> KeyCopy:
    return KeyCopy(table=table, old=item, name=of.names.constraint(table, of.column.name, "gate_fkey"))


def referencing(of: Retyping) -> Iterator[tuple[Relation, Constraint]]:
    """The foreign keys, of any table, that refer to the column."""
    for table_oid, oid in of.table.referenced_by:
        table = of.before.relations.get(table_oid)
        found = next((item for item in table.constraints if item.oid == oid), None) if table else None
        if table is None or found is None:
            raise CannotSplit(f"a table that refers to {of.on} was not read")
        if of.column.number in found.referenced_columns:
            yield table, found


# --- the steps --------------------------------------------------------------------------------------------------------


def proved(of: Retyping, made: Copies, *, is_comparable: bool) -> Iterator[Step]:
    """The checks, the new column's NOT NULL, and that it has the right value in every row: one scan for all."""
    on, beside = of.on, of.beside
    texts: list[str] = []
    names: list[str] = []
    if made.proof:
        by_check = of.column.is_not_null and made.not_null is None
        condition = is_equal(
            beside, of.cast, is_not_null=by_check, is_comparable=is_comparable, is_text=has_collation(of)
        )
        texts.append(add_check(on, made.proof, condition))
        names.append(made.proof)
    if made.not_null:
        old, name = made.not_null
        texts.append(add_not_null(on, name, beside, no_inherit=old.no_inherit))
        names += [name] if old.is_valid else []
    for old, name in made.checks:
        texts.append(_check_beside(of, old, name))
        names += [name] if old.is_valid and old.is_enforced else []
    if texts:
        yield StatementStep(
            sql=_joined(texts),
            why=f"new rows of {on} are held against what {quoted(of.column.name)} must be; old ones are not read",
            undo="; ".join(
                drop_constraint(on, name, missing_ok=True)
                for name in reversed([made.proof, *([made.not_null[1]] if made.not_null else []), *_names(made.checks)])
                if name
            ),
        )
    if names:
        yield StatementStep(
            sql=_joined(validate_constraint(on, name) for name in names),
            why=f"reads {on} once, while it is read and written: every row has in {quoted(beside)} what it must have",
            kind=StepKind.VALIDATION,
        )


def _names(found: Iterable[tuple[Constraint, str]]) -> list[str]:
    return [name for _, name in found]


def _joined(texts: Iterable[str]) -> str:
    found = joined(texts)
    assert found is not None
    return found


def _check_beside(of: Retyping, old: Constraint, name: str) -> str:
    if old.expression is None:
        raise CannotSplit(f"the condition of {quoted(old.name)} on {of.on} was not read")
    text = with_column_renamed(old.expression, of.column.name, of.beside)
    return add_check(of.on, name, text, no_inherit=old.no_inherit, is_enforced=old.is_enforced)


def indexed(of: Retyping, made: Copies) -> Iterator[Step]:
    """Each index, built beside readers and writers."""
    for old, name in made.indexes:
        assert old.written is not None
        sql = index_beside(old.written, of.on, name, of.column.name, of.beside, tablespace=old.tablespace)
        yield StatementStep(
            sql=concurrently(sql, name),
            why=f"builds what will be {quoted(old.name)} while {of.on} is read and written; waits for older "
            "transactions to end",
            kind=StepKind.CONCURRENT,
            is_transactional=False,
            undo=drop_index(Name(name, of.table.schema), missing_ok=True),
        )


def referred(of: Retyping, made: Copies) -> Iterator[Step]:
    """Each foreign key on either side, not valid first."""
    for item in made.keys:
        on = name_of(item.table)
        other = of.before.relations.get(item.old.referenced)
        if other is None:
            raise CannotSplit(f"the table that {quoted(item.old.name)} of {on} refers to was not read")
        yield StatementStep(
            sql=_key_beside(of, item, other),
            why=f"what will be {quoted(item.old.name)}: new rows of {on} are checked from now on; old ones are not "
            "read",
            undo=drop_constraint(on, item.name, missing_ok=True),
        )
        if item.old.is_valid and item.old.is_enforced:
            yield StatementStep(
                sql=validate_constraint(on, item.name),
                why=f"reads {on} and {name_of(other)} while both are read and written",
                kind=StepKind.VALIDATION,
            )


def _key_beside(of: Retyping, item: KeyCopy, other: Relation) -> str:
    old, table = item.old, item.table
    return add_foreign_key(
        name_of(table),
        item.name,
        _columns(of, table, old.columns),
        name_of(other),
        _columns(of, other, old.referenced_columns),
        actions=(old.match, old.on_delete, old.on_update),
        set_columns=_columns(of, table, old.set_columns),
        is_deferrable=old.is_deferrable,
        is_deferred=old.is_deferred,
        is_valid=False,
        is_enforced=old.is_enforced,
    )


def _columns(of: Retyping, table: Relation, numbers: Iterable[int]) -> list[str]:
    if table.oid == of.table.oid:
        return [of.named(number) for number in numbers]
    found = [table.column_number(number) for number in numbers]
    return [column.name for column in found if column]


def described(of: Retyping, made: Copies) -> Iterator[Step]:
    """Extended statistics; then what the planner has to know of the new column, before it is used."""
    for old, name in made.statistics:
        assert old.written is not None
        own = Name(name, old.schema)
        given = [give_statistics(own, old.owner)] if old.owner not in ("", of.before.server.role) else []
        yield StatementStep(
            sql="; ".join((statistics_beside(old.written, of.on, own, of.column.name, of.beside), *given)),
            why=f"what will be {quoted(old.name)}; nothing is read for it yet",
            undo=drop_statistics(own),
        )
    columns = () if _needs_all(made) else _analyzed(of, made)
    yield Gather(
        sql=analyze(of.on, columns),
        why=f"the planner knows {quoted(of.beside)} before any query uses it",
        relation=of.table.full_name,
        columns=columns,
    )


def _needs_all(made: Copies) -> bool:
    """What stands in the expressions of indexes is only sampled with the whole table."""
    return any(item.has_expressions for item, _ in made.indexes)


def _analyzed(of: Retyping, made: Copies) -> tuple[str, ...]:
    """The column, and those that its extended statistics are made with."""
    beside = (name for item, _ in made.statistics for name in columns_of_statistics(item.written or ""))
    return tuple(dict.fromkeys((of.beside, *(of.beside if name == of.column.name else name for name in beside))))
