"""From pending migrations to their plan; all that `gate plan` needs the parser for."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

import psycopg

from gate.app.clock import Clock
from gate.app.looking import look
from gate.app.pending import Answer, as_findings
from gate.app.settings import Settings
from gate.app.weighing import Weighing, weigh, weigh_stored
from gate.model.plan import Plan
from gate.model.rates import PastRun
from gate.model.snapshot import Server, Snapshot
from gate.plan.reading import ReadMigration, read
from gate.rules import families
from gate.sources.tool import Source


@dataclass(frozen=True, kw_only=True)
class Judged:
    """A plan, beside the texts of the migrations that it is about."""

    plan: Plan
    migrations: tuple[ReadMigration, ...]


def judge_live(
    connection: psycopg.Connection,
    source: Source,
    answer: Answer,
    settings: Settings,
    clock: Clock,
    *,
    is_release: bool = False,
    history: Callable[[], tuple[PastRun, ...]] = tuple,
    reads: Callable[[Source, Answer], tuple[ReadMigration, ...]] | None = None,
) -> Judged:
    """Against the live catalog; `history` tells what earlier runs on it took, `reads` gives what is read already."""
    with clock.phase("reading the migrations"):
        migrations = (reads or _read)(source, answer)
    with clock.phase("reading the catalog"):
        # The rules load while the server is at work: both take about as long as the other.
        loading = threading.Thread(target=_load_rules, name="rules", daemon=True)
        loading.start()
        snapshot = look(connection, migrations, release_role=settings.release_role, once_read=loading.join)
    weighing = Weighing(
        source=source.name,
        policy=settings.policy,
        is_one_of_several=settings.database is not None,
        sample_s=settings.sample,
        findings=as_findings(answer.findings),
        notes=_notes(snapshot.server, settings),
        is_release=is_release,
        history=history(),
    )
    return Judged(plan=weigh(connection, migrations, snapshot, weighing, clock), migrations=migrations)


def _load_rules() -> None:
    # What goes wrong here goes wrong again, in the open, where the rules are used.
    with suppress(Exception):
        families()


def judge_stored(
    snapshot: Snapshot, source: Source, answer: Answer, settings: Settings, notes: tuple[str, ...]
) -> Plan:
    """Against a stored catalog."""
    weighing = Weighing(source=source.name, policy=settings.policy, findings=as_findings(answer.findings), notes=notes)
    return weigh_stored(_read(source, answer), snapshot, weighing)


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
