"""Rules: functions, types, sequences, extensions that running code would miss, and what CASCADE takes along."""

from __future__ import annotations

from collections.abc import Iterator

from gate.model.actions import Action, AlterTable, CreateFunction, Drop, DropColumn, DropOwned, ObjectName, OnObject
from gate.model.catalog import Ref
from gate.model.effects import Effect
from gate.model.plan import Finding
from gate.model.rules import STATEMENT, Rule
from gate.model.snapshot import Snapshot
from gate.rules.dependents import CLASS
from gate.rules.doomed import doom
from gate.rules.in_use import (
    OVERLAP,
    TRIGGER_TYPES,
    goes_with,
    listed,
    named_refs,
    next_release,
    refused,
    signature,
    sql_name,
    warned,
)
from gate.rules.lookup import maybe_relation
from gate.rules.missed_relations import named_relations
from gate.rules.named import ROUTINES
from gate.rules.ruling import Among, FamilyRule


def _drops_function(among: Among) -> Iterator[Finding]:
    action, before = among.deed.action, among.deed.before
    if not isinstance(action, Drop) or action.object not in ROUTINES:
        return
    for name in action.names:
        for ref in named_refs(before, action.object, name):
            function = before.functions[ref.oid]
            if ref.oid < 0 or function.returns in TRIGGER_TYPES:
                continue
            if any(_is_made(function.name, len(function.arguments), item) for item in among.later()):
                continue
            full = signature(function, before)
            yield refused(
                "drops-function",
                f"drops {action.object} {full}: code that runs now gets an error wherever it calls it",
                f"1. this release: stop calling it in code; "
                f"{next_release('drops-function', f'DROP {action.object.upper()} {full}')}; to change it, CREATE OR "
                "REPLACE it, or drop it and make it anew in one transaction",
            )


def _is_made(name: str, arguments: int, action: Action) -> bool:
    """The same function again: of that name, callable with as many arguments."""
    if not isinstance(action, CreateFunction) or action.name.name != name:
        return False
    return len(action.arguments) - action.argument_defaults <= arguments <= len(action.arguments)


def _drops_type(among: Among) -> Iterator[Finding]:
    action, before = among.deed.action, among.deed.before
    if not isinstance(action, Drop) or action.object not in ("type", "domain"):
        return
    renamed = {
        deed.action.to
        for deed in among.deeds[: among.place]
        if isinstance(deed.action, OnObject) and deed.action.what == "rename"
    }
    for name in action.names:
        if name.name.name in renamed or any(ref.oid < 0 for ref in named_refs(before, action.object, name)):
            continue
        if named_refs(before, action.object, name):
            yield warned(
                "drops-type",
                f"drops {action.object} {name.name}: code that casts to it, or declares a parameter of it, gets an "
                "error",
                f"1. this release: stop naming it in code; "
                f"{next_release('drops-type', f'DROP {action.object.upper()} {name.name}')}",
            )


def _drops_sequence(action: Action, effects: tuple[Effect, ...], before: Snapshot) -> Iterator[Finding]:
    if not isinstance(action, Drop) or action.object != "sequence":
        return
    del effects
    for sequence in named_relations(action, before):
        if sequence.oid > 0 and not sequence.is_temporary:
            yield refused(
                "drops-sequence",
                f"drops sequence {sequence.full_name}: code that takes numbers from it gets an error, and where it had "
                "come to is forgotten",
                f"1. this release: stop calling nextval on it in code; "
                f"{next_release('drops-sequence', f'DROP SEQUENCE {sql_name(sequence)}')}",
                sequence.full_name,
            )


def _drops_extension(action: Action, effects: tuple[Effect, ...], before: Snapshot) -> Iterator[Finding]:
    del effects
    if not isinstance(action, Drop) or action.object != "extension":
        return
    for name in action.names:
        if name.name.name in before.server.extensions:
            yield refused(
                "drops-extension",
                f"drops extension {name.name} with its functions, types and operators: code that uses one of them gets "
                "an error",
                "1. this release: stop using it in code; "
                f"{next_release('drops-extension', f'DROP EXTENSION {name.name}')}",
            )


# --- CASCADE ----------------------------------------------------------------------------------------------------------


def _drops_dependents(action: Action, effects: tuple[Effect, ...], before: Snapshot) -> Iterator[Finding]:
    roots = tuple(_roots(action, before))
    gone = [ref for ref in roots if ref.oid > 0]
    if not gone:
        return
    tables = {Ref(CLASS, ref.oid) for ref in gone if ref.catalog == CLASS}
    also = listed(goes_with(before, doom(before, roots, cascade=True), [*gone, *tables]), most=20)
    if also:
        what = "DROP OWNED" if isinstance(action, DropOwned) else "CASCADE"
        yield refused(
            "drops-dependents",
            f"{what} drops more than is named: {also}",
            "drop each of them by name, in the order in which code stops using them; CASCADE also takes what somebody "
            "adds until the release runs",
        )
    del effects


