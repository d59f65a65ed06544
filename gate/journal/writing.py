"""What is written to the journal, as queries.

Each can be run a second time, by whoever lost the answer to the first. Those that are sent inside a migration's own
transaction meet whatever search_path it has set: all names in them are qualified. What comes from outside is kept as
`json`, in ASCII, so that no encoding of a database refuses it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from gate.journal.names import identifier
from gate.model.changes import Change
from gate.model.migration import Query
from gate.model.program import Program, Unit
from gate.model.program_document import to_json
from gate.model.records import to_record
from gate.model.run import InTheWay, Outcome, Run, State, UnitRun
from gate.model.run_document import document
from gate.run.journalling import Mark, ProgramState, Start

RUNS_KEPT = 200
PROGRAMS_KEPT = 500
"""Of those that are over; what is unfinished always stays."""

DURABLY = Query(
    "SELECT pg_catalog.set_config('synchronous_commit', 'on', true) "
    "WHERE pg_catalog.current_setting('synchronous_commit') OPERATOR(pg_catalog.=) 'off'"
)
"""Before a mark: what a run takes for done must be there after a crash of the server, whatever the role or file sets.

Source: https://www.postgresql.org/docs/18/wal-async-commit.html.
"""

_OVER = (State.DONE, State.UNDONE, State.FAILED)


@dataclass(frozen=True)
class Writing:
    """The queries for a journal in this schema."""

    schema: str

    @property
    def own_role(self) -> Query:
        """Whatever role a migration has taken, its mark is written by the one that connects: the journal is its own."""
        return Query("SET LOCAL role TO DEFAULT")

    def begins_run(self, start: Start) -> Query:
        return self._query(
            _BEGIN_RUN,
            *(start.id, start.gate, start.source, start.database, start.server_version, Outcome.RUNNING.value),
            *(_text(start.budget_s), start.took_up),
        )

    def buries(self, run: str) -> Query:
        """All other runs that never said how they ended."""
        return self._query(_BURY, Outcome.ABANDONED.value, Outcome.RUNNING.value, run)

    def beats(self, run: str) -> Query:
        return self._query(_BEAT, run)

    def asks_whether_current(self, run: str) -> Query:
        return self._query(_IS_CURRENT, Outcome.RUNNING.value, run)

    def ends_run(self, run: Run) -> Query:
        return self._query(_END_RUN, run.outcome.value, run.took_up, _json(ending(run)), run.id)

    def prunes_runs(self) -> Query:
        return self._query(_PRUNE_RUNS, str(RUNS_KEPT))

    def prunes_programs(self) -> Query:
        return self._query(_PRUNE_PROGRAMS, str(PROGRAMS_KEPT))

    def keeps(self, program: Program, run: str) -> Query:
        units = [_planned(unit) for unit in program.units]
        return self._query(
            _KEEP,
            *(program.source, program.migration, program.fingerprint),
            *(ProgramState.UNFINISHED.value, run, to_json(program), State.WAITING.value, _json(units)),
        )

    def takes_up(self, key: int, run: str) -> Query:
        return self._query("UPDATE {schema}.programs SET run = %s::text WHERE id = %s::bigint", run, str(key))

    def marks(self, key: int, mark: Mark, run: str) -> Query:
        is_over = "pg_catalog.clock_timestamp()" if mark.state in _OVER else "NULL"
        return self._query(
            (_FORGET if mark.state is State.UNDONE else _MARK).replace("{ended_at}", is_over),
            *(str(key), str(mark.ordinal), mark.state.value, run, run),
            *(_json_or_none(mark.cursor), _json_or_none(mark.pins), _text(mark.rows_done), _text(mark.attempts)),
            *(mark.note or None, _masked(mark.error) or None, mark.sqlstate or None),
        )

    def keeps_change(self, change: Change, run: str) -> Query:
        return self._query(_KEEP_CHANGE, run, _json(change))

    def settles_change(self, key: str) -> Query:
        return self._query(_SETTLE_CHANGE, key)

    def prunes_changes(self) -> Query:
        return self._query(_PRUNE_CHANGES, str(RUNS_KEPT))

    def finishes(self, key: int, state: ProgramState) -> Query:
        return self._query(_FINISH, state.value, str(key))

    def measures(self, key: int, unit: UnitRun, run: str) -> Query:
        others = _json([_shown(other) for other in unit.in_the_way]) if unit.in_the_way else None
        return self._query(
            _MEASURE,
            *(run, _text(unit.seconds), _text(unit.waited_s), _text(unit.blocked_s), _text(unit.rows_done)),
            *(str(unit.attempts), others, unit.note or None, _masked(unit.error) or None, unit.sqlstate or None),
            *(str(key), str(unit.ordinal)),
        )

    def _query(self, sql: str, *parameters: str | None) -> Query:
        return Query(sql.replace("{schema}", identifier(self.schema)), tuple(map(_storable, parameters)))


_BEGIN_RUN = """
INSERT INTO {schema}.runs
  (id, gate, source, database, server_version, outcome, budget_s, took_up, heartbeat_at, pid, backend_started_at)
