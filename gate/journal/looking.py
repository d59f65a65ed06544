"""What can be seen of the journal from the catalog alone: whether it is there, and what the role may do with it.

One question that works for every role, and where there is nothing: no relation of the journal is named in it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from gate.journal.answers import document
from gate.journal.names import identifier
from gate.journal.tables import BOOKKEEPING, TABLES
from gate.model.migration import Query
from gate.model.names import quoted
from gate.run.world import Row


@dataclass(frozen=True, kw_only=True)
class Look:
    """`tables` are those of the journal that are there, `others` relations in its schema that are not gate's at all.

    `all_tables` and `whole_schema` are publications that a new table of the schema would belong to at once.
    """

    major: int
    database: str
    role: str
    is_read_only: bool
    has_schema: bool
    may_create_schema: bool
    may_use_schema: bool
    may_create_in_schema: bool
    tables: tuple[str, ...]
    unreadable: tuple[str, ...]
    unwritable: tuple[str, ...]
    others: tuple[str, ...]
    all_tables: tuple[str, ...]

    @property
    def has_journal(self) -> bool:
        return "journal_versions" in self.tables

    def grant(self, schema: str, *, writes: bool) -> str:
        """What gives the role what it lacks, as SQL."""
        name, role = quoted(schema), quoted(self.role)
        rights = "SELECT, INSERT, UPDATE, DELETE" if writes else "SELECT"
        return f"GRANT USAGE ON SCHEMA {name} TO {role}; GRANT {rights} ON ALL TABLES IN SCHEMA {name} TO {role}"


def asks(schema: str) -> Query:
    """The one question."""
    tables = "{" + ",".join(TABLES) + "}"
    return Query(_LOOK, (tables, schema, BOOKKEEPING))


# Privileges on what belongs to a schema that the role may not use are asked for by oid, which always works.
_LOOK = """
SELECT pg_catalog.jsonb_build_object(
  'major', pg_catalog.current_setting('server_version_num')::integer / 10000,
  'database', pg_catalog.current_database(),
  'role', CURRENT_USER,
  'is_read_only', pg_catalog.current_setting('transaction_read_only') = 'on',
  'has_schema', n.oid IS NOT NULL,
  'may_create_schema', pg_catalog.has_database_privilege(pg_catalog.current_database(), 'CREATE'),
  'may_use_schema', coalesce(pg_catalog.has_schema_privilege(n.oid, 'USAGE'), false),
  'may_create_in_schema', coalesce(pg_catalog.has_schema_privilege(n.oid, 'CREATE'), false),
  'tables', coalesce(t.tables, '[]'),
  'unreadable', coalesce(t.unreadable, '[]'),
  'unwritable', coalesce(t.unwritable, '[]'),
  'others', coalesce(t.others, '[]'),
  'all_tables', coalesce(
    (SELECT pg_catalog.jsonb_agg(p.pubname ORDER BY p.pubname)
     FROM pg_catalog.pg_publication AS p WHERE p.puballtables),
    '[]')
)::text AS answer
FROM (VALUES (%s::text[], %s::text, %s::text)) AS wanted(tables, schema, bookkeeping)
LEFT JOIN pg_catalog.pg_namespace AS n ON n.nspname = wanted.schema
LEFT JOIN LATERAL (
  SELECT
    pg_catalog.jsonb_agg(c.relname) FILTER (WHERE is_ours) AS tables,
    pg_catalog.jsonb_agg(c.relname) FILTER (WHERE is_ours AND NOT pg_catalog.has_table_privilege(c.oid, 'SELECT'))
      AS unreadable,
    pg_catalog.jsonb_agg(c.relname) FILTER (WHERE is_ours AND NOT (
      pg_catalog.has_table_privilege(c.oid, 'INSERT') AND pg_catalog.has_table_privilege(c.oid, 'UPDATE')
      AND pg_catalog.has_table_privilege(c.oid, 'DELETE') AND pg_catalog.has_table_privilege(c.oid, 'SELECT')))
      AS unwritable,
    pg_catalog.jsonb_agg(c.relname) FILTER (WHERE NOT is_ours AND c.relkind IN ('r', 'p', 'v', 'm', 'f')
      AND c.relname::text <> wanted.bookkeeping) AS others
  FROM pg_catalog.pg_class AS c,
    LATERAL (SELECT c.relkind IN ('r', 'p') AND c.relname::text = ANY (wanted.tables)) AS o(is_ours)
  WHERE c.relnamespace = n.oid
) AS t ON true
"""


def look(rows: Sequence[Row]) -> Look:
    """What the question was answered with."""
    found: Mapping[str, Any] = document(rows)
    values: dict[str, Any] = {name: tuple(value) if isinstance(value, list) else value for name, value in found.items()}
    return Look(**values)


def asks_for_schema_publications(schema: str) -> Query:
    """Publications FOR TABLES IN SCHEMA that a new table of it would belong to; for servers of 15 and later."""
    return Query(_OF_SCHEMA, (schema,))


_OF_SCHEMA = """
SELECT coalesce(pg_catalog.jsonb_agg(p.pubname ORDER BY p.pubname), '[]')::text AS answer
FROM pg_catalog.pg_publication AS p
  JOIN pg_catalog.pg_publication_namespace AS s ON s.pnpubid = p.oid
  JOIN pg_catalog.pg_namespace AS n ON n.oid = s.pnnspid
WHERE n.nspname = %s::text
"""


def asks_for_version(schema: str) -> Query:
    """The newest version that was made."""
    return Query(f"SELECT max(version)::text AS answer FROM {identifier(schema)}.journal_versions")
