"""Constraints: added without being validated, validated, dropped."""

from __future__ import annotations

from collections.abc import Iterable

from postgast import pg_query_pb2 as pb

from gate.model.names import Name
from gate.sql.rewriting.trees import alter_table, command, definition, point, sole, sole_command
from gate.sql.tree import Tree, content, deparsed_statement


def add_constraint(
    sql: str, table: Name, name: str, *, is_valid: bool, referenced: Name | None = None, only: bool | None = None
) -> str:
    """The same ADD CONSTRAINT on `table`, under that name; NOT VALID unless `is_valid`.

    `referenced` is the table that a foreign key refers to; `only` None leaves ONLY as it was written.
    """
    node = sole(sql)
    statement = content(node)
    point(statement.relation, table)
    if only is not None:
        statement.relation.inh = not only
    constraint = definition(sole_command(node))
    constraint.conname = name
    constraint.skip_validation = not is_valid
    constraint.initially_valid = is_valid
    if referenced is not None:
        point(constraint.pktable, referenced)
    return deparsed_statement(node)


def validate_constraint(table: Name, name: str) -> str:
    """VALIDATE CONSTRAINT."""
    return alter_table(table, command(pb.AT_ValidateConstraint, name))


def drop_constraint(table: Name, name: str, *, only: bool = False, missing_ok: bool = False) -> str:
    """DROP CONSTRAINT."""
    dropping = command(pb.AT_DropConstraint, name)
    dropping.missing_ok = missing_ok
    return alter_table(table, dropping, only=only)


def add_not_null(table: Name, name: str, column: str, *, no_inherit: bool = False, only: bool = False) -> str:
    """ADD CONSTRAINT ... NOT NULL ... NOT VALID, of 18."""
    constraint = pb.Constraint(
        contype=pb.CONSTR_NOTNULL, conname=name, skip_validation=True, is_enforced=True, is_no_inherit=no_inherit
    )
    constraint.keys.add().string.sval = column
    return alter_table(table, _adding(constraint), only=only)


def add_check_not_null(table: Name, name: str, column: str, *, no_inherit: bool = False) -> str:
    """ADD CONSTRAINT ... CHECK (column IS NOT NULL) NOT VALID."""
    constraint = pb.Constraint(
        contype=pb.CONSTR_CHECK, conname=name, skip_validation=True, is_enforced=True, is_no_inherit=no_inherit
    )
    test = constraint.raw_expr.null_test
    test.nulltesttype = pb.IS_NOT_NULL
    test.arg.column_ref.fields.add().string.sval = column
    return alter_table(table, _adding(constraint), only=no_inherit)


def set_not_null(table: Name, column: str, *, only: bool = False) -> str:
    """SET NOT NULL."""
    return alter_table(table, command(pb.AT_SetNotNull, column), only=only)


def drop_not_null(table: Name, column: str, *, only: bool = False) -> str:
    """DROP NOT NULL."""
    return alter_table(table, command(pb.AT_DropNotNull, column), only=only)


def _adding(constraint: Tree) -> Tree:
    adding = command(pb.AT_AddConstraint)
    getattr(adding, "def").constraint.CopyFrom(constraint)
    return adding


def add_check(table: Name, name: str, expression: str, *, no_inherit: bool = False, is_enforced: bool = True) -> str:
    """ADD CONSTRAINT ... CHECK (expression) NOT VALID."""
    constraint = pb.Constraint(
        contype=pb.CONSTR_CHECK, conname=name, skip_validation=True, is_enforced=is_enforced, is_no_inherit=no_inherit
    )
    select = sole(f"SELECT {expression}").select_stmt
    constraint.raw_expr.CopyFrom(select.target_list[0].res_target.val)
    return alter_table(table, _adding(constraint))


def add_foreign_key(
    table: Name,
    name: str,
    columns: Iterable[str],
    referenced: Name,
    referenced_columns: Iterable[str],
    *,
    actions: tuple[str, str, str],
    set_columns: Iterable[str] = (),
    is_deferrable: bool = False,
    is_deferred: bool = False,
    is_valid: bool = True,
    is_enforced: bool = True,
) -> str:
    """ADD CONSTRAINT ... FOREIGN KEY; `actions` are the letters of MATCH, ON DELETE, ON UPDATE in `pg_constraint`.

    `set_columns` are those that ON DELETE sets, where it does not set them all.
    """
    match, on_delete, on_update = actions
    constraint = pb.Constraint(
        contype=pb.CONSTR_FOREIGN,
        conname=name,
        fk_matchtype=match,
        fk_del_action=on_delete,
        fk_upd_action=on_update,
        deferrable=is_deferrable,
        initdeferred=is_deferred,
        initially_valid=is_valid,
        skip_validation=not is_valid,
        is_enforced=is_enforced,
    )
    constraint.pktable.CopyFrom(pb.RangeVar(inh=True, relpersistence="p"))
    point(constraint.pktable, referenced)
    for column in columns:
        constraint.fk_attrs.add().string.sval = column
    for column in referenced_columns:
        constraint.pk_attrs.add().string.sval = column
    for column in set_columns:
        constraint.fk_del_set_cols.add().string.sval = column
    return alter_table(table, _adding(constraint))
