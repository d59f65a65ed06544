"""Whether two indexes are so much alike that the server takes one as the other's part.

Source: PostgreSQL 18 `index.c` (CompareIndexInfo), `indexcmds.c` (DefineIndex). Expressions and predicates are alike
where their texts are.
"""

from __future__ import annotations

from gate.model.actions import CreateIndex
from gate.model.catalog import Index, Relation
from gate.sql.rewriting.indexes import signature


def is_as_written(action: CreateIndex, table: Relation, index: Index) -> bool:
    """Whether CREATE INDEX on the parent takes this index of a partition; an invalid one is taken as well."""
    if index.parent or index.is_exclusion or (index.is_unique, index.method) != (action.is_unique, action.method):
        return False
    if index.has_expressions or index.has_predicate or action.expressions or action.where:
        return index.definition is not None and signature(index.definition) == action.signature
    classes = action.opclasses or ("",) * len(action.columns)
    if any(bool(name) == key.is_default_opclass for name, key in zip(classes, index.keys, strict=False)):
        return False
    names = [_name(table, number) for number in (*(key.column for key in index.keys), *index.include)]
    return names == [*action.columns, *action.include]


def are_alike(index: Index, parent: Relation, other: Index, child: Relation) -> bool:
    """Whether ATTACH PARTITION takes the child's `other` for the parent's `index`."""
    if not other.is_valid or other.parent or index.method != other.method:
        return False
    if (index.is_unique, index.is_exclusion) != (other.is_unique, other.is_exclusion):
        return False
    if index.constraint and not other.constraint:
        return False
    if index.has_expressions or index.has_predicate or other.has_expressions or other.has_predicate:
        texts = [item.definition for item in (index, other)]
        return None not in texts and len({signature(text) for text in texts if text}) == 1
    return _shape(parent, index) == _shape(child, other) and all(
        one.opclass == another.opclass or 0 in (one.opclass, another.opclass)
        for one, another in zip(index.keys, other.keys, strict=True)
    )


def _shape(table: Relation, index: Index) -> tuple[object, ...]:
    """Its columns by name; the operator class of one that the plan makes is known by being the default one or not."""
    keys = [(_name(table, key.column), key.is_default_opclass, key.collation) for key in index.keys]
    return (keys, [_name(table, number) for number in index.include])


def _name(table: Relation, number: int) -> str | None:
    column = table.column_number(number)
    return column.name if column else None


def age(index: Index) -> tuple[bool, int]:
    """The server tries them by oid; those of this release come behind all others."""
    return index.oid < 0, abs(index.oid)
