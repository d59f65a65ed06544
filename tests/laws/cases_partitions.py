"""Partitions: attached, detached, created beside a default one."""

from __future__ import annotations

from tests.laws.case import LawCase

_ROWS = "INSERT INTO n SELECT g, g::text FROM generate_series(1, 9) g"


def _attach(
    name: str, key: str, bound: str, rows: str = _ROWS, *, more: str = "", columns: str = "a int, b text"
) -> LawCase:
    """A table `n` with rows becomes a partition of `p`."""
    return LawCase(
        name=f"attach: {name}",
        setup=f"CREATE TABLE p ({columns}) PARTITION BY {key}; CREATE TABLE n (LIKE p); {rows}; {more}",
        sql=f"ALTER TABLE p ATTACH PARTITION n {bound}",
    )


_RANGE = "FOR VALUES FROM (1) TO (10)"
_DEFAULT = "CREATE TABLE d PARTITION OF p DEFAULT; INSERT INTO p SELECT g, g::text FROM generate_series(20, 29) g"
_DATES = "INSERT INTO n SELECT date '2024-01-01' + g, g::text FROM generate_series(1, 9) g"
_NULLS = "INSERT INTO n VALUES (NULL, 'x'), (1, 'x'), (2, NULL)"
_R = "CREATE TABLE r (id int PRIMARY KEY); INSERT INTO r SELECT generate_series(1, 40)"
_P = (
    "CREATE TABLE p (a int, b text) PARTITION BY RANGE (a); "
    "CREATE TABLE p1 PARTITION OF p FOR VALUES FROM (0) TO (10); "
    "CREATE TABLE p2 PARTITION OF p FOR VALUES FROM (10) TO (20); "
    "INSERT INTO p SELECT g, g::text FROM generate_series(1, 15) g"
)

