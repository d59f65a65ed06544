"""`gate release`: what is pending is judged, split, run and supervised; nothing pending writes nothing.

The order is that of what can go wrong: the bookkeeping is read first, and where nothing is pending that is all. Then
one runner is let in, its connections are opened, what a dead run left is ended, what an unfinished run left is taken
up, and only then is planned, for the catalog is another one by then.
"""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

import psycopg

from gate.app import pending
from gate.app.journals import journal_of, others, ours
from gate.app.opening import open_connection, open_source
from gate.app.pending import as_findings
from gate.app.request import Request
from gate.app.settings import Settings, load
from gate.db.lane import patiently
from gate.model.errors import MissingPrivilege, Unreachable, UsageError
from gate.model.plan import Mode, Severity
from gate.model.run import Outcome, Run
from gate.model.run_document import to_json
from gate.model.version import VERSION
from gate.platforms.known import platform_of
from gate.platforms.preset import Platform
from gate.run.deadlines import Deadlines
from gate.run.hooking import event_of, settings_of
from gate.run.journalling import Standing, runner_lock_holder
from gate.run.telling import Tell
from gate.sources.tool import Source


@dataclass
class Releasing:
    """What a release knows from its first moment on."""

    request: Request
    settings: Settings
    source: Source
    tell: Tell
    deadlines: Deadlines
    platform: Platform
    began_at: str
    id: str
    notes: list[str] = field(default_factory=list)

    @property
    def mode(self) -> Mode:
        """A release that is not judged would be one that is not run: `off` judges, and refuses nothing."""
        return Mode.OBSERVE if self.settings.policy.mode is Mode.OFF else self.settings.policy.mode

    def run(self, connection: psycopg.Connection | None, outcome: Outcome, **more: object) -> Run:
        """How it ended; without a connection where there never was one."""
        info = connection.info if connection is not None else None
        made = Run(
            id=self.id,
            gate=VERSION,
            database=info.dbname if info is not None else "",
            server_version=_version(info),
            source=self.source.name,
            started_at=self.began_at,
            seconds=time.monotonic() - self.deadlines.began_s,
            outcome=outcome,
            notes=tuple(self.notes),
            budget_s=self.deadlines.budget_s,
        )
        return replace(made, **more)  # type: ignore[arg-type]  # names of the fields above


def _version(info: psycopg.ConnectionInfo | None) -> str:
    told = info.parameter_status("server_version") if info is not None else None
    return (told or "").partition(" ")[0]


def release(request: Request, tell: Tell, environment: Mapping[str, str] = os.environ) -> Run:
    """The run. Raises the errors of every room below as long as nothing has been begun; then the run tells them."""
    settings = load(request)
    source = open_source(settings)
    if request.expect is not None:
        # A plan that cannot be read is found out before anything is asked.
        from gate.app.expecting import reviewed

        reviewed(request.expect, settings.database)
    platform = platform_of(environment)
    releasing = Releasing(
        request=request,
        settings=settings,
        source=source,
        tell=tell,
        deadlines=_deadlines(settings, platform),
        platform=platform,
        began_at=datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
        id=os.urandom(8).hex(),
    )
    try:
        return _released(releasing)
    except Unreachable as error:
        _tell_people(releasing, releasing.run(None, Outcome.UNREACHABLE, problem=error.problem, remedy=error.remedy))
        raise


def _released(releasing: Releasing) -> Run:
    settings, source = releasing.settings, releasing.source
    with connected(releasing) as connection:
        answer = pending.read(connection, source)
        standing = journal_of(settings, connection).standing()
        has_work = bool(answer.migrations or ours(standing, source))
        if not has_work and not _is_left(settings, connection, standing):
            return _tell_people(releasing, _nothing(releasing, connection, answer, standing))
        from gate.app.releasing import run_release

        try:
            return run_release(releasing, connection)
        except (UsageError, MissingPrivilege) as error:
            # A database that may only be read keeps no deploy from going on that wants nothing of it.
            if has_work or connection.closed or pending.read(connection, source).migrations:
                raise
            releasing.notes += (f"{kept.change.what}, and is not put back: {error}" for kept in standing.changes)
            return _tell_people(releasing, _nothing(releasing, connection, answer, standing))


def _tell_people(releasing: Releasing, run: Run) -> Run:
    """Hooks of an end that came before anything was begun: nothing may be changed by them, for there is no journal."""
    event = event_of(run.outcome)
    if event is None or not settings_of(releasing.settings.policy.release, event):
        return run
    from gate.app.hooks import Hooks

    until_s = time.monotonic() + releasing.deadlines.reserve_s
    hooks = Hooks(policy=releasing.settings.policy, platform=releasing.platform, now_s=time.monotonic)
    called = hooks.call(event, to_json(run), lambda: until_s - time.monotonic())
    for hook in called:
        if hook.problem:
            releasing.request.warn(f"hook {hook.event} {hook.name}: {hook.problem}")
    return replace(run, hooks=called)


def _is_left(settings: Settings, connection: psycopg.Connection, standing: Standing) -> bool:
    """Whether a dead run has changed something outside the database that is still to be put back."""
    changes = [kept for kept in standing.changes if kept.database in ("", connection.info.dbname)]
    if not changes or standing.is_newer:
        return False
    from gate.db.rows import fetch

    return not fetch(connection, runner_lock_holder(settings.journal_schema))


def connected(releasing: Releasing) -> psycopg.Connection:
    """For looking; tried while the server is away."""
    name = f"gate/{releasing.id[:8]}/plan"
    return patiently(
        lambda: open_connection(releasing.request, releasing.settings, name=name),
        for_s=releasing.deadlines.connect_at_s(time.monotonic()),
        say=releasing.request.warn,
    )


def _deadlines(settings: Settings, platform: Platform) -> Deadlines:
    release = settings.policy.release
    return Deadlines(
        began_s=time.monotonic(),
        budget_s=settings.policy.budget_s or platform.budget_s,
        grace_s=release.grace_s if release.grace_s is not None else platform.grace_s,
        lock_wait_s=release.lock_wait_s,
        runner_wait_s=release.runner_wait_s,
    )


def _nothing(releasing: Releasing, connection: psycopg.Connection, answer: pending.Answer, standing: Standing) -> Run:
    """Nothing is pending; what the state itself forbids is refused all the same."""
    findings = as_findings(answer.findings)
    refused = [finding for finding in findings if finding.severity is Severity.REFUSE]
    releasing.notes += [finding.problem for finding in findings if finding not in refused]
    releasing.notes += others(standing, releasing.source)
    if refused and releasing.mode is Mode.ENFORCE:
        return releasing.run(connection, Outcome.REFUSED, problem=refused[0].problem, remedy=refused[0].remedy)
    return releasing.run(connection, Outcome.NOTHING_PENDING)
