"""ADD COLUMN: the column alone, which is instant; then its rows in batches; then what it has to hold.

A rewrite gives every row its value under ACCESS EXCLUSIVE. Here the default is set for new rows from the beginning, and
old rows, which are NULL until then, get theirs by and by.

Source: PostgreSQL 18 `tablecmds.c` (ATExecAddColumn), `parse_utilcmd.c` (generateSerialExtraStmts).
"""

from __future__ import annotations

from collections.abc import Iterator

from gate.model.actions import AddColumn, ColumnSpec
from gate.model.catalog import Relation, Type
from gate.model.chosen_names import sequence_name
from gate.model.names import Name, quoted
from gate.model.snapshot import Snapshot
from gate.model.steps import CannotSplit, StatementStep, Step
from gate.model.work import Work
from gate.splits.case import Case
from gate.splits.filling import filled, must_be_fillable
from gate.splits.finding import find_type, is_only, name_of, part_of, table_of
from gate.splits.identities import identity
from gate.sql.rewriting.columns import (
    add_column,
    as_integer,
    create_sequence,
    drop_column,
    drop_default,
    give_sequence,
    next_value,
    own_sequence,
    table_constraints,
    with_null_default,
)
from gate.sql.rewriting.constraints import set_not_null


def column(case: Case) -> tuple[Step, ...]:
    """See the module. A name that is there already is left to the server."""
    added, table = part_of(case, AddColumn), table_of(case)
    spec = added.spec
    if table.column(spec.name) is not None:
        return (StatementStep(sql=case.sql, why=f"{quoted(spec.name)} is there already"),)
    _must_be_possible(spec, table, case.before)
    if spec.identity:
        return identity(case, table, spec)
    if spec.serial:
        return tuple(_serial(case, table, spec))
    if any(Work.REWRITE in effect.work for effect in case.effects):
        # Without a sequence, a domain's check or a stored expression only a volatile default does that.
        return tuple(_filled(case, table, spec))
    return tuple(_constrained(case, table, spec))


def _must_be_possible(spec: ColumnSpec, table: Relation, before: Snapshot) -> None:
    on, name = name_of(table), quoted(spec.name)
    if spec.generated is not None and not spec.is_virtual:
        raise CannotSplit(
            f"{name} is computed and stored for every row of {on}: only a rewrite makes such a column",
            remedy=f"1. add {name} as a plain column; 2. keep it with a trigger on INSERT and UPDATE; 3. fill the old "
            "rows in batches; 4. let the code read it. From PostgreSQL 18 on a VIRTUAL one is instant: it is computed "
            "when it is read",
        )
    kind = _domain(spec, before)
    if kind is not None and _is_constrained(kind, before):
        raise CannotSplit(
            f"{kind.full_name} is a domain with a constraint: the server rewrites {on} to try it on every row",
            remedy=f"add {name} with the domain's own type, and its conditions as CHECK constraints of {on}",
        )
    has_value = not _has_no_value(spec, before)
    if not has_value and (spec.is_not_null or any(item.kind == "p" for item in spec.constraints)):
        raise CannotSplit(
            f"the rows of {on} would have NULL in {name}: the server rejects it as soon as there is one row",
            remedy=f"give {name} a DEFAULT, or add it nullable, fill the rows, and SET NOT NULL afterwards",
        )


# --- the column alone -------------------------------------------------------------------------------------------------


def _constrained(case: Case, table: Relation, spec: ColumnSpec) -> Iterator[Step]:
    """A column whose value is the same for all rows costs nothing; its constraints come one by one."""
    # A foreign key on nothing but NULLs has nothing to check.
    kept = "f" if _has_no_value(spec, case.before) else ""
    later = table_constraints(case.sql, name_of(table), without=f"n{kept}", only=is_only(case))
    virtual = spec.is_virtual and spec.is_not_null
    if not later and not virtual:
        raise CannotSplit(f"adding {quoted(spec.name)} does nothing that could be taken apart")
    yield StatementStep(
        sql=add_column(case.sql, name_of(table), keeps_default=True, keeps_not_null=not virtual, keeps=kept),
        why=f"adds {quoted(spec.name)} to {name_of(table)} without reading or writing a row",
        undo=drop_column(name_of(table), spec.name),
    )
    if virtual:
        yield from _made_not_null(case, table, spec)
    yield from _with_constraints(later, spec)


