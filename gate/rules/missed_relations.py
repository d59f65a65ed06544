"""Rules: columns, tables and views that running code would miss; what nobody uses, or the release made, may go."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from gate.model.actions import (
    Action,
    AlterTable,
    CreateTableAs,
    CreateView,
    Drop,
    DropColumn,
)
from gate.model.catalog import Column, Relation
from gate.model.effects import Effect
from gate.model.names import quoted
from gate.model.plan import Finding
from gate.model.rules import STATEMENT, Rule
from gate.model.snapshot import Snapshot
from gate.rules.in_use import (
    OVERLAP,
    columns_of,
    is_unused,
    listed,
    next_release,
    old_column,
    refused,
    rows_of,
    sql_name,
    traffic_of,
    used,
    warned,
)
from gate.rules.lookup import find_type, maybe_relation, word
from gate.rules.ruling import Among, FamilyRule

# --- columns ----------------------------------------------------------------------------------------------------------


def _drops_column(action: Action, effects: tuple[Effect, ...], before: Snapshot) -> Iterator[Finding]:
    if not isinstance(action, AlterTable):
        return
    if action.object == "type":
        yield from _drops_attribute(action, before)
        return
    table, effect = maybe_relation(before, action.name), used(action.name, effects, before)
    if table is None or effect is None:
        return
    parts = [part for part in action.parts if isinstance(part, DropColumn)]
    gone = [column for part in parts if (column := old_column(table, part.column)) is not None]
    if not gone:
        return
    names = [quoted(column.name) for column in gone]
    lost = listed(_lost_with(before, table, gone))
    yield refused(
        "drops-column",
        f"drops {_plural('column', names)} of {effect.relation}{rows_of(effect)}: code that runs now gets an error "
        f"wherever it names {'it' if len(names) == 1 else 'them'}, and the values are gone"
        + (f"; with {'it' if len(names) == 1 else 'them'} goes {lost}" if lost else "")
        + traffic_of(effect),
        _phases_of_drop(table, gone),
        effect.relation,
    )


def _drops_attribute(action: AlterTable, before: Snapshot) -> Iterator[Finding]:
    kind = find_type(before, action.name)
    names = [quoted(part.column) for part in action.parts if isinstance(part, DropColumn)]
    if kind is not None and kind.oid > 0 and names:
        yield refused(
            "drops-column",
            f"drops {_plural('attribute', names)} of type {kind.full_name}: code that runs now gets an error "
            "wherever it names it, or writes a row of the type with all of its values",
            "1. this release: stop naming it in code; "
            + next_release(
                "drops-column", f"ALTER TYPE {action.name} DROP ATTRIBUTE {', DROP ATTRIBUTE '.join(names)}"
            ),
        )


def _plural(noun: str, names: list[str]) -> str:
    return f"{noun}{'s' if len(names) > 1 else ''} {listed(names)}"


def _lost_with(before: Snapshot, table: Relation, gone: list[Column]) -> Iterator[str]:
    """Indexes and constraints over these columns; which others they also cover."""
    numbers = {column.number for column in gone}
    for index in table.indexes:
        if numbers & set(index.columns) and not index.constraint:
            others = columns_of(table, (item for item in index.columns if item not in numbers))
            yield f"index {quoted(index.name)}" + (f", which also serves {others}" if others else "")
    words = {"p": "the primary key", "u": "unique constraint", "f": "foreign key", "c": "check", "x": "exclusion"}
    for constraint in table.constraints:
        if numbers & set(constraint.columns) and constraint.kind in words:
            others = columns_of(table, (item for item in constraint.columns if item not in numbers))
            yield f"{words[constraint.kind]} {quoted(constraint.name)}" + (f", also over {others}" if others else "")
    for other, oid in table.referenced_by:
        holder = before.relations.get(other)
        foreign = next((item for item in holder.constraints if item.oid == oid), None) if holder else None
        if holder is not None and foreign is not None and numbers & set(foreign.referenced_columns):
            yield f"foreign key {quoted(foreign.name)} of {sql_name(holder)}"


def _phases_of_drop(table: Relation, gone: list[Column]) -> str:
    name = sql_name(table)
    needed = [column for column in gone if column.is_not_null and column.default is None and not column.identity]
    loosen = ", ".join(f"ALTER COLUMN {quoted(column.name)} DROP NOT NULL" for column in needed)
    first = (
        f"first ALTER TABLE {name} {loosen}, so that code can leave {'it' if len(needed) == 1 else 'them'} out, then "
        if needed
        else ""
    )
    drops = ", ".join(f"DROP COLUMN {quoted(column.name)}" for column in gone)
    return (
        f"1. this release: {first}stop reading and writing {'it' if len(gone) == 1 else 'them'} in code, SELECT * and "
        f"the column lists of an ORM included; {next_release('drops-column', f'ALTER TABLE {name} {drops}')}"
    )


# --- tables -----------------------------------------------------------------------------------------------------------


def named_relations(action: Drop, before: Snapshot) -> Iterator[Relation]:
    for name in action.names:
        found = maybe_relation(before, name.name)
        if found is not None:
            yield found


def _drops_table(action: Action, effects: tuple[Effect, ...], before: Snapshot) -> Iterator[Finding]:
    if not isinstance(action, Drop) or action.object not in ("table", "foreign table"):
        return
    for table in named_relations(action, before):
        if is_unused(table, effects, before):
            continue
        effect = next((item for item in effects if item.oid == table.oid), None)
        if effect is None:
            continue
        yield _partition(effect) if table.is_partition else _table(effect, table)


def _table(effect: Effect, table: Relation) -> Finding:
    name = sql_name(table)
    return refused(
        "drops-table",
        f"drops {word(table.kind)} {effect.relation}{rows_of(effect)}: code that runs now gets an error wherever it "
        f"names it, and its rows are gone{traffic_of(effect)}",
        f"1. this release: stop reading and writing it in code; "
        f"{next_release('drops-table', f'DROP TABLE {name}')}; keep a copy of the rows if anybody may ask for them",
        effect.relation,
    )


def _partition(effect: Effect) -> Finding:
    return warned(
        "drops-table",
        f"drops partition {effect.relation}{rows_of(effect)}: its rows are gone, for whoever reads the table above too",
        "sure enough where old partitions are meant to go; keep a copy of the rows if anybody may ask for them",
        effect.relation,
    )


# --- views ------------------------------------------------------------------------------------------------------------


def _drops_view(among: Among) -> Iterator[Finding]:
    """Unless the same transaction makes it anew: then nobody ever misses it."""
    action, before = among.deed.action, among.deed.before
    if not isinstance(action, Drop) or action.object not in ("view", "matview"):
        return
    for view in named_relations(action, before):
        if view.oid < 0 or view.is_temporary:
            continue
        again = _made_again(view, among.later(), before)
        missing = _missing_columns(view, again)
        if again is None:
            yield _view_gone(view, is_back=_made_again(view, among.rest(), before) is not None)
        elif missing:
            yield refused(
                "drops-view",
                f"makes {word(view.kind)} {view.full_name} anew without {_plural('column', missing)}: code that runs "
                "now gets an error wherever it names that",
                "1. this release: keep the column in the view, and stop reading it in code; 2. next release: the view "
                f"without it, under {'-- gate: allow drops-view because nobody reads that column any more'}",
                view.full_name,
            )


def _made_again(view: Relation, actions: Iterable[Action], before: Snapshot) -> CreateView | CreateTableAs | None:
    for action in actions:
        if isinstance(action, CreateView | CreateTableAs) and action.name.name == view.name:
            schema = action.name.schema or next(iter(before.server.search_path), "public")
            if schema == view.schema:
                return action
    return None


def _missing_columns(view: Relation, again: CreateView | CreateTableAs | None) -> list[str]:
    """Columns that the new query does not have; none where the query's own names cannot be told."""
    if again is None or again.query.has_star:
        return []
    names = [*again.columns, *again.query.output_columns[len(again.columns) :]]
    if not names or None in names:
        return []
    return [quoted(column.name) for column in view.columns if column.name not in names]


