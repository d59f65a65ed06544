"""What `gate calibrate` times: fixed statements on scratch tables of its own, found by the search path."""

from __future__ import annotations

from dataclasses import dataclass

from gate.plan.calibration import Scratch


@dataclass(frozen=True, slots=True, kw_only=True)
class Probe:
    """`sql` is timed, at most `times` times; `before` is not. All of it is taken back to where it began."""

    name: str
    sql: bytes
    before: tuple[bytes, ...] = ()
    times: int = 3


def scratch_tables(scratch: Scratch) -> tuple[tuple[bytes, tuple[int, ...]], ...]:
    """Statements with their parameters that make the scratch tables."""
    return (
        (b"CREATE TABLE wide (id int, " + _WIDE_COLUMNS + b")", ()),
        (b"INSERT INTO wide SELECT g, " + _WIDE_VALUES + b" FROM generate_series(1, %s) g", (scratch.wide_rows,)),
        (b"CREATE TABLE narrow (id bigint, n int, k text, at timestamptz)", ()),
        (
            _NARROW_ROWS,
            (scratch.parent_rows, scratch.narrow_rows),
        ),
        (b"CREATE TABLE long (id int, body text)", ()),
        (b"ALTER TABLE long ALTER COLUMN body SET STORAGE EXTERNAL", ()),
        (
            b"INSERT INTO long SELECT g, repeat(md5(g::text), 200) FROM generate_series(1, %s) g",
            (scratch.long_rows,),
        ),
        (b"CREATE TABLE parents (id int)", ()),
        (b"INSERT INTO parents SELECT g FROM generate_series(1, %s) g", (scratch.parent_rows,)),
        (b"ALTER TABLE parents ADD PRIMARY KEY (id)", ()),
        (b"CREATE TABLE listed (tags int[])", ()),
        (
            _LISTED_ROWS,
            (scratch.listed_rows,),
        ),
        (b"CREATE TABLE spans (r int4range)", ()),
        (
            b"INSERT INTO spans SELECT int4range(n, n + 10) FROM narrow WHERE id <= %s",
            (scratch.span_rows,),
        ),
        (b"ANALYZE narrow, wide, parents", ()),
    )


_NARROW_ROWS = b"""
INSERT INTO narrow SELECT g, 1 + abs(hashint8(g)::bigint) %% %s, md5(g::text),
    timestamptz '2024-01-01' + g * interval '1 s'
FROM generate_series(1, %s) g
"""
_LISTED_ROWS = b"""
INSERT INTO listed SELECT ARRAY(SELECT abs(hashint8(g * 8 + i)::bigint) %% 5000 FROM generate_series(1, 8) i)
FROM generate_series(1, %s) g
"""
_WIDE_COLUMNS = ", ".join([*(f"n{i} int" for i in range(8)), *(f"s{i} text" for i in range(16))]).encode()
_WIDE_VALUES = ", ".join([*(f"g + {i}" for i in range(8)), *(f"md5((g + {i})::text)" for i in range(16))]).encode()

_SERIAL = b"SET LOCAL max_parallel_maintenance_workers = 0"
# Under a publication of all tables rows change only where they have an identity.
_IDENTITY = b"ALTER TABLE changed REPLICA IDENTITY FULL"
_CHANGED = b"CREATE TABLE changed AS SELECT * FROM narrow"

PROBES = (
    # First moved into files that the server's own cache does not hold: like a large table's, their pages come from the
    # system's cache.
    Probe(
        name="scan of wide rows",
        sql=b"ALTER TABLE wide ADD CHECK (n0 >= 0)",
        before=(b"CREATE INDEX by_id ON wide (id)", b"CLUSTER wide USING by_id"),
    ),
    Probe(
        name="scan of narrow rows",
        sql=b"ALTER TABLE narrow ADD CHECK (n >= 0)",
        before=(b"CREATE INDEX by_id ON narrow (id)", b"CLUSTER narrow USING by_id"),
    ),
    Probe(name="index in order", sql=b"CREATE INDEX ON narrow (id)", before=(_SERIAL,)),
    Probe(name="index of numbers", sql=b"CREATE INDEX ON narrow (n)", before=(_SERIAL,)),
    Probe(name="index of texts", sql=b"CREATE INDEX ON narrow (k)", before=(_SERIAL,)),
    Probe(
        name="index with a worker",
        sql=b"CREATE INDEX ON narrow (n)",
        before=(b"ALTER TABLE narrow SET (parallel_workers = 1)",),
    ),
    Probe(name="rewrite of narrow rows", sql=b"ALTER TABLE narrow ALTER COLUMN n TYPE bigint"),
    Probe(name="rewrite of wide rows", sql=b"ALTER TABLE wide ALTER COLUMN n0 TYPE bigint"),
    Probe(
        name="move of narrow rows", sql=b"CLUSTER narrow USING by_id", before=(b"CREATE INDEX by_id ON narrow (id)",)
    ),
    Probe(name="look into TOAST", sql=b"ALTER TABLE long ADD CHECK (length(body) > 0)"),
    Probe(name="rewrite of TOAST", sql=b"ALTER TABLE long ALTER COLUMN id TYPE bigint"),
    Probe(
        name="insert", sql=b"INSERT INTO changed SELECT * FROM narrow", before=(b"CREATE TABLE changed (LIKE narrow)",)
    ),
    Probe(
        name="insert with indexes",
        sql=b"INSERT INTO changed SELECT * FROM narrow WHERE id % 5 = 0",
        before=(_CHANGED, b"CREATE INDEX ON changed (n)", b"CREATE INDEX ON changed (k)"),
    ),
    Probe(name="update", sql=b"UPDATE changed SET n = n + 1", before=(_CHANGED, _IDENTITY)),
    Probe(name="delete", sql=b"DELETE FROM changed", before=(_CHANGED, _IDENTITY)),
    Probe(
        name="foreign key",
        sql=b"ALTER TABLE narrow ADD FOREIGN KEY (n) REFERENCES parents",
    ),
    Probe(
        name="insert with a foreign key",
        sql=b"INSERT INTO changed SELECT * FROM narrow WHERE id % 20 = 0",
        before=(b"CREATE TABLE changed (LIKE narrow)", b"ALTER TABLE changed ADD FOREIGN KEY (n) REFERENCES parents"),
    ),
    Probe(name="index, GIN", sql=b"CREATE INDEX ON listed USING gin (tags)", before=(_SERIAL,)),
    Probe(name="index, hash", sql=b"CREATE INDEX ON narrow USING hash (n)", times=2),
    Probe(name="index, GiST", sql=b"CREATE INDEX ON spans USING gist (r)", times=2),
    Probe(name="random UUIDs", sql=b"SELECT count(gen_random_uuid()) FROM generate_series(1, 50000)"),
    Probe(name="catalog", sql=b"ALTER TABLE spans ADD COLUMN a int"),
)
