"""Rows of the second round become `Relation` values."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from gate.db.asking import Ask, Row
from gate.model.catalog import (
    Column,
    Constraint,
    Gathered,
    Granted,
    Index,
    IndexKey,
    OperatorClass,
    Policy,
    Publication,
    Relation,
    Rule,
    Sequence,
    Statistics,
    Trigger,
)

PRIVILEGES = ("SELECT", "INSERT", "UPDATE", "DELETE", "TRUNCATE", "REFERENCES", "TRIGGER")
_EVENTS = {4: "insert", 8: "delete", 16: "update", 32: "truncate"}
_RULE_EVENTS = {"1": "select", "2": "update", "3": "insert", "4": "delete"}

PARTS = (
    "relations", "columns", "gathered", "constraints", "referenced", "indexes", "triggers", "rules", "policies",
    "statistics", "sequences", "sizes", "definitions",
)  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Context:
    """What the rows need to become values."""

    block_size: int
    classes: Mapping[int, OperatorClass]
    publications: tuple[Publication, ...]
    known: dict[Any, Any] = field(default_factory=dict)

    def shared(self, value: Any) -> Any:
        """The first value that equals this one: ten thousand tables have the same few columns and words."""
        return self.known.setdefault(value, value)


def asks(oids: list[int], *, role_oid: int, major: int, locked: list[int], sees_statistics: bool) -> list[Ask]:
    """One query per part, in the order of `PARTS`."""
    wanted: dict[str, Any] = {"relations": oids}
    more: dict[str, dict[str, Any]] = {
        "relations": {"privileges": privileges(major), "role": role_oid, "locked": locked},
        "columns": {"locked": locked},
        "constraints": {"locked": locked},
        "indexes": {"locked": locked},
        "statistics": {"locked": locked},
        "sizes": {"locked": locked},
        "definitions": {"locked": locked},
    }
    names = {"gathered": "gathered" if sees_statistics else "gathered_seen"}
    return [(names.get(part, part), wanted | more.get(part, {})) for part in PARTS]


def privileges(major: int) -> list[str]:
    """The table privileges that this server knows."""
    return [*PRIVILEGES, "MAINTAIN"] if major >= 17 else [*PRIVILEGES]


def built(answers: list[list[Row]], context: Context, *, sees_statistics: bool) -> list[Relation]:
    """The relations that the answers to `asks` describe."""
    parts = dict(zip(PARTS, answers, strict=True))
    sizes = {row["oid"]: row for row in parts["sizes"]}
    gathered = {(row["relation"], row["number"]): context.shared(_gathered(row)) for row in parts["gathered"]}
    texts = {row["rule"]: row["definition"] for row in parts["definitions"]}
    by_relation = {part: _grouped(parts[part]) for part in PARTS if part not in ("relations", "sizes", "sequences")}
    sequences = {row["oid"]: _sequence(row) for row in parts["sequences"]}
    relations = []
    for row in parts["relations"]:
        oid = row["oid"]
        of = {part: rows[oid] for part, rows in by_relation.items() if oid in rows}
        constraints = tuple(_constraint(item) for item in of.get("constraints", ()))
        owned = {item.index: item.oid for item in constraints if item.kind in ("p", "u", "x")}
        indexes = tuple(_index(item, owned, sizes, context) for item in of.get("indexes", ()))
        relation = _relation(row, sizes.get(oid), indexes, context)
        rules = of.get("rules", ())
        relations.append(
            replace(
                relation,
                columns=tuple(
                    context.shared(_column(item, gathered, sees_all=sees_statistics)) for item in of.get("columns", ())
                ),
                constraints=constraints,
                indexes=indexes,
                triggers=tuple(_trigger(item) for item in of.get("triggers", ())),
                rules=tuple(_rule(item, texts) for item in rules if item["name"] != "_RETURN"),
                reads=tuple(oid for item in rules if item["name"] == "_RETURN" for oid in item["relations"]),
                definition=next((texts.get(item["oid"]) for item in rules if item["name"] == "_RETURN"), None),
                policies=tuple(_policy(item) for item in of.get("policies", ())),
                statistics=tuple(_statistics(item) for item in of.get("statistics", ())),
                sequence=sequences.get(oid),
                referenced_by=tuple((item["table"], item["constraint"]) for item in of.get("referenced", ())),
                publications=_publications(relation, context.publications),
            )
        )
    return relations


def _grouped(rows: Iterable[Row]) -> dict[int, list[Row]]:
    grouped: dict[int, list[Row]] = defaultdict(list)
    for row in rows:
        grouped[row["relation"]].append(row)
    return grouped


_PLAIN = (
    "oid", "name", "row_type", "of_type", "pages", "is_partition", "is_default_partition", "partition_bound",
    "partition_key", "has_row_security", "forces_row_security", "is_populated", "is_system",
)  # fmt: skip
_WORDS = (
    "schema", "kind", "owner", "persistence", "access_method", "tablespace", "partition_strategy", "replica_identity",
    "extension",
)  # fmt: skip


def _relation(row: Row, size: Row | None, indexes: tuple[Index, ...], context: Context) -> Relation:
    bytes_ = _bytes(row, size, indexes, context.block_size)
    is_empty = (
        size is not None and row["kind"] in ("r", "m") and not size["heap_bytes"] and not size["toast_heap_bytes"]
    )
    return Relation(
        **{name: row[name] for name in _PLAIN},
        **{name: context.shared(row[name]) for name in _WORDS},
        **bytes_,
        options=tuple(row["options"]),
        rows=_rows(row, bytes_["heap_bytes"], context.block_size),
        partition_columns=tuple(row["partition_columns"]),
        partition_keys=tuple(row["partition_keys"]),
        partition_classes=tuple(row["partition_classes"]),
        is_known_empty=is_empty,
        parents=tuple(row["parents"]),
        children=tuple(row["children"]),
        privileges=context.shared(frozenset(row["privileges"])),
    )


def _bytes(row: Row, size: Row | None, indexes: tuple[Index, ...], block_size: int) -> dict[str, Any]:
    """Sizes as the server told them, or from `relpages` where it was not to be asked; None without storage."""
    if row["kind"] not in ("r", "m", "t"):
        return {"heap_bytes": None, "index_bytes": None, "toast_bytes": None, "total_bytes": None}
    index_bytes = sum(index.size_bytes or 0 for index in indexes)
    if size is not None:
        heap, toast, table = size["heap_bytes"] or 0, size["toast_bytes"] or 0, size["table_bytes"] or 0
    else:
        heap, toast = row["pages"] * block_size, (row["toast_pages"] or 0) * block_size
        table = heap + toast
    return {"heap_bytes": heap, "index_bytes": index_bytes, "toast_bytes": toast, "total_bytes": table + index_bytes}


def _rows(row: Row, heap_bytes: int | None, block_size: int) -> float | None:
    """The planner's estimate: the density of the last VACUUM or ANALYZE times the pages of now; None if unknown."""
    rows, pages = row["rows"], row["pages"]
    if rows is None or heap_bytes is None:
        return None if rows is None else float(rows)
    now = heap_bytes // block_size
    if pages == 0:
        return 0.0 if now == 0 else None
    return float(rows) if now == pages else round(float(rows) / pages * now)


