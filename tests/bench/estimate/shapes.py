"""Tables of several shapes, and what is done to each. Values look random, and are the same in every run."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Operation:
    """One statement to be estimated and timed.

    It is rolled back; one that refuses a transaction block (`is_alone`) commits, and `undo` takes it back. `setup` is
    committed before, `undo` after it.
    """

    what: str
    sql: str
    setup: str = ""
    undo: str = ""
    is_alone: bool = False


@dataclass(frozen=True, kw_only=True)
class Shape:
    """`make` is SQL with `{rows}`; `row_bytes` is about what a row takes with its indexes, to reach a wanted size."""

    name: str
    row_bytes: int
    make: str
    operations: tuple[Operation, ...]

    def sql(self, megabytes: int) -> str:
        """What makes it, of that size."""
        return self.make.format(rows=megabytes * 2**20 // self.row_bytes)


def _alone(what: str, sql: str, undo: str = "") -> Operation:
    return Operation(what=what, sql=sql, undo=undo, is_alone=True)


def _done(what: str, sql: str, setup: str = "", undo: str = "") -> Operation:
    return Operation(what=what, sql=sql, setup=setup, undo=undo)


# A number that looks random, from a row's number.
_ANY = "abs(hashint8({of})::bigint)"
_OFF = "WITH (autovacuum_enabled = off, toast.autovacuum_enabled = off)"

_NARROW = Shape(
    name="narrow",
    row_bytes=100,
    make=f"""
CREATE TABLE people (id bigint PRIMARY KEY);
INSERT INTO people SELECT g FROM generate_series(1, {{rows}} / 10) g;
CREATE TABLE t (id bigint, person_id bigint, amount int, at timestamptz) {_OFF};
INSERT INTO t SELECT g, 1 + {_ANY.format(of="g")} % ({{rows}} / 10), {_ANY.format(of="g + 7")} % 1000000,
    timestamptz '2024-01-01' + g * interval '7 s' FROM generate_series(1, {{rows}}) g;
ALTER TABLE t ADD PRIMARY KEY (id);
CREATE MATERIALIZED VIEW sums AS SELECT person_id, count(*) AS entries, sum(id) AS ids FROM t GROUP BY person_id;
""",
    operations=(
        _done("index, random int", "CREATE INDEX ON t (amount)"),
        _done("index, timestamp in order", "CREATE INDEX ON t (at)"),
        _done("index of two columns", "CREATE INDEX ON t (person_id, at)"),
        _done("index, a tenth of the rows", "CREATE INDEX ON t (at) WHERE amount < 100000"),
        _done("index, BRIN", "CREATE INDEX ON t USING brin (at)"),
        _done("index, hash", "CREATE INDEX ON t USING hash (person_id)"),
        _alone("index concurrently", "CREATE INDEX CONCURRENTLY made ON t (person_id)", "DROP INDEX made"),
        _done("unique index in order", "ALTER TABLE t ADD UNIQUE (id, amount)"),
        _done("CHECK", "ALTER TABLE t ADD CHECK (amount >= 0)"),
        _done("SET NOT NULL", "ALTER TABLE t ALTER COLUMN amount SET NOT NULL"),
        _done("foreign key", "ALTER TABLE t ADD FOREIGN KEY (person_id) REFERENCES people"),
        _done(
            "VALIDATE foreign key",
            "ALTER TABLE t VALIDATE CONSTRAINT made",
            setup="ALTER TABLE t ADD CONSTRAINT made FOREIGN KEY (person_id) REFERENCES people NOT VALID",
            undo="ALTER TABLE t DROP CONSTRAINT made",
        ),
        _done("volatile default", "ALTER TABLE t ADD COLUMN token uuid DEFAULT gen_random_uuid()"),
        _done("int to bigint", "ALTER TABLE t ALTER COLUMN amount TYPE bigint"),
        _done("REFRESH", "REFRESH MATERIALIZED VIEW sums"),
        _done("DELETE half", "DELETE FROM t WHERE id % 2 = 0"),
        _alone("VACUUM FULL", "VACUUM FULL t"),
        _done("CLUSTER", "CLUSTER t USING t_pkey"),
        _alone("REINDEX", "REINDEX TABLE t"),
        _done("UPDATE all", "UPDATE t SET amount = amount + 1", undo="VACUUM t"),
    ),
)

_WIDE = Shape(
    name="wide",
    row_bytes=700,
    make=f"""
