"""The lock of the migration tool itself: tried and given back in one statement, never held.

Whoever has it is a run of the tool beside this release: both would run the same migrations. Held, it would make a tool
that waits for it in the server keep a snapshot, and a concurrent index build waits for that.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from gate.app.turn import polled
from gate.model.migration import Query

_IS_FREE = Query(
    "SELECT pg_catalog.bool_and(CASE WHEN pg_catalog.pg_try_advisory_lock(k) "
    "THEN pg_catalog.pg_advisory_unlock(k) ELSE false END) AS is_free "
    "FROM pg_catalog.unnest(%s::pg_catalog.int8[]) AS k"
)
# A key of one bigint is shown in two halves: https://www.postgresql.org/docs/18/view-pg-locks.html.
_HOLDER = Query(
    "SELECT l.pid, a.application_name AS application FROM pg_catalog.pg_locks AS l "
    "LEFT JOIN pg_catalog.pg_stat_activity AS a ON a.pid = l.pid "
    "WHERE l.locktype = 'advisory' AND l.granted AND l.objsubid = 1 "
    "AND l.database = (SELECT oid FROM pg_catalog.pg_database WHERE datname = pg_catalog.current_database()) "
    "AND ((l.classid::pg_catalog.int8 << 32) | l.objid::pg_catalog.int8) = ANY (%s::pg_catalog.int8[]) "
    "ORDER BY l.pid LIMIT 1"
)


@dataclass(frozen=True, kw_only=True)
class ToolLock:
    """`keys` are the tool's; `ask` runs one query on the runner's connection."""

    tool: str
    keys: Sequence[int]
    ask: Callable[[Query], Sequence[Any]]

    def is_free(self) -> bool:
        """Whether nobody has any of them now."""
        return not self.keys or bool(self.ask(self._about(_IS_FREE))[0]["is_free"])

    def holder(self) -> dict[str, Any] | None:
        """`pid` and `application`, which is None where it may not be seen."""
        return next(iter(self.ask(self._about(_HOLDER))), None)

    def awaited(self, for_s: float, *, say: Callable[[str], object], rest: Callable[[float], object]) -> bool:
        """Whether it was free within that time."""
        return polled(self.is_free, for_s=for_s, who=self.problem, say=say, rest=rest)

    def problem(self) -> str:
        """Who is at work."""
        return f"{self.tool} itself is at work on this database, and holds its own lock ({self._named(self.holder())})"

    def remedy(self) -> str:
        """The way out, with the SQL for a session that nobody is behind any more."""
        holder = self.holder()
        is_stuck = "; if nobody is behind that session any more: SELECT pg_terminate_backend({});"
        return "let it end, then release again" + (is_stuck.format(holder["pid"]) if holder else "")

    def _named(self, holder: dict[str, Any] | None) -> str:
        return f"pid {holder['pid']}, {holder['application'] or 'unnamed'}" if holder else "it ended this moment"

    def _about(self, query: Query) -> Query:
        return Query(query.sql, (list(self.keys),))
