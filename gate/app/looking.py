"""The snapshot that a set of statements needs: what they name, and what the code that they run names."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from functools import reduce
from operator import or_

from psycopg import Connection

from gate.db import snapshot as reading
from gate.model.snapshot import Snapshot
from gate.model.wants import Wants
from gate.plan.reading import ReadMigration
from gate.rules.reaching_code import further_wants
from gate.rules.scope import DEPTH


def look(
    connection: Connection,
    migrations: Iterable[ReadMigration],
    *,
    release_role: str | None = None,
    once_read: Callable[[], None] = lambda: None,
) -> Snapshot:
    """One snapshot for all of them; code that runs is followed as deep as `DEPTH`, one look a level.

    `once_read` is called when the server has answered the first time, before any rule is asked.
    """
    read = tuple(migrations)
    wants = reduce(or_, (item.wants for item in read), Wants())
    snapshot = reading.read(connection, wants, release_role=release_role)
    once_read()
    actions = [item.statement.action for one in read for item in one.statements if item.statement is not None]
    asked = wants
    for round_ in range(DEPTH):
        further = further_wants(snapshot, actions)
        if not further or (asked | further) == asked:
            return snapshot
        if round_ == DEPTH - 1:
            break
        asked |= further
        snapshot = reading.read(connection, further, release_role=release_role, already=snapshot)
    return replace(snapshot, is_code_complete=False)
