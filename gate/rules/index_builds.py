"""Rules: indexes that look built and are not, and commands that shut readers out for an instant that may not be short.

Source: the pages "CREATE INDEX" (Building Indexes Concurrently), "DROP INDEX", "ALTER TABLE" (DETACH PARTITION),
"CREATE TABLE" (PARTITION OF); the release notes of 14.4.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from gate.model.actions import Action, AlterTable, CreateIndex, CreateTable, DetachPartition, Drop, Reindex
from gate.model.catalog import Index, Relation
from gate.model.effects import Effect
from gate.model.names import Name, quoted
from gate.model.plan import Finding
from gate.model.rules import STATEMENT, Rule
from gate.model.server_bugs import CONCURRENT_BUILDS, UPDATE_FIRST, loses_rows_in_concurrent_builds
from gate.model.snapshot import Snapshot
from gate.rules.doomed import default_partition
from gate.rules.in_use import columns_of, refused, sql_name, traffic_of, used, warned
from gate.rules.lookup import maybe_index, maybe_relation
from gate.rules.ruling import FamilyRule
from gate.sql.alike import is_as_written

# --- not built --------------------------------------------------------------------------------------------------------


def _takes_invalid(action: Action, effects: tuple[Effect, ...], before: Snapshot) -> Iterator[Finding]:
    del effects
    if not isinstance(action, CreateIndex) or not action.if_not_exists or action.name is None:
        return
    table = maybe_relation(before, action.table)
    index = next((item for item in table.indexes if item.name == action.name), None) if table else None
    if table is None or index is None or index.is_valid:
        return
    name = Name(index.name, index.schema)
    if index.is_partitioned:
        problem = f"{name} is there, but not every partition of {sql_name(table)} has its part of it"
        remedy = f"build the missing parts CONCURRENTLY and attach them to {quoted(index.name)}"
    else:
        problem = f"{name} is there, but not valid: left by a build that did not end. It slows down every write of "
        problem += f"{sql_name(table)} and no query uses it"
        remedy = f"DROP INDEX CONCURRENTLY {name}, then create it; or REINDEX INDEX CONCURRENTLY {name}"
    finding = refused(
        "invalid-index-taken-for-built",
        f"{problem}; IF NOT EXISTS takes it for the index and does nothing",
        remedy,
        table.full_name,
    )
    yield replace(finding, is_cured_by_split=not index.is_partitioned)


def _takes_another(action: Action, effects: tuple[Effect, ...], before: Snapshot) -> Iterator[Finding]:
    del effects
    if not isinstance(action, CreateIndex) or not action.if_not_exists or action.name is None:
        return
    table = maybe_relation(before, action.table)
    oid = before.names.get((table.schema, action.name)) if table else None
    holder = before.relations.get(before.index_tables.get(oid, 0)) if oid is not None else None
    index = next((item for item in holder.indexes if item.oid == oid), None) if holder else None
    if table is None or holder is None or index is None or not _is_another(action, table, holder, index):
        return
    kind = "unique index" if index.is_unique else "index"
    over = columns_of(holder, (key.column for key in index.keys)) or "an expression"
    yield warned(
        "other-index-taken-for-built",
        f"{Name(index.name, index.schema)} is there already: another one, a {index.method} {kind} of "
        f"{sql_name(holder)} over {over}; IF NOT EXISTS looks at the name alone and does nothing",
        f"give the new index a name of its own; drop {Name(index.name, index.schema)} CONCURRENTLY once it is there",
        table.full_name,
    )


def _is_another(action: CreateIndex, table: Relation, holder: Relation, index: Index) -> bool:
    """Only what is certain: texts of expressions are written in many ways."""
    if holder.oid != table.oid or (index.is_unique, index.method) != (action.is_unique, action.method):
        return True
    if bool(action.expressions) != index.has_expressions or (action.where is not None) != index.has_predicate:
        return True
    plain = not (index.has_expressions or index.has_predicate)
    return plain and not is_as_written(action, table, replace(index, parent=0, is_exclusion=False))


def _loses_rows(action: Action, effects: tuple[Effect, ...], before: Snapshot) -> Iterator[Finding]:
    if not isinstance(action, CreateIndex | Reindex) or not action.is_concurrent:
        return
    busy = [effect for effect in effects if not effect.is_unused]
    if busy and loses_rows_in_concurrent_builds(before.server):
        yield refused(
            "concurrent-build-loses-rows",
            f"this server is {before.server.version}, and {CONCURRENT_BUILDS}: queries of {busy[0].relation} miss "
            "rows, and a unique index lets duplicates in",
            UPDATE_FIRST,
            busy[0].relation,
        )


# --- shut out for an instant ------------------------------------------------------------------------------------------


def _dropped(action: Action, effects: tuple[Effect, ...], before: Snapshot) -> Iterator[Finding]:
    if not isinstance(action, Drop) or action.object != "index" or action.is_concurrent:
        return
    for item in action.names:
        oid, effect = maybe_index(before, item.name), used(item.name, effects, before)
        table = maybe_relation(before, item.name)
        index = next((one for one in table.indexes if one.oid == oid), None) if table else None
        if effect is None or index is None or index.is_partitioned or index.oid < 0:
            continue
        yield _queues(
            "index-drop-shuts-out-readers",
            f"DROP INDEX {item.name} takes ACCESS EXCLUSIVE on {effect.relation}",
            effect,
            f"DROP INDEX CONCURRENTLY {item.name}, in a migration that runs outside a transaction",
        )


def _detached(action: Action, effects: tuple[Effect, ...], before: Snapshot) -> Iterator[Finding]:
    if not isinstance(action, AlterTable):
        return
    parent, effect = maybe_relation(before, action.name), used(action.name, effects, before)
    for part in action.parts:
        if not isinstance(part, DetachPartition) or part.is_concurrent or part.finalizes:
            continue
        # Beside a default partition there is no other form.
        if parent is not None and effect is not None and not any(default_partition(before, parent.oid)):
            yield _queues(
                "detach-shuts-out-readers",
                f"DETACH PARTITION {part.child} takes ACCESS EXCLUSIVE on {effect.relation} and all that read it",
                effect,
                f"ALTER TABLE {action.name} DETACH PARTITION {part.child} CONCURRENTLY, outside a transaction",
            )


def _new_partition(action: Action, effects: tuple[Effect, ...], before: Snapshot) -> Iterator[Finding]:
    if not isinstance(action, CreateTable) or action.partition_of is None:
        return
    effect = used(action.partition_of, effects, before)
    if effect is not None:
        yield _queues(
            "new-partition-shuts-out-readers",
            f"CREATE TABLE ... PARTITION OF takes ACCESS EXCLUSIVE on {effect.relation}",
            effect,
            f"CREATE TABLE {action.name} (LIKE {action.partition_of} INCLUDING ALL), then ATTACH PARTITION, which lets "
            "readers and writers in",
        )


def _queues(rule: str, problem: str, effect: Effect, remedy: str) -> Finding:
    finding = warned(
        rule,
        f"{problem}: it waits for the longest query there, and whoever comes later waits behind it{traffic_of(effect)}",
        remedy,
        effect.relation,
    )
    return replace(finding, is_cured_by_split=True)


_T = "CREATE TABLE u (a int, b int); INSERT INTO u SELECT g, g FROM generate_series(1, 10) g; CREATE INDEX i ON u (a)"
_P = (
    "CREATE TABLE pt (a int, b int) PARTITION BY RANGE (a); "
    "CREATE TABLE pt1 PARTITION OF pt FOR VALUES FROM (0) TO (100); "
    "INSERT INTO pt SELECT g, g FROM generate_series(1, 10) g"
)
_QUEUE = (
    "The lock itself is short. Waiting for it is not: it waits for the longest query that runs on the table, and "
    "everybody who comes later, readers too, waits behind it. With a connection pool the whole application stops."
)

RULES = (
    FamilyRule(
        rule=Rule(
            name="invalid-index-taken-for-built",
            about=STATEMENT,
            harm="CREATE INDEX CONCURRENTLY that fails leaves an index that is not valid: every write keeps it up, no "
            "query uses it, and a unique one proves nothing. CREATE INDEX IF NOT EXISTS looks at the name only, and "
            "reports success: the release goes on without its index.",
            way_out="DROP INDEX CONCURRENTLY what is left, then create it again; or REINDEX INDEX CONCURRENTLY it.",
        ),
        finds=_takes_invalid,
        setup=_T + "; UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'i'::regclass; CREATE INDEX j ON u (b)",
        bad="CREATE INDEX IF NOT EXISTS i ON u (a)",
        good="CREATE INDEX IF NOT EXISTS j ON u (b)",
    ),
    FamilyRule(
        rule=Rule(
            name="other-index-taken-for-built",
            about=STATEMENT,
            harm="CREATE INDEX IF NOT EXISTS looks at the name only. An index of that name on other columns, on "
            "another table, or without UNIQUE is taken for it: the statement reports success, and no index is made.",
            way_out="Give the new index a name of its own, and drop the old one concurrently when that is there.",
        ),
        finds=_takes_another,
        setup=_T,
        bad="CREATE INDEX IF NOT EXISTS i ON u (b)",
        good="CREATE INDEX IF NOT EXISTS i ON u (a)",
    ),
    FamilyRule(
        rule=Rule(
            name="concurrent-build-loses-rows",
            about=STATEMENT,
            harm="From PostgreSQL 14.0 to 14.3 CREATE INDEX CONCURRENTLY and REINDEX CONCURRENTLY may leave out rows "
            "that were updated meanwhile (release notes of 14.4). Queries by that index miss them, a unique index lets "
            "duplicates in, and nothing says so.",
            way_out="Update the server to 14.4 or later first; check indexes that were built so with amcheck "
            "(bt_index_check with heapallindexed), and REINDEX those that fail.",
        ),
        finds=_loses_rows,
        setup=_T,
        bad="CREATE INDEX CONCURRENTLY j ON u (b)",
        good="CREATE INDEX j ON u (b)",
        needs_old_server=True,
    ),
    FamilyRule(
        rule=Rule(
            name="index-drop-shuts-out-readers",
            about=STATEMENT,
            harm="DROP INDEX takes ACCESS EXCLUSIVE on the table. " + _QUEUE,
            way_out="DROP INDEX CONCURRENTLY, one index a statement, outside a transaction. The index of a partitioned "
            "table, and one that is dropped with CASCADE, can only be dropped plainly: under a short lock_timeout.",
        ),
        finds=_dropped,
        setup=_T,
        bad="DROP INDEX i",
        good="CREATE TABLE new (a int); CREATE INDEX new_i ON new (a); DROP INDEX new_i",
    ),
    FamilyRule(
        rule=Rule(
            name="detach-shuts-out-readers",
            about=STATEMENT,
            harm="DETACH PARTITION takes ACCESS EXCLUSIVE on the partitioned table and on the partition. " + _QUEUE,
            way_out="DETACH PARTITION ... CONCURRENTLY, outside a transaction; it leaves the bound on the partition as "
            "a check, which can be dropped afterwards. Beside a default partition there is no such form.",
        ),
        finds=_detached,
        setup=_P,
        bad="ALTER TABLE pt DETACH PARTITION pt1",
        good="CREATE TABLE n (a int) PARTITION BY RANGE (a); CREATE TABLE n1 PARTITION OF n DEFAULT; "
        "ALTER TABLE n DETACH PARTITION n1",
    ),
    FamilyRule(
        rule=Rule(
            name="new-partition-shuts-out-readers",
            about=STATEMENT,
            harm="CREATE TABLE ... PARTITION OF takes ACCESS EXCLUSIVE on the partitioned table, and on its default "
            "partition, which it reads. " + _QUEUE,
            way_out="CREATE TABLE it by itself (LIKE ... INCLUDING ALL), then ATTACH PARTITION: SHARE UPDATE EXCLUSIVE "
            "on the partitioned table lets readers and writers in.",
        ),
        finds=_new_partition,
        setup=_P,
        bad="CREATE TABLE pt2 PARTITION OF pt FOR VALUES FROM (100) TO (200)",
        good="CREATE TABLE pt2 (LIKE pt); ALTER TABLE pt ATTACH PARTITION pt2 FOR VALUES FROM (100) TO (200)",
    ),
)
