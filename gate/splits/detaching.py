"""DETACH PARTITION, concurrently, and without the check that it leaves on the partition.

Source: PostgreSQL 14 to 18 `tablecmds.c` (ATExecDetachPartition, DetachAddConstraintIfNeeded); "ALTER TABLE", DETACH
PARTITION.
"""

from __future__ import annotations

from gate.model.actions import DetachPartition
from gate.model.steps import CannotSplit, StatementStep, Step, StepKind
from gate.model.work import Work
from gate.splits.case import Case
from gate.splits.finding import name_of, part_of, relation, table_of
from gate.sql.partition_constraints import detached_check_name
from gate.sql.rewriting.constraints import drop_constraint
from gate.sql.rewriting.partitioning import attach_partition, detached_concurrently


def detach(case: Case) -> tuple[Step, ...]:
    """See the module."""
    part, parent = part_of(case, DetachPartition), table_of(case)
    if part.is_concurrent or part.finalizes:
        raise CannotSplit("it is done concurrently as it is")
    child = relation(case.before, part.child)
    siblings = (case.before.relations.get(oid) for oid in parent.children)
    default = next((item for item in siblings if item is not None and item.is_default_partition), None)
    if default is not None:
        raise CannotSplit(
            f"{name_of(default)} is the default partition of {name_of(parent)}, and beside one nothing is detached "
            "concurrently"
        )
    read = [effect.relation for effect in case.effects if Work.VALIDATION_SCAN in effect.work]
    if read:
        raise CannotSplit(
            f"{', '.join(read)} refers to {name_of(parent)}, and is read under a lock for rows that refer to "
            f"{name_of(child)}, concurrently too"
        )
    left = drop_constraint(name_of(child), detached_check_name(case.before, parent, child), missing_ok=True)
    bound = child.partition_bound
    return (
        StatementStep(
            sql=detached_concurrently(case.sql),
            why=f"{name_of(parent)} is read and written meanwhile; if it is interrupted, DETACH PARTITION ... FINALIZE "
            "ends it",
            kind=StepKind.CONCURRENT,
            is_transactional=False,
            # The check that is left proves the bound: nothing is read.
            undo=f"{attach_partition(name_of(parent), name_of(child), bound)}; {left}" if bound else "",
        ),
        StatementStep(
            sql=left,
            why=f"{name_of(child)} keeps its bound as a check, which the plain form does not leave",
        ),
    )


SPLITS = {"DetachPartition": detach}
