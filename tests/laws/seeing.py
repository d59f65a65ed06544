"""What one transaction of a split does, and which laws it breaks."""

from __future__ import annotations

from dataclasses import dataclass

from gate.model.locks import LockMode
from tests.facts.observe import Seen, observe, observe_alone
from tests.servers import Database

BATCH = 3
"""Rows that one batch may change: few, so that a table of ten rows needs several."""

_KINDS = """
SELECT n.nspname || '.' || relname, relkind::text FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace
"""

# With an index a scan would not be counted as one.
_SCANS = "SET enable_indexscan = off; SET enable_indexonlyscan = off; SET enable_bitmapscan = off"


@dataclass(frozen=True)
class Watched:
    """A transaction that was watched; `breaks` are the laws that it broke, in words."""

    sql: str
    seen: Seen
    breaks: tuple[str, ...]


def watch(database: Database, sql: str, *, is_transactional: bool = True) -> Watched:
    """Runs it for good. An error is raised."""
    kinds = dict(database.fetch(_KINDS))
    if is_transactional:
        with database.connect() as connection:
            connection.execute(_SCANS.encode())
            seen = observe(connection, sql, is_kept=True)
    else:
        seen = observe_alone(database.conninfo, sql)
        assert seen.sqlstate is None, f"{sql}: {seen.sqlstate}"
    return Watched(sql, seen, tuple(broken(seen, kinds)))


def broken(seen: Seen, kinds: dict[str, str]) -> list[str]:
    """No work on rows under a lock that blocks readers, or writers of what can be written; no more than a batch."""
    found = [
        f"writes {count} rows of {name} at once"
        for name, count in seen.written.items()
        if count > BATCH and kinds[name] != "m"
    ]
    work = _work(seen)
    if work:
        found += [f"{' and '.join(work)} while {name} shuts out {shut}" for name, shut in _shut(seen, kinds).items()]
    return found


def _work(seen: Seen) -> list[str]:
    return [
        *(f"rewrites {name}" for name in sorted(seen.rewritten)),
        *(f"builds an index on {name}" for name in sorted(seen.built_on)),
        *(f"reads {count} rows of {name}" for name, count in seen.read.items()),
        *(f"writes {count} rows of {name}" for name, count in seen.written.items()),
    ]


def _shut(seen: Seen, kinds: dict[str, str]) -> dict[str, str]:
    found = {}
    for name, mode in seen.locks.items():
        shut = [what for what in mode.shuts_out if what == "reads" or kinds[name] in "rpfS"]
        if shut:
            found[name] = f"{' and '.join(shut)} ({mode.value})"
    for name in seen.index_shut:
        # An index that is dropped or exchanged concurrently is locked so too, after the work.
        if seen.scanned is not None:
            found.setdefault(name, f"reads ({LockMode.ACCESS_EXCLUSIVE.value} on an index)")
    return found