SELECT %s::text, %s::text, %s::text, %s::text, %s::text, %s::text, %s::double precision, %s::text, clock_timestamp(),
  a.pid, a.backend_start
FROM pg_catalog.pg_stat_get_activity(pg_catalog.pg_backend_pid()) AS a
ON CONFLICT (id) DO UPDATE SET pid = EXCLUDED.pid, backend_started_at = EXCLUDED.backend_started_at
"""

# The connection may be another one by now.
_BEAT = """
UPDATE {schema}.runs SET heartbeat_at = clock_timestamp(), pid = a.pid, backend_started_at = a.backend_start
FROM pg_catalog.pg_stat_get_activity(pg_catalog.pg_backend_pid()) AS a
WHERE id = %s::text
"""

_BURY = """
UPDATE {schema}.runs SET outcome = %s::text, ended_at = coalesce(heartbeat_at, started_at)
WHERE outcome = %s::text AND id <> %s::text
"""

_IS_CURRENT = """
SELECT pg_catalog.to_json(outcome = %s::text)::text AS answer FROM {schema}.runs WHERE id = %s::text
"""

_END_RUN = """
UPDATE {schema}.runs SET outcome = %s::text, took_up = %s::text, ended = %s::json, ended_at = clock_timestamp()
WHERE id = %s::text
"""

_PRUNE_RUNS = """
DELETE FROM {schema}.runs WHERE ended_at IS NOT NULL AND id IN (
  SELECT r.id FROM {schema}.runs AS r WHERE r.ended_at IS NOT NULL
  ORDER BY r.started_at DESC, r.id OFFSET %s::integer)
"""

_PRUNE_PROGRAMS = """
DELETE FROM {schema}.programs WHERE state <> 'unfinished' AND id IN (
  SELECT p.id FROM {schema}.programs AS p WHERE p.state <> 'unfinished' ORDER BY p.id DESC OFFSET %s::integer)
"""

_KEEP_CHANGE = """
INSERT INTO {schema}.changes (run, change) VALUES (%s::text, %s::json) RETURNING id::text AS answer
"""

_SETTLE_CHANGE = """
UPDATE {schema}.changes SET settled_at = clock_timestamp() WHERE id = %s::bigint AND settled_at IS NULL
"""

_PRUNE_CHANGES = """
DELETE FROM {schema}.changes WHERE settled_at IS NOT NULL AND id IN (
  SELECT c.id FROM {schema}.changes AS c WHERE c.settled_at IS NOT NULL ORDER BY c.id DESC OFFSET %s::integer)
"""

_KEEP = """
WITH kept AS (
  INSERT INTO {schema}.programs AS p (source, migration, fingerprint, state, run, program)
  VALUES (%s::text, %s::text, %s::text, %s::text, %s::text, %s::json)
  ON CONFLICT (source, migration) WHERE state = 'unfinished' DO UPDATE SET program = EXCLUDED.program
    WHERE p.run = EXCLUDED.run AND p.fingerprint = EXCLUDED.fingerprint
  RETURNING id
), waiting AS (
  INSERT INTO {schema}.units (program, state, ordinal, kind, limits, fingerprint,
    planned_low_s, planned_likely_s, planned_high_s, work, size_bytes, relation_rows, estimated_s)
  SELECT kept.id, %s::text, u.ordinal, u.kind, u.limits, u.fingerprint,
    u.planned_low_s, u.planned_likely_s, u.planned_high_s, u.work, u.size_bytes, u.relation_rows, u.estimated_s
  FROM kept, pg_catalog.json_to_recordset(%s::json) AS u(
    ordinal integer, kind text, limits text, fingerprint text,
    planned_low_s double precision, planned_likely_s double precision, planned_high_s double precision,
    work text, size_bytes bigint, relation_rows double precision, estimated_s double precision)
  ON CONFLICT DO NOTHING
)
SELECT kept.id::text AS answer FROM kept
"""

_VALUES = """
INSERT INTO {schema}.units AS u
  (program, ordinal, state, run, begun_by, began_at, ended_at,
   key_done, pins, rows_done, attempts, note, error, sqlstate)