CASES = (
    _attach("range", "RANGE (a)", _RANGE),
    _attach("range without an end", "RANGE (a)", "FOR VALUES FROM (MINVALUE) TO (10)"),
    _attach("range of everything", "RANGE (a)", "FOR VALUES FROM (MINVALUE) TO (MAXVALUE)"),
    _attach(
        "range of dates",
        "RANGE (a)",
        "FOR VALUES FROM ('2024-01-01') TO (date '2024-02-01')",
        _DATES,
        columns="a date, b text",
    ),
    _attach(
        "range of times",
        "RANGE (a)",
        "FOR VALUES FROM ('2024-01-01') TO ('2024-02-01')",
        _DATES,
        columns="a timestamptz, b text",
    ),
    _attach("range of several keys", "RANGE (a, b)", "FOR VALUES FROM (1, '1') TO (9, 'x')"),
    _attach("range of several keys, one without an end", "RANGE (a, b)", "FOR VALUES FROM (1, MINVALUE) TO (10, '1')"),
    _attach(
        "range of several keys, the first is equal",
        "RANGE (a, b)",
        "FOR VALUES FROM (1, 'a') TO (1, 'x')",
        "INSERT INTO n SELECT 1, 'b' FROM generate_series(1, 9)",
    ),
    _attach("range of an expression", "RANGE (lower(b))", "FOR VALUES FROM ('1') TO ('a')"),
    _attach("range of another collation", 'RANGE (b COLLATE "C")', "FOR VALUES FROM ('1') TO ('a')"),
    _attach("range of another operator class", "RANGE (b text_pattern_ops)", "FOR VALUES FROM ('1') TO ('a')"),
    _attach("range of varchar", "RANGE (b)", "FOR VALUES FROM ('1') TO ('a')", columns="a int, b varchar(9)"),
    _attach("list", "LIST (a)", "FOR VALUES IN (1, 2, 3, 4, 5, 6, 7, 8, 9)"),
    _attach("list of one", "LIST (a)", "FOR VALUES IN (1)", "INSERT INTO n SELECT 1 FROM generate_series(1, 9)"),
    _attach("list with NULL", "LIST (a)", "FOR VALUES IN (1, NULL, 2)", _NULLS),
    _attach("list of a condition", "LIST ((a > 0))", "FOR VALUES IN (true)"),
    _attach("range of a condition", "RANGE ((a IS NULL OR b IS NULL), a)", "FOR VALUES FROM (false, 1) TO (false, 10)"),
    _attach("list of NULL", "LIST (a)", "FOR VALUES IN (NULL)", "INSERT INTO n VALUES (NULL, 'x')"),
    _attach(
        "list of varchar",
        "LIST (b)",
        "FOR VALUES IN ('x', 'it''s')",
        "INSERT INTO n VALUES (1, 'x'), (2, 'it''s')",
        columns="a int, b varchar(9)",
    ),
    _attach("hash", "HASH (a)", "FOR VALUES WITH (MODULUS 1, REMAINDER 0)"),
    _attach(
        "hash of several keys",
        "HASH (a, c)",
        "FOR VALUES WITH (MODULUS 1, REMAINDER 0)",
        columns="a int, b text, c int",
    ),
    _attach(
        "default of ranges",
        "RANGE (a)",
        "DEFAULT",
        more="CREATE TABLE p1 PARTITION OF p FOR VALUES FROM (20) TO (30); "
        "CREATE TABLE p2 PARTITION OF p FOR VALUES FROM (40) TO (MAXVALUE)",
    ),
    _attach(
        "default of lists",
        "LIST (a)",
        "DEFAULT",
        more="CREATE TABLE p1 PARTITION OF p FOR VALUES IN (20, NULL); "
        "CREATE TABLE p2 PARTITION OF p FOR VALUES IN (21, 22)",
    ),
    _attach("beside a default partition", "RANGE (a)", _RANGE, more=_DEFAULT),
    _attach(
        "a list beside a default partition",
        "LIST (a)",
        "FOR VALUES IN (1, 2, 3, 4, 5, 6, 7, 8, 9, NULL)",
        more=_DEFAULT,
    ),
    _attach(
        "beside a default partition that is partitioned",
        "RANGE (a)",
        _RANGE,
        more="CREATE TABLE d PARTITION OF p DEFAULT PARTITION BY LIST (b); CREATE TABLE dd PARTITION OF d DEFAULT; "
        "INSERT INTO p SELECT g, g::text FROM generate_series(20, 29) g",
    ),
    _attach(
        "a table that a CHECK proves already, beside a default partition",
        "RANGE (a)",
        _RANGE,
        more=f"ALTER TABLE n ADD CHECK (a >= 1 AND a < 10), ALTER a SET NOT NULL; {_DEFAULT}",
    ),
    LawCase(
        name="attach: a partitioned table, under one that is a partition, in order of other columns",
        setup="CREATE TABLE top (a int, b text) PARTITION BY LIST (b); "
        "CREATE TABLE p PARTITION OF top FOR VALUES IN ('x', 'y') PARTITION BY RANGE (a); "
        "CREATE TABLE n (b text, gone int, a int) PARTITION BY RANGE (a); ALTER TABLE n DROP COLUMN gone; "
        "CREATE TABLE n1 PARTITION OF n FOR VALUES FROM (0) TO (5); CREATE TABLE n2 PARTITION OF n DEFAULT; "
        "INSERT INTO n SELECT 'x', g FROM generate_series(1, 9) g",
        sql=f"ALTER TABLE p ATTACH PARTITION n {_RANGE}",
    ),
    LawCase(
        name="attach: under a default partition",
        setup="CREATE TABLE top (a int, b text) PARTITION BY LIST (b); "
        "CREATE TABLE o PARTITION OF top FOR VALUES IN ('o'); "
        f"CREATE TABLE p PARTITION OF top DEFAULT PARTITION BY RANGE (a); CREATE TABLE n (LIKE p); {_ROWS}",
        sql=f"ALTER TABLE p ATTACH PARTITION n {_RANGE}",
    ),
    LawCase(
        name="attach: strange names",
        setup='CREATE SCHEMA "Größe"; CREATE TABLE "Größe"."P 1" ("Ä" int, b text) PARTITION BY HASH ("Ä"); '
        'CREATE TABLE "Größe"."n""1" (LIKE "Größe"."P 1"); '
        'INSERT INTO "Größe"."n""1" SELECT generate_series(1, 9); CREATE INDEX ON "Größe"."P 1" (b, "Ä")',
        sql='ALTER TABLE "Größe"."P 1" ATTACH PARTITION "Größe"."n""1" FOR VALUES WITH (MODULUS 1, REMAINDER 0)',
    ),
    _attach(
        "a table without the indexes of its parent",
        "RANGE (a)",
        _RANGE,
        more='CREATE INDEX ON p (b); CREATE INDEX "I" ON p (lower(b), (a + 1)) INCLUDE (a) WHERE a > 1; '
        "CREATE UNIQUE INDEX ON p (a, b DESC); CREATE INDEX own ON n (b)",
    ),
    _attach(
        "a table without the keys of its parent",
        "RANGE (a)",
        _RANGE,
        more="ALTER TABLE p ADD CONSTRAINT k PRIMARY KEY (a), "
        "ADD UNIQUE (b, a) INCLUDE (c) WITH (fillfactor = 70) DEFERRABLE INITIALLY DEFERRED; "
        "ALTER TABLE n ALTER a SET NOT NULL",
        columns="a int, b text, c int",
    ),
    _attach(
        "a table without the foreign keys of its parent",
        "RANGE (a)",
        _RANGE,
        more=f"{_R}; ALTER TABLE p ADD CONSTRAINT k FOREIGN KEY (a) REFERENCES r ON DELETE CASCADE DEFERRABLE",
    ),
    _attach(
        "a table that has the foreign key of its parent, and an index of that name",
        "RANGE (a)",
        _RANGE,
        more=f"{_R}; ALTER TABLE p ADD FOREIGN KEY (a) REFERENCES r; ALTER TABLE n ADD FOREIGN KEY (a) REFERENCES r; "
        "CREATE INDEX ON p (a); CREATE INDEX n_a_idx ON n (b)",
    ),
    LawCase(
        name="attach: a partitioned table without the indexes and keys of its parent",
        setup=f"CREATE TABLE p (a int, b text) PARTITION BY RANGE (a); {_R}; "
        "CREATE TABLE n (LIKE p) PARTITION BY RANGE (a); CREATE TABLE n1 PARTITION OF n FOR VALUES FROM (0) TO (5); "
        f"CREATE TABLE n2 PARTITION OF n DEFAULT; {_ROWS}; CREATE INDEX ON p (b); ALTER TABLE p ADD UNIQUE (a); "
        "ALTER TABLE p ADD FOREIGN KEY (a) REFERENCES r",
        sql=f"ALTER TABLE p ATTACH PARTITION n {_RANGE}",
    ),
    LawCase(
        name="attach: a partitioned table, one of its partitions has the index and the key of its parent",
        setup="CREATE TABLE p (a int, b text) PARTITION BY RANGE (a); "
        "CREATE TABLE n (LIKE p) PARTITION BY RANGE (a); CREATE TABLE n1 PARTITION OF n FOR VALUES FROM (0) TO (5); "
        f"CREATE TABLE n2 PARTITION OF n DEFAULT; {_ROWS}; CREATE INDEX ON p (b); ALTER TABLE p ADD UNIQUE (a); "
        "CREATE INDEX mine ON n1 (b); ALTER TABLE n2 ADD UNIQUE (a)",
        sql=f"ALTER TABLE p ATTACH PARTITION n {_RANGE}",
    ),
    LawCase(
        name="attach: to a table that refers to a partitioned one, and that others refer to",
        setup="CREATE TABLE p (a int PRIMARY KEY, b text, r int) PARTITION BY RANGE (a); "
        f"CREATE TABLE n (LIKE p); {_ROWS}; "
        "CREATE TABLE pr (id int PRIMARY KEY) PARTITION BY RANGE (id); "
        "CREATE TABLE pr1 PARTITION OF pr FOR VALUES FROM (0) TO (100); INSERT INTO pr SELECT generate_series(1, 9); "
        "ALTER TABLE p ADD FOREIGN KEY (r) REFERENCES pr MATCH FULL ON UPDATE CASCADE; UPDATE n SET r = a; "
        "CREATE TABLE other (a int REFERENCES p); CREATE TABLE p1 PARTITION OF p FOR VALUES FROM (20) TO (30); "
        "INSERT INTO p VALUES (20); INSERT INTO other VALUES (20)",
        sql=f"ALTER TABLE p ATTACH PARTITION n {_RANGE}",
    ),
    LawCase(
        name="attach: strange types of keys",
        setup="CREATE DOMAIN d AS int; CREATE TYPE e AS ENUM ('x', 'y', 'z'); "
        "CREATE TABLE p (a d, b e, c numeric(6, 2), f uuid) PARTITION BY RANGE (a, b, c, f); CREATE TABLE n (LIKE p); "
        "INSERT INTO n SELECT g, 'y', g, gen_random_uuid() FROM generate_series(1, 9) g",
        sql="ALTER TABLE p ATTACH PARTITION n FOR VALUES FROM (1, 'x', 1.5, MINVALUE) TO (10, 'z', '10.25', MAXVALUE)",
    ),
    LawCase(
        name="new partition: beside a default one",
        setup='CREATE TABLE p (a int NOT NULL DEFAULT 1 CHECK (a > 0), b text COLLATE "C", '
        f"c int GENERATED ALWAYS AS (a + 1) STORED, d serial) PARTITION BY RANGE (a); {_R}; CREATE INDEX ON p (b); "
        "ALTER TABLE p ADD UNIQUE (a), ADD FOREIGN KEY (d) REFERENCES r, ALTER b SET STORAGE EXTERNAL; "
        "COMMENT ON COLUMN p.b IS 'of the table'; CREATE STATISTICS s ON a, b FROM p; "
        "CREATE TABLE d PARTITION OF p DEFAULT; INSERT INTO p (a, b) SELECT g, g::text FROM generate_series(20, 29) g",
        sql=f'CREATE UNLOGGED TABLE "N" PARTITION OF p {_RANGE} WITH (fillfactor = 70)',
    ),
    LawCase(
        name="new partition: with an identity, partitioned itself, beside a default one",
        setup=f"CREATE TABLE p (a int, b text, c int GENERATED ALWAYS AS IDENTITY) PARTITION BY LIST (a); {_DEFAULT}",
        sql="CREATE TABLE public.n PARTITION OF p FOR VALUES IN (1, NULL) PARTITION BY HASH (b)",
        since=17,
    ),
    LawCase(
        name="new partition: the lock alone",
        setup=_P,
        sql="CREATE TABLE n PARTITION OF p FOR VALUES FROM (30) TO (40)",
        works=False,
    ),
    LawCase(name="detach", setup=_P, sql="ALTER TABLE p DETACH PARTITION p1", works=False),
    LawCase(
        name="detach: the name of its check is taken",
        setup=f"{_P}; ALTER TABLE p1 ADD CONSTRAINT p1_a_check CHECK (b <> 'x')",
        sql="ALTER TABLE p DETACH PARTITION p1",
        works=False,
    ),
    LawCase(
        name="detach: a check says the same",
        setup=f"{_P}; ALTER TABLE p1 ADD CHECK (a IS NOT NULL AND a >= 0 AND a < 10)",
        sql="ALTER TABLE p DETACH PARTITION p1",
        works=False,
    ),
    LawCase(
        name="detach: several keys, strange names, keys and indexes",
        setup='CREATE TABLE "P" ("Ä" int, b int, c int) PARTITION BY RANGE ("Ä", (b + 1)); '
        'CREATE TABLE "P 1" PARTITION OF "P" FOR VALUES FROM (1, 1) TO (5, 5) PARTITION BY LIST (c); '
        'CREATE TABLE "P 2" PARTITION OF "P 1" DEFAULT; INSERT INTO "P" VALUES (2, 2, 2); CREATE INDEX ON "P" (c); '
        f'{_R}; ALTER TABLE "P" ADD FOREIGN KEY (c) REFERENCES r',
        sql='ALTER TABLE "P" DETACH PARTITION "P 1"',
        works=False,
    ),
    LawCase(
        name="detach: from one that is a partition itself",
        setup="CREATE TABLE top (a int, b int) PARTITION BY LIST (b); "
        "CREATE TABLE p PARTITION OF top FOR VALUES IN (1, 2) PARTITION BY HASH (a); "
        "CREATE TABLE p1 PARTITION OF p FOR VALUES WITH (MODULUS 1, REMAINDER 0); INSERT INTO top VALUES (1, 1)",
        sql="ALTER TABLE p DETACH PARTITION p1",
        works=False,
    ),
)
