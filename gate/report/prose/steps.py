"""What is run instead of a statement, as a person could run it."""

from __future__ import annotations

from collections.abc import Iterator

from gate.model.plan import MigrationPlan, Plan, StatementPlan
from gate.model.units import plural
from gate.report import Look
from gate.report.prose import said
from gate.report.prose.words import painted, wrapped


def blocks(plan: Plan, look: Look) -> Iterator[list[str]]:
    """A heading and a script for each statement that has steps."""
    for migration in plan.migrations:
        for statement in migration.statements:
            if statement.steps:
                yield _block(migration, statement, look)


def heading(migration: MigrationPlan, statement: StatementPlan) -> str:
    """Whose steps these are, and how to run them."""
    number = len(statement.steps)
    where = said.place(migration, statement.line)
    if number == 1:
        return f"Instead of {where}: this, outside of any transaction block"
    return f"Instead of {where}: {plural(number, 'step')}, each when the one before it has succeeded"


def _block(migration: MigrationPlan, statement: StatementPlan, look: Look) -> list[str]:
    from gate.report.prose.pasting import script

    lines = [painted(line, "bold", look.is_coloured) for line in wrapped(heading(migration, statement), look.width)]
    for line in script(statement.steps, look.width):
        lines += [painted(line, "dim", look.is_coloured) if line.startswith("--") else line]
    return lines
