"""What was derived becomes a verdict: priced, held against the rules, the rows' answers and the policy, and split."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import date

from gate.model.actions import Action
from gate.model.catalog import Traffic
from gate.model.checks import Answer, Check
from gate.model.effects import Effect
from gate.model.moment import Moment
from gate.model.plan import Finding, MigrationPlan, Severity, StatementPlan, TransactionPlan, Verdict
from gate.model.rates import DEFAULT_RATES, Rates
from gate.model.snapshot import Snapshot
from gate.model.steps import CannotSplit, Step
from gate.plan.apart import keeps_together
from gate.plan.blocking import Priced, blocked, holds
from gate.plan.costing import costed
from gate.plan.folding import FoldedMigration, FoldedStatement
from gate.plan.known import all_rules
from gate.plan.space import runs_out
from gate.plan.splitting import alone, steps_of, works_under_lock
from gate.policy.allowing import allowances
from gate.policy.judge import Judge
from gate.policy.policy import DEFAULT, Policy, Splits
from gate.rules import rules
from gate.rules.ruling import Deed
from gate.rules.together import said
from gate.sql.masking import masked


@dataclass(frozen=True, kw_only=True)
class Judging:
    """What a judgement needs beside the catalog: the policy, what work costs here, the traffic, what the rows said,
    and who is there right now.
    """

    policy: Policy = DEFAULT
    today: date = date.min
    rates: Rates = DEFAULT_RATES
    traffic: Mapping[int, Traffic] = field(default_factory=dict)
    answers: Mapping[Check, Answer] = field(default_factory=dict)
    moment: Moment = field(default_factory=Moment)
    free_disk_bytes: int | None = None

    def priced(self, action: Action, effects: tuple[Effect, ...], before: Snapshot) -> tuple[Effect, ...]:
        """The effects with the traffic of their relations, and what the work on them takes."""
        watched = tuple(_busy(effect, self.traffic.get(effect.oid)) for effect in effects)
        return costed(action, watched, before, self.rates)

    @property
    def judge(self) -> Judge:
        """Who gives findings their weight."""
        return Judge(policy=self.policy, rules=all_rules(), today=self.today)


def decide(folded: FoldedMigration, judging: Judging) -> MigrationPlan:
    """The migration's plan."""
    priced = [_priced(place, item, judging) for place, item in enumerate(folded.statements)]
    members = [[priced[place] for place in transaction] for transaction in folded.transactions]
    to_blame = {
        place: found for transaction in members for place, found in blocked(transaction, judging.policy).items()
    }
    judge = judging.judge
    allows = allowances(folded.migration)
    told = said(_deeds(folded, priced, judging), rules(), is_transactional=folded.is_transactional)
    found = [
        judge.statement(
            [*item.certain, *to_blame.get(place, []), *_full(priced[place], judging), *told[place]], allows.at(place)
        )
        for place, item in enumerate(folded.statements)
    ]
    statements = [
        _judged(item, priced[place].effects, found[place], judging, folded)
        for place, item in enumerate(folded.statements)
    ]
    return MigrationPlan(
        id=folded.migration.id,
        path=folded.migration.path,
        is_transactional=folded.is_transactional,
        statements=tuple(statements),
        transactions=tuple(
            TransactionPlan(statements=places, holds=holds(transaction))
            for places, transaction in zip(folded.transactions, members, strict=True)
        ),
        findings=judge.loose(allows.loose),
    )


def _priced(place: int, item: FoldedStatement, judging: Judging) -> Priced:
    effects = item.effects
    if item.statement is not None:
        effects = judging.priced(item.statement.action, effects, item.before)
    return Priced(place=place, line=item.line, effects=effects, is_understood=item.is_understood)


def _busy(effect: Effect, traffic: Traffic | None) -> Effect:
    if traffic is None:
        return effect
    return replace(
        effect,
        scans_per_s=traffic.scans_per_s,
        writes_per_s=traffic.writes_per_s,
        scans=traffic.scans,
        writes=traffic.writes,
    )


# --- one statement ----------------------------------------------------------------------------------------------------


