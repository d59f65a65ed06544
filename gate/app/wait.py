"""`gate wait`: until the schema is as far as this code needs it; only looks, and never stays connected.

Each look has a connection of its own: hundreds of replicas that wait would take those that the migration needs.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

import psycopg

from gate.app import pending
from gate.app.aside import aside
from gate.app.opening import open_connection, open_source, options_of, server_of
from gate.app.request import Request
from gate.app.settings import Settings, load
from gate.model.errors import Unreachable, UsageError
from gate.model.migration import Migration
from gate.model.run import HookRun
from gate.model.units import age, lasting, plural
from gate.model.version import VERSION
from gate.platforms.known import platform_of
from gate.run.arriving import LATEST, Arrival, JobSeen, Limits, Look, Progress, Step, Waited, advance, wait_document
from gate.sources import candidates, tools
from gate.sources.tool import Source

TIMEOUT_S = 600.0
POLL_S = 2.0
_ANSWER_S = 10.0
_LEAST_S = 5.0
"""For one look, however little time is left."""
_JOB_EVERY_S = 10.0
_NO_FILES = Path("/nonexistent")
# Waiting does not help: whoever restarts us tries with other settings.
_IS_FINAL = re.compile(
    r"authentication failed|no pg_hba\.conf entry|role \".*\" does not exist|is not permitted to log in"
)


@dataclass(kw_only=True)
class _Waiting:
    """`migrations` are those of the directory, none where it is not there. `tell` takes a line of progress."""

    request: Request
    settings: Settings
    source: Source
    wanted: tuple[str, ...]
    migrations: Sequence[Migration]
    tell: Callable[[str], None]
    environment: Mapping[str, str]
    until_s: float
    database: str = ""
    job: JobSeen | None = None
    job_at_s: float | None = None
    progress: Progress = field(default_factory=Progress)

    def run(self) -> tuple[Step, Look]:
        """To the end, whatever it is."""
        limits = Limits(until_s=self.until_s)
        while True:
            look = self._look(is_wordy=self.progress.is_due(limits, time.monotonic()))
            step, self.progress = advance(limits, self.progress, look)
            if step is Step.TELL:
                self.tell(self._line(look))
            elif step is not Step.WAIT:
                return step, look
            time.sleep(max(0.0, min(POLL_S, self.until_s - time.monotonic())))

    def _look(self, *, is_wordy: bool) -> Look:
        """The Job first: one that ended well has written its rows before we look for them."""
        job, at_s = self._job_now(), time.monotonic()
        try:
            found = aside(lambda: self._asked(is_wordy=is_wordy), max(self.until_s - at_s, _LEAST_S))
        except Unreachable as error:
            if _IS_FINAL.search(error.problem):
                raise
            found = Look(at_s=at_s, absent=_first_line(error.problem), is_reached=False)
        return replace(found, at_s=time.monotonic(), job=job)

    def _asked(self, *, is_wordy: bool) -> Look:
        with open_connection(self.request, self.settings, name="gate wait", answer_s=_ANSWER_S) as connection:
            self.database = connection.info.dbname
            return self._state(connection, is_wordy=is_wordy)

    def _state(self, connection: psycopg.Connection, *, is_wordy: bool) -> Look:
        place, new = pending.where(connection, self.source)
        if place is None:
            absent = f"the bookkeeping of {self.source.name} ({new.table}) is not there yet"
            return Look(at_s=0.0, absent=absent, at_work=self._at_work(connection) if is_wordy else ())
        applied = self.source.applied(self.migrations, pending.rows_at(connection, self.source, place))
        missing = tuple(wanted for wanted in self.wanted if not applied.has(wanted))
        return Look(
            at_s=0.0,
            missing=missing,
            unknown=applied.unknown if missing else "",
            failed=applied.failed,
            at_work=self._at_work(connection) if missing and is_wordy else (),
        )

    def _at_work(self, connection: psycopg.Connection) -> tuple[str, ...]:
        from gate.app.holding_up import at_work

        return at_work(connection, self.settings, self.source)

    def _job_now(self) -> JobSeen | None:
        """Not at every look: the API server has others to serve."""
        name = self.request.job
        if name is None:
            return None
        now_s = time.monotonic()
        if self.job_at_s is None or now_s - self.job_at_s >= _JOB_EVERY_S or now_s >= self.until_s:
            from gate.app.jobs import job_now

            self.job, self.job_at_s = job_now(name, self.settings.policy, self.environment), now_s
        return self.job

    # --- in words -----------------------------------------------------------------------------------------------------

    def _line(self, look: Look) -> str:
        left = f"{age(max(0.0, self.until_s - look.at_s))} left"
        return "; ".join([f"waiting: {self.state_of(look)}", *more_of(look), left])

    def state_of(self, look: Look) -> str:
        """What is not there, and where."""
        missing = look.missing or self.wanted
        is_one = len(missing) == 1
        what = missing[0] if is_one else f"{missing[0]} to {missing[-1]} ({len(missing)} migrations)"
        where = f" to {self.database}" if self.database else ""
        be = "is" if is_one else "are"
        if not look.is_reached:
            return f"whether {what} {be} applied{where} is not known: {look.absent}"
        return f"{what} {be} not applied{where} yet" + (f": {look.absent}" if look.absent else "")


def wait(request: Request, tell: Callable[[str], None], environment: Mapping[str, str] = os.environ) -> Waited:
    """How it ended.

    Raises:
        UsageError: settings, an id that the tool would never write, a tool that is not told.
        MissingPrivilege: the role may not read the bookkeeping.
        Unreachable: the server does not let this role in.
    """
    began_s, began_at = time.monotonic(), datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    settings = load(request)
    source, has_files = _source(settings)
    migrations = source.migrations() if has_files else ()
    asked = LATEST if request.schema_at_least is None else request.schema_at_least
    waiting = _Waiting(
        request=replace(request, job=request.job or environment.get("GATE_JOB", "").strip() or None),
        settings=settings,
        source=source,
        wanted=_wanted(asked, source, migrations, request.warn),
        migrations=migrations,
        tell=tell,
        environment=environment,
        until_s=began_s + _timeout_s(request),
    )
    step, look = waiting.run()
    done = Waited(
        run=_run_of(waiting),
        gate=VERSION,
        database=waiting.database,
        wanted=asked,
        source=source.name,
        started_at=began_at,
        seconds=time.monotonic() - began_s,
        arrival=_ARRIVALS[step],
        look=look,
    )
    if done.arrival is Arrival.ARRIVED:
        return done
    done = replace(done, problem=_problem(waiting, look, done.seconds), remedy=_remedy(look))
    return replace(done, hooks=_hooks(waiting, done)) if request.calls_hooks else done


_ARRIVALS = {
    Step.ARRIVED: Arrival.ARRIVED,
    Step.TIMED_OUT: Arrival.TIMED_OUT,
    Step.JOB_FAILED: Arrival.JOB_FAILED,
}


def _timeout_s(request: Request) -> float:
    told_s = TIMEOUT_S if request.timeout_s is None else request.timeout_s
    if told_s < 0:
        raise UsageError(
            f"--timeout {told_s:g} is less than nothing", remedy="write --timeout 10min, or 0 to look once"
        )
    return told_s


def _source(settings: Settings) -> tuple[Source, bool]:
    """The tool's, and whether its files are there: an image that only waits may have none."""
    if settings.tool is None:
        return open_source(settings), True
    root = Path(settings.source or ".")
    chosen = tuple(tool for tool in tools() if tool.name == settings.tool)
    # An image without files has its root for a working directory: all of the system would be searched.
    is_searched = root.is_dir() and (settings.source is not None or root.resolve() != Path("/"))
    if not chosen or (is_searched and candidates(root, chosen)):
        return open_source(settings), True
    return chosen[0].source(_NO_FILES, options_of(settings)), False


