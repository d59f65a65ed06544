"""Rules: columns that running code does not fill, or fills where it no longer may; defaults that it relies on."""

from __future__ import annotations

from collections.abc import Iterator

from gate.model.actions import (
    Action,
    AddColumn,
    AddConstraint,
    AlterDomain,
    AlterTable,
    ColumnSpec,
    NamedPart,
    Part,
    SetDefault,
    SetExpression,
)
from gate.model.catalog import Column, Relation
from gate.model.effects import Effect
from gate.model.names import quoted
from gate.model.plan import Finding
from gate.model.rules import STATEMENT, Rule
from gate.model.snapshot import Snapshot
from gate.rules.in_use import OVERLAP, effect_on, listed, noted, refused, sql_name, warned
from gate.rules.lookup import find_type, maybe_relation
from gate.rules.proven import proves_not_null
from gate.rules.ruling import Among, FamilyRule


def _parts(
    action: Action | None, effects: tuple[Effect, ...], before: Snapshot
) -> Iterator[tuple[Relation, Effect, Part]]:
    """The parts of an ALTER TABLE on a table that somebody uses."""
    if not isinstance(action, AlterTable) or action.object == "type":
        return
    table = maybe_relation(before, action.name)
    effect = effect_on(table, effects, before)
    if table is not None and effect is not None:
        for part in action.parts:
            yield table, effect, part


# --- NOT NULL ---------------------------------------------------------------------------------------------------------


def _unfilled_column(among: Among) -> Iterator[Finding]:
    before = among.deed.before
    for table, effect, part in _parts(among.deed.action, among.deed.effects, before):
        if isinstance(part, AddColumn):
            if table.column(part.spec.name) is None and _needs_value(part.spec, before):
                yield _added(table, effect, part.spec)
            continue
        for column in _made_not_null(part, table):
            if column.is_not_null or _fills_itself(column) or _gets_default(among, table, column.name):
                continue
            if column.is_new:
                yield _of_this_release(table, effect, column)
            elif not proves_not_null(table, column.name):
                yield noted(
                    "unfilled-column",
                    f"makes {quoted(column.name)} of {effect.relation} NOT NULL, and nothing fills it: code that runs "
                    "now and leaves it out, or writes NULL, gets 23502",
                    f"look for INSERTs without it; ALTER TABLE {sql_name(table)} ALTER COLUMN {quoted(column.name)} "
                    "SET DEFAULT ... helps those that leave it out",
                    effect.relation,
                )


def _needs_value(spec: ColumnSpec, before: Snapshot) -> bool:
    is_not_null = spec.is_not_null or any(item.kind in "pn" for item in spec.constraints)
    if not is_not_null or spec.serial or spec.identity or spec.generated is not None:
        return False
    kind = find_type(before, spec.type.name) if spec.type is not None else None
    has_default = spec.default is not None and not spec.default.is_null
    return not (has_default or (kind is not None and kind.kind == "d" and kind.has_default))


def _added(table: Relation, effect: Effect, spec: ColumnSpec) -> Finding:
    name, column = sql_name(table), quoted(spec.name)
    return refused(
        "unfilled-column",
        f"adds {column} to {effect.relation} NOT NULL and without a default: code that runs now does not know it, and "
        "each of its INSERTs gets 23502",
        f"1. this release: ALTER TABLE {name} ADD COLUMN {column} ... with a DEFAULT, or without NOT NULL, and code "
        f"that fills it; fill old rows in batches; 2. next release: ALTER TABLE {name} ALTER COLUMN {column} SET NOT "
        "NULL",
        effect.relation,
    )


def _of_this_release(table: Relation, effect: Effect, column: Column) -> Finding:
    name, quoted_name = sql_name(table), quoted(column.name)
    return refused(
        "unfilled-column",
        f"makes {quoted_name} of {effect.relation} NOT NULL in the release that adds it, and it has no default: code "
        "that runs now does not know it, and each of its INSERTs gets 23502",
        f"either ALTER TABLE {name} ALTER COLUMN {quoted_name} SET DEFAULT ... before it, or leave SET NOT NULL to the "
        "next release, when all code that runs fills it",
        effect.relation,
    )


def _made_not_null(part: Part, table: Relation) -> Iterator[Column]:
    names: tuple[str, ...] = ()
    if isinstance(part, NamedPart) and part.what == "SetNotNull":
        names = (part.column,)
    if isinstance(part, AddConstraint) and part.spec.kind in "np" and part.spec.index is None:
        names = part.spec.columns
    yield from (column for name in names if (column := table.column(name)) is not None)