def _column(row: Row, gathered: Mapping[tuple[int, int], Gathered], *, sees_all: bool) -> Column:
    found = gathered.get((row["relation"], row["number"]))
    return Column(
        **{name: row[name] for name in _COLUMN},
        has_statistics=found is not None or (row["is_hidden"] and not sees_all),
        gathered=found,
        options=tuple(row["options"]),
        grants=_grants(row),
    )


def _grants(row: Row) -> tuple[Granted, ...]:
    """An access control list that is not the default one, in the order of the catalog."""
    return tuple(
        Granted(grantee=grantee, privilege=privilege, is_grantable=is_grantable, grantor=grantor)
        for grantee, privilege, is_grantable, grantor in row["grants"] or ()
    )


def _gathered(row: Row) -> Gathered:
    """Rounded as far as an estimate needs them: a stored catalog is to be read, and equal columns are kept once."""
    return Gathered(
        width_bytes=row["width_bytes"],
        null_share=round(row["null_share"], 3),
        distinct=round(row["distinct"], 3),
        correlation=None if row["correlation"] is None else round(row["correlation"], 2),
        elements=None if row["elements"] is None else round(row["elements"], 1),
    )


_COLUMN = (
    "number", "name", "type", "typmod", "collation", "is_not_null", "default", "volatility", "identity", "generated",
    "is_local", "inherit_count", "storage", "statistics_target", "comment",
)  # fmt: skip


