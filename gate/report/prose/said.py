"""What the rules say, each with the place it stands at, the worst first: what every format for people begins with."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from gate.model.plan import Finding, MigrationPlan, Mode, Plan, Severity, StatementPlan, Verdict
from gate.model.units import plural
from gate.report.prose.words import clean

REFUSE, SPLIT, WARN, NOTE, ALLOWED = "REFUSE", "SPLIT", "warn", "note", "allowed"
_ORDER = (REFUSE, SPLIT, WARN, NOTE, ALLOWED)
_BY_SEVERITY = {Severity.REFUSE: REFUSE, Severity.WARN: WARN, Severity.NOTE: NOTE}


@dataclass(frozen=True, kw_only=True)
class Said:
    """A finding; `migration` and `statement` are None where it is about the state."""

    finding: Finding
    migration: MigrationPlan | None = None
    statement: StatementPlan | None = None

    @property
    def word(self) -> str:
        """What becomes of it: a harm that a split takes away does not refuse."""
        if self.finding.allowed_by is not None:
            return ALLOWED
        if self.is_split:
            return SPLIT
        return _BY_SEVERITY[self.finding.severity]

    @property
    def is_split(self) -> bool:
        """Whether the statement's steps take this harm away."""
        return self.finding.is_cured_by_split and self.statement is not None and bool(self.statement.steps)

    @property
    def path(self) -> str | None:
        """The file, as it is."""
        return None if self.migration is None else self.migration.path

    @property
    def place(self) -> str:
        """`file:line`, `line 4`, or nothing."""
        if self.migration is None:
            return ""
        if self.statement is None:
            return name(self.migration)
        return place(self.migration, self.statement.line)

    @property
    def weight(self) -> int:
        """The size of the largest relation that it is about."""
        if self.statement is None:
            return 0
        about = self.finding.relation
        return max(
            (effect.size_bytes or 0 for effect in self.statement.effects if about in (None, effect.relation)),
            default=0,
        )


def everything(plan: Plan) -> list[Said]:
    """All findings, the worst first, of those the one about the largest relation."""
    return sorted(_all(plan), key=lambda said: (_ORDER.index(said.word), -said.weight))


def harms(plan: Plan) -> list[Said]:
    """What refuses, is split, or should be known before going on; `remarks` are the others."""
    return [said for said in everything(plan) if said.word not in (NOTE, ALLOWED)]


def remarks(plan: Plan) -> list[Said]:
    """What is good to know, and what somebody has allowed."""
    return [said for said in everything(plan) if said.word in (NOTE, ALLOWED)]


def _all(plan: Plan) -> Iterator[Said]:
    for finding in plan.findings:
        yield Said(finding=finding)
    for migration in plan.migrations:
        for finding in migration.findings:
            yield Said(finding=finding, migration=migration)
        for statement in migration.statements:
            for finding in statement.findings:
                yield Said(finding=finding, migration=migration, statement=statement)


def name(migration: MigrationPlan) -> str:
    """Its path, else its id; nothing for text that came from no file."""
    return clean(migration.path or migration.id or "")


def place(migration: MigrationPlan, line: int) -> str:
    """`file:line`, or `line 4` of a text that came from no file."""
    return f"{name(migration)}:{line}" if name(migration) else f"line {line}"


_VERDICTS = {Verdict.PASS: "PASS", Verdict.SPLIT: "SPLIT", Verdict.REFUSE: "REFUSED"}


def headline(plan: Plan) -> tuple[str, str]:
    """The verdict in a word, and what there is in a line."""
    word = _VERDICTS[plan.verdict]
    if plan.mode is Mode.OBSERVE and plan.verdict is Verdict.REFUSE:
        return "OBSERVE", f"would be refused, and is let pass: {tally(plan)}"
    if not plan.migrations and plan.verdict is Verdict.PASS:
        return word, f"nothing is pending ({where(plan)})"
    return word, tally(plan)


_TALLIED = {Verdict.REFUSE: "refused", Verdict.SPLIT: "to be split"}


def tally(plan: Plan) -> str:
    """`3 pending migrations for shop, 12 statements: 1 refused, 2 to be split`."""
    if not plan.migrations:
        return f"the state of database {clean(plan.database)} or of its bookkeeping forbids to go on"
    pending = plural(len(plan.migrations), "pending migration")
    total = plural(len(plan.statements), "statement")
    counted = ((verdict, sum(statement.verdict is verdict for statement in plan.statements)) for verdict in _TALLIED)
    named = ", ".join(f"{number:,} {_TALLIED[verdict]}" for verdict, number in counted if number)
    return f"{pending} for {clean(plan.database)}, {total}" + (f": {named}" if named else "")


def coverage(plan: Plan) -> str:
    """The last line of every report."""
    total, understood = len(plan.statements), sum(statement.is_understood for statement in plan.statements)
    if not total:
        return "coverage: 0 statements"
    if total == understood:
        return f"coverage: {plural(total, 'statement')}, all understood"
    return f"coverage: {understood:,} of {plural(total, 'statement')} understood"


def where(plan: Plan) -> str:
    """What the plan was made on."""
    return f"database {clean(plan.database)}, PostgreSQL {plan.server_version}, {plan.source}"
