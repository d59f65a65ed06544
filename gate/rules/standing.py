"""Numbers that run out in the database as it stands, whatever is pending: from the catalog alone."""

from __future__ import annotations

from collections.abc import Iterator

from gate.model.capacity import SHARE, WHOLE, Capacity, KeyPosition, SequencePosition
from gate.model.names import quoted
from gate.model.plan import Finding, Severity
from gate.rules.capacity import NARROW, is_narrower, narrow, written


def standing(capacity: Capacity) -> tuple[Finding, ...]:
    """What stands in the catalog already, whatever is pending: nearly full sequences and keys, narrow foreign keys."""
    return (*_sequences(capacity), *_keys(capacity), *_narrow_pairs(capacity))


def _sequences(capacity: Capacity) -> Iterator[Finding]:
    for item in capacity.sequences:
        share, limit, what = _share(item)
        if share < SHARE:
            continue
        column = f"{item.table}.{item.column}" if item.table else ""
        yield Finding(
            rule="key-near-its-end" if what == "column" else "sequence-near-its-end",
            severity=Severity.WARN,
            problem=f"sequence {item.name} stands at {item.last:,}, {_percent(share)} of {limit:,}, "
            + (f"the most that {column} ({WHOLE[item.column_type][0]}) holds" if what == "column" else "its end")
            + ": after that every insert that asks it for a number fails",
            remedy=_wider(item, what),
            relation=item.table or item.name,
        )


def _share(item: SequencePosition) -> tuple[float, int, str]:
    """How much of its way it has come, where that ends, and whether the sequence or its column ends it."""
    if item.increment < 0:
        low = -WHOLE[item.column_type][1] - 1 if item.column_type in WHOLE else item.minimum
        end, what = (item.minimum, "sequence") if item.minimum >= low else (low, "column")
        return (item.last / end if end < 0 and item.last < 0 else 0.0), end, what
    end, what = item.maximum, "sequence"
    if item.column_type in WHOLE and WHOLE[item.column_type][1] < end:
        end, what = WHOLE[item.column_type][1], "column"
    if what == "sequence" and item.is_cyclic:
        return 0.0, end, what
    return (item.last / end if end > 0 else 0.0), end, what


def _percent(share: float) -> str:
    return f"{int(min(share, 1.0) * 100)} %"


def _wider(item: SequencePosition, what: str) -> str:
    table = written(item.table) if item.table else ""
    if what == "column" or WHOLE.get(item.column_type, ("",))[0] in ("smallint", "integer"):
        also = "" if what == "column" or item.is_identity else f", and ALTER SEQUENCE {written(item.name)} AS bigint"
        return (
            f"make {table}.{quoted(item.column)} bigint before that, and every column that refers to it first: "
            f"ALTER COLUMN TYPE, which gate release runs in steps on a large table{also}"
        )
    alter = f"ALTER SEQUENCE {written(item.name)} AS bigint"
    if item.increment > 0 and item.maximum < WHOLE[20][1]:
        return f"{alter} MAXVALUE {WHOLE[20][1]}, which is instant and looks at no row"
    if item.increment < 0 and item.minimum > -WHOLE[20][1] - 1:
        return f"{alter} MINVALUE {-WHOLE[20][1] - 1}, which is instant and looks at no row"
    return f"let {written(item.name)} begin anew in a range that is free"


def _keys(capacity: Capacity) -> Iterator[Finding]:
    yield from (_key(item) for item in capacity.keys)
    positions = {(item.table_oid, item.column_number): item for item in capacity.sequences if item.increment > 0}
    known = {(item.table, item.column) for item in capacity.keys}
    for pair in capacity.pairs:
        source = positions.get((pair.key_table_oid, pair.key_number))
        if source is None or pair.type not in WHOLE or (pair.table, pair.column) in known:
            continue
        name, limit = WHOLE[pair.type]
        if source.last >= SHARE * limit:
            yield Finding(
                rule="key-near-its-end",
                severity=Severity.WARN,
                problem=f"{pair.table}.{pair.column} is {name} and refers to {pair.key_table}.{pair.key_column}, whose "
                f"sequence stands at {source.last:,}: past {limit:,} no row can refer to a new one",
                remedy=f"make {written(pair.table)}.{quoted(pair.column)} {pair.key_type_name} before that: ALTER "
                "COLUMN TYPE, which gate release runs in steps on a large table",
                relation=pair.table,
            )


def _key(item: KeyPosition) -> Finding:
    name, limit = WHOLE[item.type]
    return Finding(
        rule="key-near-its-end",
        severity=Severity.WARN,
        problem=f"{item.table}.{item.column} ({name}) holds values up to {item.highest:,} at least, "
        f"{_percent(item.highest / limit)} of {limit:,}: larger ones are refused",
        remedy=f"make {written(item.table)}.{quoted(item.column)} a wider type before that: by a new column, filled in "
        "batches, on a large table",
        relation=item.table,
    )


def _narrow_pairs(capacity: Capacity) -> Iterator[Finding]:
    for pair in capacity.pairs:
        if is_narrower(pair.type, pair.typmod, pair.key_type, pair.key_typmod):
            problem, remedy = narrow(pair)
            yield Finding(rule=NARROW, severity=Severity.WARN, problem=problem, remedy=remedy, relation=pair.table)
