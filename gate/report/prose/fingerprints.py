"""A finding of this run is known for the same in the next one."""

from __future__ import annotations

import hashlib
from collections import Counter

from gate.report.prose.said import Said


def fingerprint(item: Said, seen: Counter[str]) -> str:
    """The same in every run, wherever the statement moves to in its file; equal ones are numbered by `seen`."""
    migration, statement = item.migration, item.statement
    what = (
        item.finding.rule,
        (migration.id or "") if migration is not None else "",
        " ".join(statement.sql.split()) if statement is not None else "",
        item.finding.relation or "",
    )
    digest = hashlib.sha256("\x00".join(what).encode()).hexdigest()
    seen[digest] += 1
    return f"{digest}:{seen[digest]}"
