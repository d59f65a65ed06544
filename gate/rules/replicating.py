"""Rules: standbys replay it, subscribers do not get it, or updates stop because of it.

Source: the pages "Hot Standby" (Handling Query Conflicts) and "Logical Replication" (Restrictions); asked of servers.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from gate.model.actions import (
    Action,
    AddColumn,
    AddConstraint,
    AlterTable,
    CreateTable,
    Drop,
    DropColumn,
    NamedPart,
    PublicationAction,
    Rename,
    SetSchema,
    SetType,
    Truncate,
)
from gate.model.catalog import Relation
from gate.model.effects import Effect
from gate.model.locks import LockMode
from gate.model.moment import Moment
from gate.model.names import Name, quoted
from gate.model.plan import Finding
from gate.model.rules import STATEMENT, Rule
from gate.model.snapshot import Snapshot
from gate.model.units import age, size
from gate.model.work import Work
from gate.rules.in_use import effect_on, is_unused, listed, noted, old_column, refused, sql_name, warned
from gate.rules.lookup import maybe_index, maybe_relation
from gate.rules.named import created_in
from gate.rules.ruling import Among, FamilyRule

_MUCH_WAL_BYTES = 100 * 1024 * 1024


def standbys(moment: Moment) -> int:
    """How many streams there are beside those of logical slots: a standby, or what takes the log for one."""
    logical = sum(slot.is_active and slot.kind == "logical" for slot in moment.slots)
    streams = sum(replica.state in (None, "streaming", "catchup") for replica in moment.replicas)
    return max(0, streams - logical)


# --- standbys ---------------------------------------------------------------------------------------------------------


def _holds_up_standbys(action: Action, effects: tuple[Effect, ...], before: Snapshot) -> Iterator[Finding]:
    del action
    count = standbys(before.moment)
    locked = [item for item in effects if item.lock is LockMode.ACCESS_EXCLUSIVE and not item.is_unused]
    locked = [item for item in locked if item.kind != "f"]
    if count and locked:
        lag = max((item.replay_lag_s for item in before.moment.replicas if item.replay_lag_s is not None), default=0.0)
        behind = f", now {age(lag)} behind" if lag >= 1 else ""
        yield warned(
            "holds-up-standbys",
            f"ACCESS EXCLUSIVE on {listed(item.relation for item in locked)} is replayed on {_counted(count)}{behind}: "
            "replay waits there for the queries that read it, later readers queue behind it, and after "
            "max_standby_streaming_delay those queries are cancelled (40001)",
            "release while no long query runs on a standby: SELECT pid, query_start, query FROM pg_stat_activity WHERE "
            "backend_type = 'client backend' AND state = 'active' ORDER BY query_start, asked there",
            locked[0].relation,
        )


def _counted(count: int) -> str:
    return "a standby that streams" if count == 1 else f"{count} standbys that stream"


def _floods_replication(action: Action, effects: tuple[Effect, ...], before: Snapshot) -> Iterator[Finding]:
    del action
    moment = before.moment
    kept = [slot for slot in moment.slots if not slot.is_active]
    if not (moment.replicas or moment.slots):
        return
    for effect in effects:
        wal = effect.wal_bytes
        if wal is None and {Work.REWRITE, Work.INDEX_BUILD} & set(effect.work) and not effect.is_known_empty:
            wal = effect.size_bytes
        if wal is None or wal < _MUCH_WAL_BYTES or effect.is_new:
            continue
        idle = f"; {listed(slot.name for slot in kept)}, which nobody reads, keeps all of it on disk" if kept else ""
        yield warned(
            "floods-replication",
            f"writes about {size(wal)} of WAL for {effect.relation}, all of which goes to "
            f"{_receivers(moment)}: they fall behind by what it takes to send and replay it{idle}",
            "do it at a quiet hour, and look at pg_stat_replication meanwhile; a new column filled in batches can wait "
            "for the slowest",
            effect.relation,
        )


def _receivers(moment: Moment) -> str:
    count, slots = standbys(moment), len([slot for slot in moment.slots if slot.kind == "logical"])
    found = [_counted(count)] if count else []
    found += [f"{slots} logical slot{'s' if slots > 1 else ''}"] if slots else []
    return listed(found) or listed(f"slot {slot.name}" for slot in moment.slots) or "whoever streams"


# --- subscribers ------------------------------------------------------------------------------------------------------


def _subscriber_stops(action: Action, effects: tuple[Effect, ...], before: Snapshot) -> Iterator[Finding]:
    table = maybe_relation(before, action.name) if isinstance(action, AlterTable | Rename | SetSchema) else None
    effect = effect_on(table, effects, before)
    if table is not None and effect is not None and table.publications:
        found = _told(action, table)
        if found is not None:
            what, order = found
            yield warned(
                "subscriber-stops",
                f"{what} {effect.relation}, which is published by {listed(map(quoted, table.publications))}: DDL is "
                f"not replicated, and {order}",
                _order(action, table),
                effect.relation,
            )
    if isinstance(action, Truncate):
        for use in action.tables:
            target = maybe_relation(before, use.name)
            if target is not None and target.publications and effect_on(target, effects, before) is not None:
                yield noted(
                    "subscriber-stops",
                    f"TRUNCATE of {target.full_name} is replicated by {listed(map(quoted, target.publications))}, "
                    "where they publish it: the subscribers' rows go too",
                    "sure enough where that is meant",
                    target.full_name,
                )


def _told(action: Action, table: Relation) -> tuple[str, str] | None:
    """What is done, and what becomes of a subscriber that does not have it."""
    stops = "a subscriber without the same stops at the first row that comes, while the WAL piles up here"
    if isinstance(action, Rename):
        what = "renames a column of" if action.object == "column" else "renames"
        return (what, stops) if action.object in ("column", "table") else None
    if isinstance(action, SetSchema):
        return "moves", stops
    parts = action.parts if isinstance(action, AlterTable) else ()
    for part in parts:
        if isinstance(part, AddColumn) and table.column(part.spec.name) is None:
            return f"adds {quoted(part.spec.name)} to", stops
        if isinstance(part, SetType) and old_column(table, part.column):
            return f"changes the type of {quoted(part.column)} of", (
                "a subscriber whose column does not take the new values stops at the first one, while the WAL piles up "
                "here"
            )
        column = old_column(table, part.column) if isinstance(part, DropColumn) else None
        if column is not None and column.is_not_null:
            return f"takes {quoted(column.name)} from", (
                "a subscriber that still has it NOT NULL stops at the first INSERT, while the WAL piles up here"
            )
    return None


def _order(action: Action, table: Relation) -> str:
    if isinstance(action, AlterTable) and any(isinstance(part, DropColumn) for part in action.parts):
        names = [part.column for part in action.parts if isinstance(part, DropColumn)]
        drops = ", ".join(f"ALTER COLUMN {quoted(name)} DROP NOT NULL" for name in names)
        return f"first on each subscriber: ALTER TABLE {sql_name(table)} {drops}; then here; then drop it there too"
    return (
        "first the same statement on each subscriber (what is only added there is filled with its default), then here; "
        "what takes away goes the other way round"
    )


# --- replica identity -------------------------------------------------------------------------------------------------


def _blocks_updates(among: Among) -> Iterator[Finding]:
    """A published table without a replica identity takes INSERT only (55000)."""
    action, before = among.deed.action, among.deed.before
    match action:
        case AlterTable(name=name, parts=parts):
            table = maybe_relation(before, name)
            effect = effect_on(table, among.deed.effects, before)
            if table is None or effect is None or not table.publications or _has_new_key(among, table):
                return
            if any(_loses_identity(part, table) for part in parts):
                yield _blocked(table, f"published by {listed(map(quoted, table.publications))}")
        case Drop(object="index", names=names):
            for item in names:
                oid, table = maybe_index(before, item.name), maybe_relation(before, item.name)
                index = next((one for one in table.indexes if one.oid == oid), None) if table else None
                if table is not None and index is not None and index.is_replica_identity and table.publications:
                    yield _blocked(table, f"published by {listed(map(quoted, table.publications))}")
        case PublicationAction():
            yield from _of_publication(action, among)
        case CreateTable(persistence="p"):
            yield from _of_new_table(action, among)
        case _:
            return


def _of_publication(action: PublicationAction, among: Among) -> Iterator[Finding]:
    if action.what not in ("create", "add", "set") or _INSERTS_ONLY.search(among.deed.sql):
        return
    for use in action.tables:
        table = maybe_relation(among.deed.before, use.name)
        if table is None or is_unused(table, among.deed.effects, among.deed.before):
            continue
        if not _has_identity(table) and not table.publications:
            yield _blocked(table, f"published by {quoted(action.name)} from here on")


_INSERTS_ONLY = re.compile(r"\bpublish\s*=\s*'(?![^']*(?:update|delete))", re.IGNORECASE)


def _has_identity(table: Relation) -> bool:
    match table.replica_identity:
        case "d":
            return table.primary_key is not None
        case "i":
            return any(index.is_replica_identity for index in table.indexes)
        case kind:
            return kind == "f"


def _loses_identity(part: object, table: Relation) -> bool:
    if not isinstance(part, NamedPart):
        return False
    if part.what == "ReplicaIdentity n":
        return table.replica_identity != "n"
    found = table.constraint(part.name or "") if part.what == "DropConstraint" else None
    if found is None:
        return False
    is_index = any(index.oid == found.index and index.is_replica_identity for index in table.indexes)
    return is_index or (found.kind == "p" and table.replica_identity == "d")


def _has_new_key(among: Among, table: Relation) -> bool:
    for action in (among.deed.action, *among.later()):
        if isinstance(action, AlterTable) and maybe_relation(among.deed.before, action.name) == table:
            for part in action.parts:
                if isinstance(part, AddConstraint) and part.spec.kind == "p":
                    return True
                if isinstance(part, NamedPart) and part.what in ("ReplicaIdentity f", "ReplicaIdentity i"):
                    return True
    return False


def _blocked(table: Relation, why: str) -> Finding:
    name = sql_name(table)
    return refused(
        "updates-without-identity",
        f"{table.full_name} is {why}, and has no replica identity then: UPDATE and DELETE on it get 55000 at once, "
        "those of code that runs now too, unless the publication leaves them out",
        f"before it, ALTER TABLE {name} ADD PRIMARY KEY ..., or ALTER TABLE {name} REPLICA IDENTITY USING INDEX ... "
        f"of a unique index without NULLs; REPLICA IDENTITY FULL works without any, and sends whole rows",
        table.full_name,
    )


def _gives_identity(action: Action, table: str) -> bool:
    if not isinstance(action, AlterTable) or action.name.name != table:
        return False
    return any(
        (isinstance(part, AddConstraint) and part.spec.kind == "p")
        or (isinstance(part, NamedPart) and part.what.startswith("ReplicaIdentity"))
        for part in action.parts
    )


def _of_new_table(action: CreateTable, among: Among) -> Iterator[Finding]:
    before = among.deed.before
    schema = action.name.schema or created_in(before, action.name)
    publishing = [item.name for item in before.publications if item.is_for_all_tables or schema in item.schemas]
    keys = [item.kind for item in action.constraints] + [
        item.kind for column in action.columns for item in column.constraints
    ]
    if not publishing or "p" in keys or action.partition_of or action.inherits or action.likes or action.of_type:
        return
    if any(_gives_identity(later, action.name.name) for later in among.rest()):
        return
    full = Name(action.name.name, schema)
    yield warned(
        "updates-without-identity",
        f"{full} has no primary key, and {listed(map(quoted, publishing))} publishes it as soon as it is there: UPDATE "
        "and DELETE on it get 55000",
        f"give it a primary key, or ALTER TABLE {full} REPLICA IDENTITY FULL",
    )


_PUBLISHED = "CREATE TABLE t (a int PRIMARY KEY, b int); INSERT INTO t VALUES (1); CREATE PUBLICATION p FOR TABLE t"

RULES = (
    FamilyRule(
        rule=Rule(
            name="holds-up-standbys",
            about=STATEMENT,
            harm="ACCESS EXCLUSIVE is the one lock that is written to the log and taken again on every standby. Replay "
            "waits there for the queries that read the table, for as long as max_standby_streaming_delay; meanwhile "
            "all later readers of it queue, the standby falls behind in everything, and then the queries are "
            "cancelled. However short the statement is here.",
            way_out="Look for long queries on the standbys before the release, and let the lock be asked for when "
            "there are none.",
        ),
        finds=_holds_up_standbys,
        setup="CREATE TABLE t (a int); INSERT INTO t VALUES (1)",
        bad="ALTER TABLE t ADD COLUMN b int",
        good="CREATE INDEX CONCURRENTLY ON t (a)",
        needs_standby=True,
    ),
    FamilyRule(
        rule=Rule(
            name="floods-replication",
            about=STATEMENT,
            harm="A rewrite or an index build writes to the log what it writes to disk. Standbys and subscribers "
            "have to receive and replay all of it before anything that came later, and a slot that nobody reads "
            "keeps it on disk until the disk is full. Below 100 MB nothing is said.",
            way_out="A quiet hour, with an eye on pg_stat_replication; or batches that wait for the slowest. Drop "
            "slots that nobody reads.",
        ),
        finds=_floods_replication,
        setup="CREATE TABLE t (a int, b text); ALTER TABLE t ALTER b SET STORAGE PLAIN; "
        "INSERT INTO t SELECT 1, repeat('x', 7000) FROM generate_series(1, 14000); CREATE TABLE u (a int); "
        "INSERT INTO u VALUES (1)",
        bad="ALTER TABLE t ALTER COLUMN a TYPE bigint",
        good="ALTER TABLE u ALTER COLUMN a TYPE bigint",
        needs_standby=True,
    ),
    FamilyRule(
        rule=Rule(
            name="subscriber-stops",
            about=STATEMENT,
            harm="Logical replication sends rows, not DDL. When a row comes that a subscriber's table has no place "
            "for, its apply worker stops with an error, and starts and stops again, while the WAL that it has not "
            "taken fills the publisher's disk.",
            way_out="What is added: first on every subscriber, then on the publisher. What is dropped: first on the "
            "publisher, then on the subscribers, where it must not be NOT NULL meanwhile. Readers of a slot that ask "
            "the publisher for the shape (Debezium) follow by themselves: allow it then, and say so.",
        ),
        finds=_subscriber_stops,
        setup=_PUBLISHED,
        bad="ALTER TABLE t ADD COLUMN c int",
        good="ALTER TABLE t ALTER COLUMN b SET DEFAULT 1",
    ),
    FamilyRule(
        rule=Rule(
            name="updates-without-identity",
            about=STATEMENT,
            harm="The publisher must be able to name the row that it changed. A published table without a primary "
            "key or another replica identity takes INSERT only: UPDATE and DELETE fail with 55000, for everybody, "
            "from the moment it is so.",
            way_out="A primary key first; or REPLICA IDENTITY USING INDEX, or FULL.",
        ),
        finds_among=_blocks_updates,
        setup=_PUBLISHED,
        bad="ALTER TABLE t DROP CONSTRAINT t_pkey",
        good="ALTER TABLE t REPLICA IDENTITY FULL, DROP CONSTRAINT t_pkey",
    ),
)