CREATE TABLE t (id bigint, {", ".join(f"n{i} int" for i in range(10))}, {", ".join(f"s{i} text" for i in range(8))},
    {", ".join(f"m{i} numeric(12, 2)" for i in range(4))}, created_at timestamptz,
    updated_at timestamptz, is_on boolean) {_OFF};
INSERT INTO t SELECT g, {", ".join(f"{_ANY.format(of=f'g + {i}')} % 100000" for i in range(10))},
    {", ".join(f"md5((g + {i})::text) || md5((g * {i + 2})::text)" for i in range(8))},
    {", ".join(f"({_ANY.format(of=f'g * {i + 3}')} % 1000000) / 100.0" for i in range(4))},
    timestamptz '2024-01-01' + g * interval '1 s',
    now(), g % 3 = 0 FROM generate_series(1, {{rows}}) g;
ALTER TABLE t ADD PRIMARY KEY (id);
CREATE INDEX t_s0 ON t (s0);
""",
    operations=(
        _done("index, int", "CREATE INDEX ON t (n3)"),
        _done("index, long text", "CREATE INDEX ON t (s1)"),
        _done("index, expression", "CREATE INDEX ON t (lower(s2))"),
        _alone("index concurrently, text", "CREATE INDEX CONCURRENTLY made ON t (s3)", "DROP INDEX made"),
        _done("CHECK on text", "ALTER TABLE t ADD CHECK (length(s5) > 3)"),
        _done("SET NOT NULL, late column", "ALTER TABLE t ALTER COLUMN is_on SET NOT NULL"),
        _done("UNIQUE text", "ALTER TABLE t ADD UNIQUE (s4, id)"),
        _done("volatile default", "ALTER TABLE t ADD COLUMN token uuid DEFAULT gen_random_uuid()"),
        _done("int to bigint", "ALTER TABLE t ALTER COLUMN n4 TYPE bigint"),
        _done("text to varchar(100)", "ALTER TABLE t ALTER COLUMN s6 TYPE varchar(100)"),
        _done("DELETE half", "DELETE FROM t WHERE id % 2 = 0"),
        _alone("VACUUM FULL", "VACUUM FULL t"),
        _done("CLUSTER by text", "CLUSTER t USING t_s0"),
        _done("UPDATE all", "UPDATE t SET n1 = n1 + 1", undo="VACUUM t"),
    ),
)

_TOASTED = Shape(
    name="TOASTed",
    row_bytes=6600,
    make=f"""
CREATE TABLE t (id bigint, kind int, title text, body text) {_OFF};
ALTER TABLE t ALTER COLUMN body SET STORAGE EXTERNAL;
INSERT INTO t SELECT g, {_ANY.format(of="g")} % 100, md5(g::text),
    (SELECT string_agg(md5((g * 200 + i)::text), '') FROM generate_series(1, 200) i)
    FROM generate_series(1, {{rows}}) g;
ALTER TABLE t ADD PRIMARY KEY (id);
""",
    operations=(
        _done("index, int", "CREATE INDEX ON t (kind)"),
        _done("index, text", "CREATE INDEX ON t (title)"),
        _done("CHECK on the TOASTed", "ALTER TABLE t ADD CHECK (length(body) > 3)"),
        _done("volatile default", "ALTER TABLE t ADD COLUMN token uuid DEFAULT gen_random_uuid()"),
        _done("int to bigint", "ALTER TABLE t ALTER COLUMN kind TYPE bigint"),
        _done("DELETE half", "DELETE FROM t WHERE id % 2 = 0"),
        _alone("VACUUM FULL", "VACUUM FULL t"),
        _done("UPDATE beside the TOASTed", "UPDATE t SET kind = kind + 1", undo="VACUUM t"),
        _done("UPDATE the TOASTed", "UPDATE t SET body = body || 'x'", undo="VACUUM FULL t"),
    ),
)

_INDEXED = Shape(
    name="many indexes",
    row_bytes=330,
    make=f"""
