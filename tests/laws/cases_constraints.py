"""Foreign keys, checks and NOT NULL."""

from __future__ import annotations

from tests.laws.case import LawCase

_ROWS = "INSERT INTO t SELECT g, g, g FROM generate_series(1, 10) g"
_T = f"CREATE TABLE t (id int PRIMARY KEY, a int, b int); {_ROWS}"
_R = "CREATE TABLE r (id int PRIMARY KEY, u int UNIQUE); INSERT INTO r SELECT g, g FROM generate_series(1, 10) g"
_P = (
    "CREATE TABLE t (id int, a int, b int) PARTITION BY RANGE (id); "
    "CREATE TABLE t1 PARTITION OF t FOR VALUES FROM (0) TO (6); "
    "CREATE TABLE t2 (b int, gone int, a int, id int); ALTER TABLE t2 DROP COLUMN gone; "
    "ALTER TABLE t ATTACH PARTITION t2 FOR VALUES FROM (6) TO (9); "
    "CREATE TABLE t3 PARTITION OF t FOR VALUES FROM (9) TO (20) PARTITION BY LIST (id); "
    f"CREATE TABLE t3a PARTITION OF t3 DEFAULT; {_ROWS}"
)
_STRANGE = (
    'CREATE SCHEMA "Größe"; CREATE TABLE "Größe"."Täg lich" ("Ä" int, "select" int); '
    'INSERT INTO "Größe"."Täg lich" SELECT g, g FROM generate_series(1, 10) g; '
    'CREATE TABLE "Größe"."r""x" ("Ü" int PRIMARY KEY); INSERT INTO "Größe"."r""x" SELECT generate_series(1, 10)'
)
_LONG_T, _LONG_A, _LONG_B = f'"{"ä" * 31}x"', f'"{"ö" * 20}{"y" * 23}"', f'"{"b" * 30}"'
_LONG = (
    f"CREATE TABLE {_LONG_T} ({_LONG_A} int, {_LONG_B} int PRIMARY KEY); "
    f"INSERT INTO {_LONG_T} SELECT g, g FROM generate_series(1, 10) g; {_R}; "
    f"ALTER TABLE {_LONG_T} ADD CHECK ({_LONG_A} < 99)"
)