VALUES (%s::pg_catalog.int8, %s::pg_catalog.int4, %s::pg_catalog.text, %s::pg_catalog.text, %s::pg_catalog.text,
  pg_catalog.transaction_timestamp(), {ended_at},
  %s::pg_catalog.json, %s::pg_catalog.json, %s::pg_catalog.int8, %s::pg_catalog.int4,
  %s::pg_catalog.text, %s::pg_catalog.text, %s::pg_catalog.text)
ON CONFLICT (program, ordinal) DO UPDATE SET
  state = EXCLUDED.state, run = EXCLUDED.run, ended_at = EXCLUDED.ended_at,
"""

_MARK = (
    _VALUES
    + """
  begun_by = coalesce(u.begun_by, EXCLUDED.begun_by), began_at = coalesce(u.began_at, EXCLUDED.began_at),
  key_done = coalesce(EXCLUDED.key_done, u.key_done), pins = coalesce(EXCLUDED.pins, u.pins),
  rows_done = coalesce(EXCLUDED.rows_done, u.rows_done), attempts = coalesce(EXCLUDED.attempts, u.attempts),
  note = coalesce(EXCLUDED.note, u.note), error = coalesce(EXCLUDED.error, u.error),
  sqlstate = coalesce(EXCLUDED.sqlstate, u.sqlstate)
"""
)

_FORGET = (
    _VALUES
    + """
  begun_by = NULL, began_at = NULL, key_done = NULL, pins = NULL, rows_done = NULL, attempts = NULL,
  note = EXCLUDED.note, error = EXCLUDED.error, sqlstate = EXCLUDED.sqlstate
"""
)

_FINISH = """
UPDATE {schema}.programs SET state = %s::pg_catalog.text, ended_at = pg_catalog.clock_timestamp()
WHERE id OPERATOR(pg_catalog.=) %s::pg_catalog.int8
"""

_MEASURE = """
UPDATE {schema}.units SET run = %s::text, seconds = %s::double precision, waited_s = %s::double precision,
  blocked_s = %s::double precision, rows_done = coalesce(%s::bigint, rows_done), attempts = %s::integer,
  in_the_way = %s::json, note = coalesce(%s::text, note), error = coalesce(%s::text, error),
  sqlstate = coalesce(%s::text, sqlstate)
WHERE program = %s::bigint AND ordinal = %s::integer
"""


def ending(run: Run) -> Mapping[str, Any]:
    """What is kept of a run: its document without the plan, which repeats what the units say; no secret in any text."""
    found: Mapping[str, Any] = _without_secrets({key: value for key, value in document(run).items() if key != "plan"})
    return found


def _without_secrets(value: Any) -> Any:
    match value:
        case str():
            return _masked(value)
        case list():
            return [_without_secrets(item) for item in value]
        case dict():
            return {key: _without_secrets(item) for key, item in value.items()}
        case _:
            return value


def _planned(unit: Unit) -> dict[str, Any]:
    """What is known of a unit before it is begun."""
    priced, seconds = unit.priced, unit.seconds
    told = json.dumps(to_record(unit), sort_keys=True).encode()
    return {
        "ordinal": unit.ordinal,
        "kind": unit.kind.value,
        "limits": unit.limits.value,
        "fingerprint": "sha256:" + hashlib.sha256(told).hexdigest(),
        "planned_low_s": seconds.low if seconds else None,
        "planned_likely_s": seconds.likely if seconds else None,
        "planned_high_s": seconds.high if seconds else None,
        "work": priced.work.value if priced else None,
        "size_bytes": priced.size_bytes if priced else None,
        "relation_rows": priced.rows if priced else None,
        "estimated_s": priced.estimated_s if priced else None,
    }


def _shown(other: InTheWay) -> dict[str, Any]:
    record: dict[str, Any] = to_record(other)
    return {**record, "query": None if other.query is None else _masked(other.query)}


def _masked(text: str) -> str:
    # Where nothing is pending nothing is written, and the journal is imported all the same.
    from gate.sql.masking import masked

    return masked(text)


def _json(value: Any) -> str:
    return json.dumps(to_record(value), allow_nan=False, separators=(",", ":"))


def _json_or_none(value: tuple[str | None, ...] | None) -> str | None:
    return None if value is None else _json(list(value))


def _text(value: float | None) -> str | None:
    return None if value is None else str(value)


def _storable(value: str | None) -> str | None:
    """Without what no text of the server can hold: zero bytes, and what was no UTF-8 in a file's name."""
    return None if value is None else value.replace("\0", "").encode("utf-8", "backslashreplace").decode()
