"""ALTER COLUMN TYPE: a column beside it is kept equal, filled, and takes its place with all that hangs on it.

A rewrite works on every row under ACCESS EXCLUSIVE. Here a trigger keeps the new column right from the beginning, old
rows are filled in batches, indexes, checks and keys are built without shutting anybody out, and the exchange is one
short transaction that reads and writes no row.

Source: PostgreSQL 14 to 18 `tablecmds.c` (ATExecAlterColumnType, ATPostAlterTypeCleanup), "CREATE TRIGGER" (triggers of
the same kind fire by name), "ALTER SEQUENCE" (AS).
"""

from __future__ import annotations

from collections.abc import Iterator

from gate.model.names import quoted
from gate.model.steps import StatementStep, Step
from gate.splits.backfilling import backfill
from gate.splits.case import Case
from gate.splits.conversions import is_comparable, is_strict
from gate.splits.retyping import Retyping, retyping
from gate.splits.type_copies import Copies, copies, described, indexed, proved, referred
from gate.splits.type_refusals import must_be_possible
from gate.splits.type_swaps import exchange
from gate.sql.rewriting.columns import drop_column
from gate.sql.rewriting.handing_over import grant_on_column, set_options, set_statistics
from gate.sql.rewriting.type_changes import column_beside, drop_keeper, is_unfilled, keep, keep_always, keeper


def change_type(case: Case) -> tuple[Step, ...]:
    """See the module."""
    of = retyping(case)
    must_be_possible(of)
    compares = is_comparable(of)
    made = copies(of, is_comparable=compares)
    return tuple(_steps(of, made, compares=compares))


def _steps(of: Retyping, made: Copies, *, compares: bool) -> Iterator[Step]:
    yield _begun(of)
    yield backfill(
        of.table,
        of.before,
        assignments=((of.beside, of.value),),
        settles=is_strict(of),
        condition=is_unfilled(of.beside, source=of.column.name if is_strict(of) else ""),
        why=f"gives old rows of {of.on} their {quoted(of.beside)}",
    )
    yield from proved(of, made, is_comparable=compares)
    yield from indexed(of, made)
    yield from referred(of, made)
    yield from described(of, made)
    yield exchange(of, made)


def _begun(of: Retyping) -> Step:
    name, beside = quoted(of.column.name), quoted(of.beside)
    begin = [
        column_beside(of.case.sql, of.on, of.beside),
        *(grant_on_column(of.on, of.beside, granted) for granted in of.column.grants),
        keeper(of.function, of.beside, of.value, path=of.before.server.search_path if of.change.using else ()),
        keep(of.on, of.trigger, of.function),
        keep_always(of.on, of.trigger),
    ]
    if of.column.statistics_target >= 0:
        begin.append(set_statistics(of.on, of.beside, of.column.statistics_target))
    if of.column.options:
        begin.append(set_options(of.on, of.beside, of.column.options))
    return StatementStep(
        sql="; ".join(begin),
        why=f"adds {beside} to {of.on}, which will be {name}; a trigger that fires after all others, and for "
        "replicated rows too, gives it its value in every row that is written from now on; one whose value does not "
        "fit is rejected",
        undo="; ".join((*drop_keeper(of.on, of.trigger, of.function), drop_column(of.on, of.beside))),
    )


SPLITS = {"SetType": change_type}