CREATE TABLE people (id bigint PRIMARY KEY, name text);
INSERT INTO people SELECT g, md5(g::text) FROM generate_series(1, {{rows}} / 5) g;
CREATE TABLE t (id bigint, a int, b int, c bigint, d timestamptz, e varchar(40), f uuid, g numeric(10, 2)) {_OFF};
INSERT INTO t SELECT i, {_ANY.format(of="i")} % 1000, {_ANY.format(of="i + 3")},
    1 + {_ANY.format(of="i * 5")} % ({{rows}} / 5),
    timestamptz '2024-01-01' + {_ANY.format(of="i + 9")} % 30000000 * interval '1 s', substr(md5(i::text), 1, 24),
    md5((i * 3)::text)::uuid, i % 10000 / 100.0 FROM generate_series(1, {{rows}}) i;
ALTER TABLE t ADD PRIMARY KEY (id);
CREATE INDEX ON t (a);
CREATE INDEX ON t (b);
CREATE INDEX ON t (d);
CREATE INDEX ON t (e);
CREATE UNIQUE INDEX ON t (f);
CREATE INDEX ON t (a, d);
ALTER TABLE t ADD CONSTRAINT t_c FOREIGN KEY (c) REFERENCES people;
""",
    operations=(
        _done("index, uuid", "CREATE INDEX ON t (f, id)"),
        _done("index, numeric", "CREATE INDEX ON t (g)"),
        _done("index with INCLUDE", "CREATE INDEX ON t (c) INCLUDE (a, b)"),
        _alone("index concurrently", "CREATE INDEX CONCURRENTLY made ON t (d, b)", "DROP INDEX made"),
        _done("UNIQUE uuid", "ALTER TABLE t ADD UNIQUE (f)"),
        _done("foreign key", "ALTER TABLE t ADD FOREIGN KEY (c) REFERENCES people"),
        _done("volatile default", "ALTER TABLE t ADD COLUMN token timestamptz DEFAULT clock_timestamp()"),
        _done("int to bigint", "ALTER TABLE t ALTER COLUMN a TYPE bigint"),
        _done("varchar to text, its index", "ALTER TABLE t ALTER COLUMN e TYPE char(40)"),
        _done("DELETE half", "DELETE FROM t WHERE id % 2 = 0"),
        _alone("VACUUM FULL", "VACUUM FULL t"),
        _alone("REINDEX", "REINDEX TABLE t"),
        _done(
            "INSERT a tenth",
            "INSERT INTO t SELECT id + 100000000, a, b, c, d, e, md5(f::text)::uuid, g FROM t WHERE id % 10 = 0",
        ),
        _done("UPDATE all", "UPDATE t SET g = g + 1", undo="VACUUM t"),
    ),
)

_PARTITIONS = "".join(
    f"CREATE TABLE t{m} PARTITION OF t FOR VALUES FROM ('2024-{m:02}-01') TO ('2024-{m + 1:02}-01') {_OFF};"
    for m in range(1, 7)
)
_PARTITIONED = Shape(
    name="partitioned",
    row_bytes=130,
    make=f"""
CREATE TABLE people (id bigint PRIMARY KEY);
INSERT INTO people SELECT g FROM generate_series(1, {{rows}} / 20) g;
CREATE TABLE t (id bigint, person_id bigint NOT NULL, note text, at timestamptz NOT NULL) PARTITION BY RANGE (at);
{_PARTITIONS}
INSERT INTO t SELECT g, 1 + {_ANY.format(of="g")} % ({{rows}} / 20), substr(md5(g::text), 1, 20),
    timestamptz '2024-01-01' + {_ANY.format(of="g + 7")} % (180 * 86400) * interval '1 s'
    FROM generate_series(1, {{rows}}) g;
