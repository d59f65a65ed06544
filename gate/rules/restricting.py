"""Rules: what running code may write gets narrower, what it may read gets wider, and what it relied on goes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from gate.model.actions import (
    Action,
    AddConstraint,
    AlterDomain,
    AlterEnum,
    AlterTable,
    ConstraintSpec,
    CreateFunction,
    CreateIndex,
    Drop,
    NamedPart,
)
from gate.model.catalog import Constraint, Index, Relation
from gate.model.effects import Effect
from gate.model.expressions import NotNullOf
from gate.model.names import quoted
from gate.model.plan import Finding
from gate.model.rules import STATEMENT, Rule
from gate.model.snapshot import Snapshot
from gate.rules.in_use import (
    OVERLAP,
    columns_of,
    effect_on,
    listed,
    noted,
    old_column,
    refused,
    signature,
    warned,
)
from gate.rules.lookup import find_type, maybe_index, maybe_relation, named_type
from gate.rules.named import created_in
from gate.rules.proven import expression_of
from gate.rules.ruling import Among, FamilyRule

# --- new restrictions -------------------------------------------------------------------------------------------------

_STATES = {
    "c": ("23514", "what the check forbids"),
    "u": ("23505", "a second row of the same key"),
    "p": ("23505", "a second row of the same key"),
    "x": ("23P01", "a row that conflicts with another"),
    "f": ("23503", "a reference to nothing"),
}


def _new_restriction(action: Action, effects: tuple[Effect, ...], before: Snapshot) -> Iterator[Finding]:
    match action:
        case AlterTable(name=name, parts=parts):
            table = maybe_relation(before, name)
            effect = effect_on(table, effects, before)
            for part in parts:
                if table is not None and effect is not None and isinstance(part, AddConstraint):
                    yield from _of_constraint(part.spec, table, effect)
        case CreateIndex(is_unique=True, table=name, columns=columns):
            table = maybe_relation(before, name)
            effect = effect_on(table, effects, before)
            if table is not None and effect is not None and _concerns(columns, table):
                yield _restricted("u", effect, "from the moment the index is there")
        case AlterDomain(what="add constraint" | "set not null", name=name):
            yield from _of_domain(action, effects, before)
        case _:
            return


def _concerns(columns: Iterable[str | None], table: Relation) -> bool:
    """Whether running code knows any of the columns; an expression may use any."""
    return any(name is None or old_column(table, name) is not None for name in columns)


def _of_constraint(spec: ConstraintSpec, table: Relation, effect: Effect) -> Iterator[Finding]:
    if spec.kind not in _STATES or not spec.is_enforced or spec.index is not None:
        return
    if spec.kind == "c" and spec.expression is not None:
        # That a column is not NULL is a matter of `unfilled-column`, once it is made so.
        if spec.expression.conjuncts and all(isinstance(item, NotNullOf) for item in spec.expression.conjuncts):
            return
        if spec.expression.columns and not _concerns(spec.expression.columns, table):
            return
    elif spec.columns and not _concerns(spec.columns, table):
        return
    yield _restricted(spec.kind, effect, "from the moment it is added" + ("" if spec.is_valid else ", NOT VALID too"))


def _restricted(kind: str, effect: Effect, since: str) -> Finding:
    state, what = _STATES[kind]
    also = "; a DELETE of a row that is referred to does too" if kind == "f" else ""
    return noted(
        "new-restriction",
        f"{since}, code that runs now and writes {what} into {effect.relation} gets {state}{also}",
        "where the rows keep to it, code mostly does; look for what it writes for a moment only, such as two keys "
        "exchanged one after the other",
        effect.relation,
    )


def _of_domain(action: AlterDomain, effects: tuple[Effect, ...], before: Snapshot) -> Iterator[Finding]:
    kind = find_type(before, action.name)
    if kind is None or kind.oid < 0:
        return
    tables = [effect.relation for effect in effects if not effect.is_unused]
    if tables:
        yield noted(
            "new-restriction",
            f"from the moment it is added, code that runs now and writes what domain {kind.full_name} forbids into "
            f"{listed(tables)} gets 23514",
            "look for what code writes into these columns for a moment only",
        )


# --- readers ----------------------------------------------------------------------------------------------------------


def _readers_meet(action: Action, effects: tuple[Effect, ...], before: Snapshot) -> Iterator[Finding]:
    match action:
        case AlterTable(name=name, parts=parts):
            table = maybe_relation(before, name)
            effect = effect_on(table, effects, before)
            for part in parts:
                column = _nullable_by(part, table) if table is not None else None
                if effect is not None and column is not None:
                    yield noted(
                        "readers-meet-new-values",
                        f"{column} of {effect.relation} may be NULL from here on: code that runs now never met that",
                        "let no code write NULL before all code that runs can read it",
                        effect.relation,
                    )
        case AlterEnum(adds=True, name=name, label=label):
            kind = find_type(before, name)
            if kind is not None and kind.oid > 0 and label not in kind.labels and kind.used_by:
                yield noted(
                    "readers-meet-new-values",
                    f"once '{label}' of {kind.full_name} is written, code that runs now reads a value that it does not "
                    "know: typed clients fail on it",
                    f"deploy code that can read '{label}' first, and write it in the release after; new code must not "
                    "write it in the transaction that adds it either (55P04)",
                )
        case _:
            return


def _nullable_by(part: object, table: Relation) -> str | None:
    if not isinstance(part, NamedPart):
        return None
    column = None
    if part.what == "DropNotNull":
        column = old_column(table, part.column)
    if part.what == "DropConstraint":
        found = table.constraint(part.name or "")
        if found is not None and found.kind == "n":
            column = table.column_number(found.columns[0])
    return quoted(column.name) if column is not None and column.is_not_null else None


# --- constraints dropped ----------------------------------------------------------------------------------------------


def _drops_constraint(among: Among) -> Iterator[Finding]:
    action, before = among.deed.action, among.deed.before
    if isinstance(action, Drop) and action.object == "index":
        yield from _of_indexes(action, among)
    if not isinstance(action, AlterTable):
        return
    table = maybe_relation(before, action.name)
    effect = effect_on(table, among.deed.effects, before)
    if table is None or effect is None:
        return
    for part in action.parts:
        if isinstance(part, NamedPart) and part.what == "DropConstraint":
            found = table.constraint(part.name or "")
            if found is not None and found.oid > 0 and not _comes_back(found, table, among):
                yield from _of_dropped(found, table, effect)


def _comes_back(found: Constraint, table: Relation, among: Among) -> bool:
    """Whether one of its kind over its columns, or of its name, is there all the same, or comes in this transaction."""
    names = tuple(column.name for number in found.columns if (column := table.column_number(number)) is not None)
    for action in (among.deed.action, *among.later()):
        if isinstance(action, AlterTable) and maybe_relation(among.deed.before, action.name) == table:
            for part in action.parts:
                if isinstance(part, AddConstraint) and _is_like(part.spec, found, names):
                    return True
    return False


def _is_like(spec: ConstraintSpec, found: Constraint, names: tuple[str, ...]) -> bool:
    """ON CONFLICT takes no deferrable one."""
    if spec.kind != found.kind or spec.is_deferrable > found.is_deferrable:
        return False
    return spec.name == found.name or spec.columns == names or spec.index is not None


def _of_dropped(found: Constraint, table: Relation, effect: Effect) -> Iterator[Finding]:
    columns = columns_of(table, found.columns)
    if found.kind in "pux":
        if found.kind == "x" or not _is_unique_without(found.index, found.columns, table):
            yield _no_arbiter(quoted(found.name), columns, effect)
        return
    if found.kind == "c" and _says_not_null_only(found, table):
        return
    if found.kind in "fc" and found.is_enforced:
        what = "foreign key" if found.kind == "f" else "check"
        cascade = "; what ON DELETE did for code that runs now is not done any more" if found.on_delete in "cnd" else ""
        yield noted(
            "drops-constraint",
            f"drops {what} {quoted(found.name)} ({columns}) of {effect.relation}: what code that runs now writes is "
            f"not held against it any more{cascade if found.kind == 'f' else ''}",
            "sure enough where the new code keeps to it by itself, or the rule is gone",
            effect.relation,
        )


def _is_unique_without(index: int, columns: tuple[int, ...], table: Relation) -> bool:
    """Whether another unique index over the same columns stays: ON CONFLICT takes that one."""
    return any(_is_arbiter(item, columns) for item in table.indexes if item.oid != index)


def _is_arbiter(index: Index, columns: tuple[int, ...]) -> bool:
    keys = {key.column for key in index.keys}
    whole = index.is_unique and index.is_valid and not index.has_predicate and not index.has_expressions
    return whole and keys == set(columns)


def _no_arbiter(name: str, columns: str, effect: Effect) -> Finding:
    return warned(
        "drops-constraint",
        f"drops {name}, which keeps ({columns}) of {effect.relation} unique: INSERT ... ON CONFLICT ({columns}) of "
        "code that runs now gets 42P10, and nothing keeps it from writing a key twice",
        f"look for ON CONFLICT ({columns}) in code; let another unique index over the same columns be there first, or "
        "drop it in the release after the code stopped relying on it",
        effect.relation,
    )


def _says_not_null_only(found: Constraint, table: Relation) -> bool:
    """A helper of SET NOT NULL, which the column's own NOT NULL has replaced."""
    expression = expression_of(found)
    if expression is None or not expression.conjuncts:
        return False
    return all(
        isinstance(item, NotNullOf) and (column := table.column(item.column)) is not None and column.is_not_null
        for item in expression.conjuncts
    )


