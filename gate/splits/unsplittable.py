"""What no step can spare: why, and what to do instead, with the phases where it takes several releases.

Source: PostgreSQL 18, "ALTER TABLE", Notes; "ALTER DOMAIN"; "CLUSTER"; "VACUUM".
"""

from __future__ import annotations

from collections.abc import Callable
from typing import cast

from gate.model.actions import AlterDomain, Cluster, NamedPart, SetExpression, Vacuum
from gate.model.names import Name, quoted
from gate.model.steps import CannotSplit, Step
from gate.splits.case import Case, Recipe
from gate.splits.finding import name_of, part_of, table_of

_COPY = (
    "1. make a copy of the table as it should be; 2. keep it with triggers on the old one; 3. fill it in batches; "
    "4. exchange the names in one short transaction"
)


def expression(case: Case) -> tuple[Step, ...]:
    """SET EXPRESSION of a stored generated column."""
    on, column = name_of(table_of(case)), quoted(part_of(case, SetExpression).column)
    raise CannotSplit(
        f"the new expression of {column} is computed and stored for every row of {on} at once",
        remedy=f"over several releases: 1. add a plain column beside {column}, kept by a trigger with the new "
        f"expression; 2. fill the old rows in batches; 3. let the code read it; 4. drop {column}",
    )


def domain(case: Case) -> tuple[Step, ...]:
    """A domain's constraint is tried on all rows of all tables that use it, under SHARE, NOT VALID only later."""
    action = cast("AlterDomain", case.action)
    raise CannotSplit(
        f"the rows of every table with a column of {action.name} are read while none of these tables can be written: "
        "VALIDATE CONSTRAINT of a domain takes SHARE too",
        remedy=f"put the condition on each table that uses {action.name}, as a CHECK: NOT VALID first, then VALIDATE",
    )


def moved(what: str, remedy: str) -> Recipe:
    """ALTER TABLE that writes the whole table into a new file."""

    def recipe(case: Case) -> tuple[Step, ...]:
        raise CannotSplit(f"{what} {name_of(table_of(case))} writes all of it into a new file at once", remedy=remedy)

    return recipe


def constraint_altered(case: Case) -> tuple[Step, ...]:
    """ALTER CONSTRAINT ... ENFORCED reads both tables."""
    table, name = table_of(case), part_of(case, NamedPart).name or ""
    raise CannotSplit(
        f"{Name(name)} of {name_of(table)} is validated at once when it becomes enforced",
        remedy=f"1. add the same constraint under another name, NOT VALID; 2. VALIDATE it; 3. drop {Name(name)}, and "
        "rename the new one",
    )


def clustered(case: Case) -> tuple[Step, ...]:
    """CLUSTER."""
    table = cast("Cluster", case.action).table
    what = f"{table} is" if table is not None else "every table that was clustered before is"
    raise CannotSplit(
        f"{what} written anew in the order of an index while nobody can read or write",
        remedy=f"do it in a maintenance window, with pg_repack beside running queries, or by hand: {_COPY}",
    )


def vacuumed(case: Case) -> tuple[Step, ...]:
    """VACUUM FULL."""
    tables = ", ".join(str(use.name) for use in cast("Vacuum", case.action).tables) or "every table"
    raise CannotSplit(
        f"VACUUM FULL writes {tables} anew while nobody can read or write",
        remedy="a plain VACUUM makes the space usable again and shuts nobody out; to give it back, use pg_repack or a "
        "maintenance window",
    )


_WINDOW = "do it in a maintenance window, or by hand: " + _COPY

SPLITS: dict[str, Callable[[Case], tuple[Step, ...]]] = {
    "SetExpression": expression,
    "AlterDomain": domain,
    "SetLogged": moved("making a logged table of", _WINDOW),
    "SetUnLogged": moved("making an unlogged table of", _WINDOW),
    "SetTableSpace": moved("moving", _WINDOW),
    "SetAccessMethod": moved("changing the access method of", _WINDOW),
    "AlterConstraint": constraint_altered,
    "Cluster": clustered,
    "Vacuum": vacuumed,
}
