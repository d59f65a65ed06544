"""`gate plan`: what is pending, held against the live catalog or a stored one.

Where nothing is pending, only the bookkeeping is read: neither the parser nor the rules are imported.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeAlias

import psycopg

from gate.app import pending
from gate.app.clock import Clock
from gate.app.opening import open_connection, open_source
from gate.app.pending import as_findings
from gate.app.request import Request
from gate.app.settings import Settings, load
from gate.db.connect import cut_after
from gate.model.errors import UsageError
from gate.model.plan import Plan
from gate.model.units import age
from gate.model.version import VERSION
from gate.sources.tool import Source

Reads: TypeAlias = Callable[[Source, pending.Answer], tuple[Any, ...]]
"""How what is pending is read, as `gate.app.judging` has it: the parser is not to be imported here."""


def plan(request: Request) -> Plan:
    """The plan; raises the errors of every room below."""
    settings = load(request)
    return plan_with(request, settings, open_source(settings))


def plan_with(
    request: Request,
    settings: Settings,
    source: Source,
    *,
    reads: Reads | None = None,
    longest_s: float | None = None,
) -> Plan:
    """The plan with settings and files that are at hand already; `longest_s` is all the time that it may take."""
    made = _planned(request, settings, source, reads, longest_s)
    if settings.policy.rules and not made.migrations:
        # Where nothing is pending no judge was asked, and the state may be spoken of all the same.
        from gate.policy.judge import Judge, settled

        made = settled(replace(made, findings=Judge(policy=settings.policy).state(made.findings)))
    return replace(made, mode=settings.policy.mode)


def _planned(
    request: Request, settings: Settings, source: Source, reads: Reads | None, longest_s: float | None
) -> Plan:
    if request.snapshot is not None:
        return _plan_offline(source, request.snapshot, settings)
    clock = Clock(request.say)
    with open_connection(request, settings, name="gate plan") as connection, cut_after(connection, longest_s):
        with clock.phase("reading the bookkeeping"):
            answer = pending.read(connection, source)
        if not answer.migrations:
            return _nothing_to_judge(connection, source, answer)
        with clock.phase("loading the rules"):
            from gate.app.halfway import beside
            from gate.app.journals import journal_of
            from gate.app.judging import judge_live
        journal = journal_of(settings, connection)
        judged = judge_live(
            connection,
            source,
            answer,
            settings,
            clock,
            history=journal.past_runs,
            reads=reads,
        )
        made = replace(judged.plan, timings=tuple(clock.phases))
        return beside(made, journal.standing(), source, answer)


def _plan_offline(source: Source, name: str, settings: Settings) -> Plan:
    from gate.model.stored import from_text

    stored = from_text(_text(name), name=name)
    answer = pending.from_stored(source, stored.bookkeeping, has_user_tables=stored.has_user_tables)
    note = _stored_note(stored.snapshot.taken_at, name, datetime.now(UTC))
    if not answer.migrations:
        server = stored.snapshot.server
        return _empty(
            source,
            answer,
            major=server.major,
            version=server.version,
            database=server.database,
            taken_at=stored.snapshot.taken_at,
            notes=(note,),
        )
    from gate.app.judging import judge_stored

    return judge_stored(stored.snapshot, source, answer, settings, (note,))


def _text(name: str) -> str:
    try:
        return Path(name).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        why = getattr(error, "strerror", None) or "it is not text"
        raise UsageError(f"cannot read {name}: {why}", remedy="write it with gate snapshot -o FILE") from error


def _stored_note(taken_at: str, name: str, now: datetime) -> str:
    taken = datetime.fromisoformat(taken_at)
    old = age(max(0.0, (now - taken).total_seconds()))
    return (
        f"judged against the catalog stored in {name}, {old} old ({taken_at}); what was applied, what "
        "changed and who is in the way since then is not known"
    )


def _nothing_to_judge(connection: psycopg.Connection, source: Source, answer: pending.Answer) -> Plan:
    info = connection.info
    return _empty(
        source,
        answer,
        major=info.server_version // 10000,
        version=(info.parameter_status("server_version") or "").partition(" ")[0],
        database=info.dbname,
        taken_at=datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
    )


def _empty(
    source: Source,
    answer: pending.Answer,
    *,
    major: int,
    version: str,
    database: str,
    taken_at: str,
    notes: tuple[str, ...] = (),
) -> Plan:
    return Plan(
        gate=VERSION,
        server_major=major,
        server_version=version,
        database=database,
        source=source.name,
        taken_at=taken_at,
        fingerprint=f"sha256:{hashlib.sha256(str(major).encode()).hexdigest()}",
        findings=as_findings(answer.findings),
        notes=notes,
    )