def _of_indexes(action: Drop, among: Among) -> Iterator[Finding]:
    before = among.deed.before
    for name in action.names:
        oid, table = maybe_index(before, name.name), maybe_relation(before, name.name)
        effect = effect_on(table, among.deed.effects, before)
        if table is None or effect is None:
            continue
        index = next((item for item in table.indexes if item.oid == oid), None)
        if index is None or not index.is_unique or not index.is_valid or index.oid < 0:
            continue
        numbers = tuple(key.column for key in index.keys)
        if not _is_unique_without(index.oid, numbers, table):
            yield _no_arbiter(f"unique index {quoted(index.name)}", columns_of(table, numbers), effect)


# --- functions --------------------------------------------------------------------------------------------------------


def _ambiguous_function(among: Among) -> Iterator[Finding]:
    """A function whose defaults let it be called like one that is there: the server cannot choose (42725)."""
    action, before = among.deed.action, among.deed.before
    if not isinstance(action, CreateFunction) or not action.argument_defaults:
        return
    schema = created_in(before, action.name)
    arguments = tuple(named_type(before, item).oid for item in action.arguments)
    for function in before.functions.values():
        if (function.schema, function.name) != (schema, action.name.name) or function.oid < 0:
            continue
        count = len(function.arguments)
        least = len(arguments) - action.argument_defaults
        if not least <= count < len(arguments) or function.arguments != arguments[:count]:
            continue
        if any(_drops(item, function.name) for item in among.later()):
            continue
        full = signature(function, before)
        yield refused(
            "ambiguous-function",
            f"makes a second {action.name} that can be called with {count} argument{'s' if count != 1 else ''} like "
            f"{full}: code that runs now and calls that gets 42725, is not unique",
            f"drop {full} in the same transaction, or write the new one without defaults, or under another name",
        )


