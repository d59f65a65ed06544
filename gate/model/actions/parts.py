"""ALTER TABLE and its subcommands."""

from __future__ import annotations

from dataclasses import dataclass

from gate.model.actions.action import Action
from gate.model.actions.tables import Bound, ColumnSpec, ConstraintSpec
from gate.model.expressions import Expression, TypeName
from gate.model.names import Name


@dataclass(frozen=True)
class Part:
    """One subcommand of ALTER TABLE; `column` is what it is about, where it is about one."""

    column: str = ""


@dataclass(frozen=True, kw_only=True)
class AddColumn(Part):
    """ADD COLUMN."""

    spec: ColumnSpec
    if_not_exists: bool = False


@dataclass(frozen=True, kw_only=True)
class DropColumn(Part):
    """DROP COLUMN."""

    cascade: bool = False
    missing_ok: bool = False


@dataclass(frozen=True, kw_only=True)
class SetType(Part):
    """ALTER COLUMN TYPE."""

    type: TypeName
    using: Expression | None = None
    collation: Name | None = None


@dataclass(frozen=True, kw_only=True)
class SetDefault(Part):
    """SET DEFAULT, or DROP DEFAULT where `default` is None."""

    default: Expression | None = None


@dataclass(frozen=True, kw_only=True)
class SetExpression(Part):
    """SET EXPRESSION (17)."""

    expression: Expression


@dataclass(frozen=True, kw_only=True)
class AddConstraint(Part):
    """ADD CONSTRAINT."""

    spec: ConstraintSpec


@dataclass(frozen=True, kw_only=True)
class NamedPart(Part):
    """A subcommand that names something: `what` is the parser's word for it, such as `validate constraint`.

    `name` is a constraint, trigger, rule, index, role, tablespace or access method; None for ALL and the like.
    `sequence` is the name that was written for an identity's sequence.
    """

    what: str
    name: str | None = None
    cascade: bool = False
    missing_ok: bool = False
    options: tuple[str, ...] = ()
    sequence: Name | None = None


@dataclass(frozen=True, kw_only=True)
class InheritPart(Part):
    """INHERIT (`adds`) or NO INHERIT."""

    parent: Name
    adds: bool


@dataclass(frozen=True, kw_only=True)
class AttachPartition(Part):
    """ATTACH PARTITION of a table, or of an index (`bound` None)."""

    child: Name
    bound: Bound | None = None


@dataclass(frozen=True, kw_only=True)
class DetachPartition(Part):
    """DETACH PARTITION."""

    child: Name
    is_concurrent: bool = False
    finalizes: bool = False


@dataclass(frozen=True, kw_only=True)
class AlterTable(Action):
    """ALTER TABLE and its like; `object` is `table`, `index`, `view`, `sequence`, `foreign table`, `type`, ..."""

    name: Name
    object: str
    parts: tuple[Part, ...]
    only: bool = False
    missing_ok: bool = False
    cascade: bool = False


@dataclass(frozen=True, kw_only=True)
class MoveAll(Action):
    """ALTER TABLE ALL IN TABLESPACE: which relations it moves only the server knows."""

    object: str
    tablespace: str