def _filled(case: Case, table: Relation, spec: ColumnSpec) -> Iterator[Step]:
    """A volatile default: new rows get it at once, old ones in batches."""
    must_be_fillable(table, case)
    on, name = name_of(table), spec.name
    text = None if spec.default is None else spec.default.text
    bare = add_column(case.sql, on, keeps_default=False, keeps_not_null=False, then_default=text)
    if text is None:
        # A domain's own default: written as NULL it is left out, and comes back when that goes.
        alone = add_column(case.sql, on, keeps_default=False, keeps_not_null=False)
        bare = f"{with_null_default(alone)}; {drop_default(on, name)}"
    yield StatementStep(
        sql=bare,
        why=f"adds {quoted(name)} to {on}: new rows get the default, old ones are NULL as yet",
        undo=drop_column(on, name),
    )
    yield from _rest(case, table, spec, text or "DEFAULT")


def _serial(case: Case, table: Relation, spec: ColumnSpec) -> Iterator[Step]:
    """A sequence of the column's own, as serial makes it."""
    must_be_fillable(table, case)
    on, name = name_of(table), spec.name
    sequence = Name(sequence_name(case.before, table.schema, table.name, name), table.schema)
    is_unlogged = table.persistence == "u" and case.before.server.major >= 15
    server = case.before.server
    given = [give_sequence(sequence, table.owner)] if table.owner not in ("", server.role) else []
    bare = add_column(
        as_integer(case.sql, spec.serial),
        on,
        keeps_default=False,
        keeps_not_null=False,
        then_default=next_value(sequence),
    )
    yield StatementStep(
        sql="; ".join(
            (
                create_sequence(sequence, spec.serial, is_unlogged=is_unlogged),
                *given,
                bare,
                own_sequence(sequence, on, name),
            )
        ),
        why=f"adds {quoted(name)} to {on} with its sequence: new rows get a number, old ones are NULL as yet",
        undo=drop_column(on, name),
    )
    yield from _rest(case, table, spec, next_value(sequence))


def _rest(case: Case, table: Relation, spec: ColumnSpec, value: str) -> Iterator[Step]:
    """The rows, NOT NULL, the constraints."""
    yield from filled(table, case, value)
    if spec.is_not_null:
        yield from _made_not_null(case, table, spec)
    later = table_constraints(case.sql, name_of(table), without="n", only=is_only(case))
    yield from _with_constraints(later, spec)


def _made_not_null(case: Case, table: Relation, spec: ColumnSpec) -> Iterator[Step]:
    """Under the constraint's name where it has one: before 18 nobody keeps it."""
    written = [text for kind, text in table_constraints(case.sql, name_of(table), only=is_only(case)) if kind == "n"]
    by_constraint = case.before.server.major >= 18 and bool(written)
    yield StatementStep(
        sql=written[0] if by_constraint else set_not_null(name_of(table), spec.name, only=is_only(case)),
        why=f"{quoted(spec.name)} of {name_of(table)} is never NULL again",
    )


def _with_constraints(later: tuple[tuple[str, str], ...], spec: ColumnSpec) -> Iterator[Step]:
    for _, text in later:
        yield StatementStep(sql=text, why=f"the constraint of {quoted(spec.name)}")


# --- what it holds ----------------------------------------------------------------------------------------------------


def _has_no_value(spec: ColumnSpec, before: Snapshot) -> bool:
    if spec.serial or spec.identity or spec.generated is not None:
        return False
    if spec.default is not None:
        return spec.default.is_null
    kind = _domain(spec, before)
    return kind is None or not kind.has_default


def _domain(spec: ColumnSpec, before: Snapshot) -> Type | None:
    found = find_type(before, spec.type.name) if spec.type is not None and not spec.type.dimensions else None
    return found if found is not None and found.kind == "d" else None


def _is_constrained(kind: Type, before: Snapshot) -> bool:
    if kind.constraints or kind.is_not_null:
        return True
    base = before.types.get(kind.base)
    return base is not None and base.kind == "d" and _is_constrained(base, before)


SPLITS = {"AddColumn": column}
