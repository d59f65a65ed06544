"""ADD COLUMN ... GENERATED AS IDENTITY: numbered from a sequence that serves until the identity's own takes over.

Identity can be given to a column only when it is NOT NULL and has no default. The exchange is one short transaction
under ACCESS EXCLUSIVE: nobody can take a number between the two sequences, so no number comes twice.

Source: PostgreSQL 18 `tablecmds.c` (ATExecAddIdentity), `parse_utilcmd.c` (generateSerialExtraStmts).
"""

from __future__ import annotations

from gate.model.actions import ColumnSpec
from gate.model.catalog import Relation
from gate.model.chosen_names import sequence_name
from gate.model.names import Name, quoted
from gate.model.steps import StatementStep, Step
from gate.splits.case import Case
from gate.splits.filling import filled, must_be_fillable
from gate.splits.finding import name_of
from gate.sql.rewriting.columns import (
    add_column,
    add_identity,
    create_sequence_of_identity,
    drop_column,
    drop_default,
    drop_identity,
    drop_sequence,
    identity_sequence,
    let_all_use,
    next_value,
    set_default,
    table_constraints,
    take_position,
)
from gate.sql.rewriting.constraints import set_not_null


def identity(case: Case, table: Relation, spec: ColumnSpec) -> tuple[Step, ...]:
    """See the module."""
    must_be_fillable(table, case)
    on, name = name_of(table), spec.name
    assert spec.type is not None
    final, helper = _sequences(case, table, spec)
    # Whoever may insert may take a number of an identity; of a default's sequence only with a privilege of its own.
    begin = (
        create_sequence_of_identity(case.sql, helper, spec.type.name.name),
        let_all_use(helper),
        add_column(case.sql, on, keeps_default=False, keeps_not_null=False, then_default=next_value(helper)),
    )
    take_over = (
        drop_default(on, name),
        add_identity(case.sql, on),
        take_position(final, helper),
        drop_sequence(helper),
    )
    give_back = (
        *begin[:2],
        take_position(helper, final),
        drop_identity(on, name),
        set_default(on, name, next_value(helper)),
    )
    later = table_constraints(case.sql, on, without="n")
    return (
        StatementStep(
            sql="; ".join(begin),
            why=f"adds {quoted(name)} to {on}: new rows get a number from {helper}, old ones are NULL as yet",
            undo=f"{drop_column(on, name)}; {drop_sequence(helper)}",
        ),
        *filled(table, case, next_value(helper)),
        StatementStep(
            sql=set_not_null(on, name),
            why=f"{quoted(name)} of {on} is never NULL again, as identity demands",
        ),
        StatementStep(
            sql="; ".join(take_over),
            why=f"{final} goes on where {helper} stands, while nobody can take a number",
            undo="; ".join(give_back),
        ),
        *(StatementStep(sql=text, why=f"the constraint of {quoted(name)}") for _, text in later),
    )


def _sequences(case: Case, table: Relation, spec: ColumnSpec) -> tuple[Name, Name]:
    """The identity's own, as the server will name it, and the one that serves until then."""
    world = case.before
    written = identity_sequence(case.sql)
    if written is None:
        final = Name(sequence_name(world, table.schema, table.name, spec.name), table.schema)
    else:
        final = Name(written.name, written.schema or next(iter(world.server.search_path), table.schema))
    return final, Name(sequence_name(world, table.schema, table.name, spec.name, label="gate_seq"), table.schema)
