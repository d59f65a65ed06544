"""Rules: a row gets another shape. Who asked for all of it (`*`), or copies it, notices.

Source: PostgreSQL 18 `plancache.c` RevalidateCachedQuery (0A000), `copyfrom.c`; asked of servers of 14 to 18.
"""

from __future__ import annotations

from collections.abc import Iterator

from gate.model.actions import Action, AddColumn, AlterTable, CreateView, DropColumn, Part, SetType
from gate.model.catalog import Relation
from gate.model.effects import Effect
from gate.model.names import Name, quoted
from gate.model.plan import Finding
from gate.model.rules import STATEMENT, Rule
from gate.model.snapshot import Snapshot
from gate.rules.coercion import shape_of
from gate.rules.in_use import OVERLAP, effect_on, listed, noted, old_column
from gate.rules.lookup import maybe_relation
from gate.rules.named import created_in
from gate.rules.ruling import FamilyRule

_ONCE = "once on each connection that prepared it"
_RETRY = (
    "name the columns in code; a driver that prepares by itself (pgx, asyncpg, JDBC, Rails) tries again outside a "
    "transaction, or needs its connections made anew"
)


def _changes(action: Action, effects: tuple[Effect, ...], before: Snapshot) -> Iterator[Finding]:
    match action:
        case AlterTable(name=name, parts=parts):
            table = maybe_relation(before, name)
            effect = effect_on(table, effects, before)
            if table is not None and effect is not None and table.kind in "rpmf":
                yield from _of_parts(parts, table, effect, before)
        case CreateView(replaces=True, query=query):
            view = maybe_relation(before, Name(action.name.name, created_in(before, action.name)))
            names = [*action.columns, *query.output_columns[len(action.columns) :]]
            effect = effect_on(view, effects, before)
            more = [name for name in names[len(view.columns) :] if name] if view is not None else []
            if effect is not None and more and not query.has_star:
                yield _star(f"adds {listed(map(quoted, more))} to view {effect.relation}", effect)
        case _:
            return


def _of_parts(parts: tuple[Part, ...], table: Relation, effect: Effect, before: Snapshot) -> Iterator[Finding]:
    added = [part.spec.name for part in parts if isinstance(part, AddColumn) and table.column(part.spec.name) is None]
    gone = [part.column for part in parts if isinstance(part, DropColumn) and old_column(table, part.column)]
    typed = [part.column for part in parts if isinstance(part, SetType) and _is_another(part, table, before)]
    if added:
        yield _star(f"adds {listed(map(quoted, added))} to {effect.relation}", effect)
    if gone:
        yield _star(f"takes {listed(map(quoted, gone))} from {effect.relation}", effect)
    if typed:
        columns = listed(map(quoted, typed))
        yield noted(
            "row-shape-changes",
            f"another type of {columns} of {effect.relation}, a longer one too: every prepared statement that returns "
            f"{'it' if len(typed) == 1 else 'one of them'}, by name or by *, fails with 0A000 (cached plan must not "
            f"change result type), {_ONCE}",
            _RETRY,
            effect.relation,
        )


def _is_another(part: SetType, table: Relation, before: Snapshot) -> bool:
    column = old_column(table, part.column)
    shape = shape_of(part.type, before)
    return column is not None and (
        (column.type, column.typmod) != (shape.type.oid, shape.typmod) or bool(part.collation)
    )


def _star(what: str, effect: Effect) -> Finding:
    return noted(
        "row-shape-changes",
        f"{what}: prepared statements that return * of it fail with 0A000 (cached plan must not change result type), "
        f"{_ONCE}",
        _RETRY,
        effect.relation,
    )


RULES = (
    FamilyRule(
        rule=Rule(
            name="row-shape-changes",
            about=STATEMENT,
            harm=OVERLAP + "A prepared statement keeps the shape of its result. After a column is added or dropped, "
            "those that return * (SELECT *, RETURNING *) fail once on each connection with 0A000, cached plan must "
            "not change result type; after another type, or only another length, those that name the column do too. "
            "Inside a transaction the whole transaction is lost. COPY without a list of columns no longer fits a file "
            "written before. A new default, NOT NULL, or an enum value changes "
            "no shape.",
            way_out="Name the columns in code, which an ORM can be told too. Else expect one error per connection and "
            "statement, and let the pool make its connections anew.",
        ),
        finds=_changes,
        setup="CREATE TABLE t (a int, b varchar(5)); INSERT INTO t VALUES (1, 'x')",
        bad="ALTER TABLE t ALTER COLUMN b TYPE varchar(9)",
        good="ALTER TABLE t ALTER COLUMN b SET NOT NULL",
    ),
)