def _wanted(
    asked: str, source: Source, migrations: Sequence[Migration], warn: Callable[[str], None]
) -> tuple[str, ...]:
    if not asked.strip():
        raise UsageError("--schema-at-least is empty", remedy="give an id as the tool writes it down, or latest")
    if asked != LATEST:
        _check_id(asked, source, migrations, warn)
        return (asked,)
    if not migrations:
        raise UsageError(
            "--schema-at-least latest means all migrations of a directory, and there is none here",
            remedy=f"name the directory of {source.name}, or give the id of the newest migration",
        )
    return tuple(one.id or one.name for one in migrations)


def _check_id(asked: str, source: Source, migrations: Sequence[Migration], warn: Callable[[str], None]) -> None:
    """What the tool never writes would be waited for in vain; what only is not among the files may come from others."""
    known = {one.id or one.name: one for one in migrations}
    if asked in known or any(asked == one.name for one in migrations if source.name == "sqitch"):
        return
    meant = next((id_ for id_, one in known.items() if asked in _also_called(one)), None)
    if meant is None and source.name in _NUMBERED and asked.isascii() and asked.isdigit() and asked != str(int(asked)):
        meant = str(int(asked))
    if meant is not None:
        raise UsageError(
            f"{source.name} never writes down {asked}: the id of that migration is {meant}",
            remedy=f"gate wait --schema-at-least {meant}",
        )
    if migrations:
        listed = f"the {plural(len(known), 'migration')} in {source.directory}"
        warn(f"{asked} is not among {listed}; it is waited for all the same")


