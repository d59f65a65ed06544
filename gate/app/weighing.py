"""From parsed migrations and their snapshot to a plan: folded, the rows asked, the traffic watched, decided.

Whatever the connection is needed for happens here, and what is computed meanwhile; the decisions are the plan room's.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime

import psycopg

from gate.app.clock import Clock
from gate.app.free_disk import free_disk_bytes
from gate.db import capacity, checks, moment, traffic
from gate.db.syntax import accepts
from gate.db.unknown_relations import unknown_relations
from gate.model.actions import CreateTable, CreateTableAs
from gate.model.catalog import Traffic
from gate.model.plan import Finding, Plan
from gate.model.rates import DEFAULT_RATES, PastRun, Rates, learned, rates_from
from gate.model.snapshot import Snapshot
from gate.plan.deciding import Judging
from gate.plan.pipeline import Folded, fold_all, judge
from gate.plan.reading import ReadMigration
from gate.policy.policy import DEFAULT, Policy
from gate.policy.present import limits_of_nothing, of_now
from gate.rules.standing import standing


@dataclass(frozen=True, kw_only=True)
class Weighing:
    """What a plan is made with: where it comes from, the policy, how long to watch the traffic (0: not at all).

    `is_one_of_several` databases that share the policy: not all that it names is in each. `is_release`: it is about to
    be run. `history` is what earlier runs on this database took.
    """

    source: str
    policy: Policy = DEFAULT
    sample_s: float = 0.0
    findings: tuple[Finding, ...] = ()
    notes: tuple[str, ...] = ()
    is_one_of_several: bool = False
    is_release: bool = False
    history: tuple[PastRun, ...] = ()


def weigh(
    connection: psycopg.Connection,
    migrations: tuple[ReadMigration, ...],
    snapshot: Snapshot,
    weighing: Weighing,
    clock: Clock,
) -> Plan:
    """The plan against the live database."""
    with clock.phase("working out what the statements do"):
        folded = fold_all(migrations, snapshot, lambda text: accepts(connection, text))
    with clock.phase("looking who is in the way"):
        counted = traffic.first(connection, folded.tables, time.monotonic())
        now = moment.read(connection, folded.relations) if folded.relations else snapshot.moment
        full = capacity.read(connection)
    with clock.phase("asking the rows"):
        answers = checks.answers(connection, folded.checks, bounds=_bounds(weighing.policy)) if folded.checks else {}
    with clock.phase("watching the traffic"):
        rates = _watched(connection, counted, weighing.sample_s)
    with clock.phase("judging"):
        judging = Judging(
            policy=weighing.policy,
            rates=rates_of(weighing.policy, weighing.history),
            today=_today(),
            traffic=rates,
            answers=answers,
            moment=now,
            free_disk_bytes=_free_disk(connection, weighing.policy),
        )
        seen = replace(folded, snapshot=replace(folded.snapshot, unread=(*folded.snapshot.unread, *full.unread)))
        return _judged(
            seen,
            judging,
            replace(weighing, findings=(*weighing.findings, *_of_names(connection, folded, weighing), *standing(full))),
        )


def weigh_stored(migrations: tuple[ReadMigration, ...], snapshot: Snapshot, weighing: Weighing) -> Plan:
    """Against a stored catalog; nobody can be asked whether the server's grammar takes more than ours."""
    judging = Judging(
        policy=weighing.policy,
        rates=rates_of(weighing.policy),
        today=_today(),
        free_disk_bytes=weighing.policy.free_disk_bytes,
    )
    return _judged(fold_all(migrations, snapshot), judging, weighing)


def _judged(folded: Folded, judging: Judging, weighing: Weighing) -> Plan:
    sessions = judging.moment.sessions
    now = of_now(weighing.policy, datetime.now(UTC), sessions, is_release=weighing.is_release)
    findings = (*weighing.findings, *now)
    return judge(folded, judging, source=weighing.source, findings=findings, notes=weighing.notes)


def _of_names(connection: psycopg.Connection, folded: Folded, weighing: Weighing) -> tuple[Finding, ...]:
    """What the policy names, and nobody has."""
    if weighing.is_one_of_several:
        return ()
    statements = [item for one in folded.migrations for item in one.statements]
    touched = {effect.relation for item in statements for effect in item.effects}
    made = {
        item.statement.action.name.name
        for item in statements
        if item.statement is not None and isinstance(item.statement.action, CreateTable | CreateTableAs)
    }
    asked = [name for name in weighing.policy.relations if name not in touched and name.partition(".")[2] not in made]
    return limits_of_nothing(unknown_relations(connection, asked))


def _bounds(policy: Policy) -> checks.Bounds:
    limits = policy.checks
    return checks.Bounds(each_s=limits.timeout_s, total_s=limits.total_s, max_cost=limits.cost_limit)


def rates_of(policy: Policy, history: tuple[PastRun, ...] = ()) -> Rates:
    """Stated, measured, and learned from what earlier runs took; the last goes before the others."""
    stated = rates_from(policy.calibration) if policy.calibration else DEFAULT_RATES
    return learned(stated, history) if history else stated


def _free_disk(connection: psycopg.Connection, policy: Policy) -> int | None:
    """What the team states, else what can be seen."""
    return free_disk_bytes(connection) if policy.free_disk_bytes is None else policy.free_disk_bytes


def _watched(connection: psycopg.Connection, counted: traffic.Sample, sample_s: float) -> dict[int, Traffic]:
    """The rates, or without a sample only what was counted before gate itself read any row."""
    before = traffic.counted(counted)
    if not sample_s or not before:
        return before
    traffic.settle(connection)
    first = traffic.first(connection, before, time.monotonic())
    time.sleep(max(0.0, first.at_s + sample_s - time.monotonic()))
    rates = traffic.second(connection, first, time.monotonic())
    return {oid: replace(rate, scans=before[oid].scans, writes=before[oid].writes) for oid, rate in rates.items()}


def _today() -> date:
    return datetime.now(UTC).date()