def _view_gone(view: Relation, *, is_back: bool) -> Finding:
    what = word(view.kind)
    if is_back:
        return refused(
            "drops-view",
            f"drops {what} {view.full_name}, and makes it anew in another transaction: in between, code that reads it "
            "gets an error",
            "put both into one transaction, or write CREATE OR REPLACE VIEW where the columns stay",
            view.full_name,
        )
    return refused(
        "drops-view",
        f"drops {what} {view.full_name}: code that runs now gets an error wherever it reads it",
        f"1. this release: stop reading it in code; "
        f"{next_release('drops-view', f'DROP {what.upper()} {sql_name(view)}')}; to change it, drop it and make it "
        "anew in one transaction",
        view.full_name,
    )


# --- words ------------------------------------------------------------------------------------------------------------

RULES = (
    FamilyRule(
        rule=Rule(
            name="drops-column",
            about=STATEMENT,
            harm=OVERLAP + "Old code that names the column gets 42703 on every query; an ORM that lists all columns "
            "does so on every load. The values are gone, and with them every index and constraint over the column, "
            "those over several columns too.",
            way_out="Two releases. First the code stops reading and writing it (DROP NOT NULL before that, where "
            "nothing else fills it). When none of the old code runs any more, the next release drops it, with -- gate: "
            "allow drops-column because ...",
        ),
        finds=_drops_column,
        setup="CREATE TABLE t (a int, b int); INSERT INTO t VALUES (1, 1); CREATE INDEX t_a_b ON t (a, b)",
        bad="ALTER TABLE t DROP COLUMN b",
        good="ALTER TABLE t ADD COLUMN c int; ALTER TABLE t DROP COLUMN c",
    ),
    FamilyRule(
        rule=Rule(
            name="drops-table",
            about=STATEMENT,
            harm=OVERLAP + "Old code that names the table gets 42P01, and its rows are gone. DROP TABLE IF EXISTS "
            "before CREATE TABLE loses them just the same. A table that is empty and that nobody has read since the "
            "server's counters began may go; of a partition only the rows are said to be lost.",
            way_out="Two releases. First the code stops reading and writing it; the next one drops it, with -- gate: "
            "allow drops-table because ...",
        ),
        finds=_drops_table,
        setup="CREATE TABLE t (a int); INSERT INTO t VALUES (1)",
        bad="DROP TABLE t",
        good="CREATE TABLE u (a int); DROP TABLE u",
    ),
    FamilyRule(
        rule=Rule(
            name="drops-view",
            about=STATEMENT,
            harm=OVERLAP + "Old code that reads the view gets 42P01. A view that the same transaction makes anew, with "
            "all its columns, is missed by nobody.",
            way_out="To change a view: CREATE OR REPLACE VIEW, which can add columns at the end, or DROP and CREATE in "
            "one transaction. To be rid of it: first stop reading it in code, drop it in the next release.",
        ),
        finds_among=_drops_view,
        setup="CREATE TABLE t (a int, b int); CREATE VIEW v AS SELECT a, b FROM t",
        bad="DROP VIEW v",
        good="DROP VIEW v; CREATE VIEW v AS SELECT a, b, a + b AS c FROM t",
    ),
)