_NUMBERED = frozenset({"golang-migrate", "goose"})
"""Their versions are numbers in the database: a zero that a file's name begins with is not written."""


def _also_called(migration: Migration) -> set[str]:
    path = Path(migration.path or migration.name)
    names = {migration.name, path.name, path.stem, path.parent.name, str(path), path.name.partition("_")[0]}
    return names - {"", "."}


def more_of(look: Look) -> list[str]:
    """Who may bring it, and what is in its way."""
    return [
        *look.failed,
        *([f"not known: {look.unknown}"] if look.unknown else []),
        *look.at_work,
        *([look.job.said] if look.job is not None else []),
    ]


def _problem(waiting: _Waiting, look: Look, seconds: float) -> str:
    """The Job first, if there is one that tells why: it sends no other sign."""
    job = look.job
    lead = f"{job.said}; " if job is not None and job.is_known else ""
    said = f"{lead}{waiting.state_of(look)}, after {lasting(seconds)}"
    return "; ".join([said, *more_of(replace(look, job=None)), *([] if job is None or job.is_known else [job.said])])


def _remedy(look: Look) -> str:
    if look.unknown:
        return look.unknown.rpartition("; ")[2]
    if look.job is not None and look.job.has_failed:
        return f"kubectl logs job/{look.job.name} tells why it failed; once that is put right, run it again"
    if look.job is not None:
        return f"kubectl describe job/{look.job.name} and its pods tell what they wait for"
    if look.absent:
        return "see to the database, or run the release that migrates it; gate status tells how far it is"
    return "see to the release that is to apply it: gate status tells how far it is; --job NAME names a Job to look at"


def _run_of(waiting: _Waiting) -> str:
    """The same for all replicas that wait for the same on one day: whoever is told by each can tell that it is one."""
    job = waiting.job
    parts = [
        server_of(waiting.request, waiting.settings),
        *waiting.wanted[-1:],
        *([job.name, job.uid] if job is not None else []),
        datetime.now(UTC).strftime("%Y-%m-%d"),
    ]
    return "wait-" + hashlib.sha256("\0".join(parts).encode()).hexdigest()[:16]


def _hooks(waiting: _Waiting, done: Waited) -> tuple[HookRun, ...]:
    """Those of a failed release: a Job whose pod never starts sends no other sign."""
    from gate.app.hooks import Hooks

    policy, platform = waiting.settings.policy, platform_of(waiting.environment)
    grace_s = policy.release.grace_s if policy.release.grace_s is not None else platform.grace_s
    until_s = time.monotonic() + grace_s
    hooks = Hooks(policy=policy, platform=platform, now_s=time.monotonic)
    document = json.dumps(wait_document(done), indent=2, ensure_ascii=False)
    return hooks.call("on_failure", document, lambda: until_s - time.monotonic())


def _first_line(text: str) -> str:
    return text.strip().partition("\n")[0]
