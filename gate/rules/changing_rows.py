"""Many rows changed at once: what an UPDATE or DELETE, and all that it sets off, does in one transaction.

Source: https://www.postgresql.org/docs/18/explicit-locking.html#LOCKING-ROWS, `ri_triggers.c`.
"""

from __future__ import annotations

from collections.abc import Iterator

from gate.model.actions import Action, Copy, Query, RelationUse
from gate.model.catalog import Constraint, Relation
from gate.model.effects import Effect
from gate.model.names import quoted
from gate.model.plan import Finding, Severity
from gate.model.rules import STATEMENT, Rule
from gate.model.snapshot import Snapshot
from gate.model.units import about
from gate.model.work import Work
from gate.rules.counting_rows import MANY_ROWS, limited, queries_of, rows_in, rows_met, targets
from gate.rules.in_use import columns_of, effect_on, is_unused, listed, sql_name, warned
from gate.rules.lookup import family, maybe_relation, referencing
from gate.rules.ruling import Among, FamilyRule

_DOES = {"update": "updates", "delete": "deletes", "merge": "changes"}


def _many_rows(among: Among) -> Iterator[Finding]:
    """Each relation in use of which more rows may be changed in one transaction than the policy allows."""
    deed = among.deed
    assert deed.action is not None
    for query, is_itself in queries_of(deed.action):
        for use, table in targets(query, deed.before):
            if is_unused(table, deed.effects, deed.before):
                continue
            rows = rows_met(use, table, deed.effects, deed.before)
            most = limited(query.change, table)
            rows = most if rows is None or (most is not None and most < rows) else rows
            if rows is None or rows > deed.most_rows(table.full_name):
                yield _many(use, table, rows, is_itself=is_itself and query.change is not None)


def _many(use: RelationUse, table: Relation, rows: float | None, *, is_itself: bool) -> Finding:
    number = f"up to {about(rows)} rows" if rows is not None else "a number of rows that is not known"
    verb = _DOES.get(use.event, "changes")
    return Finding(
        rule="writes-many-rows",
        severity=Severity.REFUSE,
        problem=f"{verb} {number} of {sql_name(table)} in one transaction: each stays locked until the commit, so that "
        "whoever writes one of them waits that long; the old versions cannot be vacuumed meanwhile, and standbys and "
        "replication slots fall behind by as much WAL",
        remedy="change the rows in batches by key, each with a commit of its own, outside the transaction of the "
        "migration",
        relation=table.full_name,
        is_cured_by_split=is_itself,
    )


# --- INSERT ... SELECT ------------------------------------------------------------------------------------------------


def _copies_many(action: Action, effects: tuple[Effect, ...], before: Snapshot) -> Iterator[Finding]:
    """Rows of a large relation are put into one that others use."""
    for query, _ in queries_of(action):
        for use in query.uses:
            target = effect_on(maybe_relation(before, use.name), effects, before) if use.event == "insert" else None
            sources = list(_large_sources(query, before)) if target and _is_from_query(use) else []
            if target is not None and sources:
                yield warned(
                    "copies-many-rows",
                    f"inserts into {sql_name(target)} what it reads from {listed(sources)}, in one transaction: "
                    "standbys fall behind by as much WAL, nothing that is updated meanwhile can be vacuumed, and on an "
                    "error all of it is done again",
                    f"fill {sql_name(target)} in parts, by ranges of a key, each with a commit of its own",
                    target.relation,
                )


def _is_from_query(use: RelationUse) -> bool:
    """VALUES have several rows of cells, or one of which all cells are known."""
    return use.rows is None or (len(use.rows) == 1 and any(cell.kind == "other" for cell in use.rows[0]))


def _large_sources(query: Query, before: Snapshot) -> Iterator[str]:
    for use in query.uses:
        source = maybe_relation(before, use.name) if not use.event else None
        if source is None or source.oid < 0 or source.kind not in "rpm" or source.is_known_empty:
            continue
        rows = _rows_below(source, before)
        if rows is None or rows > MANY_ROWS:
            yield f"{sql_name(source)} ({f'about {about(rows)} rows' if rows is not None else 'size unknown'})"


def _rows_below(relation: Relation, before: Snapshot) -> float | None:
    found = [rows_in(item) for item in family(before, relation) if item.has_storage]
    known = [rows for rows in found if rows is not None]
    return sum(known) if len(known) == len(found) else None


# --- what references the rows that go ---------------------------------------------------------------------------------


