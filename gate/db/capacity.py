"""How full sequences and keys are, from the catalog of the whole database: two bounded rounds, under ACCESS SHARE."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

import psycopg
from psycopg import errors, sql

from gate.db.asking import Ask, Asking, Row
from gate.db.errors import translated
from gate.model.capacity import SHARE, Capacity, KeyPair, KeyPosition, SequencePosition
from gate.model.names import quoted
from gate.model.units import plural
from gate.model.unread import Unread

_BEGIN, _END = b"BEGIN READ ONLY", b"ROLLBACK"
_LIMITS = {"lock_timeout": "100ms", "statement_timeout": "5s", "scans": "off", "work_mem": "16MB"}
_MOST = 300
"""Tables, sequences and foreign keys that are looked at in a very large catalog."""
_BATCH = 100


def read(connection: psycopg.Connection) -> Capacity:
    """Where the sequences stand, keys that are nearly full, foreign keys of another type than their key.

    Raises:
        Unreachable, MissingPrivilege: the server went away, or the role may not read the catalog.
    """
    asking = Asking(connection)
    try:
        first: list[Ask] = [
            ("begin", _LIMITS),
            ("locked", {}),
            ("capacity_tables", {"most": _MOST}),
            ("capacity_foreign_keys", {"most": _MOST}),
        ]
        _, locked, tables, pairs = asking.all(first, before=(_BEGIN,))
        fullest = [row["oid"] for row in tables]
        second: list[Ask] = [
            ("capacity_sequences", {"tables": fullest, "most": _MOST}),
            ("capacity_keys", {"tables": fullest, "share": SHARE}),
        ]
        sequences, keys = asking.all(second)
        positions = dict(_positions(asking, sequences, {row["oid"] for row in locked}))
    except errors.QueryCanceled:
        return Capacity(unread=(_TOO_SLOW,))
    except psycopg.Error as error:
        raise translated(error) from error
    finally:
        asking.end()
    owned = {(row["table_oid"], row["column_number"]) for row in sequences}
    return Capacity(
        sequences=tuple(_sequence(row, last) for row in sequences if (last := positions.get(row["oid"])) is not None),
        keys=tuple(_key(row) for row in keys if (row["oid"], row["number"]) not in owned),
        pairs=tuple(_pair(row) for row in pairs),
        unread=tuple(_unread(sequences, positions, quoted(connection.info.user))),
    )


def _positions(asking: Asking, sequences: Iterable[Row], locked: set[int]) -> Iterator[tuple[int, int | None]]:
    """Positions (None for one never used), batch by batch: the locks of one are given back before the next."""
    readable = [row for row in sequences if row["is_readable"] and row["oid"] not in locked]
    for start in range(0, len(readable), _BATCH):
        selects = [
            sql.SQL("SELECT {}::oid AS oid, CASE WHEN is_called THEN last_value END AS last FROM {}").format(
                row["oid"], sql.Identifier(row["schema"], row["name"])
            )
            for row in readable[start : start + _BATCH]
        ]
        for row in asking.tentative(sql.SQL(" UNION ALL ").join(selects)):
            yield row["oid"], row["last"]


def _sequence(row: Row, last: int) -> SequencePosition:
    return SequencePosition(
        name=f"{row['schema']}.{row['name']}",
        maximum=row["maximum"],
        minimum=row["minimum"],
        increment=row["increment"],
        last=last,
        is_cyclic=row["is_cyclic"],
        is_identity=row["is_identity"],
        table=f"{row['table_schema']}.{row['table_name']}" if row["table_oid"] else "",
        table_oid=row["table_oid"],
        column=row["column_name"] or "",
        column_number=row["column_number"],
        column_type=row["column_type"] or 0,
    )


def _key(row: Row) -> KeyPosition:
    return KeyPosition(
        table=f"{row['schema']}.{row['table']}", column=row["column"], type=row["type"], highest=row["highest"]
    )


def _pair(row: Row) -> KeyPair:
    return KeyPair(
        name=row["name"],
        table=f"{row['schema']}.{row['table']}",
        column=row["column"],
        type=row["type"],
        typmod=row["typmod"],
        type_name=row["type_name"],
        key_table=f"{row['key_schema']}.{row['key_table']}",
        key_column=row["key_column"],
        key_type=row["key_type"],
        key_typmod=row["key_typmod"],
        key_type_name=row["key_type_name"],
        key_table_oid=row["key_table_oid"],
        key_number=row["key_number"],
    )


_TOO_SLOW = Unread(
    what="how far sequences and keys have come",
    why="the server did not answer in 5 s",
    remedy="SELECT * FROM pg_sequences shows the sequences",
)


def _unread(sequences: list[Row], positions: Mapping[int, int | None], role: str) -> Iterator[Unread]:
    missed = [row for row in sequences if row["is_readable"] and row["oid"] not in positions]
    if missed:
        yield Unread(
            what=f"how far {plural(len(missed), 'sequence')} {'has' if len(missed) == 1 else 'have'} come",
            why="another session holds or drops one of them",
            remedy="plan again when that session is done",
        )
    hidden = [row for row in sequences if not row["is_readable"]]
    if hidden:
        yield Unread(
            what=f"how far {plural(len(hidden), 'sequence')} {'has' if len(hidden) == 1 else 'have'} come",
            why=f"{role} may not read them",
            remedy=f"GRANT pg_read_all_data TO {role}",
        )
    if sequences and not sequences[0]["are_all"]:
        yield Unread(
            what="how far the sequences of the smaller tables have come",
            why=f"there are more than {_MOST:,} sequences; those of the {_MOST:,} fullest tables were read",
            remedy="SELECT * FROM pg_sequences shows all of them",
        )