def _deeds(folded: FoldedMigration, priced: list[Priced], judging: Judging) -> tuple[Deed, ...]:
    """The statements as the rules see them; they say nothing of one that is not understood or would be rejected."""
    commits = {place: number for number, places in enumerate(folded.transactions) for place in places}
    return tuple(
        Deed(
            sql=item.sql,
            action=item.statement.action if item.statement is not None and not item.certain else None,
            effects=priced[place].effects,
            before=replace(item.before, moment=judging.moment),
            transaction=commits.get(place, len(commits)),
        )
        for place, item in enumerate(folded.statements)
    )


def _full(priced: Priced, judging: Judging) -> Iterator[Finding]:
    found = runs_out(priced.effects, judging.free_disk_bytes)
    if found is not None:
        yield found


def _judged(
    item: FoldedStatement,
    effects: tuple[Effect, ...],
    found: tuple[Finding, ...],
    judging: Judging,
    of: FoldedMigration,
) -> StatementPlan:
    steps, findings = _split(item, effects, found, judging, of)
    return StatementPlan(
        line=item.line,
        sql=masked(item.sql),
        kind=item.kind,
        verdict=_verdict(steps, findings),
        is_understood=item.is_understood,
        effects=effects,
        findings=tuple(_without_secrets(finding) for finding in findings),
        steps=tuple(replace(step, sql=masked(step.sql), undo=masked(step.undo)) for step in steps),
        forbids_transaction=item.statement is not None and item.statement.forbids_transaction,
    )


def _without_secrets(finding: Finding) -> Finding:
    """What is said of a statement may quote it."""
    return replace(finding, problem=masked(finding.problem), remedy=masked(finding.remedy))


def _verdict(steps: tuple[Step, ...], findings: tuple[Finding, ...]) -> Verdict:
    refused = [finding for finding in findings if finding.severity is Severity.REFUSE]
    if any(not (steps and finding.is_cured_by_split) for finding in refused):
        return Verdict.REFUSE
    return Verdict.SPLIT if steps else Verdict.PASS


def _split(
    item: FoldedStatement,
    effects: tuple[Effect, ...],
    findings: tuple[Finding, ...],
    judging: Judging,
    of: FoldedMigration,
) -> tuple[tuple[Step, ...], tuple[Finding, ...]]:
    """The steps, where a finding that counts asks for them; or the findings with the reason why there are none."""
    asking = [finding for finding in findings if finding.is_cured_by_split and finding.allowed_by is None]
    if not asking or item.statement is None:
        return (), findings
    try:
        steps = _steps(item, effects, asking, judging, of)
    except CannotSplit as reason:
        return (), tuple(_unsplit(finding, reason) if finding in asking else finding for finding in findings)
    is_auto = judging.policy.splits is Splits.AUTO
    told = _SPLIT if is_auto else _by_hand(steps)
    cured = tuple(replace(finding, remedy=told) if finding in asking else finding for finding in findings)
    return (steps if is_auto else ()), cured


_SPLIT = "run it as the steps below: each commits before the next begins"


def _by_hand(steps: tuple[Step, ...]) -> str:
    """The policy wants splits to be written by people."""
    lines = "\n".join(f"  {step.sql};" for step in steps)
    return f"splits are turned off here, so write it as steps, each a migration of its own:\n{lines}"


def _steps(
    item: FoldedStatement, effects: tuple[Effect, ...], asking: list[Finding], judging: Judging, of: FoldedMigration
) -> tuple[Step, ...]:
    if reason := keeps_together(of):
        raise CannotSplit(reason)
    assert item.statement is not None
    # The lock is an earlier statement's: it is enough to commit before this one.
    if all(finding.rule in _BY_AN_EARLIER_LOCK for finding in asking) and not works_under_lock(effects):
        return alone(item.sql, item.statement, effects)
    return steps_of(item.sql, item.statement, item.before, judging.priced)


_BY_AN_EARLIER_LOCK = frozenset({"lock-held-through-work", "waits-while-holding", "works-under-blocking-lock"})


def _unsplit(finding: Finding, reason: CannotSplit) -> Finding:
    if finding.severity is Severity.NOTE:
        return finding
    return replace(
        finding,
        problem=f"{finding.problem}; it cannot be split: {reason.problem}",
        remedy=reason.remedy or finding.remedy,
    )
