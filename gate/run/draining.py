"""After cleaning up: whoever had to wait for us goes on, or is named with whom it waits for now."""

from __future__ import annotations

from gate.model.migration import Query
from gate.model.run import InTheWay
from gate.run.site import Site

DRAIN_S = 30.0
_POLL_S = 0.1

_STILL = Query(
    "SELECT l.pid FROM pg_catalog.pg_locks l WHERE NOT l.granted AND l.pid = ANY (%s::pg_catalog.int4[])",
)


def still_waiting(site: Site) -> tuple[InTheWay, ...]:
    """The former waiters that have not drained within half a minute, or what is left of the time."""
    waiters = dict(site.kept_waiting)
    until_s = site.clock.now() + min(DRAIN_S, site.left_s())
    while waiters:
        rows = site.eyes.ask(Query(_STILL.sql, ([str(pid) for pid in waiters],)))
        left = {row["pid"] for row in rows}
        waiters = {pid: item for pid, item in waiters.items() if pid in left}
        if site.clock.now() >= until_s:
            break
        if waiters:
            site.clock.rest(_POLL_S)
    return tuple(waiters.values())