def _fills_itself(column: Column) -> bool:
    return bool(column.default or column.identity or column.generated)


def _gets_default(among: Among, table: Relation, name: str) -> bool:
    """Whether the same transaction gives it one, in this statement or a later one."""
    for action in (among.deed.action, *among.later()):
        if isinstance(action, AlterTable) and maybe_relation(among.deed.before, action.name) == table:
            for part in action.parts:
                if isinstance(part, SetDefault) and part.column == name and part.default is not None:
                    return True
                if isinstance(part, NamedPart) and part.what == "AddIdentity" and part.column == name:
                    return True
    return False


# --- defaults ---------------------------------------------------------------------------------------------------------


def _drops_default(among: Among) -> Iterator[Finding]:
    before = among.deed.before
    for table, effect, part in _parts(among.deed.action, among.deed.effects, before):
        column = table.column(part.column) if part.column else None
        if column is None or not _loses_value(part, column) or _gets_default(among, table, column.name):
            continue
        name = quoted(column.name)
        back = f"ALTER TABLE {sql_name(table)} ALTER COLUMN {name} {_taken_away(part, column)}"
        if column.is_not_null or _becomes_not_null(among, table, column.name):
            why = "does not know it" if column.is_new else "leaves it to the default"
            yield refused(
                "drops-default",
                f"takes the default from {name} of {effect.relation}, which is NOT NULL: code that runs now and {why} "
                "gets 23502 on each INSERT",
                f"1. this release: code that always writes {name}; 2. next release: {back}, under -- gate: allow "
                "drops-default because all code that runs writes the column",
                effect.relation,
            )
        elif not column.is_new:
            yield warned(
                "drops-default",
                f"takes the default from {name} of {effect.relation}: rows of code that runs now and leaves it out get "
                "NULL from here on",
                f"1. this release: code that always writes {name}; 2. next release: {back}",
                effect.relation,
            )


def _loses_value(part: Part, column: Column) -> bool:
    if isinstance(part, SetDefault):
        return column.default is not None and (part.default is None or part.default.is_null)
    if isinstance(part, NamedPart):
        return (part.what == "DropIdentity" and bool(column.identity)) or (
            part.what == "DropExpression" and bool(column.generated)
        )
    return False


def _taken_away(part: Part, column: Column) -> str:
    if isinstance(part, NamedPart):
        return "DROP IDENTITY" if column.identity else "DROP EXPRESSION"
    return "DROP DEFAULT"


def _becomes_not_null(among: Among, table: Relation, name: str) -> bool:
    return any(
        isinstance(action, AlterTable)
        and maybe_relation(among.deed.before, action.name) == table
        and any(
            isinstance(part, NamedPart) and (part.what, part.column) == ("SetNotNull", name) for part in action.parts
        )
        for action in among.later()
    )


def _changes_default(action: Action, effects: tuple[Effect, ...], before: Snapshot) -> Iterator[Finding]:
    if isinstance(action, AlterDomain) and action.what == "set default":
        yield from _of_domain(action, before)
    for table, effect, part in _parts(action, effects, before):
        column = table.column(part.column) if part.column else None
        if column is None or column.is_new:
            continue
        if isinstance(part, SetDefault) and column.default and part.default and not part.default.is_null:
            if _same(column.default, part.default.text):
                continue
            yield noted(
                "changes-default",
                f"the default of {quoted(column.name)} of {effect.relation} becomes {part.default.text} (was "
                f"{column.default}): rows of code that runs now get it too, from the moment this commits",
                "where old code means the old value, let the new code write the column out, and change the default in "
                "the next release",
                effect.relation,
            )
        elif isinstance(part, SetExpression):
            yield warned(
                "changes-default",
                f"{quoted(column.name)} of {effect.relation} is computed anew, by {part.expression.text}: every row "
                "says something else from the moment this commits, to code that runs now too",
                "add a column with the new expression beside it, and let the next release read that",
                effect.relation,
            )


def _of_domain(action: AlterDomain, before: Snapshot) -> Iterator[Finding]:
    kind = find_type(before, action.name)
    tables = [before.relations[oid] for oid, _ in kind.used_by if oid in before.relations] if kind is not None else []
    old = [table.full_name for table in tables if table.oid > 0 and not table.is_known_empty]
    if kind is not None and kind.oid > 0 and kind.has_default and old:
        yield noted(
            "changes-default",
            f"the default of domain {kind.full_name} becomes another: rows of code that runs now and leaves out a "
            f"column of it, in {listed(old)}, get that from the moment this commits",
            "let the new code write such columns out, and change the default in the next release",
        )


