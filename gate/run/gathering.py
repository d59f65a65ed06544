"""Statistics that a migration threw away, gathered anew: quickly a rough picture, then the whole one.

Each stage reads 300 rows for each unit of the target, so the first two are done in a moment however large the table is.
They are of the lost columns alone, as they would make others' worse; a column with a target of its own is read at that,
so it waits for the last stage. ANALYZE of columns leaves out expressions of indexes, and statistics objects that have
another column: where the relation has any, the last stage is of all that it has. What inherits is named by itself;
partitions, and since 18 children, are read with their parent too.

Source: PostgreSQL 18 `analyze.c` (do_analyze_rel), `extended_stats.c` (BuildRelationExtStatistics), `vacuumdb.c` (the
stages of --analyze-in-stages), https://www.postgresql.org/docs/18/sql-analyze.html.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from gate.model.effects import Effect
from gate.model.migration import Query
from gate.model.names import Name, quoted
from gate.run.world import Row, Sent

_EARLY_TARGETS = (1, 10)
_KINDS = "rmp"
"""A foreign table is not read by the autovacuum either: its server may have to send every row."""

# The name is matched as it is kept, unquoted: `a.b` and `c` read as `a` and `b.c` do, and both are gathered.
_FOUND = """
SELECT n.nspname AS schema, c.relname AS name, a.attname AS column,
       coalesce(a.attstattarget, -1)::int AS target,
       (SELECT s.reset_val::int FROM pg_catalog.pg_settings s WHERE s.name = 'default_statistics_target') AS configured,
       EXISTS (SELECT FROM pg_catalog.pg_index i WHERE i.indrelid = c.oid AND i.indexprs IS NOT NULL)
       OR EXISTS (SELECT FROM pg_catalog.pg_statistic_ext e WHERE e.stxrelid = c.oid) AS has_more
  FROM pg_catalog.pg_class c
  JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
  JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
 WHERE n.nspname || '.' || c.relname = %s AND c.relkind IN ('r', 'm', 'p')
 ORDER BY n.nspname, c.relname, a.attnum
"""


def after(effects: Iterable[Effect]) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """Relations whose statistics are gone once all of it is done, with the columns; partitioned tables come first.

    `effects` are in the order in which they happen: a relation is named as it was last called. What was made meanwhile,
    or has no rows, had no statistics.
    """
    lost: dict[int, dict[str, None]] = {}
    last: dict[int, Effect] = {}
    for effect in effects:
        last[effect.oid] = effect
        if effect.kind in _KINDS and not effect.is_new and not effect.is_known_empty:
            lost.setdefault(effect.oid, {}).update(dict.fromkeys(effect.loses_statistics))
    found = [(last[oid], tuple(columns)) for oid, columns in lost.items() if columns]
    found.sort(key=lambda item: item[0].kind != "p")
    return tuple((effect.relation, columns) for effect, columns in found)


def asked(relation: str) -> Query:
    """What has to be known of a relation (`schema.name`, unquoted) for `stages`; no row if it is not there any more."""
    return Query(_FOUND, (relation,))


def stages(columns: Sequence[str], found: Sequence[Row]) -> tuple[tuple[Sent, ...], ...]:
    """What to send, stage by stage, each in a transaction of its own; `columns` are the lost ones, none for all.

    `found` are the rows of `asked`. The settings are local: nothing of them outlives the transaction.
    """
    names = dict.fromkeys(Name(row["name"], row["schema"]) for row in found)
    return tuple(
        stage
        for name in names
        for stage in _stages(name, columns, [row for row in found if Name(row["name"], row["schema"]) == name])
    )


def _stages(name: Name, columns: Sequence[str], rows: Sequence[Row]) -> Iterable[tuple[Sent, ...]]:
    there = [str(row["column"]) for row in rows]
    # A column that is not there is called otherwise by now.
    lost = [column for column in there if column in columns] if set(columns) <= set(there) and columns else there
    configured = int(rows[0]["configured"])
    early = [str(row["column"]) for row in rows if row["column"] in lost and int(row["target"]) < 0]
    for target in _EARLY_TARGETS:
        if early and target < configured:
            yield (
                _set("default_statistics_target", str(target)),
                _set("vacuum_cost_delay", "0"),
                # A statistics object whose other columns are not read here is left for the last stage.
                _set("client_min_messages", "error"),
                _analyze(name, early),
            )
    is_whole = any(row["has_more"] for row in rows) or len(lost) == len(there)
    yield Sent(sql="SET LOCAL default_statistics_target TO DEFAULT"), _analyze(name, () if is_whole else lost)


def _set(setting: str, value: str) -> Sent:
    return Sent(sql="SELECT pg_catalog.set_config($1, $2, true)", parameters=(setting, value))


def _analyze(name: Name, columns: Sequence[str]) -> Sent:
    listed = f" ({', '.join(quoted(column) for column in columns)})" if columns else ""
    return Sent(sql=f"ANALYZE {name}{listed}")
