"""How full numbers are, read from a server of every major, and what is said of it."""

from __future__ import annotations

from gate.app.plan_sql import plan_sql
from gate.db import capacity
from gate.db.connect import connect
from gate.model.capacity import Capacity
from gate.model.plan import Finding
from gate.rules.standing import standing
from tests.servers import Database


def full(database: Database, script: str) -> Capacity:
    database.execute(script)
    with connect(database.conninfo) as connection:
        return capacity.read(connection)


def said(database: Database, script: str) -> list[tuple[str, str | None]]:
    return [(finding.rule, finding.relation) for finding in standing(full(database, script))]


def test_a_sequence_past_four_fifths_of_its_way_warns(database: Database) -> None:
    script = """
        CREATE TABLE a (id serial); SELECT setval('a_id_seq', 1800000000);
        CREATE TABLE b (id serial); SELECT setval('b_id_seq', 1700000000);
        CREATE TABLE c (id int GENERATED ALWAYS AS IDENTITY); SELECT setval('c_id_seq', 2000000000);
        CREATE SEQUENCE "Short" MAXVALUE 1000; SELECT setval('"Short"', 801);
        CREATE SEQUENCE round_ MAXVALUE 1000 CYCLE; SELECT setval('round_', 999);
        CREATE SEQUENCE down INCREMENT -1 MINVALUE -1000; SELECT setval('down', -900);
        CREATE SEQUENCE unused MAXVALUE 2;
        CREATE SEQUENCE huge; SELECT setval('huge', 9000000000000000000);
    """
    rule = "sequence-near-its-end"
    assert sorted(said(database, script), key=str) == sorted(
        [(rule, "public.a"), (rule, "public.c"), (rule, "public.Short"), (rule, "public.down"), (rule, "public.huge")],
        key=str,
    )


def test_the_column_may_end_before_its_sequence(database: Database) -> None:
    script = """
        CREATE TABLE t (id int PRIMARY KEY); CREATE SEQUENCE s OWNED BY t.id; SELECT setval('s', 2000000000);
    """
    (finding,) = standing(full(database, script))
    assert (finding.rule, finding.relation) == ("key-near-its-end", "public.t")
    assert "93 % of 2,147,483,647, the most that public.t.id (integer) holds" in finding.problem


def test_a_key_that_no_sequence_fills_is_known_by_its_statistics(database: Database) -> None:
    script = """
        CREATE TABLE t (id int PRIMARY KEY, n smallint UNIQUE, other int);
        INSERT INTO t SELECT g * 1000, g, 2000000000 FROM generate_series(1, 30000) g;
        CREATE TABLE u (id int PRIMARY KEY); INSERT INTO u SELECT g * 200000 FROM generate_series(1, 10000) g; ANALYZE
    """
    problems = [finding.problem for finding in standing(full(database, script))]
    assert len(problems) == 2
    assert problems[0].startswith("public.t.n (smallint) holds values up to 30,000 at least, 91 %")
    assert problems[1].startswith("public.u.id (integer) holds values up to ")


NARROW = """
    CREATE TABLE r (id bigserial PRIMARY KEY); SELECT setval('r_id_seq', 2000000000);
    CREATE TABLE n (id numeric(20) PRIMARY KEY);
    CREATE TABLE t (id serial PRIMARY KEY, a int REFERENCES r, b bigint REFERENCES r, c smallint REFERENCES t,
        d bigint REFERENCES n);
"""


def test_a_foreign_key_narrower_than_its_key_warns(database: Database) -> None:
    findings = standing(full(database, NARROW))
    narrow = [item for item in findings if item.rule == "foreign-key-narrower-than-key"]
    assert [item.problem.split(",", 1)[0] for item in narrow] == [
        "public.t.a is integer and refers to public.r.id",
        "public.t.c is smallint and refers to public.t.id",
        "public.t.d is bigint and refers to public.n.id",
    ]
    (near,) = [item for item in findings if item.rule == "key-near-its-end"]
    assert near.problem.startswith(
        "public.t.a is integer and refers to public.r.id, whose sequence stands at 2,000,000"
    )


