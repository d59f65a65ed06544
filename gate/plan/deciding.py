"""What was derived becomes a verdict: priced, held against the rules, the rows' answers and the policy, and split."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from functools import cache, cached_property, partial

from gate.model.actions import Action, TransactionControl
from gate.model.catalog import Traffic
from gate.model.checks import Answer, Check
from gate.model.effects import Effect
from gate.model.migration import Migration, Sending
from gate.model.moment import Moment
from gate.model.plan import Finding, MigrationPlan, Severity, StatementPlan, TransactionPlan, Verdict
from gate.model.rates import DEFAULT_RATES, Rates
from gate.model.snapshot import Snapshot
from gate.model.steps import Backfill, Step
from gate.plan.apart import keeps_together
from gate.plan.blocking import Priced, blocked, holds
from gate.plan.costing import costed
from gate.plan.costs.batching import batched
from gate.plan.curing import cured, verdict
from gate.plan.data import of_rows
from gate.plan.folding import FoldedMigration, FoldedStatement
from gate.plan.inverses import inverse
from gate.plan.known import all_rules
from gate.plan.space import runs_out
from gate.plan.splitting import Prices
from gate.plan.views_around import around_a_type, with_views
from gate.policy.allowing import allowances
from gate.policy.judge import Judge
from gate.policy.policy import DEFAULT, Policy
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

    def backfilled(self, step: Backfill, before: Snapshot) -> Backfill:
        """The step with what all of its batches take together."""
        told = batched(step, before, self.rates)
        seconds, wal_bytes = told if told is not None else (None, None)
        return replace(
            step,
            effects=tuple(
                replace(effect, seconds=seconds, wal_bytes=wal_bytes) if effect.oid == step.oid else effect
                for effect in step.effects
            ),
        )

    @property
    def prices(self) -> Prices:
        """What steps are priced with."""
        return Prices(statement=self.priced, backfill=self.backfilled)

    @cached_property
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
    told = said(_deeds(folded, priced, judging), rules(), is_wrapped=_is_wrapped(folded.migration))
    found = [
        judge.statement(
            [
                *item.certain,
                *of_rows(item.checks, judging.answers, item.changed),
                *to_blame.get(place, []),
                *_full(priced[place], judging),
                *told[place],
            ],
            allows.at(place),
        )
        for place, item in enumerate(folded.statements)
    ]

    def judged(*, spares_views: bool) -> list[StatementPlan]:
        together = cache(partial(keeps_together, folded, spares_views=spares_views))
        return [
            _judged(item, priced[place].effects, found[place], judging, together)
            for place, item in enumerate(folded.statements)
        ]

    around = around_a_type(folded)
    exchanged = with_views(folded, around, judged(spares_views=True)) if around is not None else None
    statements = exchanged if exchanged is not None else judged(spares_views=False)
    if any(item.verdict is Verdict.SPLIT for item in statements):
        statements = [_taken_apart(item, planned) for item, planned in zip(folded.statements, statements, strict=True)]
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
            most_rows=lambda relation: judging.policy.limits_of(relation).batch_rows,
        )
        for place, item in enumerate(folded.statements)
    )


def _is_wrapped(migration: Migration) -> bool | None:
    """Whether the tool opens a transaction around the file; None where no tool runs it."""
    if migration.id is None:
        return None
    return migration.is_transactional and migration.sending is Sending.IN_TRANSACTION


def _full(priced: Priced, judging: Judging) -> Iterator[Finding]:
    found = runs_out(priced.effects, judging.free_disk_bytes)
    if found is not None:
        yield found


def _judged(
    item: FoldedStatement,
    effects: tuple[Effect, ...],
    found: tuple[Finding, ...],
    judging: Judging,
    together: Callable[[], str | None],
) -> StatementPlan:
    steps, findings = cured(item, effects, found, together, judging.policy, judging.prices)
    return StatementPlan(
        line=item.line,
        sql=masked(item.sql),
        kind=item.kind,
        verdict=verdict(steps, findings),
        is_understood=item.is_understood,
        effects=effects,
        findings=tuple(_without_secrets(finding) for finding in findings),
        steps=tuple(map(_to_be_shown, steps)),
        to_run=steps,
        undo=None if steps or item.statement is None or item.certain else inverse(item.statement.action, item.before),
        forbids_transaction=item.statement is not None and item.statement.forbids_transaction,
    )


def _taken_apart(item: FoldedStatement, planned: StatementPlan) -> StatementPlan:
    """BEGIN and COMMIT of a file that is run step by step are left out: each step has a transaction of its own."""
    if item.statement is None or not isinstance(item.statement.action, TransactionControl):
        return planned
    finding = Finding(
        rule="transaction-taken-apart",
        severity=Severity.NOTE,
        problem=f"{planned.kind} is not run: the migration is run step by step, each in a transaction of its own",
        remedy="nothing to do; if it must be one transaction, allow what asks for the steps, with a reason",
    )
    return replace(planned, verdict=Verdict.SPLIT, steps=(), findings=(*planned.findings, finding))


def _to_be_shown(step: Step) -> Step:
    """Without its secrets; who pastes it has to put them in again."""
    shown = masked(step.sql)
    hint = "" if shown == step.sql else "; put in what is masked before you run it"
    return replace(step, sql=shown, undo=masked(step.undo), why=step.why + hint)


def _without_secrets(finding: Finding) -> Finding:
    """What is said of a statement may quote it."""
    return replace(finding, problem=masked(finding.problem), remedy=masked(finding.remedy))