def _roots(action: Action, before: Snapshot) -> Iterator[Ref]:
    match action:
        case Drop(cascade=True, names=names, object=kind):
            for name in names:
                yield from _existing(before, kind, name)
        case AlterTable(name=name, parts=parts):
            table = maybe_relation(before, name)
            for part in parts:
                column = table.column(part.column) if table and isinstance(part, DropColumn) and part.cascade else None
                if table is not None and column is not None:
                    yield Ref(CLASS, table.oid, column.number)
        case DropOwned(reassigns=False, roles=roles):
            yield from (Ref(CLASS, item.oid) for item in before.relations.values() if item.owner in roles)
        case _:
            return


def _existing(before: Snapshot, kind: str, name: ObjectName) -> tuple[Ref, ...]:
    return named_refs(before, kind, name) if kind != "schema" or name.name.name in before.schemas else ()


def _drops_owned(action: Action, effects: tuple[Effect, ...], before: Snapshot) -> Iterator[Finding]:
    del before
    if not isinstance(action, DropOwned) or action.reassigns:
        return
    lost = [effect.relation for effect in effects if not effect.is_unused]
    if lost:
        yield refused(
            "drops-owned",
            f"drops everything that {listed(action.roles)} owns: {listed(lost, most=20)}",
            "REASSIGN OWNED BY to another role keeps it; drop what nobody uses by name",
        )


RULES = (
    FamilyRule(
        rule=Rule(
            name="drops-function",
            about=STATEMENT,
            harm=OVERLAP + "Old code that calls the function gets 42883. One that the same transaction makes anew, and "
            "that takes the same arguments, is missed by nobody; a trigger function is called by its triggers only.",
            way_out="CREATE OR REPLACE to change it; stop calling it in one release and drop it in the next to be rid "
            "of it.",
        ),
        finds_among=_drops_function,
        setup="CREATE FUNCTION f(int) RETURNS int LANGUAGE sql AS 'SELECT 1'",
        bad="DROP FUNCTION f(int)",
        good="DROP FUNCTION f(int); CREATE FUNCTION f(int) RETURNS bigint LANGUAGE sql AS 'SELECT 1::bigint'",
    ),
    FamilyRule(
        rule=Rule(
            name="drops-type",
            about=STATEMENT,
            harm=OVERLAP + "No column has the type any more, else the server would refuse; but a query that casts to "
            "it, or a driver that declares its parameters by it, gets 42704.",
            way_out="First stop naming it in code, drop it in the next release.",
        ),
        finds_among=_drops_type,
        setup="CREATE TYPE temper AS ENUM ('ok')",
        bad="DROP TYPE temper",
        good="CREATE TYPE state AS ENUM ('ok'); DROP TYPE state",
    ),
    FamilyRule(
        rule=Rule(
            name="drops-sequence",
            about=STATEMENT,
            harm=OVERLAP + "Old code that calls nextval on the sequence gets 42P01. Where it had come to is forgotten, "
            "so that one made anew gives numbers that were given before.",
            way_out="First stop taking numbers from it in code, drop it in the next release.",
        ),
        finds=_drops_sequence,
        setup="CREATE SEQUENCE s",
        bad="DROP SEQUENCE s",
        good="CREATE SEQUENCE r; DROP SEQUENCE r",
    ),
    FamilyRule(
        rule=Rule(
            name="drops-extension",
            about=STATEMENT,
            harm=OVERLAP + "All that the extension brought goes with it: functions, operators, types, and with CASCADE "
            "the columns of those types. Old code that uses one of them gets an error.",
            way_out="First stop using it in code, drop it in the next release.",
        ),
        finds=_drops_extension,
        setup="",
        bad="DROP EXTENSION plpgsql CASCADE",
        good="DROP EXTENSION IF EXISTS hstore",
    ),
    FamilyRule(
        rule=Rule(
            name="drops-dependents",
            about=STATEMENT,
            harm="CASCADE drops whatever depends on what is named: views, foreign keys of other tables, columns of a "
            "type, functions, indexes. What goes is listed by name, as the catalog stands; the server does not ask "
            "again when the release runs.",
            way_out="Drop each of them by name, so that every loss is written down in the migration, and leave CASCADE "
            "out: then the server refuses what nobody thought of.",
        ),
        finds=_drops_dependents,
        setup="CREATE TABLE t (a int); CREATE VIEW v AS SELECT a FROM t",
        bad="DROP TABLE t CASCADE",
        good="DROP VIEW v CASCADE",
    ),
    FamilyRule(
        rule=Rule(
            name="drops-owned",
            about=STATEMENT,
            harm="DROP OWNED drops every table, view, sequence, function and type of the role in this database, and "
            "takes back what was granted to it.",
            way_out="REASSIGN OWNED BY role TO another_role, then drop by name what nobody uses.",
        ),
        finds=_drops_owned,
        setup="DO 'BEGIN CREATE ROLE someone; EXCEPTION WHEN duplicate_object THEN END'; CREATE TABLE t (a int); "
        "INSERT INTO t VALUES (1); ALTER TABLE t OWNER TO someone",
        bad="DROP OWNED BY someone",
        good="REASSIGN OWNED BY someone TO CURRENT_USER",
    ),
)