def test_a_partition_is_told_by_its_parent(database: Database) -> None:
    script = """
        CREATE TABLE r (id bigint PRIMARY KEY); CREATE TABLE p (a int REFERENCES r) PARTITION BY RANGE (a);
        CREATE TABLE p1 PARTITION OF p FOR VALUES FROM (1) TO (5); CREATE TABLE p2 PARTITION OF p DEFAULT
    """
    assert said(database, script) == [("foreign-key-narrower-than-key", "public.p")]


def test_a_sequence_that_another_session_holds_is_left_out(database: Database) -> None:
    script = "CREATE TABLE a (id serial); SELECT setval('a_id_seq', 2000000000); CREATE TABLE b (id serial); "
    database.execute(script + "SELECT setval('b_id_seq', 2000000000)")
    with database.connect(autocommit=False) as other, connect(database.conninfo) as connection:
        other.execute("DROP TABLE b")
        seen = capacity.read(connection)
    assert [item.name for item in seen.sequences] == ["public.a_id_seq"]
    assert [item.what for item in seen.unread] == ["how far 1 sequence has come"]


def test_what_may_not_be_read_is_said(database: Database) -> None:
    database.execute("CREATE TABLE a (id serial); CREATE ROLE counter")
    try:
        with connect(database.conninfo) as connection:
            connection.execute("SET ROLE counter")
            (unread,) = capacity.read(connection).unread
    finally:
        database.execute("DROP ROLE counter")
    assert unread.what == "how far 1 sequence has come"


# --- statements -------------------------------------------------------------------------------------------------------


def narrowed(database: Database, sql: str) -> list[Finding]:
    plan = plan_sql(sql, database.conninfo)
    found = (finding for statement in plan.statements for finding in statement.findings)
    return [finding for finding in found if finding.rule == "foreign-key-narrower-than-key"]


def test_a_new_foreign_key_narrower_than_its_key_is_refused(database: Database) -> None:
    database.execute("CREATE TABLE r (id bigint PRIMARY KEY, c text UNIQUE); CREATE TABLE t (a int, b bigint)")
    for sql in (
        "ALTER TABLE t ADD FOREIGN KEY (a) REFERENCES r NOT VALID",
        "CREATE TABLE n (a int REFERENCES r)",
        "CREATE TABLE n (a int, FOREIGN KEY (a) REFERENCES r (id))",
        "ALTER TABLE t ADD COLUMN n int REFERENCES r",
        "ALTER TABLE t ADD FOREIGN KEY (b) REFERENCES r; ALTER TABLE t ALTER b TYPE int",
        "CREATE TABLE n (id bigint PRIMARY KEY); CREATE TABLE m (n smallint REFERENCES n)",
    ):
        (finding,) = narrowed(database, sql)
        assert finding.severity.value == "refuse"
    (short,) = narrowed(database, "CREATE TABLE n (c varchar(10) REFERENCES r (c))")
    assert short.severity.value == "warn"


def test_one_that_is_wide_enough_in_the_end_is_not(database: Database) -> None:
    database.execute("CREATE TABLE r (id int PRIMARY KEY); CREATE TABLE t (a int REFERENCES r, b bigint REFERENCES r)")
    for sql in (
        "ALTER TABLE r ALTER id TYPE bigint; ALTER TABLE t ALTER a TYPE bigint",
        "CREATE TABLE n (a bigint REFERENCES r)",
        "ALTER TABLE t ADD FOREIGN KEY (b) REFERENCES r",
        "ALTER TABLE t ALTER a TYPE bigint",
    ):
        assert narrowed(database, sql) == []
    assert len(narrowed(database, "ALTER TABLE r ALTER id TYPE bigint")) == 1
