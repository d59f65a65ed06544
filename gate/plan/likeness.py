"""Which plans say the same: equal but for numbers, so that many databases can be told as one.

Whatever a person would act on is compared exactly: the statements, their locks and work, verdicts, rules, steps. In
sentences the numbers are left out, with their units, and the database's own name.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import TypeAlias

from gate.model.effects import Effect
from gate.model.plan import Finding, MigrationPlan, Plan, StatementPlan
from gate.model.steps import Backfill, Step

Likeness: TypeAlias = tuple[object, ...]

# A digit within a name (orders_2024) tells one relation from another, and stays.
_NUMBER = re.compile(
    r"(?<![\w.])[0-9][0-9,.]*(?:[kMG]\b)?(?: ?(?:bytes|kB|MB|GB|TB|ms|min|days|s|h)\b)?(?:/s)?(?![\w.]*[A-Za-z_])"
)
_COUNTED = re.compile(r"# (\w{2,}?)s\b")
_RUN = re.compile(r"\b[0-9a-f]{16}\b")


def likeness(plan: Plan) -> Likeness:
    """Equal for two plans that differ in numbers only."""
    name = re.compile(rf"(?<!\w){re.escape(plan.database)}(?!\w)")

    def said(text: str) -> str:
        return without_numbers(name.sub("@", text))

    return (
        plan.source,
        plan.mode,
        plan.verdict,
        _findings(plan.findings, said),
        tuple((said(item.what), said(item.why)) for item in plan.unknown),
        tuple(said(note) for note in plan.notes),
        tuple(_migration(migration, said) for migration in plan.migrations),
    )


def without_numbers(text: str) -> str:
    """The sentence with `#` for each number and its unit, and for the id of a run."""
    return _COUNTED.sub(r"# \1", _NUMBER.sub("#", _RUN.sub("#", text)))


def _migration(migration: MigrationPlan, said: Callable[[str], str]) -> Likeness:
    return (
        migration.id,
        migration.path,
        migration.is_transactional,
        _findings(migration.findings, said),
        tuple(_statement(statement, said) for statement in migration.statements),
        tuple(transaction.statements for transaction in migration.transactions),
    )


def _statement(statement: StatementPlan, said: Callable[[str], str]) -> Likeness:
    return (
        statement.line,
        statement.sql,
        statement.kind,
        statement.verdict,
        statement.is_understood,
        tuple(map(_effect, statement.effects)),
        _findings(statement.findings, said),
        tuple(map(_step, statement.steps)),
    )


def _effect(effect: Effect) -> Likeness:
    return effect.relation, effect.lock, effect.shuts_out, effect.work, effect.loses_statistics


def _findings(findings: Iterable[Finding], said: Callable[[str], str]) -> Likeness:
    return tuple(
        (
            finding.rule,
            finding.severity,
            finding.relation,
            finding.allowed_by,
            finding.is_cured_by_split,
            said(finding.problem),
            said(finding.remedy),
        )
        for finding in findings
    )


def _step(step: Step) -> Likeness:
    # Of a backfill the text holds the size of a batch, which follows from the rows.
    sql = (step.relation, step.keys) if isinstance(step, Backfill) else step.sql
    return type(step).__name__, sql, step.is_final, tuple(map(_effect, step.effects))