def _cascades(action: Action, effects: tuple[Effect, ...], before: Snapshot) -> Iterator[Finding]:
    """Foreign keys that change large tables along with the rows that are deleted."""
    written = {effect.oid for effect in effects if Work.WRITE in effect.work}
    for _, table in _deleted(action, effects, before):
        changed = [
            f"{_DOES_TO[constraint.on_delete]} {sql_name(other)} (about {about(rows)} rows, {quoted(constraint.name)})"
            for other, constraint in _followed(table, before)
            if other.oid in written and (rows := _rows_below(other, before) or 0) > MANY_ROWS
        ]
        if changed:
            yield warned(
                "delete-cascades",
                f"with the rows of {sql_name(table)} it {listed(changed)}: as many as reference them, in the same "
                "transaction, and locked as long",
                f"look first how many rows reference those that go; change them in batches before, and "
                f"{sql_name(table)} last",
                table.full_name,
            )


_DOES_TO = {"c": "deletes from", "n": "sets null in", "d": "sets the default in"}


def _deleted(action: Action, effects: tuple[Effect, ...], before: Snapshot) -> Iterator[tuple[RelationUse, Relation]]:
    for query, _ in queries_of(action):
        for use, table in targets(query, before):
            if "delete" in use.events and not is_unused(table, effects, before):
                yield use, table


def _followed(table: Relation, before: Snapshot) -> Iterator[tuple[Relation, Constraint]]:
    """Foreign keys that act on the rows which reference the table, and on what references those; once each."""
    seen: set[int] = set()
    pending = list(family(before, table))
    while pending:
        for other, constraint in referencing(before, pending.pop(0)):
            if constraint.oid in seen or constraint.parent or constraint.on_delete not in _DOES_TO:
                continue
            seen.add(constraint.oid)
            yield other, constraint
            if constraint.on_delete == "c":
                pending.extend(family(before, other))


def _looks_through(action: Action, effects: tuple[Effect, ...], before: Snapshot) -> Iterator[Finding]:
    """Each deleted row is looked for in every table that references it: without an index by reading all of it."""
    for _, table in _deleted(action, effects, before):
        tables = {item.oid: item for item in family(before, table)}
        tables.update((other.oid, other) for other, key in _followed(table, before) if key.on_delete == "c")
        seen: set[int] = set()
        for item in tables.values():
            for other, constraint in referencing(before, item):
                if constraint.oid in seen or constraint.parent or not constraint.is_enforced:
                    continue
                seen.add(constraint.oid)
                yield from _unindexed(item, other, constraint, before)


def _unindexed(table: Relation, other: Relation, constraint: Constraint, before: Snapshot) -> Iterator[Finding]:
    rows = _rows_below(other, before)
    if _has_index(other, constraint) or (rows is not None and rows <= MANY_ROWS) or other.oid < 0:
        return
    columns = columns_of(other, constraint.columns)
    number = f" (about {about(rows)} rows)" if rows is not None else ""
    yield warned(
        "delete-looks-through-table",
        f"for every row that goes from {sql_name(table)} the server reads all of {sql_name(other)}{number}, as no "
        f"index begins with {columns}, which references it",
        f"CREATE INDEX CONCURRENTLY ON {sql_name(other)} ({columns}), in a release before this one",
        table.full_name,
    )


def _has_index(other: Relation, constraint: Constraint) -> bool:
    return any(
        index.keys and index.keys[0].column in constraint.columns and index.is_valid and not index.has_predicate
        for index in other.indexes
    )


# --- rows that come with the schema -----------------------------------------------------------------------------------


def _seeds(action: Action, effects: tuple[Effect, ...], before: Snapshot) -> Iterator[Finding]:
    """Rows in a migration of the schema, those of a table that it makes too."""
    del effects
    inserts = [use.name for query, _ in queries_of(action) for use in query.uses if use.event == "insert"]
    if isinstance(action, Copy) and action.is_from and action.table is not None:
        inserts.append(action.table)
    for name in dict.fromkeys(inserts):
        table = maybe_relation(before, name)
        if table is not None and not table.is_temporary:
            yield warned(
                "seeds-rows",
                f"puts rows into {sql_name(table)}: they are in every database that runs the migrations, tests too, "
                "and whoever restores or squashes the schema does not get them",
                "seed data by a script or a task of its own, that can be run again",
                table.full_name,
            )


_BIG = "CREATE TABLE big (id int PRIMARY KEY, n int); INSERT INTO big SELECT g, g FROM generate_series(1, 10500) g; "
_ANALYZED = "; ANALYZE"

