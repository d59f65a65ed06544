"""The rounds' answers become one `Snapshot`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from psycopg import sql

from gate.db import relations
from gate.db.asking import Ask, Asking, Row
from gate.db.finding import Found
from gate.db.reaching import Reach
from gate.db.session import Session
from gate.model.catalog import (
    Cast,
    Depend,
    DomainConstraint,
    EventTrigger,
    Function,
    OperatorClass,
    Publication,
    Ref,
    Relation,
    Schema,
    Type,
)
from gate.model.names import Name, quoted
from gate.model.snapshot import Snapshot, Unread
from gate.model.wants import Wants

Told = Callable[[Sequence[Relation]], None]
"""Gets a chunk of relations as soon as they are built."""


@dataclass(frozen=True, kw_only=True)
class FirstRound:
    """The session, what the names mean, and what others hold under ACCESS EXCLUSIVE."""

    session: Session
    found: Found
    schemas: list[Row]
    event_triggers: list[Row]
    locked: list[int]


@dataclass(frozen=True, kw_only=True)
class Seeds:
    """The oids to read in the second round."""

    oids: list[int]
    types: list[int]
    functions: list[int]


@dataclass
class SecondRound:
    """The second round's values; `unread` are relations of which only the raw catalog was read, `hidden` those of
    which the role may not read the rows.
    """

    context: relations.Context
    session: Session
    types: list[Row]
    functions: list[Function]
    casts: tuple[Cast, ...]
    names: list[Row]
    relations: list[Relation] = field(default_factory=list)
    sequences: list[Row] = field(default_factory=list)
    told: Told = lambda _relations: None
    unread: set[int] = field(default_factory=set)
    hidden: set[int] = field(default_factory=set)

    @classmethod
    def of(cls, answers: list[list[Row]], session: Session, told: Told) -> SecondRound:
        """From the answers to `once_asks`."""
        classes, publications, types, functions, names, *casts = answers
        context = relations.Context(
            block_size=session.block_size,
            classes={row["oid"]: OperatorClass(**row) for row in classes},
            publications=tuple(_publication(row) for row in publications),
        )
        return cls(
            context=context,
            session=session,
            types=types,
            functions=[_function(row) for row in functions],
            casts=tuple(Cast(**row) for rows in casts for row in rows),
            names=names,
            told=told,
        )

    def add(self, rows: list[list[Row]], unread: set[int]) -> None:
        """A chunk of relations."""
        made = relations.built(rows, self.context, sees_statistics=self.session.sees_statistics)
        self.told(made)
        self.relations += made
        self.sequences += [row for row in relations.part(rows, "sequences") if row["is_readable"]]
        self.unread |= unread
        self.hidden |= {row["oid"] for row in relations.part(rows, "sequences") if not row["is_readable"]}
        if not self.session.sees_statistics:
            self.hidden |= {row["relation"] for row in relations.part(rows, "columns") if row["is_hidden"]}


def once_asks(wants: Wants, seeds: Seeds) -> list[Ask]:
    """The queries of the second round that are not about single relations."""
    needs_casts = wants.needs_casts or wants.needs_database
    return [
        ("operator_classes", {"all": needs_casts, "relations": [] if needs_casts else seeds.oids}),
        ("publications", {}),
        ("types", {"types": seeds.types, "relations": seeds.oids}),
        ("functions", {"functions": seeds.functions, "relations": seeds.oids}),
        ("taken_names", {"relations": seeds.oids if wants.needs_names and not wants.needs_database else []}),
        *([("casts", {})] if needs_casts else []),
    ]


def snapshot(asking: Asking, wants: Wants, first: FirstRound, reach: Reach, second: SecondRound) -> Snapshot:
    """All of it as a value; asks once more for sequence positions and domain constraints, where there are any."""
    tables = _with_positions(asking, second)
    domains = _domain_constraints(asking, second.types)
    used = Uses(reach.dependents, tables)
    classes = second.context.classes.values()
    empty = Snapshot(
        server=first.session.server,
        taken_names=frozenset((row["schema"], row["name"]) for row in second.names if not row["is_constraint"]),
        taken_constraint_names=frozenset((row["schema"], row["name"]) for row in second.names if row["is_constraint"]),
        types={row["oid"]: _type(row, domains, used) for row in second.types},
        functions={item.oid: item for item in second.functions},
        schemas={row["name"]: _schema(row) for row in first.schemas},
        dependents=reach.dependents,
        casts=second.casts,
        operators=first.found.operators,
        operator_classes=tuple(item for item in classes if item.is_default),
        publications=second.context.publications,
        others=first.found.others,
        event_triggers=tuple(EventTrigger(**{**row, "tags": tuple(row["tags"])}) for row in first.event_triggers),
        unread=tuple(_unread(first.session, tables, second)),
        taken_at=first.session.taken_at,
        is_whole=wants.needs_database,
    )
    return _without_own_names(empty.put(*tables.values()))


def _without_own_names(read: Snapshot) -> Snapshot:
    """Only the names of what is not in the snapshot itself: what is may be dropped before a name is chosen."""
    if not read.taken_names and not read.taken_constraint_names:
        return read
    own = {(table.schema, item.name) for table in read.relations.values() for item in table.constraints}
    return replace(
        read,
        taken_names=read.taken_names - read.names.keys(),
        taken_constraint_names=read.taken_constraint_names - own,
    )


def joined(before: Snapshot, now: Snapshot) -> Snapshot:
    """`now` with all that only `before` holds."""
    edges = dict(before.dependents)
    for on, found in now.dependents.items():
        edges[on] = tuple(dict.fromkeys([*edges.get(on, ()), *found]))
    merged = replace(
        before,
        server=now.server,
        taken_names=before.taken_names | now.taken_names,
        taken_constraint_names=before.taken_constraint_names | now.taken_constraint_names,
        types={**before.types, **now.types},
        functions={**before.functions, **now.functions},
        schemas={**before.schemas, **now.schemas},
        dependents=edges,
        casts=now.casts or before.casts,
        operators=tuple(dict.fromkeys([*before.operators, *now.operators])),
        operator_classes=now.operator_classes,
        publications=now.publications,
        others=tuple(dict.fromkeys([*before.others, *now.others])),
        event_triggers=now.event_triggers,
        unread=tuple(dict.fromkeys([*before.unread, *now.unread])),
        taken_at=now.taken_at,
        is_whole=before.is_whole or now.is_whole,
    )
    return _without_own_names(merged.put(*now.relations.values()))


class Uses:
    """Which stored columns hold a type, directly or inside a domain, an array, a range or a row type."""

    def __init__(self, dependents: Mapping[Ref, tuple[Depend, ...]], tables: Mapping[int, Relation]) -> None:
        self._tables = tables
        self._by_object: dict[tuple[str, int], list[Depend]] = {}
        for on, edges in dependents.items():
            self._by_object.setdefault((on.catalog, on.oid), []).extend(edges)

    def of(self, oid: int) -> tuple[tuple[int, int], ...]:
        """(relation, column number) pairs."""
        columns: set[tuple[int, int]] = set()
        seen, left = {oid}, [oid]
        while left:
            for edge in self._by_object.get(("pg_type", left.pop()), ()):
                further = self._next(edge, columns)
                if further and further not in seen:
                    seen.add(further)
                    left.append(further)
        return tuple(sorted(columns))

    def _next(self, edge: Depend, columns: set[tuple[int, int]]) -> int:
        """The type to follow, 0 for none; a column of a stored relation is taken down."""
        dependent = edge.dependent
        if dependent.catalog == "pg_type":
            return dependent.oid
        table = self._tables.get(dependent.oid) if dependent.catalog == "pg_class" and dependent.sub else None
        if table is None:
            return 0
        if table.kind in ("r", "p", "m", "f"):
            columns.add((table.oid, dependent.sub))
        return table.row_type


def _with_positions(asking: Asking, second: SecondRound) -> dict[int, Relation]:
    """The relations by oid, the sequences among them with their positions."""
    tables = {relation.oid: relation for relation in second.relations}
    readable = [tables[row["oid"]] for row in second.sequences if row["oid"] not in second.unread]
    for row in _positions(asking, readable):
        table = tables[row["oid"]]
        if table.sequence is not None and row["is_called"]:
            tables[table.oid] = replace(table, sequence=replace(table.sequence, last=row["last_value"]))
    return tables


def _positions(asking: Asking, sequences: list[Relation], batch: int = 200) -> Iterator[Row]:
    """Read as any SELECT would, under ACCESS SHARE. Nothing where another session holds one of them."""
    for start in range(0, len(sequences), batch):
        selects = [
            sql.SQL("SELECT {}::oid AS oid, last_value, is_called FROM {}").format(
                item.oid, sql.Identifier(item.schema, item.name)
            )
            for item in sequences[start : start + batch]
        ]
        yield from asking.tentative(sql.SQL(" UNION ALL ").join(selects))


def _domain_constraints(asking: Asking, types: list[Row]) -> dict[int, list[DomainConstraint]]:
    domains = [row["oid"] for row in types if row["kind"] == "d"]
    found: dict[int, list[DomainConstraint]] = {}
    if domains:
        for row in asking.all([("domain_constraints", {"types": domains})])[0]:
            found.setdefault(row.pop("type"), []).append(DomainConstraint(**row))
    return found


def _type(row: Row, domains: Mapping[int, list[DomainConstraint]], used: Uses) -> Type:
    fields = {**row, "labels": tuple(row["labels"])}
    return Type(**fields, constraints=tuple(domains.get(row["oid"], ())), used_by=used.of(row["oid"]))


def _function(row: Row) -> Function:
    lists = {name: tuple(row[name]) for name in ("arguments", "argument_names", "settings", "relations")}
    return Function(**{**row, **lists})


def _publication(row: Row) -> Publication:
    return Publication(**{**row, "relations": tuple(row["relations"]), "schemas": tuple(row["schemas"])})


def _schema(row: Row) -> Schema:
    return Schema(oid=row["oid"], name=row["name"], owner=row["owner"], may_create=row["may_create"])


def _unread(session: Session, tables: Mapping[int, Relation], second: SecondRound) -> Iterator[Unread]:
    """What could not be read, each once, with what would show it."""
    role = quoted(session.reader)
    if second.unread:
        yield Unread(
            what=f"exact size and definitions of {_some(tables, second.unread)}",
            why="another session holds or awaits ACCESS EXCLUSIVE there; "
            "the size is the one of the last VACUUM or ANALYZE",
            remedy="run gate again when that session is done",
        )
    hidden = [oid for oid in second.hidden if oid in tables and tables[oid].kind in _WITH_ROWS]
    if hidden:
        names = _some(tables, hidden)
        yield Unread(
            what=f"whether the columns of {names} have statistics (taken as: all), and where sequences stand",
            why=f"{role} may not read them",
            remedy=f"GRANT {f'SELECT ON {names}' if len(hidden) <= _MOST else 'pg_read_all_data'} TO {role}",
        )
    if not session.sees_sessions:
        yield Unread(
            what="the queries and ages of other roles' sessions, and the lag of replicas",
            why=f"{role} is no member of pg_read_all_stats",
            remedy=f"GRANT pg_monitor TO {role}",
        )


_WITH_ROWS = ("r", "p", "m", "f", "S")
_MOST = 5


def _some(tables: Mapping[int, Relation], oids: Iterable[int]) -> str:
    """The names in order, the first few of them."""
    names = sorted(str(Name(tables[oid].name, tables[oid].schema)) for oid in oids if oid in tables)
    more = [f"{len(names) - _MOST} more"] if len(names) > _MOST else []
    return ", ".join(names[:_MOST] + more)
