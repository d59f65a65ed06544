"""What a partition had before is taken over by the table's index or key: nothing gives it back.

No statement takes an index off the one that it is attached to, and whoever drops that drops them all. So these are
attached last and together: as long as that is not done, everything before it can be taken back.

Source: PostgreSQL 14 to 18 `tablecmds.c` (ATExecAttachPartitionIdx), `dependency.c` (DEPENDENCY_PARTITION_PRI); the
page "ALTER INDEX".
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from gate.model.names import Name
from gate.model.steps import StatementStep, Step
from gate.sql.rewriting.indexes import attach_index


@dataclass(frozen=True)
class Taken:
    """An index that a partition had before, and the one of its table that it becomes a part of."""

    parent: Name
    index: Name


def taken_over(taken: Sequence[Taken]) -> tuple[Step, ...]:
    """One step for all of them, none where there is none."""
    if not taken:
        return ()
    parents = ", ".join(dict.fromkeys(str(Name(item.parent.name)) for item in taken))
    return (
        StatementStep(
            sql="; ".join(attach_index(item.parent, item.index) for item in taken),
            why=f"takes over what partitions had before as parts of {parents}{never_given_back(taken)}",
            is_final=True,
        ),
    )


def never_given_back(taken: Sequence[Taken]) -> str:
    """What is to be said of it, after what the step does; nothing where nothing was there before."""
    if not taken:
        return ""
    names = ", ".join(str(Name(item.index.name)) for item in taken)
    return f"; this cannot be taken back: {names} would be dropped with the whole"
