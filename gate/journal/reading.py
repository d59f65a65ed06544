"""What stands in the journal, as values.

Rows come as JSON, so that columns which a newer journal has are no error to an older gate.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from gate.journal.answers import document, utc
from gate.journal.names import identifier
from gate.model.changes import KeptChange, change_of
from gate.model.migration import Query
from gate.model.program import Program
from gate.model.program_document import from_json
from gate.model.rates import PastRun
from gate.model.run import Backend, Outcome, State
from gate.model.work import Work
from gate.run.journalling import Kept, KnownRun, Mark, ProgramState, Standing
from gate.run.world import Row

_STATES = {state.value: state for state in State}
_OUTCOMES = {outcome.value: outcome for outcome in Outcome}
_RUNS = 20
_PAST = 500

_STANDING = """
SELECT pg_catalog.json_build_object(
  'version', (SELECT max(v.version) FROM {schema}.journal_versions AS v),
  'gate', (SELECT v.gate FROM {schema}.journal_versions AS v ORDER BY v.version DESC LIMIT 1),
  'runs', (SELECT pg_catalog.json_agg(pg_catalog.json_build_object('run', r, 'heartbeat_age_s',
      extract(epoch FROM clock_timestamp() - r.heartbeat_at)))
    FROM (SELECT * FROM {schema}.runs ORDER BY started_at DESC, id LIMIT %s::integer) AS r),
  'programs', (SELECT pg_catalog.json_agg(p ORDER BY p.id)
    FROM (SELECT * FROM {schema}.programs WHERE state = 'unfinished') AS p),
  'units', (SELECT pg_catalog.json_agg(u ORDER BY u.program, u.ordinal)
    FROM (SELECT u.* FROM {schema}.units AS u JOIN {schema}.programs AS p ON p.id = u.program
          WHERE p.state = 'unfinished') AS u),
  'changes', (SELECT pg_catalog.json_agg(c ORDER BY c.id)
    FROM (SELECT * FROM {schema}.changes WHERE settled_at IS NULL) AS c)
)::text AS answer
"""

_SETTLED = """
WITH settled AS (
  SELECT * FROM {schema}.programs WHERE state = 'settled' ORDER BY ended_at DESC LIMIT %s::integer)
SELECT pg_catalog.json_build_object(
  'programs', (SELECT pg_catalog.json_agg(p ORDER BY p.id) FROM settled AS p),
  'units', (SELECT pg_catalog.json_agg(u ORDER BY u.program, u.ordinal)
    FROM (SELECT u.* FROM {schema}.units AS u JOIN settled AS p ON p.id = u.program) AS u)
)::text AS answer
"""

_MARK = """
SELECT pg_catalog.row_to_json(u)::text AS answer FROM {schema}.units AS u
WHERE u.program = %s::bigint AND u.ordinal = %s::integer
"""

# A unit that two runs worked on has been timed in part only.
_PAST_RUNS = """
SELECT pg_catalog.json_agg(u)::text AS answer FROM (
  SELECT work, size_bytes, relation_rows, seconds, estimated_s FROM {schema}.units
  WHERE state = 'done' AND work IS NOT NULL AND seconds IS NOT NULL AND begun_by = run
  ORDER BY ended_at DESC LIMIT %s::integer) AS u
