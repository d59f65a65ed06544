"""The catalog's nouns: what `pg_class`, `pg_attribute`, `pg_constraint`, ... say, as values.

Every noun carries its `oid`; objects that a plan creates while it is folded forward get negative ones.
Sizes are bytes, `rows` is the planner's estimate (None = never analysed, so unknown).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple


class Ref(NamedTuple):
    """An object address as in `pg_depend`: `catalog` is the catalog's name, `sub` a column number or 0."""

    catalog: str
    oid: int
    sub: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Depend:
    """One row of `pg_depend`: `dependent` needs `on`.

    `kind` is `deptype` (`n a i P S e x`). `relation` is the relation that the dependent object belongs to (a rule's,
    a constraint's, a default's, a policy's, a trigger's, a statistics object's; an index's own table), or None.
    `name` says in words what the dependent is, for messages.
    """

    dependent: Ref
    on: Ref
    kind: str
    relation: int | None = None
    name: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Gathered:
    """What ANALYZE found in a column, never a value of it: see the page "pg_stats".

    `width_bytes` is the average of a value as stored, `distinct` the number of values, negative as a share of the rows;
    `correlation` tells how far the order on disk is the values' own, `elements` how many an array has on average.
    """

    width_bytes: int
    null_share: float = 0.0
    distinct: float = 0.0
    correlation: float | None = None
    elements: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Granted:
    """One entry of an access control list; PUBLIC is an empty `grantee`."""

    grantee: str
    privilege: str
    is_grantable: bool = False
    grantor: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """A row of `pg_attribute`. `volatility` is that of `default`: `i`, `s`, `v`, or None without one.

    `statistics_target` is -1 where the configured one holds; `options` are as in `attoptions` (`n_distinct=5`).
    `grants` are the privileges on this column alone.
    `is_new` is true where the release adds it: code that runs before the release does not know it. `filled` is then
    what the rows that were there hold in it, as SQL; empty where that is not one value for all of them.
    """

    number: int
    name: str
    type: int
    typmod: int = -1
    collation: int = 0
    is_not_null: bool = False
    default: str | None = None
    volatility: str | None = None
    identity: str = ""  # '', 'a' (always), 'd' (by default)
    generated: str = ""  # '', 's' (stored), 'v' (virtual)
    is_local: bool = True
    inherit_count: int = 0
    has_statistics: bool = False
    gathered: Gathered | None = None
    storage: str = ""
    statistics_target: int = -1
    options: tuple[str, ...] = ()
    grants: tuple[Granted, ...] = ()
    comment: str | None = None
    is_new: bool = False
    filled: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Constraint:
    """A row of `pg_constraint` on a table.

    `kind` is `contype` (`c f p u x n t`). `columns` and `referenced_columns` are attribute numbers, `referenced` the
    other table of a foreign key, `expression` a check's text, `index` the index it needs or owns.
    `parent` is the constraint of the partitioned table it belongs to, 0 without one. `set_columns` are those that
    ON DELETE SET NULL or SET DEFAULT sets, none where it sets them all; `is_period` where the last column is a PERIOD.
    """

    oid: int
    name: str
    relation: int
    kind: str
    columns: tuple[int, ...] = ()
    is_valid: bool = True
    is_enforced: bool = True
    is_deferrable: bool = False
    is_deferred: bool = False
    is_local: bool = True
    inherit_count: int = 0
    no_inherit: bool = False
    expression: str | None = None
    index: int = 0
    referenced: int = 0
    referenced_columns: tuple[int, ...] = ()
    on_delete: str = "a"
    on_update: str = "a"
    match: str = "s"  # s (simple), f (full); a space where it is no foreign key
    parent: int = 0
    set_columns: tuple[int, ...] = ()
    is_period: bool = False
    comment: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class IndexKey:
    """One key column: `column` is 0 for an expression. `opclass_input` is the type the operator class is for."""

    column: int
    opclass: int = 0
    opclass_input: int = 0
    is_default_opclass: bool = True
    collation: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Index:
    """A row of `pg_index` with its access method; `columns` are all attribute numbers used, in expressions too.

    `constraint` is the constraint that owns it, 0 without one; `parent` the partitioned index above it. `definition` is
    its CREATE INDEX as the server prints it: read of partitioned indexes and of those with expressions or a predicate,
    whose other parts say all there is to know; `written` is the same of every index.
    """

    oid: int
    schema: str
    name: str
    relation: int
    method: str = "btree"
    keys: tuple[IndexKey, ...] = ()
    include: tuple[int, ...] = ()
    columns: tuple[int, ...] = ()
    is_unique: bool = False
    is_primary: bool = False
    is_exclusion: bool = False
    is_valid: bool = True
    is_replica_identity: bool = False
    is_clustered: bool = False
    has_expressions: bool = False
    has_predicate: bool = False
    is_partitioned: bool = False
    size_bytes: int | None = None
    constraint: int = 0
    parent: int = 0
    owner: str = ""
    tablespace: str = ""
    definition: str | None = None
    written: str | None = None
    comment: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Trigger:
    """A row of `pg_trigger`. `events` holds `insert update delete truncate`; internal ones belong to a constraint.

    `columns` are those of UPDATE OF; `has_transition` tells that it sees all rows of the statement (REFERENCING).
    """

    oid: int
    name: str
    relation: int
    function: int
    events: frozenset[str] = frozenset()
    columns: tuple[int, ...] = ()
    timing: str = "after"  # before, after, instead
    is_row: bool = True
    is_internal: bool = False
    is_enabled: bool = True
    constraint: int = 0
    parent: int = 0
    has_transition: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """A row of `pg_rewrite` that is not a view's own `_RETURN`; `relations` are those its actions touch."""

    oid: int
    name: str
    relation: int
    event: str
    is_instead: bool = False
    is_enabled: bool = True
    relations: tuple[int, ...] = ()
    definition: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """A row of `pg_policy`; `relations` are those its expressions read."""

    oid: int
    name: str
    relation: int
    relations: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Statistics:
    """An extended statistics object (`pg_statistic_ext`); `written` is its CREATE STATISTICS as it is printed."""

    oid: int
    schema: str
    name: str
    relation: int
    columns: tuple[int, ...] = ()
    owner: str = ""
    written: str | None = None
    comment: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Sequence:
    """A sequence's position: `last` is None where it was never used or may not be read; `owner_column` its owner."""

    oid: int
    type: int
    maximum: int
    increment: int = 1
    last: int | None = None
    owner_table: int = 0
    owner_column: int = 0
    is_identity: bool = False
    start: int = 1
    minimum: int = 1
    cache: int = 1
    cycles: bool = False
    grants: tuple[Granted, ...] = ()
    comment: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Traffic:
    """Events per second between two samples of `pg_stat_all_tables`, `window_s` apart; None where only one was taken.

    `scans` and `writes` are the counters themselves, since the statistics were last reset.
    """

    window_s: float = 0.0
    scans_per_s: float | None = None
    writes_per_s: float | None = None
    scans: int = 0
    writes: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Relation:
    """A row of `pg_class` that is no index, with all that hangs on it.

    `kind` is `relkind`: `r p v m S f c t`. `parents` and `children` are inheritance or partition links (oids, direct
    ones only), `referenced_by` the oids of (table, constraint) pairs whose foreign key points here.
    `partition_columns` are all columns that the partition key uses, in any order; `partition_keys` the key itself, 0
    for an expression, with its operator classes. `reads` are the relations that a view's or materialized view's query
    names. `is_known_empty` is True only where it was read or follows from its creation. `is_complete` is False for a
    neighbour of which only name, kind and size were read. `partition_key` is what stands behind PARTITION BY, as the
    server prints it. `is_populated` is False for a materialized view WITH NO DATA.
    """

    oid: int
    schema: str
    name: str
    kind: str
    owner: str = ""
    persistence: str = "p"
    access_method: str = ""
    tablespace: str = ""
    options: tuple[str, ...] = ()
    row_type: int = 0
    of_type: int = 0
    pages: int | None = None
    rows: float | None = None
    heap_bytes: int | None = None
    index_bytes: int | None = None
    toast_bytes: int | None = None
    total_bytes: int | None = None
    is_partition: bool = False
    is_default_partition: bool = False
    partition_bound: str | None = None
    partition_strategy: str = ""  # r, l, h
    partition_columns: tuple[int, ...] = ()
    partition_keys: tuple[int, ...] = ()
    partition_classes: tuple[int, ...] = ()
    partition_key: str | None = None
    replica_identity: str = "d"
    has_row_security: bool = False
    forces_row_security: bool = False
    is_known_empty: bool = False
    is_populated: bool = True
    is_system: bool = False
    extension: str = ""
    columns: tuple[Column, ...] = ()
    constraints: tuple[Constraint, ...] = ()
    indexes: tuple[Index, ...] = ()
    triggers: tuple[Trigger, ...] = ()
    rules: tuple[Rule, ...] = ()
    policies: tuple[Policy, ...] = ()
    statistics: tuple[Statistics, ...] = ()
    sequence: Sequence | None = None
    parents: tuple[int, ...] = ()
    children: tuple[int, ...] = ()
    referenced_by: tuple[tuple[int, int], ...] = ()
    reads: tuple[int, ...] = ()
    definition: str | None = None
    publications: tuple[str, ...] = ()
    privileges: frozenset[str] = frozenset()
    traffic: Traffic | None = None
    is_complete: bool = True

    @property
    def full_name(self) -> str:
        """`schema.name` exactly as the catalog stores both, unquoted."""
        return f"{self.schema}.{self.name}"

    @property
    def is_temporary(self) -> bool:
        """Of this or another session; never reported."""
        return self.persistence == "t"

    @property
    def has_storage(self) -> bool:
        """Whether it has rows of its own."""
        return self.kind in ("r", "m", "t")

    def column(self, name: str) -> Column | None:
        """The column of that name, None without one; system columns are not listed."""
        return next((column for column in self.columns if column.name == name), None)

    def column_number(self, number: int) -> Column | None:
        """The column of that attribute number."""
        return next((column for column in self.columns if column.number == number), None)

    def constraint(self, name: str) -> Constraint | None:
        """The constraint of that name."""
        return next((constraint for constraint in self.constraints if constraint.name == name), None)

    @property
    def primary_key(self) -> Constraint | None:
        """Its primary key."""
        return next((constraint for constraint in self.constraints if constraint.kind == "p"), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class DomainConstraint:
    """A constraint of a domain; `kind` is `c` (check) or `n` (not null)."""

    oid: int
    name: str
    kind: str = "c"
    is_valid: bool = True
    expression: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Type:
    """A row of `pg_type`. `kind` is `typtype`: `b c d e m p r`; `used_by` are (relation, column number) pairs."""

    oid: int
    schema: str
    name: str
    kind: str = "b"
    category: str = ""
    owner: str = ""
    relation: int = 0
    base: int = 0
    base_typmod: int = -1
    element: int = 0
    array: int = 0
    length: int = -1
    collation: int = 0
    is_not_null: bool = False
    has_default: bool = False
    default_volatility: str | None = None
    labels: tuple[str, ...] = ()
    constraints: tuple[DomainConstraint, ...] = ()
    used_by: tuple[tuple[int, int], ...] = ()

    @property
    def full_name(self) -> str:
        """`schema.name`, unquoted."""
        return f"{self.schema}.{self.name}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Function:
    """A row of `pg_proc`. `kind` is `f p a w`; `arguments` are input type oids; `source` is read where it may run.

    `argument_names` are those of all arguments, outputs too, as far as they have names.
    """

    oid: int
    schema: str
    name: str
    kind: str = "f"
    arguments: tuple[int, ...] = ()
    argument_names: tuple[str, ...] = ()
    argument_defaults: int = 0
    is_variadic: bool = False
    returns: int = 0
    returns_set: bool = False
    volatility: str = "v"
    language: str = ""
    source: str | None = None
    owner: str = ""
    is_security_definer: bool = False
    settings: tuple[str, ...] = ()
    relations: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Cast:
    """A row of `pg_cast`: `method` is `b` (binary coercible), `f`, `i`; `context` `i a e`."""

    source: int
    target: int
    method: str
    context: str = "e"
    function: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Operator:
    """A row of `pg_operator`, with the volatility of its function."""

    oid: int
    schema: str
    name: str
    left: int
    right: int
    volatility: str = "i"


@dataclass(frozen=True, slots=True, kw_only=True)
class OperatorClass:
    """A default operator class: access method, input type, its oid."""

    oid: int
    method: str
    input: int
    name: str = ""
    schema: str = ""
    is_default: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Schema:
    """A row of `pg_namespace`."""

    oid: int
    name: str
    owner: str = ""
    may_create: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Publication:
    """A row of `pg_publication`: `relations` are explicit members, `schemas` whole ones."""

    oid: int
    name: str
    owner: str = ""
    is_for_all_tables: bool = False
    via_root: bool = False
    relations: tuple[int, ...] = ()
    schemas: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class EventTrigger:
    """A row of `pg_event_trigger`; it runs at every DDL statement whose tag is in `tags` (empty: at all)."""

    oid: int
    name: str
    event: str
    function: int
    is_enabled: bool = True
    tags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class NamedObject:
    """Any other object that a statement can name and that locks no relation by itself: `catalog` says its kind."""

    oid: int
    catalog: str
    name: str
    schema: str | None = None
    owner: str = ""