def _same(stored: str, written: str) -> bool:
    """The server prints a literal with its type behind it."""
    return stored.partition("::")[0] == written.partition("::")[0]


# --- identity ---------------------------------------------------------------------------------------------------------


def _refuses_values(action: Action, effects: tuple[Effect, ...], before: Snapshot) -> Iterator[Finding]:
    for table, effect, part in _parts(action, effects, before):
        if not isinstance(part, NamedPart) or part.what not in ("AddIdentity", "SetIdentity"):
            continue
        column = table.column(part.column)
        if column is None or column.is_new or "always" not in part.options or column.identity == "a":
            continue
        name = quoted(column.name)
        sentence = (
            f"makes {name} of {effect.relation} GENERATED ALWAYS: code that runs now and writes a value of its own "
            "into it gets 428C9"
        )
        way_out = f"GENERATED BY DEFAULT fills {name} where it is left out, and takes what is written"
        if column.default or column.identity:
            yield warned("refuses-values", sentence, way_out, effect.relation)
        else:
            yield refused("refuses-values", f"{sentence}; nothing else has filled it so far", way_out, effect.relation)


_SETUP = (
    "CREATE TABLE t (a int, b int DEFAULT 5 NOT NULL, c int DEFAULT 5, d int NOT NULL); "
    "INSERT INTO t VALUES (1, 1, 1, 1)"
)

RULES = (
    FamilyRule(
        rule=Rule(
            name="unfilled-column",
            about=STATEMENT,
            harm=OVERLAP + "A column that is NOT NULL and has no default must be written by every INSERT. Code from "
            "before the release does not know a new column, so all of its INSERTs get 23502; of an older column it is "
            "only worth a look, as the rows show that somebody fills it.",
            way_out="A DEFAULT, until no code without the column runs; or add it without NOT NULL, let code fill it, "
            "fill old rows in batches, and SET NOT NULL in the next release.",
        ),
        finds_among=_unfilled_column,
        setup=_SETUP,
        bad="ALTER TABLE t ADD COLUMN e int; ALTER TABLE t ALTER COLUMN e SET NOT NULL",
        good="ALTER TABLE t ADD COLUMN e int DEFAULT 0 NOT NULL",
    ),
    FamilyRule(
        rule=Rule(
            name="drops-default",
            about=STATEMENT,
            harm=OVERLAP + "Old code may leave the column out and rely on its default, or on the number of its "
            "sequence. Without it those INSERTs get 23502 where the column is NOT NULL, and NULL where it is not. "
            "Frameworks that add a column with a default and drop the default in the same migration do this to every "
            "column.",
            way_out="Keep the default until no code runs that leaves the column out; it costs nothing. Drop it in "
            "the next release.",
        ),
        finds_among=_drops_default,
        setup=_SETUP,
        bad="ALTER TABLE t ALTER COLUMN b DROP DEFAULT",
        good="ALTER TABLE t ALTER COLUMN b SET DEFAULT 6",
    ),
    FamilyRule(
        rule=Rule(
            name="changes-default",
            about=STATEMENT,
            harm=OVERLAP + "Rows that old code inserts without the column get the new default at once, before the new "
            "code that expects it runs. A generated column with another expression says something else in every row.",
            way_out="Let the new code write the column out, and change the default when nothing else runs.",
        ),
        finds=_changes_default,
        setup=_SETUP,
        bad="ALTER TABLE t ALTER COLUMN c SET DEFAULT 6",
        good="ALTER TABLE t ALTER COLUMN a SET DEFAULT 6",
    ),
    FamilyRule(
        rule=Rule(
            name="refuses-values",
            about=STATEMENT,
            harm=OVERLAP + "A column that is GENERATED ALWAYS AS IDENTITY takes no value that is written out: old code "
            "that inserts one gets 428C9, and an UPDATE of it does too.",
            way_out="GENERATED BY DEFAULT AS IDENTITY takes written values, and fills the rest.",
        ),
        finds=_refuses_values,
        setup=_SETUP,
        bad="ALTER TABLE t ALTER COLUMN d ADD GENERATED ALWAYS AS IDENTITY",
        good="ALTER TABLE t ALTER COLUMN d ADD GENERATED BY DEFAULT AS IDENTITY",
    ),
)
