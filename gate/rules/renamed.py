"""Rules: what running code knows by a name gets another one. Constraints, indexes and triggers are named by nobody."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from gate.model.actions import Action, AlterEnum, CreateType, CreateView, OnObject, Rename, SetSchema
from gate.model.catalog import Column, Relation, Type
from gate.model.effects import Effect
from gate.model.names import Name, quoted
from gate.model.plan import Finding
from gate.model.rules import STATEMENT, Rule
from gate.model.snapshot import Snapshot
from gate.rules.in_use import (
    OVERLAP,
    TRIGGER_TYPES,
    effect_on,
    listed,
    named_refs,
    old_column,
    refused,
    signature,
    sql_name,
    traffic_of,
    warned,
    written_type,
)
from gate.rules.lookup import find_type, maybe_index, maybe_relation, word
from gate.rules.named import ROUTINES
from gate.rules.ruling import Among, FamilyRule

# --- columns ----------------------------------------------------------------------------------------------------------


def _renames_column(among: Among) -> Iterator[Finding]:
    action, before = among.deed.action, among.deed.before
    if not isinstance(action, Rename) or action.object != "column":
        return
    table = maybe_relation(before, action.name)
    effect = effect_on(table, among.deed.effects, before)
    column = old_column(table, action.part)
    if table is None or effect is None or column is None or _is_a_swap(among, action):
        return
    yield refused(
        "renames-column",
        f"renames column {quoted(action.part)} of {effect.relation} to {quoted(action.to)}: code that runs now gets an "
        f"error wherever it says {quoted(action.part)}, and the new code does until this has run{traffic_of(effect)}",
        _phases_of_view(table, action) if table.kind == "v" else _phases(table, column, action.to, before),
        effect.relation,
    )


def _is_a_swap(among: Among, action: Rename) -> bool:
    """Whether, in the same transaction, another one takes the old name, or this one takes a name just given up."""
    around = [deed.action for deed in among.earlier()]
    gave_up = any(
        isinstance(item, Rename) and item.object == action.object and _old(item) == action.to for item in around
    )
    taken = any(
        isinstance(item, Rename) and item.object == action.object and item.to == _old(action) for item in among.later()
    )
    return gave_up or taken


def _old(action: Rename) -> str:
    return action.part or action.name.name


def _phases(table: Relation, column: Column, to: str, before: Snapshot) -> str:
    name, old, new = sql_name(table), quoted(column.name), quoted(to)
    return (
        f"1. this release: ALTER TABLE {name} ADD COLUMN {new} {written_type(column, before)}, with a BEFORE INSERT OR "
        f"UPDATE trigger that copies whichever of {old} and {new} was written to the other, and fill old rows in "
        f"batches (UPDATE {name} SET {new} = {old} WHERE {new} IS DISTINCT FROM {old}); 2. next release: code uses "
        f"{new} alone; 3. the one after: drop the trigger, and ALTER TABLE {name} DROP COLUMN {old}, under -- gate: "
        "allow drops-column because no release that runs uses it any more"
    )


def _phases_of_view(view: Relation, action: Rename) -> str:
    return (
        f"1. this release: CREATE OR REPLACE VIEW {sql_name(view)} with {quoted(action.to)} as one more column at the "
        f"end; 2. next release: code uses it; 3. the one after: make the view anew without {quoted(action.part)}"
    )


# --- relations --------------------------------------------------------------------------------------------------------

_RELATIONS = frozenset({"table", "view", "matview", "foreign table", "sequence"})


def _renames_relation(among: Among) -> Iterator[Finding]:
    action, before = among.deed.action, among.deed.before
    if not isinstance(action, Rename) or action.object not in _RELATIONS:
        return
    if maybe_index(before, action.name) is not None:
        return
    table = maybe_relation(before, action.name)
    effect = effect_on(table, among.deed.effects, before)
    if table is None or effect is None or _is_a_swap(among, action) or _has_view(among.later(), table):
        return
    if table.sequence is not None and table.sequence.owner_table:
        yield warned(
            "renames-relation",
            f"renames sequence {effect.relation} to {quoted(action.to)}: its column follows, but code that names it "
            "(nextval, currval) gets an error",
            "sure enough where only the column's default takes numbers from it",
            effect.relation,
        )
        return
    if table.is_partition:
        yield warned(
            "renames-relation",
            f"renames partition {effect.relation} to {quoted(action.to)}: code that names the partition itself gets an "
            "error; the table above finds it still",
            "sure enough where nothing but the table above is named in code and in maintenance jobs",
            effect.relation,
        )
        return
    yield refused(
        "renames-relation",
        f"renames {word(table.kind)} {effect.relation} to {quoted(action.to)}: code that runs now gets an error "
        f"wherever it names it, and the new code does until this has run{traffic_of(effect)}",
        _under_both_names(table, action.to),
        effect.relation,
    )


def _has_view(actions: Iterable[Action], table: Relation) -> bool:
    """A view takes the old name before anybody misses it."""
    return any(isinstance(item, CreateView) and item.name.name == table.name for item in actions)


def _under_both_names(table: Relation, to: str) -> str:
    name, new = sql_name(table), Name(to, table.schema)
    if table.kind not in "rpv":
        return f"1. this release: make {new} beside it, and let code use that; 2. next release: drop {name}"
    return (
        f"1. this release, in one transaction: ALTER TABLE {name} RENAME TO {quoted(to)}; CREATE VIEW {name} AS SELECT "
        f"* FROM {new}; such a view takes INSERT, UPDATE and DELETE too; GRANT on it what the table grants; 2. next "
        f"release: code uses {new} alone; 3. the one after: DROP VIEW {name}, under -- gate: allow drops-view because "
        "no release that runs uses it any more"
    )


# --- schemas ----------------------------------------------------------------------------------------------------------


def _moves_to_schema(action: Action, effects: tuple[Effect, ...], before: Snapshot) -> Iterator[Finding]:
    match action:
        case SetSchema(name=name, to=to):
            table = maybe_relation(before, name)
            effect = effect_on(table, effects, before)
            if effect is not None and effect.schema != to:
                yield _moved(f"{word(effect.kind)} {effect.relation}", effect.schema, to, before, effect.relation)
        case OnObject(what="set schema", object=kind, name=named, to=to):
            for ref in named_refs(before, kind, named):
                old = before.types.get(ref.oid) or before.functions.get(ref.oid)
                if old is not None and ref.oid > 0 and old.schema != to:
                    yield _moved(f"{kind} {old.schema}.{old.name}", old.schema, to, before, None)
        case OnObject(what="rename", object="schema", name=named, to=to):
            schema = before.schemas.get(named.name.name)
            if schema is not None and schema.oid > 0:
                yield _renamed_schema(schema.name, to)
        case _:
            return


def _moved(what: str, schema: str, to: str, before: Snapshot, relation: str | None) -> Finding:
    path = before.server.search_path
    if schema in path and to in path:
        return warned(
            "moves-to-schema",
            f"moves {what} to schema {quoted(to)}: code that names it with its schema gets an error; without, it is "
            "found by the search_path, which has both",
            "look for the qualified name in code, reports and jobs before the release",
            relation,
        )
    return refused(
        "moves-to-schema",
        f"moves {what} to schema {quoted(to)}, which the search_path ({', '.join(path) or 'empty'}) does not have: "
        "code that runs now gets an error wherever it names it",
        f"1. this release: put {quoted(to)} on the search_path of the roles that use it (ALTER ROLE ... SET "
        f"search_path = {', '.join([*map(quoted, path), quoted(to)])}) and let their sessions begin anew; 2. next "
        "release: move it, with -- gate: allow moves-to-schema because both schemas are on the path",
        relation,
    )


def _renamed_schema(schema: str, to: str) -> Finding:
    return refused(
        "moves-to-schema",
        f"renames schema {quoted(schema)} to {quoted(to)}: code that names anything in it, or has it on its "
        "search_path, gets an error",
        f"1. this release: make schema {quoted(to)} with views on what {quoted(schema)} holds, and let code use those; "
        f"2. next release: move the tables there by ALTER TABLE ... SET SCHEMA {quoted(to)}, each with its view "
        "dropped in the same transaction",
    )


# --- types, functions, enum values ------------------------------------------------------------------------------------


def _renames_type(among: Among) -> Iterator[Finding]:
    action, before = among.deed.action, among.deed.before
    if not isinstance(action, OnObject) or action.what != "rename" or action.object not in ("type", "domain"):
        return
    kind = find_type(before, action.name.name)
    if kind is None or kind.oid < 0 or _is_swapped(among, kind):
        return
    full, used_by = Name(kind.name, kind.schema), _columns(kind, before)
    if used_by:
        yield refused(
            "renames-type",
            f"renames type {full} to {quoted(action.to)}: code that casts to it, or a driver that looks it up by name, "
            f"gets an error; it is the type of {used_by}",
            "1. this release: take the type's name out of code (a literal or a parameter without a cast takes the type "
            f"of the column that it meets); 2. next release: ALTER TYPE {full} RENAME TO {quoted(action.to)}, under -- "
            "gate: allow renames-type because no code that runs names it",
        )
    else:
        yield warned(
            "renames-type",
            f"renames type {full} to {quoted(action.to)}: code that casts to it gets an error",
            "sure enough where no code names the type; no column that gate has read is of it",
        )


def _is_swapped(among: Among, kind: Type) -> bool:
    """Another type of that name comes in the same transaction: the change of the columns is judged by itself."""
    return any(isinstance(item, CreateType) and item.name.name == kind.name for item in among.later())


def _columns(kind: Type, before: Snapshot) -> str:
    found = []
    for oid, number in kind.used_by:
        table = before.relations.get(oid)
        column = table.column_number(number) if table else None
        if table is not None and column is not None and table.oid > 0:
            found.append(f"{table.full_name}.{quoted(column.name)}")
    return listed(found)


def _renames_function(action: Action, effects: tuple[Effect, ...], before: Snapshot) -> Iterator[Finding]:
    del effects
    if not isinstance(action, OnObject) or action.what != "rename" or action.object not in ROUTINES:
        return
    for ref in named_refs(before, action.object, action.name):
        function = before.functions[ref.oid]
        if ref.oid > 0 and function.returns not in TRIGGER_TYPES:
            full = signature(function, before)
            yield refused(
                "renames-function",
                f"renames {action.object} {full} to {quoted(action.to)}: code that runs now gets an error wherever it "
                "calls it",
                f"1. this release: make {Name(action.to, function.schema)} beside it, which does the same; 2. next "
                f"release: code calls that; 3. the one after: DROP {action.object.upper()} {full}, under -- gate: "
                "allow drops-function because no release that runs calls it any more",
            )


def _renames_enum_value(action: Action, effects: tuple[Effect, ...], before: Snapshot) -> Iterator[Finding]:
    del effects
    if not isinstance(action, AlterEnum) or action.adds:
        return
    kind = find_type(before, action.name)
    if kind is None or kind.oid < 0:
        return
    old, new, full = action.old_label, action.label, Name(kind.name, kind.schema)
    used_by = _columns(kind, before)
    where = f"; it is the type of {used_by}" if used_by else ""
    yield refused(
        "renames-enum-value",
        f"renames value '{old}' of {full} to '{new}': code that writes or compares '{old}' gets an error (22P02), and "
        f"code that reads it meets a value that it does not know{where}",
        f"1. this release: ALTER TYPE {full} ADD VALUE '{new}' AFTER '{old}', and code that reads either; 2. next "
        f"release: code writes '{new}', and an UPDATE in batches changes the rows that still say '{old}'; the old "
        "value stays in the type, and harms nobody",
    )


RULES = (
    FamilyRule(
        rule=Rule(
            name="renames-column",
            about=STATEMENT,
            harm=OVERLAP
            + "Old code says the old name and gets 42703 from the moment the rename commits; new code says "
            "the new one and gets it until then. No order of deploy and migration avoids both. An exchange of two "
            "columns within one transaction leaves the old name in place, and is let by.",
            way_out="Add the new column beside the old one, keep both equal with a trigger, fill it in batches, let "
            "the next release use it, and drop the old one in the release after.",
        ),
        finds_among=_renames_column,
        setup="CREATE TABLE t (a int, b varchar(5)); INSERT INTO t VALUES (1)",
        bad="ALTER TABLE t RENAME COLUMN b TO c",
        good="ALTER TABLE t ADD COLUMN d int; ALTER TABLE t RENAME COLUMN d TO e",
    ),
    FamilyRule(
        rule=Rule(
            name="renames-relation",
            about=STATEMENT,
            harm=OVERLAP
            + "Old code names the table and gets 42P01 from the moment the rename commits; new code gets it "
            "until then. A view of the old name, made in the same transaction, keeps old code going: it takes writes "
            "too.",
            way_out="In one transaction: rename the table, and CREATE VIEW old_name AS SELECT * FROM new_name. Drop "
            "the view when no release uses the old name any more.",
        ),
        finds_among=_renames_relation,
        setup="CREATE TABLE t (a int); INSERT INTO t VALUES (1)",
        bad="ALTER TABLE t RENAME TO u",
        good="ALTER TABLE t RENAME TO u; CREATE VIEW t AS SELECT * FROM u",
    ),
    FamilyRule(
        rule=Rule(
            name="moves-to-schema",
            about=STATEMENT,
            harm=OVERLAP
            + "Old code finds the object by its schema, or by a search_path that does not have the new one, "
            "and gets an error. Renaming a schema does that to everything in it.",
            way_out="First put the new schema on the search_path of the roles that use it; move the object when their "
            "sessions have begun anew; leave a view behind where code writes the schema out.",
        ),
        finds=_moves_to_schema,
        setup="CREATE SCHEMA s; CREATE TABLE t (a int); INSERT INTO t VALUES (1)",
        bad="ALTER TABLE t SET SCHEMA s",
        good="ALTER TABLE t SET SCHEMA public",
    ),
    FamilyRule(
        rule=Rule(
            name="renames-type",
            about=STATEMENT,
            harm=OVERLAP
            + "Old code that casts to the type, and drivers that look enums up by name, get 42704. A type that "
            "gives its name to another one in the same transaction is judged by what the columns become.",
            way_out="Take the name out of code first: a literal without a cast takes the type of the column that it "
            "meets. Rename it in the next release, or leave it.",
        ),
        finds_among=_renames_type,
        setup="CREATE TYPE temper AS ENUM ('ok'); CREATE TABLE t (a temper)",
        bad="ALTER TYPE temper RENAME TO state",
        good="CREATE TYPE fresh AS ENUM ('ok'); ALTER TYPE fresh RENAME TO state",
    ),
    FamilyRule(
        rule=Rule(
            name="renames-function",
            about=STATEMENT,
            harm=OVERLAP + "Old code that calls the function gets 42883. A trigger function is called by its triggers "
            "only, which follow the rename.",
            way_out="Make the function under its new name beside the old one; drop the old one when no release calls "
            "it.",
        ),
        finds=_renames_function,
        setup="CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1'; "
        "CREATE FUNCTION g() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'",
        bad="ALTER FUNCTION f() RENAME TO h",
        good="ALTER FUNCTION g() RENAME TO h",
    ),
    FamilyRule(
        rule=Rule(
            name="renames-enum-value",
            about=STATEMENT,
            harm=OVERLAP
            + "All rows say the new value at once. Old code that writes or compares the old one gets 22P02; "
            "what reads rows meets a value that it does not know.",
            way_out="Add the new value beside the old one, teach code to read both, then to write the new one, then "
            "change the rows in batches. The old value can stay.",
        ),
        finds=_renames_enum_value,
        setup="CREATE TYPE temper AS ENUM ('ok', 'bad'); CREATE TABLE t (a temper)",
        bad="ALTER TYPE temper RENAME VALUE 'bad' TO 'sad'",
        good="ALTER TYPE temper ADD VALUE 'sad'",
    ),
)