def _drops(action: Action, function: str) -> bool:
    if not isinstance(action, Drop) or action.object not in ("function", "procedure", "routine"):
        return False
    return any(item.name.name == function for item in action.names)


_SETUP = (
    "CREATE TABLE r (id int PRIMARY KEY); CREATE TABLE t (a int NOT NULL, b int UNIQUE, c int CHECK (c > 0)); "
    "INSERT INTO t VALUES (1, 1, 1); CREATE TYPE temper AS ENUM ('ok'); CREATE TABLE u (m temper)"
)

RULES = (
    FamilyRule(
        rule=Rule(
            name="new-restriction",
            about=STATEMENT,
            harm=OVERLAP + "A constraint or a unique index holds for every write from the moment it is added, NOT "
            "VALID too: code that was written before it may break it, and gets an error where it got none. Rows that "
            "are there are looked at by themselves; a column of this release is left out.",
            way_out="Nothing, where code keeps to it already. Else release the code first, and the constraint after "
            "it.",
        ),
        finds=_new_restriction,
        setup=_SETUP,
        bad="ALTER TABLE t ADD CONSTRAINT positive CHECK (a > 0) NOT VALID",
        good="ALTER TABLE t ADD CONSTRAINT filled CHECK (b IS NOT NULL) NOT VALID",
    ),
    FamilyRule(
        rule=Rule(
            name="readers-meet-new-values",
            about=STATEMENT,
            harm=OVERLAP + "After DROP NOT NULL a column can be NULL, after ADD VALUE an enum has one more value. "
            "Old code never met either, and fails on the first row that new code writes.",
            way_out="First a release whose code can read it, then one that writes it.",
        ),
        finds=_readers_meet,
        setup=_SETUP,
        bad="ALTER TABLE t ALTER COLUMN a DROP NOT NULL",
        good="ALTER TABLE t ALTER COLUMN b DROP NOT NULL",
    ),
    FamilyRule(
        rule=Rule(
            name="drops-constraint",
            about=STATEMENT,
            harm=OVERLAP + "INSERT ... ON CONFLICT names columns, and gets 42P10 when no unique index over them is "
            "left; two processes of the old code write the same key. A foreign key or a check that goes holds "
            "nothing against old code any more: that is only a note.",
            way_out="Another unique index over the same columns first; or drop it after the code stopped relying on "
            "it. Dropped and added again in one transaction, it is missed by nobody.",
        ),
        finds_among=_drops_constraint,
        setup=_SETUP,
        bad="ALTER TABLE t DROP CONSTRAINT t_b_key",
        good="ALTER TABLE t DROP CONSTRAINT t_b_key; ALTER TABLE t ADD CONSTRAINT t_b_key UNIQUE (b)",
    ),
    FamilyRule(
        rule=Rule(
            name="ambiguous-function",
            about=STATEMENT,
            harm=OVERLAP + "CREATE OR REPLACE with one more argument does not replace: it makes a second function. "
            "If that argument has a default, a call without it fits both, and gets 42725: old code and new.",
            way_out="DROP FUNCTION the old one in the same transaction.",
        ),
        finds_among=_ambiguous_function,
        setup="CREATE FUNCTION f(int) RETURNS int LANGUAGE sql AS 'SELECT 1'",
        bad="CREATE OR REPLACE FUNCTION f(int, int DEFAULT 0) RETURNS int LANGUAGE sql AS 'SELECT 2'",
        good="CREATE OR REPLACE FUNCTION f(int, int) RETURNS int LANGUAGE sql AS 'SELECT 2'",
    ),
)
