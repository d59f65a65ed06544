"""Rules: which index serves whom. Foreign keys without one, indexes that say the same, indexes that nothing replaces.

Source: PostgreSQL 18 `ri_triggers.c` (the queries of a foreign key), the page "Foreign Keys"; "Multicolumn Indexes".
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from gate.model.actions import (
    Action,
    AddColumn,
    AddConstraint,
    AlterTable,
    ConstraintSpec,
    CreateIndex,
    CreateTable,
    Drop,
)
from gate.model.catalog import Index, Relation
from gate.model.effects import Effect
from gate.model.names import Name, quoted
from gate.model.plan import Finding
from gate.model.rules import STATEMENT, Rule
from gate.model.snapshot import Snapshot
from gate.model.units import about
from gate.rules.in_use import columns_of, listed, noted, sql_name, traffic_of, used, warned
from gate.rules.lookup import maybe_index, maybe_relation
from gate.rules.ruling import Among, FamilyRule
from gate.sql.alike import is_as_written

_SMALL_ROWS = 10_000
"""A table of so few rows is read faster than the harm could be told."""


# --- foreign keys -----------------------------------------------------------------------------------------------------


def _unsupported(among: Among) -> Iterator[Finding]:
    deed = among.deed
    if deed.action is None:
        return
    table, specs = _foreign_keys(deed.action, deed.before)
    if not specs:
        return
    later = [action for action in among.rest() if isinstance(action, CreateIndex)]
    for spec in specs:
        served = [*_own_keys(deed.action), *(_firsts(action) for action in later if _is_on(action, deed.action))]
        if any(first in spec.columns for first in served if first) or (table and _serves_any(table, spec.columns)):
            continue
        name = table.full_name if table else str(_name(deed.action))
        columns = listed(map(quoted, spec.columns))
        many = table is not None and not table.is_known_empty and (table.rows is None or table.rows >= _SMALL_ROWS)
        rows = f" (about {about(table.rows)} rows)" if table is not None and table.rows else ""
        yield (warned if many else noted)(
            "foreign-key-without-index",
            f"no index of {name} begins with {columns}: each DELETE of a row of {spec.referenced}, and each UPDATE of "
            f"its key, reads all of {name}{rows}",
            f"CREATE INDEX CONCURRENTLY ON {_name(deed.action)} ({', '.join(map(quoted, spec.columns))}), in any order",
            name,
        )


def _name(action: Action) -> Name:
    assert isinstance(action, AlterTable | CreateTable)
    return action.name


def _foreign_keys(action: Action, before: Snapshot) -> tuple[Relation | None, list[ConstraintSpec]]:
    """The table, None for one that is made here, and the foreign keys that it gets."""
    if isinstance(action, CreateTable):
        inline = [spec for column in action.columns for spec in column.constraints]
        return None, [spec for spec in (*action.constraints, *inline) if spec.kind == "f"]
    if not isinstance(action, AlterTable):
        return None, []
    added = [part.spec for part in action.parts if isinstance(part, AddConstraint)]
    added += [spec for part in action.parts if isinstance(part, AddColumn) for spec in part.spec.constraints]
    return maybe_relation(before, action.name), [spec for spec in added if spec.kind == "f"]


def _own_keys(action: Action) -> Iterator[str]:
    """The first columns of keys that the same statement makes."""
    if isinstance(action, CreateTable):
        specs = [*action.constraints, *(spec for column in action.columns for spec in column.constraints)]
    elif isinstance(action, AlterTable):
        specs = [part.spec for part in action.parts if isinstance(part, AddConstraint)]
        specs += [spec for part in action.parts if isinstance(part, AddColumn) for spec in part.spec.constraints]
    else:
        return
    yield from (spec.columns[0] for spec in specs if spec.kind in "pux" and spec.columns)


def _firsts(action: CreateIndex) -> str:
    return (action.columns[0] or "") if action.columns and action.where is None else ""


def _is_on(index: CreateIndex, action: Action) -> bool:
    name = _name(action)
    return index.table.name == name.name and index.table.schema in (None, name.schema)


def _serves_any(table: Relation, columns: Iterable[str]) -> bool:
    numbers = {column.number for column in map(table.column, columns) if column}
    return any(_serves(index, numbers) for index in table.indexes)


def _serves(index: Index, numbers: set[int]) -> bool:
    """Whether a search for all of these columns is helped by it: its first key is one of them."""
    is_whole = index.is_valid and not index.has_predicate
    return (
        is_whole and index.method in ("btree", "hash", "gist") and bool(index.keys) and index.keys[0].column in numbers
    )


# --- indexes that say the same ----------------------------------------------------------------------------------------


def _redundant(among: Among) -> Iterator[Finding]:
    action, effects, before = among.deed.action, among.deed.effects, among.deed.before
    if not isinstance(action, CreateIndex):
        return
    going = {item.name.name for later in among.rest() if isinstance(later, Drop) for item in later.names}
    effect, table = used(action.table, effects, before), maybe_relation(before, action.table)
    if effect is None or table is None or any(item.name == action.name for item in table.indexes):
        return
    wider = next(
        (item for item in table.indexes if item.name not in going and item.is_valid and _covers(item, action, table)),
        None,
    )
    if wider is None:
        return
    yield noted(
        "redundant-index",
        f"{quoted(wider.name)} of {effect.relation} serves the same searches already: every write keeps both up",
        f"leave it out; or, if {quoted(wider.name)} is to be replaced by it, drop that one CONCURRENTLY afterwards",
        effect.relation,
    )


def _covers(index: Index, action: CreateIndex, table: Relation) -> bool:
    """Whether an index does all that the new one is for: the same one, or a btree that begins with its columns."""
    if is_as_written(action, table, index):
        return True
    if action.is_unique or action.expressions or action.where or action.include or index.has_predicate:
        return False
    if (action.method, index.method) != ("btree", "btree") or len(index.keys) < len(action.columns):
        return False
    names = [column.name if (column := table.column_number(key.column)) else None for key in index.keys]
    plain = all(key.is_default_opclass for key in index.keys) and not any(action.opclasses)
    return plain and names[: len(action.columns)] == list(action.columns)


# --- indexes that go --------------------------------------------------------------------------------------------------


def _missed(action: Action, effects: tuple[Effect, ...], before: Snapshot) -> Iterator[Finding]:
    if not isinstance(action, Drop) or action.object != "index":
        return
    oids = {maybe_index(before, item.name) for item in action.names}
    for item in action.names:
        oid, effect = maybe_index(before, item.name), used(item.name, effects, before)
        table = maybe_relation(before, item.name)
        index = next((one for one in table.indexes if one.oid == oid), None) if table else None
        if effect is None or table is None or index is None or index.oid < 0 or not index.is_valid:
            continue
        left = [one for one in table.indexes if one.oid not in oids]
        yield from _without_support(index, left, table, effect)
        if not any(_replaces(one, index) for one in left):
            yield noted(
                "drops-only-index",
                f"no other index of {effect.relation} begins with what {quoted(index.name)} is over"
                f"{_over(index, table)}: queries that use it read the whole table instead{traffic_of(effect)}",
                "look at its idx_scan in pg_stat_user_indexes, on the standbys too, before it goes",
                effect.relation,
            )


def _over(index: Index, table: Relation) -> str:
    names = columns_of(table, (key.column for key in index.keys))
    return f" ({names})" if names else ""


def _replaces(other: Index, index: Index) -> bool:
    """Whether whoever searched by `index` finds its rows by the other too."""
    if not other.is_valid or (other.has_predicate and not index.has_predicate):
        return False
    if other.has_expressions or index.has_expressions:
        return (
            other.definition is not None
            and other.definition.partition(" USING ")[2] == (index.definition or "").partition(" USING ")[2]
        )
    mine = [key.column for key in index.keys]
    return other.method == index.method and [key.column for key in other.keys][: len(mine)] == mine


def _without_support(index: Index, left: list[Index], table: Relation, effect: Effect) -> Iterator[Finding]:
    for key in table.constraints:
        numbers = set(key.columns)
        if key.kind != "f" or not _serves(index, numbers) or any(_serves(item, numbers) for item in left):
            continue
        yield warned(
            "foreign-key-without-index",
            f"{quoted(index.name)} is the only index that begins with {columns_of(table, key.columns)}, which "
            f"{quoted(key.name)} refers by: each DELETE of a row that it refers to will read all of {effect.relation}",
            f"keep an index of {sql_name(table)} on {columns_of(table, key.columns)}, or drop {quoted(key.name)} first",
            effect.relation,
        )


# --- style ------------------------------------------------------------------------------------------------------------

_WIDE = 3


def _wide(action: Action, effects: tuple[Effect, ...], before: Snapshot) -> Iterator[Finding]:
    del effects, before
    if isinstance(action, CreateIndex) and not action.is_unique and len(action.columns) > _WIDE:
        yield warned(
            "wide-index",
            f"an index of {len(action.columns)} columns on {action.table}: every write of any of them writes it, "
            "and few searches use more than its first ones",
            "index the columns that narrow a search most; the others can stand in INCLUDE",
        )


def _hash(action: Action, effects: tuple[Effect, ...], before: Snapshot) -> Iterator[Finding]:
    del effects, before
    if isinstance(action, CreateIndex) and action.method == "hash":
        yield warned(
            "hash-index",
            f"a hash index on {action.table} serves = alone: no order, no range, no several columns, no unique key",
            "a btree serves = about as well, and all else",
        )


_FK = (
    "CREATE TABLE ref (id int PRIMARY KEY); INSERT INTO ref SELECT generate_series(1, 10); "
    "CREATE TABLE u (a int, b int, c int); INSERT INTO u SELECT g, g, g FROM generate_series(1, 10) g; "
    "CREATE INDEX i ON u (b, c); CREATE INDEX j ON u (c)"
)
_SAME = "; ALTER TABLE u ADD CONSTRAINT k FOREIGN KEY (b) REFERENCES ref"

RULES = (
    FamilyRule(
        rule=Rule(
            name="foreign-key-without-index",
            about=STATEMENT,
            harm="When a row is deleted, or its key changes, PostgreSQL looks for rows that refer to it. Without an "
            "index on the referring columns it reads the whole table for each, and holds its locks meanwhile: a purge"
            " of a thousand rows reads the table a thousand times. PostgreSQL makes no such index by itself.",
            way_out="CREATE INDEX CONCURRENTLY on the referring columns, in any order. Leave it out where the rows "
            "that are referred to are never deleted: -- gate: allow foreign-key-without-index because they are not.",
        ),
        finds_among=_unsupported,
        setup=_FK,
        bad="ALTER TABLE u ADD FOREIGN KEY (a) REFERENCES ref NOT VALID",
        good="ALTER TABLE u ADD FOREIGN KEY (b) REFERENCES ref NOT VALID",
    ),
    FamilyRule(
        rule=Rule(
            name="drops-only-index",
            about=STATEMENT,
            harm="Queries that used the index read the whole table from now on. If a foreign key or a query of the "
            "code before this release needs it, it is missed at once.",
            way_out="pg_stat_user_indexes.idx_scan, here and on each standby, says whether anybody uses it. Build what "
            "replaces it first, and drop it in a later release.",
        ),
        finds=_missed,
        setup=_FK + _SAME,
        bad="DROP INDEX i",
        good="CREATE INDEX ii ON u (c); DROP INDEX j",
    ),
    FamilyRule(
        rule=Rule(
            name="redundant-index",
            about=STATEMENT,
            harm="Two indexes of which one begins with the columns of the other serve the same searches. Each write "
            "keeps up both, each VACUUM reads both, and both take memory from what is useful.",
            way_out="Keep the wider one, or the one that is unique.",
        ),
        finds_among=_redundant,
        setup=_FK,
        bad="CREATE INDEX ON u (b)",
        good="CREATE INDEX ON u (a, b)",
    ),
    FamilyRule(
        rule=Rule(
            name="wide-index",
            about=STATEMENT,
            harm="An index of many columns is written whenever one of them changes, takes HOT updates away from all of "
            "them, and most searches use its first columns only.",
            way_out="Index the columns that narrow a search most; put the others into INCLUDE if they are only read.",
            is_off_by_default=True,
        ),
        finds=_wide,
        setup=_FK + "; ALTER TABLE u ADD COLUMN d int",
        bad="CREATE INDEX ON u (a, b, c, d)",
        good="CREATE INDEX ON u (a, b, c)",
    ),
    FamilyRule(
        rule=Rule(
            name="hash-index",
            about=STATEMENT,
            harm="A hash index serves equality alone, of one column, without an order and without uniqueness.",
            way_out="A btree, which serves equality about as fast and everything else too; hash where very long values "
            "make a btree too large.",
            is_off_by_default=True,
        ),
        finds=_hash,
        setup=_FK,
        bad="CREATE INDEX ON u USING hash (a)",
        good="CREATE INDEX ON u (a)",
    ),
)
