"""Indexes: created, dropped, built anew; materialized views refreshed."""

from __future__ import annotations

from tests.laws.case import LawCase

_T = "CREATE TABLE t (a int, b text, c int); INSERT INTO t SELECT g, g::text, -g FROM generate_series(1, 10) g"
_STRANGE = (
    'CREATE SCHEMA "Größe"; CREATE TABLE "Größe"."Täg lich" ("Ä" int, "select" text); '
    'INSERT INTO "Größe"."Täg lich" SELECT g, g::text FROM generate_series(1, 10) g'
)
_P = (
    "CREATE TABLE p (a int, b text, c int) PARTITION BY RANGE (a); "
    "CREATE TABLE p2 PARTITION OF p FOR VALUES FROM (5) TO (8); "
    "CREATE TABLE p1 (c int, gone int, b text, a int); ALTER TABLE p1 DROP COLUMN gone; "
    "ALTER TABLE p ATTACH PARTITION p1 FOR VALUES FROM (0) TO (5); "
    "CREATE TABLE p3 PARTITION OF p FOR VALUES FROM (8) TO (20) PARTITION BY LIST (c); "
    'CREATE TABLE "p3 Ä" PARTITION OF p3 DEFAULT; '
    "INSERT INTO p SELECT g, g::text, -g FROM generate_series(1, 10) g"
)
_VIEW = (
    "CREATE TABLE t (a int, b int); INSERT INTO t SELECT g, g FROM generate_series(1, 10) g; "
    "CREATE MATERIALIZED VIEW m AS SELECT a, b FROM t"
)
_LONG = "t_with_a_name_that_is_as_long_as_a_name_may_be_in_postgresql_00"
_ALIKE = f"CREATE TABLE {_LONG[:-3]}_0 PARTITION OF p FOR VALUES"

CASES = (
    LawCase(name="index, unnamed", setup=_T, sql="CREATE INDEX ON t (b, c)"),
    LawCase(name="index, its name is taken", setup=f"{_T}; CREATE TABLE t_b_idx ()", sql="CREATE INDEX ON t (b)"),
    LawCase(name="index, named", setup=_T, sql="CREATE UNIQUE INDEX IF NOT EXISTS i ON t (b)"),
    LawCase(
        name="index on expressions, partial, with every option",
        setup=_T,
        sql='CREATE UNIQUE INDEX ON t USING btree (lower(t.b) COLLATE "C" text_pattern_ops DESC NULLS LAST, (a + 1), '
        "(c + 1), COALESCE(a, c), (a::bigint)) INCLUDE (c, a) WITH (fillfactor = 70) WHERE a > 0 AND t.c < 0",
    ),
    LawCase(
        name="index, nulls not distinct",
        since=15,
        setup=_T,
        sql="CREATE UNIQUE INDEX ON t (a, b) NULLS NOT DISTINCT",
    ),
    LawCase(
        name="index, strange names", setup=_STRANGE, sql='CREATE INDEX ON "Größe"."Täg lich" ("Ä", upper("select"))'
    ),
    LawCase(
        name="index, a long name is cut",
        setup=f"CREATE TABLE {_LONG} (a int, {_LONG[2:]} int); INSERT INTO {_LONG} SELECT generate_series(1, 10)",
        sql=f"CREATE INDEX ON {_LONG} (a, {_LONG[2:]}); CREATE INDEX ON {_LONG} (a, {_LONG[2:]})",
    ),
    LawCase(
        name="index of another method",
        setup="CREATE TABLE t (a int[]); INSERT INTO t VALUES ('{1}')",
        sql="CREATE INDEX ON t USING gin (a)",
    ),
    LawCase(name="index of a materialized view", setup=_VIEW, sql="CREATE UNIQUE INDEX ON m (a)", works=False),
    LawCase(
        name="index of a table that others inherit",
        setup=f"{_T}; CREATE TABLE child () INHERITS (t); INSERT INTO child SELECT * FROM t",
        sql="CREATE INDEX ON t (a)",
    ),
    LawCase(name="index of a partitioned table", setup=_P, sql="CREATE INDEX ON p (b)"),
    LawCase(
        name="index of a partitioned table, named, on expressions",
        setup=_P,
        sql='CREATE INDEX "Mein Index" ON p (lower(p.b), (a + 1), (c + 1)) INCLUDE (c) WHERE p.a > 1',
    ),
    LawCase(
        name="index of a partitioned table, partitions have like ones",
        setup=f"{_P}; CREATE INDEX own ON p1 (b, a); CREATE INDEX other ON p2 (a, b); CREATE INDEX below ON p3 (b, a)",
        sql="CREATE INDEX ON p (b, a)",
    ),
    LawCase(
        name="index on an expression of a partitioned table, partitions have like ones",
        setup=f"{_P}; CREATE INDEX own ON p1 (lower(b)); CREATE INDEX other ON p2 (upper(b))",
        sql="CREATE INDEX ON p (lower(b))",
    ),
    LawCase(
        name="index of a partitioned table, a partition of a partition has a like one",
        setup=f'{_P}; CREATE INDEX own ON "p3 Ä" (b); CREATE INDEX mine ON p2 (b)',
        sql="CREATE INDEX ON p (b)",
    ),
    LawCase(
        name="unique index of a partitioned table, a partition has a key",
        setup=f"{_P}; DROP TABLE p3; ALTER TABLE p1 ADD CONSTRAINT mine UNIQUE (a)",
        sql="CREATE UNIQUE INDEX ON p (a)",
    ),
    LawCase(
        name="index of a partitioned table, cut names collide in the order of the bounds",
        setup="CREATE TABLE p (a int, a_column_with_a_name_that_is_long int) PARTITION BY RANGE (a); "
        f"{_ALIKE} FROM (10) TO (20); {_ALIKE.replace('_0 PART', '_1 PART')} FROM (0) TO (10); "
        "INSERT INTO p SELECT g, g FROM generate_series(1, 15) g",
        sql="CREATE INDEX ON p (a_column_with_a_name_that_is_long)",
    ),
    LawCase(
        name="drop of indexes",
        setup=f'{_T}; CREATE INDEX i ON t (a); CREATE INDEX "J" ON t (b)',
        sql='DROP INDEX i, public."J"',
        works=False,
    ),
    LawCase(
        name="drop of an index with CASCADE that nothing depends on",
        setup=f"{_T}; CREATE INDEX i ON t (a)",
        sql="DROP INDEX i CASCADE",
        works=False,
    ),
    LawCase(
        name="drop of an index, if it is there",
        setup=f"{_T}; CREATE INDEX i ON t (a)",
        sql="DROP INDEX IF EXISTS i, j",
        works=False,
    ),
    LawCase(name="reindex an index", setup=f"{_T}; CREATE INDEX i ON t (a)", sql="REINDEX INDEX i"),
    LawCase(name="reindex a table", setup=f"{_T}; CREATE INDEX i ON t (a)", sql="REINDEX (VERBOSE) TABLE t"),
    LawCase(
        name="reindex a partitioned table", setup=f"{_P}; CREATE INDEX i ON p (a)", sql="REINDEX TABLE p", is_alone=True
    ),
    LawCase(
        name="reindex a schema", setup=f"{_T}; CREATE INDEX i ON t (a)", sql="REINDEX SCHEMA public", is_alone=True
    ),
    LawCase(
        name="refresh of a materialized view",
        setup=f"{_VIEW}; CREATE UNIQUE INDEX ON m (a); INSERT INTO t VALUES (11, 11)",
        sql="REFRESH MATERIALIZED VIEW m",
    ),
)