def _constraint(row: Row) -> Constraint:
    lists = {name: tuple(row[name]) for name in ("columns", "referenced_columns", "set_columns")}
    return Constraint(**{**row, **lists})


_INDEX = (
    "oid", "name", "relation", "is_unique", "is_primary", "is_exclusion", "is_valid", "is_replica_identity",
    "is_clustered", "has_expressions", "has_predicate", "is_partitioned", "parent",
    "definition", "written", "comment",
)  # fmt: skip
_INDEX_WORDS = ("schema", "method", "owner", "tablespace")


def _index(row: Row, owned: Mapping[int, int], sizes: Mapping[int, Row], context: Context) -> Index:
    count, attributes = row["key_count"], row["attributes"]
    size = sizes.get(row["oid"])
    guessed = None if row["is_partitioned"] else row["pages"] * context.block_size
    keys = tuple(
        _key(column, opclass, collation, context.classes)
        for column, opclass, collation in zip(attributes[:count], row["opclasses"], row["collations"], strict=True)
    )
    return Index(
        **{name: row[name] for name in _INDEX},
        **{name: context.shared(row[name]) for name in _INDEX_WORDS},
        keys=context.shared(keys),
        include=tuple(attributes[count:]),
        columns=context.shared(tuple(sorted({*attributes, *row["uses"]} - {0}))),
        size_bytes=guessed if size is None else size["table_bytes"],
        constraint=owned.get(row["oid"], 0),
    )


def _key(column: int, opclass: int, collation: int, classes: Mapping[int, OperatorClass]) -> IndexKey:
    known = classes.get(opclass)
    return IndexKey(
        column=column,
        opclass=opclass,
        opclass_input=known.input if known else 0,
        is_default_opclass=known.is_default if known else True,
        collation=collation,
    )


def _trigger(row: Row) -> Trigger:
    """`pg_trigger.tgtype` is a set of bits: `src/include/catalog/pg_trigger.h`."""
    fields = dict(row)
    bits = fields.pop("bits")
    return Trigger(
        **{**fields, "columns": tuple(fields["columns"])},
        events=frozenset(event for bit, event in _EVENTS.items() if bits & bit),
        timing="before" if bits & 2 else "instead" if bits & 64 else "after",
        is_row=bool(bits & 1),
    )


def _rule(row: Row, texts: Mapping[int, str]) -> Rule:
    fields = {**row, "event": _RULE_EVENTS.get(row["event"], row["event"]), "relations": tuple(row["relations"])}
    return Rule(**fields, definition=texts.get(row["oid"]))


def _policy(row: Row) -> Policy:
    return Policy(**{**row, "relations": tuple(row["relations"])})


def _statistics(row: Row) -> Statistics:
    return Statistics(**{**row, "columns": tuple(row["columns"])})


def _sequence(row: Row) -> Sequence:
    fields = {**row, "grants": _grants(row)}
    fields.pop("is_readable")
    return Sequence(**fields)


def _publications(relation: Relation, publications: Iterable[Publication]) -> tuple[str, ...]:
    """The publications that name the relation, its schema, or every table."""
    if relation.kind not in ("r", "p") or relation.persistence != "p" or relation.is_system:
        return ()
    return tuple(
        item.name
        for item in publications
        if item.is_for_all_tables or relation.oid in item.relations or relation.schema in item.schemas
    )


def part(answers: list[list[Row]], name: str) -> list[Row]:
    """The rows of one part of the answers to `asks`."""
    return answers[PARTS.index(name)]
