"""The way out of long work under a blocking lock, by what the statement is.

Source: PostgreSQL 18, "ALTER TABLE", Notes and ATTACH PARTITION; "CREATE INDEX", Building Indexes Concurrently.
"""

from __future__ import annotations

from gate.model.actions import (
    Action,
    AddColumn,
    AddConstraint,
    AlterDomain,
    AlterTable,
    AttachPartition,
    Cluster,
    CreateIndex,
    NamedPart,
    Part,
    Refresh,
    Reindex,
    SetType,
    Vacuum,
)

_COPY = "add a new column or table beside it, fill it in batches, and switch over"
_CONCURRENTLY = "build it with CREATE INDEX CONCURRENTLY, in a migration that runs outside a transaction"
_DEFAULT = (
    "add the column without a default and nullable, then SET DEFAULT; fill the old rows in batches, and make it "
    "NOT NULL by a validated CHECK"
)
_NOT_VALID = "add the constraint NOT VALID, and VALIDATE it in a later migration"
_USING = "create a unique index CONCURRENTLY first, then ADD CONSTRAINT ... USING INDEX, which is instant"


def remedy(action: Action | None) -> str:
    """What to do instead."""
    match action:
        case AlterTable(parts=parts):
            return next((found for found in map(_of_part, parts) if found), _COPY)
        case CreateIndex():
            return _CONCURRENTLY
        case Reindex():
            return "write REINDEX ... CONCURRENTLY, outside a transaction"
        case Refresh():
            return "write REFRESH MATERIALIZED VIEW CONCURRENTLY: it needs a unique index, and lets readers in"
        case Cluster() | Vacuum():
            return "rewrite it beside the running database with pg_repack, or in a maintenance window"
        case AlterDomain():
            return "put the CHECK on each table that uses the domain: NOT VALID first, then VALIDATE"
        case _:
            return _COPY


def _of_part(part: Part) -> str:
    match part:
        case AddColumn(spec=spec) if spec.constraints and not (spec.default or spec.serial or spec.identity):
            return (
                "add the plain column first; add its constraint afterwards, NOT VALID or by an index built CONCURRENTLY"
            )
        case AddColumn(spec=spec) if spec.generated is not None:
            return "add a plain column, keep it with a trigger, and fill the old rows in batches"
        case AddColumn(column=column, spec=spec) if spec.serial or spec.identity:
            return f"add {column} as a plain nullable column, give it the sequence as default, fill old rows in batches"
        case AddColumn():
            return _DEFAULT
        case AddConstraint(spec=spec):
            return _of_constraint(spec.kind)
        case NamedPart(what="SetNotNull", column=column):
            return (
                f"add CHECK ({column} IS NOT NULL) NOT VALID and VALIDATE it in a later migration: SET NOT NULL takes "
                "it as proof and reads nothing"
            )
        case SetType():
            return "add a column of the new type, keep both with a trigger, fill it in batches, and switch over"
        case AttachPartition():
            return (
                "first add CHECK constraints that say the bound, NOT VALID, and VALIDATE them; create the parent's "
                "indexes on it CONCURRENTLY"
            )
        case NamedPart(what="SetTableSpace" | "SetAccessMethod" | "SetLogged" | "SetUnLogged"):
            return "do it in a maintenance window, or copy the table beside the running one"
        case NamedPart(what="AlterConstraint"):
            return "make the constraint anew: NOT VALID, then VALIDATE"
        case _:
            return ""


def _of_constraint(kind: str) -> str:
    match kind:
        case "c" | "f":
            return _NOT_VALID
        case "n":
            return "add it NOT VALID (18), or first a validated CHECK (... IS NOT NULL), which is taken as proof"
        case "x":
            return "there is no way to build an exclusion constraint beside running writes: use a maintenance window"
        case _:
            return _USING
