"""After cleaning up: whoever had to wait for us goes on, or is named with whom it waits for now."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from gate.model.locks import from_server_name
from gate.model.migration import Query
from gate.model.run import InTheWay
from gate.run.site import Site
from gate.run.world import Row

DRAIN_S = 30.0
_SHARE = 0.5
"""Of the time that is left, at most: the hooks come after it."""
_POLL_S = 0.1

_STILL = (
    "SELECT l.pid, pg_catalog.min(l.mode) FILTER (WHERE l.locktype = 'relation') AS mode "
    "FROM pg_catalog.pg_locks l WHERE NOT l.granted AND l.pid = ANY (%s::pg_catalog.int4[]) GROUP BY l.pid"
)
# Of the row of a session that the role may not see only the pid is there.
_NOW = (
    "SELECT p.pid, pg_catalog.pg_blocking_pids(p.pid) AS waits_for, a.state, "
    "extract(epoch FROM pg_catalog.clock_timestamp() - a.xact_start)::pg_catalog.float8 AS age_s "
    "FROM pg_catalog.unnest(%s::pg_catalog.int4[]) AS p(pid) "
    "LEFT JOIN pg_catalog.pg_stat_get_activity(NULL) a ON a.pid = p.pid"
)


def still_waiting(site: Site) -> tuple[InTheWay, ...]:
    """The former waiters that have not drained within half a minute, or what may be spent of the time that is left."""
    waiters = dict(site.kept_waiting)
    until_s = site.clock.now() + min(DRAIN_S, site.left_s() * _SHARE)
    while waiters:
        modes = {row["pid"]: row["mode"] for row in site.eyes.ask(_about(_STILL, waiters))}
        waiters = {pid: replace(item, held=_wanted(modes[pid])) for pid, item in waiters.items() if pid in modes}
        if site.clock.now() >= until_s:
            break
        if waiters:
            site.clock.rest(_POLL_S)
    if not waiters:
        return ()
    now = {row["pid"]: row for row in site.eyes.ask(_about(_NOW, waiters))}
    return tuple(_as_it_is(item, now[pid]) for pid, item in waiters.items())


def _about(sql: str, pids: Iterable[int]) -> Query:
    return Query(sql, ([str(pid) for pid in pids],))


def _wanted(mode: str | None) -> str:
    """Somebody who waits for no relation waits for a row."""
    return from_server_name(mode).value if mode is not None else "awaits a row"


def _as_it_is(item: InTheWay, now: Row) -> InTheWay:
    """We are gone: it waits for somebody else."""
    return replace(item, waits_for=tuple(dict.fromkeys(now["waits_for"])), state=now["state"], age_s=now["age_s"])
