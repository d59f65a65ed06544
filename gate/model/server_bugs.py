"""Bugs of single minor releases that make a safe statement unsafe."""

from __future__ import annotations

import re

from gate.model.snapshot import Server

_MINOR = re.compile(r"14\.(\d+)")
_CURED_IN = 4


def loses_rows_in_concurrent_builds(server: Server) -> bool:
    """14.0 to 14.3: CREATE INDEX and REINDEX CONCURRENTLY may leave rows out of the index (release notes of 14.4)."""
    found = _MINOR.match(server.version)
    return found is not None and int(found[1]) < _CURED_IN


CONCURRENT_BUILDS = "PostgreSQL 14.0 to 14.3 may leave rows out of an index that is built concurrently"
UPDATE_FIRST = "update the server to 14.4 or later first: a restart, no dump"
