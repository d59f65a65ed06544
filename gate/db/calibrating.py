"""The probes on scratch tables, in one transaction that is never committed.

Whatever ends it (the last probe, an error, a signal, a connection that breaks) rolls it back, and with it go the
schema, the tables and their files. The log on the way is real: these are permanent tables.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

import psycopg
from psycopg import errors, sql

from gate.db.errors import translated
from gate.db.probes import PROBES, Probe, scratch_tables
from gate.db.queries import query
from gate.db.session import SETTINGS
from gate.model.errors import MissingPrivilege, UsageError
from gate.model.names import Name
from gate.model.snapshot import Server
from gate.plan.calibration import Scratch


@dataclass(frozen=True, kw_only=True)
class Calibrated:
    """Seconds by probe; `left_out` are probes that the time did not reach."""

    seconds: Mapping[str, float] = field(default_factory=dict)
    left_out: tuple[str, ...] = ()


def server_of(connection: psycopg.Connection) -> Server:
    """The server and its settings. UsageError for a standby, MissingPrivilege where no schema may be created."""
    try:
        row = connection.execute(query("calibration_server"), prepare=False).fetchone()
        values = connection.execute(query("settings"), {"names": list(SETTINGS)}, prepare=False).fetchall()
    except psycopg.Error as error:
        raise translated(error) from error
    assert row is not None
    major, version, database, role, is_standby, may_create = row
    if is_standby:
        raise UsageError(
            "this server is a standby: nothing can be created here, so nothing can be measured",
            remedy="calibrate on the primary, or on a machine like it",
        )
    if not may_create:
        raise MissingPrivilege(
            f"the role {Name(role)} may not create a schema in the database {Name(database)}",
            remedy=f"GRANT CREATE ON DATABASE {Name(database)} TO {Name(role)}",
        )
    settings = {name: value for name, value in values if value is not None}
    return Server(major=major, version=version, database=database, role=role, settings=settings)


def calibrate(
    connection: psycopg.Connection, scratch: Scratch, *, limit_s: float, say: Callable[[str], None]
) -> Calibrated:
    """Times every probe that `limit_s` allows; the database is afterwards as it was.

    Raises GateError for what the server refuses; the connection should be closed after it.
    """
    until = time.monotonic() + limit_s
    try:
        with _scratch_transaction(connection):
            say("filling the scratch tables")
            _bounded(connection, until)
            for text, parameters in scratch_tables(scratch):
                connection.execute(text, parameters or None, prepare=False)
            return _probed(connection, until, say)
    except errors.QueryCanceled as error:
        raise UsageError(
            f"the scratch tables were not filled within {limit_s:g} s",
            remedy="give it more --seconds, or fewer --megabytes",
        ) from error
    except psycopg.Error as error:
        raise translated(error) from error


@contextmanager
def _scratch_transaction(connection: psycopg.Connection) -> Iterator[None]:
    """A transaction in a schema of its own, rolled back in every end; a statement that still runs is cancelled."""
    schema = sql.Identifier(f"gate_calibration_{connection.info.backend_pid}")
    try:
        connection.execute(b"BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE")
        connection.execute(query("calibration_begin"), prepare=False)
        _noticing(connection)
        connection.execute(sql.SQL("CREATE SCHEMA {}").format(schema), prepare=False)
        connection.execute(sql.SQL("SET LOCAL search_path = {}, pg_catalog").format(schema), prepare=False)
        yield
    finally:
        if connection.info.transaction_status is psycopg.pq.TransactionStatus.ACTIVE:
            connection.cancel_safe(timeout=_CANCEL_S)
            connection.close()
        elif not connection.closed:
            connection.execute(b"ROLLBACK")


_CANCEL_S = 2.0


def _noticing(connection: psycopg.Connection) -> None:
    """A statement ends when its client is gone, on the systems that can tell."""
    with suppress(errors.Error), connection.transaction():
        connection.execute(b"SET LOCAL client_connection_check_interval = '1s'")


def _bounded(connection: psycopg.Connection, until: float) -> None:
    left_ms = max(1, round((until - time.monotonic()) * 1000))
    connection.execute(sql.SQL("SET LOCAL statement_timeout = {}").format(sql.Literal(left_ms)), prepare=False)


def _probed(connection: psycopg.Connection, until: float, say: Callable[[str], None]) -> Calibrated:
    """Every probe once, then again while there is time: what a busy moment adds to one round the others do not have."""
    delay_s = _round_trip_s(connection)
    runs: dict[str, list[float]] = {probe.name: [] for probe in PROBES}
    for round_ in range(_ROUNDS):
        begun = time.monotonic()
        for place, probe in enumerate(PROBES, start=1):
            if round_ < probe.times and time.monotonic() < until:
                say(f"measuring {place} of {len(PROBES)}, round {round_ + 1}: {probe.name}")
                runs[probe.name] += _timed(connection, probe, until)
        if time.monotonic() + (time.monotonic() - begun) > until:
            break
    found = {name: max(statistics.median(own) - delay_s, 1e-6) for name, own in runs.items() if own}
    return Calibrated(seconds=found, left_out=tuple(name for name, own in runs.items() if not own))


_ROUNDS = 3


def _round_trip_s(connection: psycopg.Connection) -> float:
    """What a statement that does nothing takes: the way there and back."""
    return min(_seconds(connection, b"SELECT") for _ in range(5))


def _timed(connection: psycopg.Connection, probe: Probe, until: float) -> list[float]:
    """One run, or none where the time ran out. It is undone, so that all runs meet the same."""
    connection.execute(b"SAVEPOINT probe")
    try:
        _bounded(connection, until)
        for text in probe.before:
            connection.execute(text, prepare=False)
        return [_seconds(connection, probe.sql)]
    except errors.QueryCanceled:
        return []
    finally:
        if connection.info.transaction_status is not psycopg.pq.TransactionStatus.ACTIVE:
            connection.execute(b"ROLLBACK TO SAVEPOINT probe")


def _seconds(connection: psycopg.Connection, text: bytes) -> float:
    begun = time.perf_counter()
    connection.execute(text, prepare=False)
    return time.perf_counter() - begun
