"""The snapshot that a set of statements needs: what they name, and what the code that they run names."""

from __future__ import annotations

from collections.abc import Iterable
from functools import reduce
from operator import or_

from psycopg import Connection

from gate.db import snapshot as reading
from gate.model.snapshot import Snapshot
from gate.model.wants import Wants
from gate.plan.reading import ReadMigration


def look(connection: Connection, migrations: Iterable[ReadMigration], *, release_role: str | None = None) -> Snapshot:
    """One snapshot for all of them."""
    wants = reduce(or_, (item.wants for item in migrations), Wants())
    return reading.read(connection, wants, release_role=release_role)
