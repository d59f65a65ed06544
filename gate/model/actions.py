"""What statements do, in our own nouns. One statement is one action; ALTER TABLE carries several parts."""

from __future__ import annotations

from dataclasses import dataclass

from gate.model.expressions import Call, Expression, TypeName
from gate.model.locks import LockMode
from gate.model.names import Name


class Action:
    """One thing that a statement does."""

    __slots__ = ()


# --- queries and rows -------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Qual:
    """A conjunct of WHERE on one column: `operator` is `=`, `<`, `<=`, `>`, `>=`, `in`, `null` or `not null`;
    `not in` stands for `<>` too. On no column, `never` is a condition that no row meets, `or` one of `branches` that
    some row must meet.

    `values` are literals' texts, None for anything that is no literal.
    """

    column: str
    operator: str
    values: tuple[str | None, ...] = ()
    branches: tuple[tuple[Qual, ...], ...] = ()


@dataclass(frozen=True)
class Cell:
    """What a column is given: `kind` is `literal` (with its `text`), `null`, `default`, `same` (its own) or `other`."""

    kind: str
    text: str = ""


@dataclass(frozen=True, kw_only=True)
class RelationUse:
    """A relation that a query names. `mode` is what parse analysis takes on it; `only` keeps the children out.

    `event` is what a target is for: insert, update, delete, merge; `sequence` marks one that nextval and its like
    move, `serial` one that a column (the one in `columns`) owns, `tree` a partition tree that is listed, `definition`
    a view that is printed. `events` are what the target's rows may meet (ON CONFLICT DO UPDATE and MERGE: several).
    `columns` are the names of an INSERT's target list, `rows` its VALUES, `width` the number of values that a row has
    (None unknown), `sets` what an UPDATE assigns. `quals` are the query's own simple conjuncts on it.
    """

    name: Name
    mode: LockMode = LockMode.ACCESS_SHARE
    only: bool = False
    event: str = ""
    nowait: bool = False
    events: frozenset[str] = frozenset()
    columns: tuple[str, ...] = ()
    rows: tuple[tuple[Cell, ...], ...] | None = None
    width: int | None = None
    sets: tuple[tuple[str, Cell], ...] = ()
    quals: tuple[Qual, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Query(Action):
    """SELECT, INSERT, UPDATE, DELETE, MERGE, and what wraps them.

    `plans` is False where the query is only analysed and rewritten (PREPARE), `rewrites` where it is not even that (a
    view's definition), `runs` where it does not run (EXPLAIN). `calls` are functions that it may run; `settings` what
    set_config gives to settings: (name, value, is local). `source` is the only relation of the outermost FROM,
    `column_sources` its columns where the output is one of them; `unknown_names` are functions that get a relation
    which only a run can name.
    """

    uses: tuple[RelationUse, ...] = ()
    calls: tuple[Call, ...] = ()
    columns: tuple[str, ...] = ()
    types: tuple[TypeName, ...] = ()
    operators: tuple[str, ...] = ()
    runs: bool = True
    plans: bool = True
    rewrites: bool = True
    has_star: bool = False
    modifies: bool = False
    output_columns: tuple[str | None, ...] = ()
    settings: tuple[tuple[str, str, bool], ...] = ()
    unknown_names: tuple[str, ...] = ()
    source: Name | None = None
    column_sources: tuple[str | None, ...] = ()


# --- tables -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class ConstraintSpec:
    """A constraint as written. `kind` is `c f p u x n`; `columns` are names; `index` is that of USING INDEX."""

    kind: str
    name: str | None = None
    columns: tuple[str, ...] = ()
    expression: Expression | None = None
    is_valid: bool = True
    is_enforced: bool = True
    no_inherit: bool = False
    is_deferrable: bool = False
    referenced: Name | None = None
    referenced_columns: tuple[str, ...] = ()
    on_delete: str = "a"
    on_update: str = "a"
    index: str | None = None
    method: str = "btree"
    include: tuple[str, ...] = ()
    without_overlaps: bool = False
    has_expressions: bool = False
    tablespace: str = ""


@dataclass(frozen=True, kw_only=True)
class ColumnSpec:
    """A column as written. `type` is None in a typed table's or partition's options. `serial` is 2, 4, 8 or 0."""

    name: str
    type: TypeName | None = None
    collation: Name | None = None
    default: Expression | None = None
    generated: Expression | None = None
    is_virtual: bool = False
    identity: str = ""
    is_not_null: bool = False
    is_null: bool = False
    serial: int = 0
    storage: str = ""
    compression: str = ""
    constraints: tuple[ConstraintSpec, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Bound:
    """FOR VALUES ... or DEFAULT; `lower`, `upper`, `values` hold the texts of literals (None = not a literal)."""

    is_default: bool = False
    strategy: str = ""
    lower: tuple[str | None, ...] = ()
    upper: tuple[str | None, ...] = ()
    values: tuple[str | None, ...] = ()
    modulus: int = 0
    remainder: int = 0


@dataclass(frozen=True, kw_only=True)
class Like:
    """LIKE source INCLUDING ...; `includes` holds lower-case words (`defaults`, `indexes`, ...)."""

    source: Name
    includes: frozenset[str] = frozenset()


@dataclass(frozen=True, kw_only=True)
class CreateTable(Action):
    """CREATE [FOREIGN] TABLE. `persistence` is `p`, `u`, `t`."""

    name: Name
    columns: tuple[ColumnSpec, ...] = ()
    constraints: tuple[ConstraintSpec, ...] = ()
    inherits: tuple[Name, ...] = ()
    partition_of: Name | None = None
    bound: Bound | None = None
    of_type: Name | None = None
    likes: tuple[Like, ...] = ()
    partition_strategy: str = ""
    partition_columns: tuple[str, ...] = ()
    partition_expressions: tuple[Expression, ...] = ()
    persistence: str = "p"
    if_not_exists: bool = False
    is_foreign: bool = False
    access_method: str = ""
    tablespace: str = ""
    options: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class CreateTableAs(Action):
    """CREATE TABLE AS, SELECT INTO, CREATE MATERIALIZED VIEW."""

    name: Name
    query: Query
    is_matview: bool = False
    if_not_exists: bool = False
    with_data: bool = True
    persistence: str = "p"
    columns: tuple[str, ...] = ()


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
    """

    what: str
    name: str | None = None
    cascade: bool = False
    missing_ok: bool = False
    options: tuple[str, ...] = ()


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


@dataclass(frozen=True, kw_only=True)
class Rename(Action):
    """RENAME of a relation or a part of one; `object` is what is renamed, `part` its old name, `of` what `name` is."""

    object: str
    name: Name
    to: str
    part: str = ""
    of: str = ""
    only: bool = False
    missing_ok: bool = False
    cascade: bool = False


@dataclass(frozen=True, kw_only=True)
class SetSchema(Action):
    """SET SCHEMA of a relation."""

    object: str
    name: Name
    to: str
    missing_ok: bool = False


@dataclass(frozen=True, kw_only=True)
class Truncate(Action):
    """TRUNCATE; each table with its ONLY."""

    tables: tuple[RelationUse, ...]
    restarts: bool = False
    cascade: bool = False


@dataclass(frozen=True, kw_only=True)
class LockTable(Action):
    """LOCK TABLE."""

    tables: tuple[RelationUse, ...]


# --- dropping ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class ObjectName:
    """An object as DROP, COMMENT, ALTER ... OWNER and their like name it.

    `part_of` is the relation (or domain, type) of a trigger, rule, policy, column or constraint. `arguments` are a
    function's argument types, None where none were written.
    """

    name: Name
    part_of: Name | None = None
    arguments: tuple[TypeName, ...] | None = None
    method: str = ""


@dataclass(frozen=True, kw_only=True)
class Drop(Action):
    """DROP of anything; `object` in lower-case words: `table`, `index`, `trigger`, `function`, ..."""

    object: str
    names: tuple[ObjectName, ...]
    cascade: bool = False
    missing_ok: bool = False
    is_concurrent: bool = False


@dataclass(frozen=True, kw_only=True)
class DropOwned(Action):
    """DROP OWNED BY, or REASSIGN OWNED BY where `reassigns`."""

    roles: tuple[str, ...]
    cascade: bool = False
    reassigns: bool = False


# --- indexes and maintenance ------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class CreateIndex(Action):
    """CREATE INDEX; `columns` are plain key columns (None for an expression), `opclasses` as written beside them."""

    name: str | None
    table: Name
    columns: tuple[str | None, ...] = ()
    include: tuple[str, ...] = ()
    expressions: tuple[Expression, ...] = ()
    where: Expression | None = None
    method: str = "btree"
    is_unique: bool = False
    is_concurrent: bool = False
    if_not_exists: bool = False
    only: bool = False
    opclasses: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Reindex(Action):
    """REINDEX; `object` is `index`, `table`, `schema`, `system`, `database`."""

    object: str
    name: Name | None = None
    is_concurrent: bool = False
    tablespace: str = ""


@dataclass(frozen=True, kw_only=True)
class Cluster(Action):
    """CLUSTER; without a table all that were clustered before."""

    table: Name | None = None
    index: str | None = None


@dataclass(frozen=True, kw_only=True)
class Vacuum(Action):
    """VACUUM and ANALYZE; no tables means all."""

    tables: tuple[RelationUse, ...] = ()
    vacuums: bool = True
    analyzes: bool = False
    is_full: bool = False
    columns: tuple[str, ...] = ()
    skips_locked: bool = False
    skips_main: bool = False
    has_columns: bool = False
    only_database_stats: bool = False


@dataclass(frozen=True, kw_only=True)
class Refresh(Action):
    """REFRESH MATERIALIZED VIEW."""

    name: Name
    is_concurrent: bool = False
    with_data: bool = True


# --- what hangs on relations ------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class CreateView(Action):
    """CREATE [OR REPLACE] VIEW."""

    name: Name
    query: Query
    replaces: bool = False
    persistence: str = "p"
    columns: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class CreateRule(Action):
    """CREATE RULE; `queries` are its actions and condition."""

    name: str
    table: Name
    event: str
    queries: tuple[Query, ...] = ()
    is_instead: bool = False
    replaces: bool = False


@dataclass(frozen=True, kw_only=True)
class CreateTrigger(Action):
    """CREATE TRIGGER; `referenced` is a constraint trigger's FROM."""

    name: str
    table: Name
    function: Name
    events: frozenset[str] = frozenset()
    timing: str = "after"
    is_row: bool = False
    is_constraint: bool = False
    replaces: bool = False
    referenced: Name | None = None
    when: Expression | None = None


@dataclass(frozen=True, kw_only=True)
class PolicyAction(Action):
    """CREATE or ALTER POLICY; `queries` are the relations its expressions read."""

    name: str
    table: Name
    creates: bool
    expressions: tuple[Expression, ...] = ()


@dataclass(frozen=True, kw_only=True)
class CreateStatistics(Action):
    """CREATE STATISTICS."""

    name: Name | None
    table: Name
    columns: tuple[str, ...] = ()
    if_not_exists: bool = False


@dataclass(frozen=True, kw_only=True)
class SequenceAction(Action):
    """CREATE or ALTER SEQUENCE; `owned_by` is (schema, table, column), empty for NONE, None when not written."""

    name: Name
    creates: bool
    persistence: str = "p"
    exists_ok: bool = False
    owned_by: tuple[str, ...] | None = None
    type: TypeName | None = None
    restarts: bool = False
    sets: frozenset[str] = frozenset()


@dataclass(frozen=True, kw_only=True)
class CreateType(Action):
    """CREATE TYPE or DOMAIN; `kind` is `c e d r b`, `columns` those of a composite type."""

    name: Name
    kind: str
    columns: tuple[ColumnSpec, ...] = ()
    base: TypeName | None = None
    labels: tuple[str, ...] = ()
    constraints: tuple[ConstraintSpec, ...] = ()
    default: Expression | None = None


@dataclass(frozen=True, kw_only=True)
class AlterEnum(Action):
    """ALTER TYPE ... ADD VALUE (`adds`) or RENAME VALUE."""

    name: Name
    adds: bool
    label: str
    old_label: str = ""
    if_not_exists: bool = False


@dataclass(frozen=True, kw_only=True)
class AlterDomain(Action):
    """ALTER DOMAIN; `what` is `set default`, `set not null`, `drop not null`, `add constraint`, `validate`, ..."""

    name: Name
    what: str
    constraint: ConstraintSpec | None = None
    constraint_name: str = ""
    cascade: bool = False
    missing_ok: bool = False


@dataclass(frozen=True, kw_only=True)
class CreateFunction(Action):
    """CREATE FUNCTION or PROCEDURE; `body` are the queries of a BEGIN ATOMIC body, `checked` those of a text in SQL."""

    name: Name
    arguments: tuple[TypeName, ...] = ()
    returns: TypeName | None = None
    language: str = "sql"
    source: str | None = None
    volatility: str = "v"
    is_procedure: bool = False
    replaces: bool = False
    body: tuple[Query, ...] = ()
    checked: tuple[Query, ...] = ()
    argument_defaults: int = 0
    sets: tuple[str, ...] = ()
    is_security_definer: bool = False
    types: tuple[TypeName, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Run(Action):
    """DO, CALL or EXECUTE: code that runs. `body` is a DO block's own text."""

    language: str = "plpgsql"
    body: str | None = None
    call: Call | None = None
    query: Query | None = None


@dataclass(frozen=True, kw_only=True)
class Copy(Action):
    """COPY of a table or a query."""

    table: Name | None = None
    query: Query | None = None
    is_from: bool = False
    columns: tuple[str, ...] = ()
    where: Expression | None = None


@dataclass(frozen=True, kw_only=True)
class CreateSchema(Action):
    """CREATE SCHEMA with the statements inside."""

    name: str
    if_not_exists: bool = False
    elements: tuple[Action, ...] = ()


@dataclass(frozen=True, kw_only=True)
class ExtensionAction(Action):
    """CREATE, UPDATE, or ADD/DROP a member of an extension; `what` is `create`, `update`, `add`, `drop`."""

    name: str
    what: str
    if_not_exists: bool = False
    member: ObjectName | None = None
    member_object: str = ""


@dataclass(frozen=True, kw_only=True)
class PublicationAction(Action):
    """CREATE or ALTER PUBLICATION; `what` is `create`, `add`, `drop`, `set`, `options`."""

    name: str
    what: str
    tables: tuple[RelationUse, ...] = ()
    schemas: tuple[str, ...] = ()
    is_for_all_tables: bool = False
    columns: frozenset[str] = frozenset()


@dataclass(frozen=True, kw_only=True)
class OnObject(Action):
    """COMMENT ON, SECURITY LABEL, ALTER ... OWNER TO, ALTER ... DEPENDS ON and their like; `what` says which."""

    what: str
    object: str
    name: ObjectName
    role: str = ""
    to: str = ""
    missing_ok: bool = False


@dataclass(frozen=True, kw_only=True)
class Grant(Action):
    """GRANT or REVOKE on relations; `in_schema` for ALL ... IN SCHEMA. Anything else is `Inert`."""

    tables: tuple[Name, ...] = ()
    in_schemas: tuple[str, ...] = ()
    object: str = "table"
    is_grant: bool = True
    has_columns: bool = False


@dataclass(frozen=True, kw_only=True)
class TransactionControl(Action):
    """BEGIN, COMMIT, ROLLBACK, SAVEPOINT, ...; `what` is the word in lower case."""

    what: str
    chains: bool = False


@dataclass(frozen=True, kw_only=True)
class SetSetting(Action):
    """SET, RESET, SET LOCAL; `value` is the text, None for RESET or DEFAULT."""

    name: str
    value: str | None = None
    values: tuple[str, ...] = ()
    is_local: bool = False


@dataclass(frozen=True, kw_only=True)
class Inert(Action):
    """A statement that locks no relation, as its proof shows; `creates` is an object to remember, if any."""

    what: str
    names: tuple[tuple[str, Name], ...] = ()
    forbids_transaction: bool = False


@dataclass(frozen=True, kw_only=True)
class Unknown(Action):
    """A statement that gate does not know; `why` says what would make it known."""

    why: str = ""


@dataclass(frozen=True, kw_only=True)
class Statement:
    """A parsed statement: `kind` is the server's command tag; `forbids_transaction` the form refuses a block."""

    kind: str
    action: Action
    forbids_transaction: bool = False
    options: tuple[str, ...] = ()