RULES = (
    FamilyRule(
        rule=Rule(
            name="writes-many-rows",
            about=STATEMENT,
            harm="An UPDATE or DELETE of many rows in one transaction keeps each of them locked until the commit: "
            "whoever writes one of them waits for all of them. Every changed row leaves an old version behind that "
            "VACUUM cannot take away before the end; standbys and replication slots fall behind by as much WAL; and on "
            "an error or a timeout all of it is undone, to be done again. Counted are all rows that the conditions do "
            "not exclude for certain.",
            way_out="Batches by key: a few thousand rows at a time, a commit after each, outside a transaction. gate "
            "does that by itself where each row's new value depends on that row alone.",
        ),
        finds_among=_many_rows,
        setup=_BIG + "CREATE TABLE few (id int PRIMARY KEY, n int); INSERT INTO few VALUES (1, 1)" + _ANALYZED,
        bad="UPDATE big SET n = 0 WHERE n > 5",
        good="UPDATE big SET n = 0 WHERE id IN (1, 2, 3)",
    ),
    FamilyRule(
        rule=Rule(
            name="copies-many-rows",
            about=STATEMENT,
            harm="INSERT ... SELECT from a large relation into one that is in use is one long transaction: nothing "
            "that is updated meanwhile can be vacuumed, standbys fall behind, unique keys that it has inserted make "
            "others wait, and an error at its end undoes all of it.",
            way_out="Copy in parts, by ranges of a key, each with a commit of its own, or in a job beside the release.",
        ),
        finds=_copies_many,
        setup=_BIG + "CREATE TABLE few (id int, n int); INSERT INTO few VALUES (1, 1)" + _ANALYZED,
        bad="INSERT INTO few SELECT id, n FROM big",
        good="INSERT INTO few SELECT n, id FROM few",
    ),
    FamilyRule(
        rule=Rule(
            name="delete-cascades",
            about=STATEMENT,
            harm="ON DELETE CASCADE, SET NULL and SET DEFAULT change the rows that reference those which go, however "
            "many they are, in the same transaction. The statement does not name these tables.",
            way_out="Change what references the rows first, in batches, and delete the rows themselves last.",
        ),
        finds=_cascades,
        setup="CREATE TABLE r (id int PRIMARY KEY); INSERT INTO r VALUES (1), (2);"
        "CREATE TABLE t (id int PRIMARY KEY, r int REFERENCES r ON DELETE CASCADE, s int REFERENCES r);"
        "INSERT INTO t SELECT g, 1, 1 FROM generate_series(1, 10500) g; CREATE INDEX ON t (r); CREATE INDEX ON t (s);"
        "CREATE TABLE few (id int PRIMARY KEY); INSERT INTO few VALUES (1)" + _ANALYZED,
        bad="DELETE FROM r WHERE id = 2",
        good="DELETE FROM few WHERE id = 1",
    ),
    FamilyRule(
        rule=Rule(
            name="delete-looks-through-table",
            about=STATEMENT,
            harm="A foreign key needs no index on the side that references. Without one, each row that is deleted on "
            "the other side makes the server read the whole referencing table, row after row, while the deleted rows "
            "are locked: a DELETE of a hundred rows reads it a hundred times.",
            way_out="An index on the referencing columns, built concurrently in a release before.",
        ),
        finds=_looks_through,
        setup="CREATE TABLE r (id int PRIMARY KEY); INSERT INTO r VALUES (1), (2); CREATE TABLE q (id int PRIMARY KEY);"
        "INSERT INTO q VALUES (1), (2); CREATE TABLE t (r int REFERENCES r, q int REFERENCES q);"
        "INSERT INTO t SELECT 1, 1 FROM generate_series(1, 10500) g; CREATE INDEX ON t (q)" + _ANALYZED,
        bad="DELETE FROM r WHERE id = 2",
        good="DELETE FROM q WHERE id = 2",
    ),
    FamilyRule(
        rule=Rule(
            name="seeds-rows",
            about=STATEMENT,
            harm="INSERT and COPY in a migration mix what the schema is with what is in it. A matter of style: off "
            "unless the policy turns it on.",
            way_out="Seed data by a script or a task of its own, that can be run again.",
            is_off_by_default=True,
        ),
        finds=_seeds,
        setup="CREATE TABLE t (a int)",
        bad="INSERT INTO t VALUES (1)",
        good="UPDATE t SET a = 1 WHERE a = 2",
    ),
)