CASES = (
    LawCase(
        name="names that are cut",
        setup=_LONG,
        sql=f"ALTER TABLE {_LONG_T} ADD CHECK ({_LONG_A} > 0), ADD CHECK ({_LONG_A} > {_LONG_B} - 1), "
        f"ADD FOREIGN KEY ({_LONG_A}) REFERENCES r, ADD UNIQUE ({_LONG_B}, {_LONG_A}), ALTER {_LONG_A} SET NOT NULL, "
        f"ADD c serial UNIQUE",
    ),
    LawCase(
        name="foreign key",
        setup=f"{_T}; {_R}",
        sql="ALTER TABLE t ADD CONSTRAINT k FOREIGN KEY (a) REFERENCES r (id)",
    ),
    LawCase(
        name="foreign key with every option, unnamed",
        setup=f"{_T}; {_R}; CREATE TABLE t_a (fkey int CONSTRAINT t_a_fkey CHECK (true))",
        sql="ALTER TABLE t ADD FOREIGN KEY (a) REFERENCES r (u) MATCH FULL ON DELETE SET NULL ON UPDATE CASCADE "
        "DEFERRABLE INITIALLY DEFERRED",
    ),
    LawCase(
        name="foreign key, columns set null",
        since=15,
        setup=f"{_T}; CREATE TABLE r (x int, y int, PRIMARY KEY (x, y)); "
        "INSERT INTO r SELECT g, g FROM generate_series(1, 10) g",
        sql="ALTER TABLE t ADD FOREIGN KEY (a, b) REFERENCES r ON DELETE SET NULL (b)",
    ),
    LawCase(name="foreign key to itself", setup=_T, sql="ALTER TABLE t ADD FOREIGN KEY (a) REFERENCES t"),
    LawCase(
        name="foreign key, strange names",
        setup=_STRANGE,
        sql='ALTER TABLE "Größe"."Täg lich" ADD FOREIGN KEY ("Ä") REFERENCES "Größe"."r""x"',
    ),
    LawCase(
        name="foreign key of a partitioned table",
        setup=f"{_P}; {_R}",
        sql="ALTER TABLE t ADD FOREIGN KEY (a) REFERENCES r (u) ON DELETE CASCADE DEFERRABLE",
    ),
    LawCase(
        name="foreign key of a partitioned table, one partition has it, another its name",
        setup=f"{_P}; {_R}; ALTER TABLE t1 ADD CONSTRAINT mine FOREIGN KEY (a) REFERENCES r; "
        "ALTER TABLE t2 ADD CONSTRAINT k CHECK (b > 0)",
        sql="ALTER TABLE t ADD CONSTRAINT k FOREIGN KEY (a) REFERENCES r",
    ),
    LawCase(
        name="foreign key of a partitioned table, a partition that is partitioned has it",
        setup=f"{_P}; {_R}; ALTER TABLE t3 ADD CONSTRAINT k FOREIGN KEY (a) REFERENCES r",
        sql="ALTER TABLE t ADD CONSTRAINT k FOREIGN KEY (a) REFERENCES r",
    ),
    LawCase(
        name="foreign key of a partitioned table, a partition has almost the same",
        setup=f"{_P}; {_R}; ALTER TABLE t1 ADD CONSTRAINT m FOREIGN KEY (a) REFERENCES r MATCH FULL; "
        "ALTER TABLE t2 ADD CONSTRAINT m FOREIGN KEY (a) REFERENCES r DEFERRABLE INITIALLY DEFERRED",
        sql="ALTER TABLE t ADD CONSTRAINT k FOREIGN KEY (a) REFERENCES r DEFERRABLE",
    ),
    LawCase(
        name="foreign key to a partitioned table",
        setup="CREATE TABLE r (id int PRIMARY KEY) PARTITION BY RANGE (id); "
        "CREATE TABLE r1 PARTITION OF r FOR VALUES FROM (0) TO (6); "
        "CREATE TABLE r2 PARTITION OF r FOR VALUES FROM (6) TO (20); "
        f"INSERT INTO r SELECT generate_series(1, 10); {_T}",
        sql="ALTER TABLE t ADD FOREIGN KEY (a) REFERENCES r",
    ),
    LawCase(name="check", setup=_T, sql="ALTER TABLE t ADD CONSTRAINT c CHECK (a > 0)"),
    LawCase(name="check, unnamed, of one column", setup=_T, sql="ALTER TABLE t ADD CHECK (a > 0 AND a < 100)"),
    LawCase(name="check, unnamed, of two columns", setup=_T, sql="ALTER TABLE t ADD CHECK (a = b)"),
    LawCase(name="check, unnamed, of no column", setup=_T, sql="ALTER TABLE t ADD CHECK (1 > 0)"),
    LawCase(name="check, no inherit", setup=_T, sql="ALTER TABLE t ADD CHECK (a > 0) NO INHERIT"),
    LawCase(
        name="check, inherited",
        setup=f"{_T}; CREATE TABLE c (d int) INHERITS (t); INSERT INTO c SELECT g, g, g FROM generate_series(1, 9) g",
        sql="ALTER TABLE t ADD CHECK (a > 0)",
    ),
    LawCase(
        name="check, strange names",
        setup=_STRANGE,
        sql='ALTER TABLE "Größe"."Täg lich" ADD CHECK ("select" + "Ä" > 0), ADD CHECK ("Ä" > 0)',
    ),
    LawCase(name="check of a partitioned table", setup=_P, sql="ALTER TABLE t ADD CHECK (a > 0)"),
    LawCase(name="not null", setup=_T, sql="ALTER TABLE t ALTER COLUMN a SET NOT NULL"),
    LawCase(
        name="not null, twice, among other things",
        setup=_T,
        sql="ALTER TABLE t ALTER b SET NOT NULL, ALTER a SET NOT NULL, ALTER a SET DEFAULT 3",
    ),
    LawCase(
        name="not null, inherited",
        setup=f"{_T}; CREATE TABLE c (d int) INHERITS (t); INSERT INTO c SELECT g, g, g FROM generate_series(1, 9) g; "
        "CREATE TABLE d (a int NOT NULL) INHERITS (t); INSERT INTO d SELECT g, g, g FROM generate_series(1, 9) g",
        sql="ALTER TABLE t ALTER COLUMN a SET NOT NULL",
    ),
    LawCase(
        name="not null of the parent alone",
        until=17,
        setup=f"{_T}; CREATE TABLE c (d int) INHERITS (t); INSERT INTO c SELECT g, g, g FROM generate_series(1, 9) g",
        sql="ALTER TABLE ONLY t ALTER COLUMN a SET NOT NULL",
    ),
    LawCase(name="not null of a partitioned table", setup=_P, sql="ALTER TABLE t ALTER COLUMN a SET NOT NULL"),
    LawCase(
        name="not null, strange names",
        setup=_STRANGE,
        sql='ALTER TABLE "Größe"."Täg lich" ALTER "Ä" SET NOT NULL, ALTER "select" SET NOT NULL',
    ),
    LawCase(
        name="not null, where one is not valid yet",
        since=18,
        setup=f"{_T}; ALTER TABLE t ADD CONSTRAINT mine NOT NULL a NOT VALID",
        sql="ALTER TABLE t ALTER COLUMN a SET NOT NULL",
    ),
    LawCase(
        name="not null constraint",
        since=18,
        setup=_P,
        sql="ALTER TABLE t ADD CONSTRAINT mine NOT NULL a, ADD NOT NULL b",
    ),
    LawCase(
        name="not null constraint, no inherit",
        since=18,
        setup=f"{_T}; CREATE TABLE c (d int) INHERITS (t); INSERT INTO c SELECT g, g, g FROM generate_series(1, 9) g",
        sql="ALTER TABLE t ADD NOT NULL a NO INHERIT",
    ),
    LawCase(
        name="check that a child has already, valid",
        setup=f"{_T}; CREATE TABLE c (d int) INHERITS (t); INSERT INTO c SELECT g, g, g FROM generate_series(1, 9) g; "
        "ALTER TABLE c ADD CONSTRAINT k CHECK (a > 0)",
        sql="ALTER TABLE t ADD CONSTRAINT k CHECK (a > 0)",
    ),
    LawCase(
        name="not null that a partition has already",
        setup=f"{_P}; ALTER TABLE t1 ALTER a SET NOT NULL; ALTER TABLE t3 ALTER a SET NOT NULL",
        sql="ALTER TABLE t ALTER a SET NOT NULL",
    ),
    LawCase(
        name="foreign key of two columns in another order",
        setup=f"{_T}; CREATE TABLE r (x int, y int, UNIQUE (y, x)); "
        "INSERT INTO r SELECT g, g FROM generate_series(1, 10) g",
        sql="ALTER TABLE t ADD FOREIGN KEY (b, a) REFERENCES r (x, y) MATCH FULL",
    ),
    LawCase(
        name="checks with the row, a function and other names for the columns",
        setup=f"{_T}; CREATE FUNCTION f(int) RETURNS bool IMMUTABLE LANGUAGE sql AS 'SELECT $1 > 0'",
        sql="ALTER TABLE t ADD CHECK (t IS NOT NULL), ADD CHECK (f(t.a)), ADD CHECK ((t.*) IS NOT NULL AND a > 0)",
    ),
)
