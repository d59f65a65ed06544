"""The names that the server chooses for what was given none.

Source: PostgreSQL 18 `indexcmds.c` (makeObjectName, ChooseRelationName, ChooseIndexNameAddition), `pg_constraint.c`
(ChooseConstraintName), `tablecmds.c` (ChooseForeignKeyConstraintNameAddition).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import chain, count

from gate.model.catalog import Relation
from gate.model.snapshot import Snapshot

LONGEST = 63
"""Bytes of a name: NAMEDATALEN less the zero at its end."""


def constraint_name(
    world: Snapshot,
    schema: str,
    table: str,
    columns: Iterable[str],
    label: str,
    *,
    others: frozenset[str] = frozenset(),
) -> str:
    """That of a check, a foreign key or a NOT NULL: free among all constraints of the schema, and among `others`."""
    taken = constraint_names(world, schema) | others
    return _free(table, _joined(columns), label, lambda name: name in taken)


def named_after(names: Iterable[str], table: Relation) -> tuple[str, ...]:
    """The column that a check is named after: the only one that it uses; none where it uses several, or the row.

    `names` are those that stand in its expression.
    """
    used = {name for name in names if name == table.name or name in _SYSTEM_COLUMNS or table.column(name)}
    return tuple(used) if len(used) == 1 and (table.name not in used or table.column(table.name)) else ()


_SYSTEM_COLUMNS = frozenset({"tableoid", "ctid", "xmin", "xmax", "cmin", "cmax"})


def index_name(world: Snapshot, schema: str, table: str, columns: Iterable[str], label: str) -> str:
    """That of a key's index, and so of the key: no relation of the schema has it, and no constraint."""
    taken = constraint_names(world, schema)
    return _free(
        table,
        _joined(columns),
        label,
        lambda name: name in taken or (schema, name) in world.names or (schema, name) in world.taken_names,
    )


def sequence_name(world: Snapshot, schema: str, table: str, column: str, *, label: str = "seq") -> str:
    """That of the sequence of a serial or identity column."""
    return _free(
        table, column, label, lambda name: (schema, name) in world.names or (schema, name) in world.taken_names
    )


def constraint_names(world: Snapshot, schema: str) -> frozenset[str]:
    """Of all constraints of the schema that are known."""
    here = (relation for relation in world.relations.values() if relation.schema == schema)
    known = frozenset(constraint.name for relation in here for constraint in relation.constraints)
    return known | {name for place, name in world.taken_constraint_names if place == schema}


def _joined(columns: Iterable[str]) -> str | None:
    """Joined until it is too long for a name anyway."""
    joined = ""
    for column in columns:
        joined = f"{joined}_{column}" if joined else column
        if len(joined.encode()) > LONGEST:
            break
    return joined or None


def _free(first: str, second: str | None, label: str, is_taken: Callable[[str], bool]) -> str:
    """The first that is free, with a number behind its label if need be."""
    labels = chain((label,), (f"{label}{number}" for number in count(1)))
    return next(name for name in (object_name(first, second, item) for item in labels) if not is_taken(name))


def object_name(first: str, second: str | None, label: str) -> str:
    """`first_second_label` in 63 bytes: the longer of the two is cut, never inside of a character."""
    one, two = first.encode(), (second or "").encode()
    room = LONGEST - len(label.encode()) - (1 if second is None else 2)
    kept_one, kept_two = len(one), len(two)
    while kept_one + kept_two > room:
        if kept_one > kept_two:
            kept_one -= 1
        else:
            kept_two -= 1
    parts = [one[:kept_one].decode(errors="ignore")]
    if second is not None:
        parts.append(two[:kept_two].decode(errors="ignore"))
    return "_".join((*parts, label))
