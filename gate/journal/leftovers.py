"""What an unfinished program has made, told by the SQL that takes it back, and which of it stands half done."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from gate.journal.answers import document
from gate.model.actions import Action, AlterTable, Drop, DropColumn, NamedPart
from gate.model.errors import InvalidSql
from gate.model.migration import Query
from gate.model.names import Name
from gate.model.program import Unit, UnitKind
from gate.model.run import Leftover, State
from gate.run.journalling import Kept
from gate.run.world import Row
from gate.sql.parse import parse_statement
from gate.sql.rewriting.indexes import drop_index
from gate.sql.script import split_script
from gate.sql.tree import DoesNotParse

# As the parser calls them.
_WORDS = {"statistic ext": "statistics object", "matview": "materialized view"}
_RELATIONS = ("table", "sequence", "view", "matview")
# As they are, or at all: what the migration itself makes of these kinds has no step of its own to take it back.
_NEVER_MEANT = ("index", "constraint", "trigger", "function")
_BEGUN = (State.BEGUN, State.DONE, State.FAILED)


@dataclass(frozen=True, kw_only=True)
class Made:
    """An object as the statement `sql` that drops it names it; `part_of` is the relation of a part of one."""

    kind: str
    name: Name
    sql: str
    part_of: Name | None = None


def made_by(programs: Iterable[Kept]) -> tuple[Made, ...]:
    """What the units that were begun can have left, each object once."""
    found: dict[tuple[str, Name, Name | None], Made] = {}
    for unit, _ in _begun(programs):
        for made in (*dropped_by(unit.undo), *_built_by(unit)):
            found.setdefault((made.kind, made.name, made.part_of), made)
    return tuple(found.values())


def rebuilt_by(programs: Iterable[Kept]) -> tuple[str, ...]:
    """Relations (`schema.name`) in which REINDEX CONCURRENTLY can have left an index half built."""
    return tuple(
        dict.fromkeys(
            relation
            for unit, state in _begun(programs)
            if unit.kind is UnitKind.STATEMENT and unit.builds is None and state is not State.DONE
            for relation in unit.touches
        )
    )


def _begun(programs: Iterable[Kept]) -> Iterator[tuple[Unit, State]]:
    for item in programs:
        for unit in item.program.units if item.program is not None else ():
            state = item.mark_of(unit.ordinal).state
            if state in _BEGUN:
                yield unit, state


def _built_by(unit: Unit) -> Iterator[Made]:
    """The file's own CREATE INDEX CONCURRENTLY has no step that takes it back."""
    if unit.builds is not None:
        schema, index = unit.builds
        name = Name(index, schema)
        yield Made(kind="index", name=name, sql=drop_index(name, missing_ok=True))


def dropped_by(sql: str) -> Iterator[Made]:
    """What these statements would drop; nothing for SQL that does not parse."""
    try:
        for statement in split_script(sql):
            parsed = parse_statement(statement.sql)
            if parsed is not None:
                yield from _dropped(parsed.statement.action, statement.sql)
    except (DoesNotParse, InvalidSql):
        return


def _dropped(action: Action, sql: str) -> Iterator[Made]:
    if isinstance(action, Drop):
        for one in action.names:
            yield Made(kind=action.object, name=one.name, part_of=one.part_of, sql=sql)
    if isinstance(action, AlterTable):
        for part in action.parts:
            if isinstance(part, DropColumn):
                yield Made(kind="column", name=Name(part.column), part_of=action.name, sql=sql)
            elif isinstance(part, NamedPart) and part.what == "DropConstraint" and part.name:
                yield Made(kind="constraint", name=Name(part.name), part_of=action.name, sql=sql)


def asks(made: Sequence[Made]) -> Query:
    """Which of them are there, and whether they are whole; reads the catalog alone."""
    wanted = [
        {
            "at": at,
            "kind": "relation" if item.kind in _RELATIONS else item.kind,
            "schema": (item.part_of or item.name).schema,
            "relation": item.part_of.name if item.part_of else None,
            "name": item.name.name,
        }
        for at, item in enumerate(made)
    ]
    return Query(_STATES, (json.dumps(wanted),))


