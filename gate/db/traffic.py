"""How busy relations are: the counters of `pg_stat_all_tables` at two times. The caller decides the time between."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import psycopg

from gate.db.asking import Ask, Asking
from gate.db.errors import translated
from gate.model.catalog import Traffic


@dataclass(frozen=True, kw_only=True)
class Sample:
    """(scans, rows written) by table; `at_s` is the caller's monotonic clock, in seconds."""

    at_s: float
    counters: Mapping[int, tuple[int, int]]


def first(connection: psycopg.Connection, oids: Iterable[int], now: float = 0.0) -> Sample:
    """The first look; `now` is the caller's monotonic clock in seconds."""
    return _look(connection, list(oids), now)


def second(connection: psycopg.Connection, sample: Sample, now: float) -> dict[int, Traffic]:
    """The rates since `sample`; nothing where no time has passed. A reset in between counts as no traffic."""
    window_s = now - sample.at_s
    if window_s <= 0:
        return {}
    after = _look(connection, list(sample.counters), now)
    return {
        oid: _rate(sample.counters[oid], counters, window_s)
        for oid, counters in after.counters.items()
        if oid in sample.counters
    }


def settle(connection: psycopg.Connection) -> None:
    """Our own scans are counted now, not in the middle of what is watched; 14 counts them when it likes."""
    if connection.info.server_version < 150000:
        return
    try:
        connection.execute(b"SELECT pg_catalog.pg_stat_force_next_flush()", prepare=False)
    except psycopg.Error as error:
        raise translated(error) from error


def counted(sample: Sample) -> dict[int, Traffic]:
    """What one look alone tells: the counters since the statistics were last reset, no rates."""
    return {oid: Traffic(scans=scans, writes=writes) for oid, (scans, writes) in sample.counters.items()}


def _rate(before: tuple[int, int], after: tuple[int, int], window_s: float) -> Traffic:
    scans, writes = (max(0, late - early) / window_s for early, late in zip(before, after, strict=True))
    return Traffic(window_s=window_s, scans_per_s=scans, writes_per_s=writes, scans=after[0], writes=after[1])


def _look(connection: psycopg.Connection, oids: list[int], now: float) -> Sample:
    """One transaction with a cleared statistics snapshot: counters are cached for as long as one lasts."""
    try:
        asked: list[Ask] = [("clear_statistics", {}), ("activity", {"relations": oids})]
        _, rows = Asking(connection).all(asked, before=(b"BEGIN READ ONLY",), after=(b"ROLLBACK",))
    except psycopg.Error as error:
        Asking(connection).end()
        raise translated(error) from error
    return Sample(at_s=now, counters={row["oid"]: (row["scans"], row["writes"]) for row in rows})
