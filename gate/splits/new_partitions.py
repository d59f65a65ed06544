"""CREATE TABLE ... PARTITION OF beside a default partition, which would be read under ACCESS EXCLUSIVE.

The table is made by itself and attached, and ATTACH PARTITION is taken apart as any other.

Source: PostgreSQL 18 `tablecmds.c` (DefineRelation: check_default_partition_contents); "CREATE TABLE", PARTITION OF.
"""

from __future__ import annotations

from typing import cast

from gate.model.actions import CreateTable
from gate.model.names import Name
from gate.model.steps import CannotSplit, StatementStep, Step
from gate.splits.case import Case
from gate.splits.finding import name_of, relation
from gate.sql.rewriting.partitioning import attached, by_itself, drop_table


def new_partition(case: Case) -> tuple[Step, ...]:
    """See the module."""
    action = cast("CreateTable", case.action)
    if action.partition_of is None or action.bound is None:
        raise CannotSplit("a table of its own is made at once as it is")
    parent = relation(case.before, action.partition_of)
    if action.columns or action.constraints or action.is_foreign or action.if_not_exists:
        raise CannotSplit(
            f"a partition of {name_of(parent)} with columns or constraints of its own, IF NOT EXISTS, or a foreign one",
            remedy=f"CREATE TABLE it by itself with the columns of {name_of(parent)}, then ATTACH PARTITION",
        )
    made = by_itself(
        case.sql,
        name_of(parent),
        access_method=action.access_method or parent.access_method,
        tablespace=action.tablespace or parent.tablespace,
    )
    return (
        StatementStep(
            sql=made,
            why=f"{action.name} by itself, with the columns of {name_of(parent)}",
            undo=drop_table(action.name),
        ),
        StatementStep(
            sql=attached(case.sql, name_of(parent)),
            why=f"{Name(action.name.name)} is empty: there is nothing to read in it; this is not taken back: it may "
            "have rows then",
            is_final=True,
        ),
    )


SPLITS = {"CreateTable": new_partition}
