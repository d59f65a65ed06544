"""REFRESH MATERIALIZED VIEW, concurrently: the rows that differ are changed, and readers go on.

Source: PostgreSQL 18 `matview.c` (ExecRefreshMatView, is_usable_unique_index); the page "REFRESH MATERIALIZED VIEW".
"""

from __future__ import annotations

from typing import cast

from gate.model.actions import Refresh
from gate.model.catalog import Index
from gate.model.steps import CannotSplit, StatementStep, Step, StepKind
from gate.splits.case import Case
from gate.splits.finding import name_of, relation
from gate.sql.rewriting.indexes import refreshed_concurrently


def refresh(case: Case) -> tuple[Step, ...]:
    """See the module."""
    action = cast("Refresh", case.action)
    view = relation(case.before, action.name)
    if action.is_concurrent:
        raise CannotSplit("it is done concurrently as it is")
    if not action.with_data:
        raise CannotSplit("WITH NO DATA empties it, and nobody can read it afterwards")
    if not view.is_populated:
        raise CannotSplit(f"{name_of(view)} has no data yet: the first REFRESH cannot be concurrent")
    if not any(_is_usable(index) for index in view.indexes):
        raise CannotSplit(
            f"{name_of(view)} has no unique index on plain columns, without a WHERE, that tells its rows apart",
            remedy=f"CREATE UNIQUE INDEX CONCURRENTLY on columns that identify a row of {name_of(view)} first",
        )
    return (
        StatementStep(
            sql=refreshed_concurrently(case.sql),
            why=f"changes the rows of {name_of(view)} that differ while it is read",
            kind=StepKind.CONCURRENT,
        ),
    )


def _is_usable(index: Index) -> bool:
    return index.is_unique and index.is_valid and not index.has_predicate and not index.has_expressions


SPLITS = {"Refresh": refresh}
