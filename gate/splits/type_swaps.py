"""The exchange of a column for its new self: one transaction that reads and writes no row of the table.

The old column takes its indexes, checks and keys along; what was built for the new one gets their names.
"""

from __future__ import annotations

from collections.abc import Iterator

from gate.model.catalog import Constraint, Index, Relation, Sequence
from gate.model.names import Name, quoted
from gate.model.steps import StatementStep
from gate.splits.finding import name_of
from gate.splits.retyping import Retyping, new_type
from gate.splits.type_copies import Copies
from gate.sql.rewriting.columns import drop_column, set_default, take_position
from gate.sql.rewriting.constraints import drop_constraint, set_not_null
from gate.sql.rewriting.handing_over import (
    cluster_on,
    comment,
    grant_on_sequence,
    identify_by,
    key_by_index,
    rename,
    rename_column,
    rename_constraint,
)
from gate.sql.rewriting.type_changes import drop_keeper, identify, take_over_sequence

_BYTES = {"int2": 2, "int4": 4, "int8": 8}


def exchange(of: Retyping, made: Copies) -> StatementStep:
    """See the module."""
    name = quoted(of.column.name)
    return StatementStep(
        sql="; ".join(
            (
                *drop_keeper(of.on, of.trigger, of.function),
                *_ready(of, made),
                drop_column(of.on, of.column.name),
                rename_column(of.on, of.beside, of.column.name),
                *_indexes(of, made),
                *_constraints(of, made),
                *_default(of),
                *_comments(of, made),
            )
        ),
        why=f"{name} of {of.on} is the new column from now on, behind all others (INSERT and COPY without "
        "column names meet it there), and the old one goes; no row is read or written; this cannot be taken back",
        is_final=True,
    )


def _ready(of: Retyping, made: Copies) -> Iterator[str]:
    """What must be so, or be gone, before the old column goes."""
    if of.column.is_not_null and made.not_null is None:
        yield set_not_null(of.on, of.beside)
    if made.proof:
        yield drop_constraint(of.on, made.proof)
    for key in made.keys:
        yield drop_constraint(name_of(key.table), key.old.name)
    yield from _sequences(of)


def _indexes(of: Retyping, made: Copies) -> Iterator[str]:
    for old, name in made.indexes:
        constraint = next((item for item in of.table.constraints if item.oid == old.constraint), None)
        if constraint is None:
            yield rename("index", Name(name, of.table.schema), old.name)
        else:
            yield key_by_index(
                of.on,
                constraint.name,
                name,
                is_primary=constraint.kind == "p",
                is_deferrable=constraint.is_deferrable,
                is_deferred=constraint.is_deferred,
            )
        yield from _marks(of, old)


def _marks(of: Retyping, old: Index) -> Iterator[str]:
    if old.is_clustered:
        yield cluster_on(of.on, old.name)
    if old.is_replica_identity:
        yield identify_by(of.on, old.name)


def _constraints(of: Retyping, made: Copies) -> Iterator[str]:
    for old, name in (*([made.not_null] if made.not_null else []), *made.checks):
        yield rename_constraint(of.on, name, old.name)
    for key in made.keys:
        yield rename_constraint(name_of(key.table), key.name, key.old.name)
    for item, name in made.statistics:
        yield rename("statistics", Name(name, item.schema), item.name)


# --- where its values come from ---------------------------------------------------------------------------------------


def _sequences(of: Retyping) -> Iterator[str]:
    """A sequence of its own goes over; an identity's cannot, so that another begins where that one stands."""
    for item in of.before.relations.values():
        sequence = item.sequence
        if sequence is None or (sequence.owner_table, sequence.owner_column) != (of.table.oid, of.column.number):
            continue
        if sequence.is_identity:
            yield from _identity(of, item, sequence)
        else:
            yield take_over_sequence(name_of(item), of.on, of.beside, type_name=_widened(of, sequence))


def _identity(of: Retyping, item: Relation, sequence: Sequence) -> Iterator[str]:
    own = name_of(item)
    old = Name(of.names.sequence(of.table, of.column.name), item.schema)
    options = {
        "start": sequence.start,
        "increment": sequence.increment,
        "minvalue": _bound(of, sequence, sequence.minimum),
        "maxvalue": _bound(of, sequence, sequence.maximum),
        "cache": sequence.cache,
    }
    yield rename("sequence", own, old.name)
    yield identify(of.on, of.beside, own, options.items(), is_always=of.column.identity == "a", cycles=sequence.cycles)
    yield take_position(own, old)
    for granted in sequence.grants:
        if granted.grantee != item.owner:
            yield grant_on_sequence(own, granted)
    if sequence.comment is not None:
        yield comment("sequence", own, sequence.comment)


def _widened(of: Retyping, sequence: Sequence) -> str:
    """The integer type that the sequence needs to reach all that the column can hold; nothing where it has it."""
    new, old = new_type(of), of.before.types.get(sequence.type)
    if new is None or old is None or new.name not in _BYTES or old.name not in _BYTES:
        return ""
    return new.name if _BYTES[new.name] > _BYTES[old.name] else ""


def _bound(of: Retyping, sequence: Sequence, value: int) -> int:
    """A bound that was the old type's becomes the new one's, as ALTER SEQUENCE ... AS has it."""
    new, old = new_type(of), of.before.types.get(sequence.type)
    if new is None or old is None or new.name not in _BYTES or old.name not in _BYTES:
        return value
    least, most = _range(_BYTES[old.name])
    return dict(zip((least, most), _range(_BYTES[new.name]), strict=True)).get(value, value)


def _range(size: int) -> tuple[int, int]:
    return -(2 ** (8 * size - 1)), 2 ** (8 * size - 1) - 1


def _default(of: Retyping) -> Iterator[str]:
    """The statement's own parts, else the old one: the server casts that as an assignment does, too."""
    if of.case.defaults:
        yield from of.case.defaults
    elif of.column.default is not None:
        yield set_default(of.on, of.column.name, of.column.default)


def _comments(of: Retyping, made: Copies) -> Iterator[str]:
    if of.column.comment is not None:
        yield comment("column", of.on, of.column.comment, of=of.column.name)
    for index, _ in made.indexes:
        if index.comment is not None:
            yield comment("index", Name(index.name, index.schema), index.comment)
        owner = next((item for item in of.table.constraints if item.oid == index.constraint), None)
        yield from _of_constraint(of.table, owner)
    for old, _ in (*([made.not_null] if made.not_null else []), *made.checks):
        yield from _of_constraint(of.table, old)
    for key in made.keys:
        yield from _of_constraint(key.table, key.old)
    for item, _ in made.statistics:
        if item.comment is not None:
            yield comment("statistics", Name(item.name, item.schema), item.comment)


def _of_constraint(table: Relation, constraint: Constraint | None) -> Iterator[str]:
    if constraint is not None and constraint.comment is not None:
        yield comment("constraint", name_of(table), constraint.comment, of=constraint.name)