ALTER TABLE t ADD PRIMARY KEY (id, at);
""",
    operations=(
        _done("index", "CREATE INDEX ON t (person_id)"),
        _done("index, text", "CREATE INDEX ON t (note)"),
        _alone("index concurrently, one partition", "CREATE INDEX CONCURRENTLY made ON t3 (note)", "DROP INDEX made"),
        _done("CHECK", "ALTER TABLE t ADD CHECK (person_id > 0)"),
        _done("SET NOT NULL", "ALTER TABLE t ALTER COLUMN note SET NOT NULL"),
        _done("UNIQUE", "ALTER TABLE t ADD UNIQUE (note, at)"),
        _done("foreign key", "ALTER TABLE t ADD FOREIGN KEY (person_id) REFERENCES people"),
        _done("volatile default", "ALTER TABLE t ADD COLUMN token uuid DEFAULT gen_random_uuid()"),
        _done("bigint to int", "ALTER TABLE t ALTER COLUMN person_id TYPE int"),
        _done("DELETE half", "DELETE FROM t WHERE id % 2 = 0"),
        _alone("VACUUM FULL of all", "VACUUM FULL t"),
        _done("UPDATE all", "UPDATE t SET note = note || 'x'", undo="VACUUM t"),
    ),
)

_TEXT = Shape(
    name="text keys",
    row_bytes=330,
    make=f"""
CREATE TABLE accounts (id text PRIMARY KEY, email text);
INSERT INTO accounts SELECT md5(g::text), md5((g + 1)::text) || '@example.org' FROM generate_series(1, {{rows}} / 5) g;
CREATE TABLE t (id text, account_id text, tags text[], payload jsonb, words tsvector) {_OFF};
INSERT INTO t SELECT md5((g * 11)::text), md5((1 + {_ANY.format(of="g")} % ({{rows}} / 5))::text),
    ARRAY['a' || g % 50, 'b' || g % 1000, 'c' || g % 7],
    jsonb_build_object('kind', g % 30, 'user', g % 5000, 'name', md5(g::text)),
    to_tsvector('simple', 'some words of ' || g % 3000 || ' and ' || g % 77 || ' more')
    FROM generate_series(1, {{rows}}) g;
ALTER TABLE t ADD PRIMARY KEY (id);
""",
    operations=(
        _done("index, text", "CREATE INDEX ON t (account_id)"),
        _done("index of two texts", "CREATE INDEX ON t (account_id, id)"),
        _done("GIN on an array", "CREATE INDEX ON t USING gin (tags)"),
        _done("GIN on jsonb", "CREATE INDEX ON t USING gin (payload)"),
        _done("GIN on tsvector", "CREATE INDEX ON t USING gin (words)"),
        _alone("index concurrently", "CREATE INDEX CONCURRENTLY made ON t (account_id)", "DROP INDEX made"),
        _done("UNIQUE", "ALTER TABLE t ADD UNIQUE (account_id, id)"),
        _done("foreign key", "ALTER TABLE t ADD FOREIGN KEY (account_id) REFERENCES accounts"),
        _done("SET NOT NULL", "ALTER TABLE t ALTER COLUMN payload SET NOT NULL"),
        _done("CHECK", "ALTER TABLE t ADD CHECK (payload ? 'kind')"),
        _done("volatile default", "ALTER TABLE t ADD COLUMN token uuid DEFAULT gen_random_uuid()"),
        _done("text to uuid", "ALTER TABLE t ALTER COLUMN account_id TYPE uuid USING account_id::uuid"),
        _done("DELETE half", "DELETE FROM t WHERE payload @> '{\"kind\": 1}' OR tags[1] > 'a25'"),
        _alone("VACUUM FULL", "VACUUM FULL t"),
        _done("UPDATE all", "UPDATE t SET payload = payload || '{}'", undo="VACUUM t"),
    ),
)

SHAPES = (_NARROW, _WIDE, _TOASTED, _INDEXED, _PARTITIONED, _TEXT)
