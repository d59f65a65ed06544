"""The journal's own tables, and its own migrations: each version is a list of statements, run once and in order.

A gate of an older version reads what a newer one has made, so a column is never taken away and never changes what it
means. What an older gate must not act upon raises the version, for then it writes nothing.
"""

from __future__ import annotations

from dataclasses import dataclass

from gate.journal.names import identifier

TABLES = ("journal_versions", "runs", "programs", "units", "changes")
BOOKKEEPING = "applied"
"""Where gate itself writes down plain files, in the schema that the journal has too unless it is told otherwise."""


@dataclass(frozen=True, kw_only=True)
class JournalVersion:
    """`statements` have `{schema}` where the schema's name has to be, quoted."""

    version: int
    statements: tuple[str, ...]

    def written(self, schema: str) -> tuple[str, ...]:
        """The statements as SQL for that schema, each on one line."""
        name = identifier(schema)
        return tuple(_on_one_line(statement).replace("{schema}", name) for statement in self.statements)


def _on_one_line(statement: str) -> str:
    return " ".join(statement.split()).replace("( ", "(").replace(" )", ")")


# A run's heartbeat and a backfill's cursor rewrite their row again and again: room in the page keeps that cheap.
_FIRST = (
    """
CREATE TABLE IF NOT EXISTS {schema}.journal_versions (
  version integer PRIMARY KEY,
  gate text NOT NULL,
  made_at timestamptz NOT NULL DEFAULT clock_timestamp()
)""",
    """
CREATE TABLE IF NOT EXISTS {schema}.runs (
  id text PRIMARY KEY,
  gate text NOT NULL,
  source text NOT NULL,
  database text NOT NULL,
  server_version text NOT NULL,
  outcome text NOT NULL,
  started_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  heartbeat_at timestamptz,
  ended_at timestamptz,
  pid integer,
  backend_started_at timestamptz,
  budget_s double precision,
  took_up text,
  ended json
) WITH (fillfactor = 50)""",
    """
CREATE TABLE IF NOT EXISTS {schema}.programs (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  source text NOT NULL,
  migration text NOT NULL,
  fingerprint text NOT NULL,
  state text NOT NULL,
  run text NOT NULL,
  kept_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  ended_at timestamptz,
  program json NOT NULL
)""",
    """
CREATE UNIQUE INDEX IF NOT EXISTS programs_unfinished
  ON {schema}.programs (source, migration) WHERE state = 'unfinished'""",
    """
CREATE TABLE IF NOT EXISTS {schema}.units (
  program bigint NOT NULL REFERENCES {schema}.programs ON DELETE CASCADE,
  ordinal integer NOT NULL,
  state text NOT NULL,
  run text,
  begun_by text,
  began_at timestamptz,
  ended_at timestamptz,
  key_done json,
  pins json,
  rows_done bigint,
  attempts integer,
  note text,
  error text,
  sqlstate text,
  kind text,
  limits text,
  fingerprint text,
  planned_low_s double precision,
  planned_likely_s double precision,
  planned_high_s double precision,
  seconds double precision,
  waited_s double precision,
  blocked_s double precision,
  in_the_way json,
  work text,
  size_bytes bigint,
  relation_rows double precision,
  estimated_s double precision,
  PRIMARY KEY (program, ordinal)
) WITH (fillfactor = 50)""",
    """
CREATE TABLE IF NOT EXISTS {schema}.changes (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  run text NOT NULL,
  made_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  settled_at timestamptz,
  change json NOT NULL
)""",
)

VERSIONS = (JournalVersion(version=1, statements=_FIRST),)
