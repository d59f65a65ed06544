"""From pending migrations to their plan; all that `gate plan` needs the parser for."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace

import psycopg

from gate.app.looking import look, with_blockers
from gate.app.pending import Answer, as_findings
from gate.app.request import Say
from gate.app.settings import Settings
from gate.db import traffic
from gate.db.syntax import accepts
from gate.model.catalog import Traffic
from gate.model.effects import Effect
from gate.model.plan import MigrationPlan, Plan, StatementPlan
from gate.model.snapshot import Server, Snapshot
from gate.plan.pipeline import judge
from gate.plan.reading import ReadMigration, read
from gate.rules import families
from gate.sources.tool import Source


def judge_live(connection: psycopg.Connection, source: Source, answer: Answer, settings: Settings, say: Say) -> Plan:
    """Against the live catalog; the traffic is watched while the rest is computed."""
    say("reading the migrations")
    migrations = _read(source, answer)
    say("reading the catalog")
    # The rules load while the server is at work: both take about as long as the other.
    loading = threading.Thread(target=_load_rules, name="rules", daemon=True)
    loading.start()
    snapshot = look(connection, migrations, release_role=settings.release_role, once_read=loading.join)
    watched = [oid for oid, relation in snapshot.relations.items() if relation.has_storage]
    first = traffic.first(connection, watched, time.monotonic()) if settings.sample else None
    say("judging")
    plan = judge(
        migrations,
        snapshot,
        source=source.name,
        findings=as_findings(answer.findings),
        accepts=lambda text: accepts(connection, text),
        notes=_notes(snapshot.server, settings),
    )
    plan = with_blockers(connection, plan, snapshot)
    if first is None:
        return plan
    say("watching the traffic")
    time.sleep(max(0.0, first.at_s + settings.sample - time.monotonic()))
    return _with_traffic(plan, traffic.second(connection, first, time.monotonic()))


def _load_rules() -> None:
    # What goes wrong here goes wrong again, in the open, where the rules are used.
    with suppress(Exception):
        families()


def judge_stored(snapshot: Snapshot, source: Source, answer: Answer, notes: tuple[str, ...]) -> Plan:
    """Against a stored catalog; nobody can be asked whether the server's grammar takes more than ours."""
    findings = as_findings(answer.findings)
    return judge(_read(source, answer), snapshot, source=source.name, findings=findings, notes=notes)


def _read(source: Source, answer: Answer) -> tuple[ReadMigration, ...]:
    return read(source.load(migration) for migration in answer.migrations)


def _notes(server: Server, settings: Settings) -> tuple[str, ...]:
    notes = []
    if server.pooler is not None and settings.pooler != "session":
        notes.append(
            f"{server.pooler}; plan from the server itself, or say --pooler session if each client has its own",
        )
    if server.is_standby:
        notes.append(
            "this is a standby: locks and sessions on the primary, where migrations run, are not seen from here",
        )
    return tuple(notes)


def _with_traffic(plan: Plan, rates: Mapping[int, Traffic]) -> Plan:
    return replace(plan, migrations=tuple(_busy_migration(migration, rates) for migration in plan.migrations))


def _busy_migration(migration: MigrationPlan, rates: Mapping[int, Traffic]) -> MigrationPlan:
    return replace(migration, statements=tuple(_busy_statement(item, rates) for item in migration.statements))


def _busy_statement(statement: StatementPlan, rates: Mapping[int, Traffic]) -> StatementPlan:
    return replace(statement, effects=tuple(_busy_effect(effect, rates) for effect in statement.effects))


def _busy_effect(effect: Effect, rates: Mapping[int, Traffic]) -> Effect:
    rate = rates.get(effect.oid)
    return effect if rate is None else replace(effect, scans_per_s=rate.scans_per_s, writes_per_s=rate.writes_per_s)
