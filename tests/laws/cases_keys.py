"""Unique and primary keys."""

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
    "CREATE TABLE p3 PARTITION OF p FOR VALUES FROM (8) TO (20) PARTITION BY LIST (a); "
    'CREATE TABLE "p3 Ä" PARTITION OF p3 DEFAULT; '
    "INSERT INTO p SELECT g, g::text, -g FROM generate_series(1, 10) g"
)
_LATE = "DEFERRABLE INITIALLY DEFERRED"

CASES = (
    LawCase(name="unique key, unnamed", setup=_T, sql="ALTER TABLE t ADD UNIQUE (a)"),
    LawCase(
        name="unique key with every option",
        setup=_T,
        sql=f"ALTER TABLE t ADD CONSTRAINT k UNIQUE (c, a) INCLUDE (b) WITH (fillfactor = 70) {_LATE}",
    ),
    LawCase(name="unique key, deferrable", setup=_T, sql="ALTER TABLE t ADD UNIQUE (b) INCLUDE (a) DEFERRABLE"),
    LawCase(
        name="unique key, nulls not distinct", since=15, setup=_T, sql="ALTER TABLE t ADD UNIQUE NULLS NOT DISTINCT (b)"
    ),
    LawCase(name="unique key, strange names", setup=_STRANGE, sql='ALTER TABLE "Größe"."Täg lich" ADD UNIQUE ("Ä")'),
    LawCase(
        name="unique key, its name is taken in the table",
        setup=f"{_T}; ALTER TABLE t ADD CONSTRAINT t_a_key CHECK (a > 0); CREATE INDEX t_a_key1 ON t (b)",
        sql="ALTER TABLE t ADD UNIQUE (a)",
    ),
    LawCase(name="primary key", setup=_T, sql="ALTER TABLE t ADD PRIMARY KEY (a)"),
    LawCase(
        name="primary key of columns that are not null",
        setup=f"{_T}; ALTER TABLE t ALTER a SET NOT NULL",
        sql="ALTER TABLE t ADD CONSTRAINT k PRIMARY KEY (a) INCLUDE (c)",
    ),
    LawCase(
        name="primary key of several columns, strange names",
        setup=_STRANGE,
        sql='ALTER TABLE "Größe"."Täg lich" ADD PRIMARY KEY ("select", "Ä")',
    ),
    LawCase(name="primary key, deferrable", setup=_T, sql=f"ALTER TABLE t ADD PRIMARY KEY (a) {_LATE}"),
    LawCase(
        name="primary key of a table that others inherit",
        setup=f"{_T}; CREATE TABLE child () INHERITS (t); INSERT INTO child SELECT * FROM t",
        sql="ALTER TABLE t ADD PRIMARY KEY (a)",
    ),
    LawCase(
        name="primary key by an index, its column may be null",
        setup=f"{_T}; CREATE UNIQUE INDEX i ON t (a)",
        sql="ALTER TABLE t ADD CONSTRAINT k PRIMARY KEY USING INDEX i",
    ),
    LawCase(name="unique key of a partitioned table", setup=_P, sql="ALTER TABLE p ADD UNIQUE (a)"),
    LawCase(
        name="unique key of a partitioned table, named, deferrable",
        setup=_P,
        sql=f"ALTER TABLE p ADD CONSTRAINT k UNIQUE (b, a) INCLUDE (c) {_LATE}",
    ),
    LawCase(
        name="unique key of a partitioned table, a partition has it",
        setup=f"{_P}; ALTER TABLE p1 ADD CONSTRAINT mine UNIQUE (a); ALTER TABLE p3 ADD CONSTRAINT ours UNIQUE (a)",
        sql="ALTER TABLE p ADD UNIQUE (a)",
    ),
    LawCase(
        name="primary key of a partitioned table, partitions have it",
        setup=f'{_P}; ALTER TABLE p1 ADD CONSTRAINT mine PRIMARY KEY (a); ALTER TABLE "p3 Ä" ADD PRIMARY KEY (a)',
        sql="ALTER TABLE p ADD PRIMARY KEY (a)",
    ),
    LawCase(
        name="primary key of a partitioned table, a partition is not null",
        setup=f"{_P}; ALTER TABLE p2 ALTER a SET NOT NULL",
        sql="ALTER TABLE p ADD PRIMARY KEY (a)",
    ),
    LawCase(
        name="primary key of a table that others inherit, one of them not null",
        setup=f"{_T}; CREATE TABLE child (a int NOT NULL) INHERITS (t); INSERT INTO child SELECT * FROM t; "
        "CREATE TABLE other () INHERITS (t); INSERT INTO other SELECT * FROM ONLY t",
        sql="ALTER TABLE t ADD PRIMARY KEY (a)",
    ),
    LawCase(name="primary key of a partitioned table", setup=_P, sql="ALTER TABLE p ADD PRIMARY KEY (a)"),
    LawCase(
        name="primary key of a partitioned table, named",
        setup=f"{_P}; ALTER TABLE p ALTER a SET NOT NULL",
        sql="ALTER TABLE p ADD CONSTRAINT k PRIMARY KEY (b, a)",
    ),
    LawCase(
        name="keys in one statement", setup=_T, sql="ALTER TABLE t ADD CONSTRAINT k UNIQUE (a, b), ADD PRIMARY KEY (c)"
    ),
)