# A name without a schema is the one that the search_path finds.
_STATES = """
WITH wanted AS (
  SELECT * FROM pg_catalog.json_to_recordset(%s::json)
    AS w(at integer, kind text, schema text, relation text, name text)
), relations AS (
  SELECT w.at, w.kind, w.name, c.oid, c.relkind
  FROM wanted AS w
    JOIN pg_catalog.pg_class AS c ON c.relname = coalesce(w.relation, w.name)
    JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
  WHERE coalesce(n.nspname = w.schema, pg_catalog.pg_table_is_visible(c.oid))
)
SELECT pg_catalog.json_agg(found)::text AS answer FROM (
  SELECT r.at, i.indisvalid AS is_whole
  FROM relations AS r JOIN pg_catalog.pg_index AS i ON i.indexrelid = r.oid WHERE r.kind = 'index'
  UNION ALL
  SELECT r.at, k.convalidated
  FROM relations AS r JOIN pg_catalog.pg_constraint AS k ON k.conrelid = r.oid AND k.conname = r.name
  WHERE r.kind = 'constraint'
  UNION ALL
  SELECT r.at, NULL
  FROM relations AS r JOIN pg_catalog.pg_attribute AS a ON a.attrelid = r.oid AND a.attname = r.name
  WHERE r.kind = 'column' AND a.attnum > 0 AND NOT a.attisdropped
  UNION ALL
  SELECT r.at, NULL
  FROM relations AS r JOIN pg_catalog.pg_trigger AS t ON t.tgrelid = r.oid AND t.tgname = r.name
  WHERE r.kind = 'trigger'
  UNION ALL
  SELECT r.at, NULL FROM relations AS r WHERE r.kind = 'relation'
  UNION ALL
  SELECT w.at, NULL
  FROM wanted AS w
    JOIN pg_catalog.pg_proc AS p ON p.proname = w.name
    JOIN pg_catalog.pg_namespace AS n ON n.oid = p.pronamespace
  WHERE w.kind IN ('function', 'procedure', 'routine')
    AND coalesce(n.nspname = w.schema, pg_catalog.pg_function_is_visible(p.oid))
  UNION ALL
  SELECT w.at, NULL
  FROM wanted AS w
    JOIN pg_catalog.pg_statistic_ext AS s ON s.stxname = w.name
    JOIN pg_catalog.pg_namespace AS n ON n.oid = s.stxnamespace
  WHERE w.kind = 'statistic ext' AND coalesce(n.nspname = w.schema, pg_catalog.pg_statistics_obj_is_visible(s.oid))
) AS found
"""


def asks_for_rebuilds(relations: Sequence[str]) -> Query:
    """Indexes that REINDEX CONCURRENTLY has left in them, as PostgreSQL names them, and that nobody is building now."""
    return Query(_REBUILDS, (json.dumps(relations),))


_REBUILDS = """
SELECT pg_catalog.json_agg(pg_catalog.json_build_object('schema', n.nspname, 'name', c.relname) ORDER BY c.oid)::text
  AS answer
FROM pg_catalog.json_array_elements_text(%s::json) AS wanted(relation)
  JOIN pg_catalog.pg_class AS t ON true
  JOIN pg_catalog.pg_namespace AS n ON n.oid = t.relnamespace AND n.nspname || '.' || t.relname = wanted.relation
  JOIN pg_catalog.pg_index AS i ON i.indrelid = t.oid AND NOT i.indisvalid
  JOIN pg_catalog.pg_class AS c ON c.oid = i.indexrelid AND c.relname ~ '_cc(new|old)[0-9]*$'
WHERE NOT EXISTS (SELECT FROM pg_catalog.pg_stat_progress_create_index AS p WHERE p.relid = t.oid)
"""


def rebuilds(rows: Sequence[Row]) -> tuple[Leftover, ...]:
    """What `asks_for_rebuilds` was answered with."""
    made = (
        Made(kind="index", name=name, sql=drop_index(name, missing_ok=True))
        for row in document(rows) or ()
        for name in (Name(row["name"], row["schema"]),)
    )
    return tuple(Leftover(what=_said(item), sql=item.sql) for item in made)


def there(made: Sequence[Made], rows: Sequence[Row]) -> tuple[Made, ...]:
    """Those that are there at all."""
    found = {row["at"] for row in document(rows) or ()}
    return tuple(item for at, item in enumerate(made) if at in found)


def half_done(made: Sequence[Made], rows: Sequence[Row]) -> tuple[Leftover, ...]:
    """Those that nobody would want to keep as they are: a valid index and a validated constraint are no leftovers."""
    return tuple(Leftover(what=_said(item), sql=item.sql) for item in _not_whole(made, rows))


def forgotten(made: Sequence[Made], rows: Sequence[Row]) -> tuple[Leftover, ...]:
    """The same where somebody else has brought the migration to its end: its columns and tables are meant to be."""
    return tuple(
        Leftover(what=_said(item), sql=item.sql, needs_person=True)
        for item in _not_whole(made, rows)
        if item.kind in _NEVER_MEANT
    )


def _not_whole(made: Sequence[Made], rows: Sequence[Row]) -> Iterator[Made]:
    states = {row["at"]: row["is_whole"] for row in document(rows) or ()}
    return (item for at, item in enumerate(made) if at in states and not states[at])


def _said(made: Made) -> str:
    on = f" of {made.part_of}" if made.part_of else ""
    match made.kind:
        case "index":
            return f"the index {made.name} is invalid: every write keeps it up, and no query uses it"
        case "constraint":
            return f"the constraint {made.name}{on} is not validated: new rows are checked, old ones are not"
        case "trigger":
            return f"the trigger {made.name}{on} still does its work at every write"
        case _:
            return f"the {_WORDS.get(made.kind, made.kind)} {made.name}{on} belongs to what is unfinished"