"""


def asks_for_standing(schema: str) -> Query:
    """The version, the last runs, and what is unfinished."""
    return Query(_STANDING.replace("{schema}", identifier(schema)), (str(_RUNS),))


def asks_for_settled(schema: str) -> Query:
    """The programs that were settled last."""
    return Query(_SETTLED.replace("{schema}", identifier(schema)), (str(_RUNS),))


def asks_for_mark(schema: str, key: int, ordinal: int) -> Query:
    return Query(_MARK.replace("{schema}", identifier(schema)), (str(key), str(ordinal)))


def asks_for_past_runs(schema: str) -> Query:
    return Query(_PAST_RUNS.replace("{schema}", identifier(schema)), (str(_PAST),))


def standing(rows: Sequence[Row], *, place: str, version: int) -> Standing:
    """The answer to `asks_for_standing`; `version` is what this gate knows."""
    found = document(rows)
    written = found["version"] or 0
    return Standing(
        place=place,
        version=written,
        made_by=found["gate"] or "",
        is_newer=written > version,
        unfinished=kept(rows),
        runs=tuple(_run(item["run"], item["heartbeat_age_s"]) for item in found["runs"] or ()),
        changes=tuple(map(_change, found["changes"] or ())),
    )


def kept(rows: Sequence[Row]) -> tuple[Kept, ...]:
    """The programs in the answer, each with the marks of its units."""
    found = document(rows)
    marks: dict[int, list[Mark | None]] = {}
    for unit in found["units"] or ():
        marks.setdefault(unit["program"], []).append(_mark(unit))
    return tuple(_kept(row, tuple(marks.get(row["id"], ()))) for row in found["programs"] or ())


def mark(rows: Sequence[Row]) -> Mark | None:
    """The answer to `asks_for_mark`."""
    found = document(rows)
    return None if found is None else _mark(found)


def past_runs(rows: Sequence[Row]) -> tuple[PastRun, ...]:
    """The answer to `asks_for_past_runs`."""
    known = {kind.value: kind for kind in Work}
    return tuple(
        PastRun(
            work=known[row["work"]],
            size_bytes=row["size_bytes"] or 0,
            rows=row["relation_rows"] or 0.0,
            seconds=row["seconds"],
            estimated_s=row["estimated_s"],
        )
        for row in document(rows) or ()
        if row["work"] in known
    )


def _kept(row: Mapping[str, Any], marks: tuple[Mark | None, ...]) -> Kept:
    written: Mapping[str, Any] = row["program"]
    return Kept(
        key=row["id"],
        source=row["source"],
        migration=row["migration"],
        path=written.get("path"),
        fingerprint=row["fingerprint"],
        state=ProgramState(row["state"]),
        run=row["run"],
        kept_at=utc(row["kept_at"]) or "",
        program=_program(written) if all(mark is not None for mark in marks) else None,
        marks=tuple(mark for mark in marks if mark is not None),
    )


def _change(row: Mapping[str, Any]) -> KeptChange:
    return KeptChange(
        key=str(row["id"]), run=row["run"], made_at=utc(row["made_at"]) or "", change=change_of(row["change"])
    )


def _program(written: Mapping[str, Any]) -> Program | None:
    try:
        return from_json(json.dumps(written))
    except ValueError:
        return None


def _mark(row: Mapping[str, Any]) -> Mark | None:
    """None where a newer gate has a state that this one does not know."""
    state = _STATES.get(row["state"])
    if state is None:
        return None
    return Mark(
        ordinal=row["ordinal"],
        state=state,
        cursor=None if row["key_done"] is None else tuple(row["key_done"]),
        pins=None if row["pins"] is None else tuple(row["pins"]),
        rows_done=row["rows_done"],
        attempts=row["attempts"],
        note=row["note"] or "",
        error=row["error"] or "",
        sqlstate=row["sqlstate"] or "",
    )


def _run(row: Mapping[str, Any], heartbeat_age_s: float | None) -> KnownRun:
    pid = row["pid"]
    return KnownRun(
        id=row["id"],
        gate=row["gate"],
        source=row["source"],
        started_at=utc(row["started_at"]) or "",
        outcome=_OUTCOMES.get(row["outcome"]),
        heartbeat_at=utc(row["heartbeat_at"]),
        heartbeat_age_s=heartbeat_age_s,
        ended_at=utc(row["ended_at"]),
        backend=None
        if pid is None
        else Backend(pid=pid, started_at=utc(row["backend_started_at"], timespec="microseconds") or ""),
        took_up=row["took_up"],
        document=row["ended"] or {},
    )
