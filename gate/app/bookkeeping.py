"""The tool's own rows: as it writes them itself, and whether the role may write them, before anything is begun."""

from __future__ import annotations

import re
from collections.abc import Iterable

import psycopg

from gate.app import pending
from gate.db.rows import fetch
from gate.model.errors import MissingPrivilege
from gate.model.migration import Migration, Query
from gate.model.names import quoted
from gate.sources.tool import Place, Source

_WRITES = ("INSERT", "UPDATE", "DELETE", "TRUNCATE")
_OTHER_ROLE = re.compile(r"\bset\s+(?:local\s+|session\s+)?(?:role|authorization)\b", re.IGNORECASE)
_LACKS = Query(
    "SELECT p.privilege FROM pg_catalog.unnest(%s::pg_catalog.text[]) AS p(privilege) "
    "WHERE NOT pg_catalog.has_table_privilege(%s, p.privilege)"
)


def rows_of(connection: psycopg.Connection, source: Source, migration: Migration) -> tuple[Query, ...]:
    """What is written once the migration is done; its table is made too where it is not there yet."""
    place, new = pending.where(connection, source)
    creates = source.creates_bookkeeping(new) if place is None else ()
    return (*creates, *_marks(source, migration, place or new))


def check(connection: psycopg.Connection, source: Source, migrations: Iterable[Migration]) -> None:
    """Raises MissingPrivilege where the rows could not be written once the work is done, with the GRANT.

    UsageError where the table is not there and only the tool itself makes it. A file that takes another role writes its
    rows as that one, which is not asked here.
    """
    place, new = pending.where(connection, source)
    if place is None:
        source.creates_bookkeeping(new)
        return
    listed = tuple(migrations)
    if any(_OTHER_ROLE.search(migration.text) for migration in listed):
        return
    queries = [query for migration in listed for query in _marks(source, migration, place)]
    words = {query.sql.split(None, 1)[0].upper() for query in queries if place.sql in query.sql}
    needed = [word for word in _WRITES if word in words]
    lacking = [row["privilege"] for row in fetch(connection, Query(_LACKS.sql, (needed, place.sql)))]
    if lacking:
        role = quoted(connection.info.user)
        raise MissingPrivilege(
            f"the role {connection.info.user} may not write the bookkeeping of {source.name} in {place}, so nothing is "
            "begun",
            remedy=f"GRANT {', '.join(lacking)} ON {place.sql} TO {role}",
        )


def _marks(source: Source, migration: Migration, place: Place) -> tuple[Query, ...]:
    return (*source.begins(migration, place), *source.marks(migration, place))
