"""Foreign keys that are narrower than the key they refer to: those that a statement makes.

Source: PostgreSQL 18 "Numeric Types"; `tablecmds.c` ATAddForeignKeyConstraint takes any types that compare.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from gate.model.actions import (
    Action,
    AddColumn,
    AddConstraint,
    AlterTable,
    ConstraintSpec,
    CreateTable,
    SetType,
)
from gate.model.capacity import WHOLE, KeyPair
from gate.model.catalog import Column, Relation
from gate.model.names import Name, quoted
from gate.model.plan import Finding, Severity
from gate.model.rules import STATEMENT, Rule
from gate.model.snapshot import Snapshot
from gate.rules.alter_table import apply_alter_table
from gate.rules.foreign_keys import key_columns
from gate.rules.lookup import maybe_relation, referencing
from gate.rules.ruling import Among, FamilyRule
from gate.rules.tables import apply_create_table

_NUMERIC, _VARCHAR, _BPCHAR, _TEXT = 1700, 1043, 1042, 25
_HEADER = 4
NARROW = "foreign-key-narrower-than-key"


def is_narrower(own: int, own_typmod: int, key: int, key_typmod: int) -> bool:
    """Whether the key can hold values that the column that refers to it cannot; types by oid."""
    if own in WHOLE and key in WHOLE:
        return WHOLE[own][1] < WHOLE[key][1]
    if own in WHOLE and key == _NUMERIC:
        digits = ((key_typmod - _HEADER) >> 16) & 0xFFFF
        return key_typmod == -1 or digits > len(str(WHOLE[own][1])) - 1
    if own in (_VARCHAR, _BPCHAR) and own_typmod != -1:
        return (key in (_VARCHAR, _BPCHAR) and (key_typmod == -1 or key_typmod > own_typmod)) or key == _TEXT
    return False


def narrow(pair: KeyPair) -> tuple[str, str]:
    """The harm and the way out."""
    key = f"{pair.key_table}.{pair.key_column}"
    problem = (
        f"{pair.table}.{pair.column} is {pair.type_name} and refers to {key}, which is {pair.key_type_name}: once the "
        f"key passes what {pair.type_name} holds, every insert that refers to a new row fails"
    )
    return problem, f"make {written(pair.table)}.{quoted(pair.column)} {pair.key_type_name}"


def written(full_name: str) -> str:
    """`schema.name` as it may be pasted."""
    return str(_name(full_name))


# --- statements -------------------------------------------------------------------------------------------------------


def _makes_narrow(among: Among) -> Iterator[Finding]:
    """Foreign keys that the statement makes narrower than their key, and that no later one makes wide again."""
    deed, last = among.deed, among.deeds[-1]
    if deed.action is None:
        return
    after, names = _after(deed.action, deed.before)
    known = set(_all_narrow(deed.before, names))
    end = last.before if last.action is None else _after(last.action, last.before)[0]
    for pair in dict.fromkeys(_all_narrow(after, names)):
        if pair not in known and pair in _all_narrow(end, [_name(pair.table)]):
            problem, remedy = narrow(pair)
            yield Finding(
                rule=NARROW,
                severity=Severity.REFUSE if pair.type in WHOLE else Severity.WARN,
                problem=problem,
                remedy=f"{remedy}, in the same migration: a new column is given that type at once, a large one is "
                "changed in steps",
                relation=pair.table,
            )


def _name(full_name: str) -> Name:
    schema, _, name = full_name.partition(".")
    return Name(name, schema)


def _after(action: Action, before: Snapshot) -> tuple[Snapshot, tuple[Name, ...]]:
    match action:
        case AlterTable(parts=parts, name=name) if any(
            isinstance(part, AddConstraint | AddColumn | SetType) for part in parts
        ):
            return apply_alter_table(action, before), (name,)
        case CreateTable(name=name) if _foreign(action):
            return apply_create_table(action, before), (name,)
        case _:
            return before, ()


def _foreign(action: CreateTable) -> list[ConstraintSpec]:
    inline = (spec for column in action.columns for spec in column.constraints)
    return [spec for spec in (*action.constraints, *inline) if spec.kind == "f"]


def _all_narrow(world: Snapshot, names: Iterable[Name]) -> Iterator[KeyPair]:
    """The narrow foreign keys of these tables, and those that refer to them."""
    for name in names:
        table = maybe_relation(world, name)
        if table is None:
            continue
        yield from _of_table(table, world)
        for other, constraint in referencing(world, table):
            if other.oid != table.oid and not constraint.parent:
                yield from (pair for pair in _of_table(other, world) if pair.name == constraint.name)


def _of_table(table: Relation, world: Snapshot) -> Iterator[KeyPair]:
    for constraint in table.constraints:
        referenced = world.relations.get(constraint.referenced) if constraint.kind == "f" else None
        if referenced is None:
            continue
        numbers = constraint.referenced_columns or key_columns(referenced, ConstraintSpec(kind="f"))
        for own, other in zip(constraint.columns, numbers, strict=False):
            mine, theirs = table.column_number(own), referenced.column_number(other)
            if mine and theirs and is_narrower(mine.type, mine.typmod, theirs.type, theirs.typmod):
                yield KeyPair(
                    name=constraint.name,
                    table=table.full_name,
                    column=mine.name,
                    type=mine.type,
                    typmod=mine.typmod,
                    type_name=_type_name(mine),
                    key_table=referenced.full_name,
                    key_column=theirs.name,
                    key_type=theirs.type,
                    key_typmod=theirs.typmod,
                    key_type_name=_type_name(theirs),
                )


_NAMES = {_NUMERIC: "numeric", _VARCHAR: "varchar", _BPCHAR: "character", _TEXT: "text"}


def _type_name(column: Column) -> str:
    if column.type in WHOLE:
        return WHOLE[column.type][0]
    length = f"({column.typmod - _HEADER})" if column.typmod != -1 and column.type in (_VARCHAR, _BPCHAR) else ""
    return _NAMES[column.type] + length


RULES = (
    FamilyRule(
        rule=Rule(
            name=NARROW,
            about=STATEMENT,
            harm="A foreign key is of a narrower type than the key that it refers to. All is well until the key passes "
            "what the narrow type holds; then every insert that refers to a new row fails, at once and for good, and "
            "the repair rewrites a table that has become large.",
            way_out="Give both the same type when the column is made. Where it stands already, ALTER COLUMN TYPE: on a "
            "large table it is run in steps, beside running queries.",
        ),
        finds_among=_makes_narrow,
        setup="CREATE TABLE r (id bigint PRIMARY KEY); CREATE TABLE t (a integer, b bigint)",
        bad="ALTER TABLE t ADD FOREIGN KEY (a) REFERENCES r NOT VALID",
        good="ALTER TABLE t ADD FOREIGN KEY (b) REFERENCES r NOT VALID",
    ),
)
