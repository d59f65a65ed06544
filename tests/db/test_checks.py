"""What rows say to a statement, and what the server then says: one refuses where the other does."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import psycopg
import pytest

from gate.app.looking import look
from gate.db.checks import Bounds, answers
from gate.db.connect import connect
from gate.model.checks import (
    Answer,
    Check,
    DuplicatesOf,
    FailingCasts,
    NullsIn,
    OrphansOf,
    OutsidePartition,
    ViolatorsOf,
)
from gate.model.errors import Unreachable
from gate.model.migration import Migration
from gate.plan.reading import read
from gate.rules import apply, checks
from gate.sql.script import split_script
from tests.servers import Database, LiveServer

SHOP = """
    CREATE TABLE customers (id int PRIMARY KEY, email text, "Größe" int, level text);
    INSERT INTO customers SELECT g, 'mail' || (g % 90), CASE WHEN g % 10 > 0 THEN g END, g::text
    FROM generate_series(1, 100) g;
    CREATE TABLE "Orders" (id int PRIMARY KEY, customer_id bigint, "order" int, total numeric, sku varchar(20),
        day date DEFAULT '2026-01-01', doubled int GENERATED ALWAYS AS ("order" * 2) STORED);
    INSERT INTO "Orders" (id, customer_id, "order", total, sku)
    SELECT g, g % 105, g, g * 1000, 'sku' || g FROM generate_series(1, 200) g;
    CREATE TYPE mood AS ENUM ('ok', 'bad');
    CREATE DOMAIN amount AS int; CREATE DOMAIN mail AS text CHECK (VALUE LIKE '%@%');
    CREATE TABLE uses (id int PRIMARY KEY, a amount, feels text, m mood, t text);
    INSERT INTO uses VALUES (1, -1, 'ok', 'ok', '12'), (2, NULL, 'good', 'bad', 'x'), (3, 3, NULL, 'ok', NULL);
    CREATE TABLE pairs (a int, b int, PRIMARY KEY (a, b)); INSERT INTO pairs VALUES (1, 1);
    CREATE TABLE refs (id int PRIMARY KEY, a int, b int, parent int, name text);
    INSERT INTO refs
    VALUES (1, 1, 1, 1, 'a'), (2, 1, NULL, 1, NULL), (3, NULL, NULL, 99, NULL), (4, 2, 2, NULL, 'b');
    ALTER TABLE refs ADD CONSTRAINT kept FOREIGN KEY (parent) REFERENCES refs NOT VALID;
    ALTER TABLE refs ADD CONSTRAINT told CHECK (a < 2) NOT VALID;
    CREATE TABLE p (id int, k int) PARTITION BY RANGE (k);
    CREATE TABLE p1 PARTITION OF p FOR VALUES FROM (0) TO (10);
    CREATE TABLE pd PARTITION OF p DEFAULT;
    INSERT INTO p VALUES (1, 1), (2, 15), (3, 25), (4, NULL);
    CREATE TABLE fits (id int, k int); INSERT INTO fits VALUES (1, 32);
    CREATE TABLE unfit (id int, k int); INSERT INTO unfit VALUES (1, 32), (2, 45), (3, NULL);
    CREATE TABLE two (a int, b text) PARTITION BY RANGE (a, b);
    CREATE TABLE two_1 (a int, b text); INSERT INTO two_1 VALUES (1, 'm'), (1, 'z'), (2, 'a'), (3, 'a');
    CREATE TABLE lists (k text) PARTITION BY LIST (k);
    CREATE TABLE list_a (k text); INSERT INTO list_a VALUES ('a'), ('b'), (NULL);
    CREATE TABLE list_b PARTITION OF lists FOR VALUES IN ('b');
    CREATE TABLE hashes (k int) PARTITION BY HASH (k);
    CREATE TABLE hash_0 (k int); INSERT INTO hash_0 SELECT generate_series(1, 10);
    CREATE TABLE parent (x int); CREATE TABLE child () INHERITS (parent); INSERT INTO child VALUES (-1), (NULL);
    CREATE TABLE empty (a int);
    CREATE TABLE mirror (id int, k int) PARTITION BY RANGE (k);
    CREATE TABLE mirror_1 PARTITION OF mirror FOR VALUES FROM (0) TO (9);
    INSERT INTO mirror VALUES (1, 1), (1, 2), (500, 3);
"""


@dataclass(frozen=True)
class Case:
    """A statement over SHOP; `found` are those of its checks that find something."""

    sql: str
    found: tuple[tuple[type[Check], int], ...] = ()
    examples: tuple[str, ...] = ()
    since: int = 14


CASES = (
    Case('ALTER TABLE customers ALTER "Größe" SET NOT NULL', ((NullsIn, 10),), ("id 10", "id 20", "id 30")),
    Case("ALTER TABLE customers ALTER email SET NOT NULL"),
    Case("ALTER TABLE parent ALTER x SET NOT NULL", ((NullsIn, 1),)),
    Case('ALTER TABLE customers ADD CONSTRAINT n NOT NULL "Größe"', ((NullsIn, 10),), since=18),
    Case(
        'ALTER TABLE "Orders" ADD FOREIGN KEY (customer_id) REFERENCES customers',
        ((OrphansOf, 5),),
        ("customer_id 101, id 101", "customer_id 102, id 102", "customer_id 103, id 103"),
    ),
    Case('ALTER TABLE "Orders" ADD FOREIGN KEY (customer_id) REFERENCES customers NOT VALID'),
    Case("ALTER TABLE refs ADD FOREIGN KEY (a, b) REFERENCES pairs", ((OrphansOf, 1),), ("a 2, b 2, id 4",)),
    Case(
        "ALTER TABLE refs ADD FOREIGN KEY (a, b) REFERENCES pairs MATCH FULL",
        ((OrphansOf, 2),),
        ("a 1, b NULL, id 2", "a 2, b 2, id 4"),
    ),
    Case("ALTER TABLE refs ADD FOREIGN KEY (parent) REFERENCES refs", ((OrphansOf, 1),), ("parent 99, id 3",)),
    Case("ALTER TABLE refs VALIDATE CONSTRAINT kept", ((OrphansOf, 1),), ("parent 99, id 3",)),
    Case("ALTER TABLE mirror ADD FOREIGN KEY (id) REFERENCES customers", ((OrphansOf, 1),), ("id 500",)),
    Case("ALTER TABLE refs VALIDATE CONSTRAINT told", ((ViolatorsOf, 1),), ("id 4",)),
    Case("ALTER TABLE customers ADD CHECK (\"Größe\" > 5 AND email LIKE 'mail%')", ((ViolatorsOf, 5),)),
    Case('ALTER TABLE "Orders" ADD CHECK ("order" > 1 AND doubled < 1000)', ((ViolatorsOf, 1),), ("id 1",)),
    Case("ALTER TABLE uses ADD CHECK (m <> 'bad'::mood)", ((ViolatorsOf, 1),), ("id 2",)),
    Case("ALTER TABLE uses ADD CHECK (uses.a > 0) NOT VALID"),
    Case("ALTER TABLE parent ADD CHECK (x > 0)", ((ViolatorsOf, 1),)),
    Case("ALTER TABLE parent ADD CHECK (x > 0) NO INHERIT"),
    Case("ALTER TABLE customers ADD CHECK (100 / (id - 3) > -999)", ((ViolatorsOf, 1),)),
    Case("ALTER TABLE customers ADD UNIQUE (email)", ((DuplicatesOf, 10),)),
    Case("ALTER TABLE customers ADD UNIQUE (email, id)"),
    Case("ALTER TABLE refs ADD UNIQUE (name)"),
    Case("ALTER TABLE refs ADD UNIQUE NULLS NOT DISTINCT (name)", ((DuplicatesOf, 1),), ("name NULL",), since=15),
    Case("CREATE UNIQUE INDEX ON customers (lower(email)) WHERE id > 50"),
    Case("CREATE UNIQUE INDEX ON customers (lower(email)) WHERE id < 95", ((DuplicatesOf, 4),)),
    Case("CREATE UNIQUE INDEX ON refs (name) NULLS NOT DISTINCT", ((DuplicatesOf, 1),), since=15),
    Case('CREATE UNIQUE INDEX ON customers ("Größe", (email || level) text_pattern_ops)'),
    Case('CREATE UNIQUE INDEX ON customers (email COLLATE "C")', ((DuplicatesOf, 10),)),
    Case("ALTER TABLE mirror ADD UNIQUE (id, k)"),
    Case("ALTER TABLE p ADD PRIMARY KEY (id, k)", ((NullsIn, 1),)),
    Case("ALTER TABLE unfit ADD PRIMARY KEY (k)", ((NullsIn, 1),)),
    Case("ALTER DOMAIN amount SET NOT NULL", ((NullsIn, 1),), ("id 2",)),
    Case("ALTER DOMAIN amount ADD CHECK (VALUE > 0)", ((ViolatorsOf, 1),), ("id 1",)),
    Case("ALTER DOMAIN amount ADD CHECK (VALUE > -5)"),
    Case("ALTER TABLE customers ALTER id TYPE smallint"),
    Case('ALTER TABLE "Orders" ALTER total TYPE smallint', ((FailingCasts, 168),)),
    Case('ALTER TABLE "Orders" ALTER total TYPE numeric(8, 3)', ((FailingCasts, 101),)),
    Case('ALTER TABLE "Orders" ALTER total TYPE numeric(9, 3)'),
    Case('ALTER TABLE "Orders" ALTER sku TYPE varchar(5)', ((FailingCasts, 101),)),
    Case('ALTER TABLE "Orders" ALTER sku TYPE varchar(6)'),
    Case("ALTER TABLE mirror ALTER id TYPE varchar(2)", ((FailingCasts, 1),)),
    Case("ALTER TABLE mirror ALTER id TYPE varchar(3)"),
    Case("ALTER TABLE uses ALTER feels TYPE mood USING feels::mood", ((FailingCasts, 1),), ("feels good, id 2",)),
    Case("ALTER TABLE uses ALTER t TYPE int USING t::int", ((FailingCasts, 1),), ("t x, id 2",)),
    Case("ALTER TABLE uses ALTER t TYPE date USING t::date", ((FailingCasts, 2),)),
    Case("ALTER TABLE uses ALTER t TYPE uuid USING t::uuid", ((FailingCasts, 2),)),
    Case("ALTER TABLE uses ALTER t TYPE boolean USING t::boolean", ((FailingCasts, 2),)),
    Case("ALTER TABLE uses ALTER t TYPE numeric USING t::numeric", ((FailingCasts, 1),)),
    Case("ALTER TABLE customers ALTER level TYPE bigint USING level::bigint"),
    Case("ALTER TABLE uses ALTER t TYPE int USING length(t)"),
    Case("ALTER TABLE uses ALTER t TYPE int USING 5 / (id - 2)", ((FailingCasts, 1),)),
    Case('ALTER TABLE "Orders" ALTER day TYPE timestamp, ALTER sku TYPE text, ALTER id TYPE bigint'),
    Case("ALTER TABLE customers ADD COLUMN c int NOT NULL", ((NullsIn, 100),)),
    Case("ALTER TABLE empty ADD COLUMN c int NOT NULL"),
    Case("ALTER TABLE customers ADD COLUMN c int NOT NULL DEFAULT 1"),
    Case("ALTER TABLE customers ADD COLUMN c serial"),
    Case("ALTER TABLE customers ADD COLUMN c int CHECK (c > 0)"),
    Case("ALTER TABLE customers ADD COLUMN c int DEFAULT 5 CHECK (c > id)", ((ViolatorsOf, 96),)),
    Case("ALTER TABLE customers ADD COLUMN c int DEFAULT 5 UNIQUE", ((DuplicatesOf, 1),), ("c 5",)),
    Case("ALTER TABLE customers ADD COLUMN c int UNIQUE"),
    Case("ALTER TABLE refs ADD COLUMN c int REFERENCES customers"),
    Case("ALTER TABLE refs ADD COLUMN c int DEFAULT 7 REFERENCES customers"),
    Case("ALTER TABLE refs ADD COLUMN c int DEFAULT 700 REFERENCES customers", ((OrphansOf, 4),)),
    Case("ALTER TABLE refs ADD COLUMN c int GENERATED ALWAYS AS (10 / (id - 2)) STORED", ((FailingCasts, 1),)),
    Case("ALTER TABLE refs ADD COLUMN c int GENERATED ALWAYS AS (10 / id) STORED"),
    Case("ALTER TABLE refs ADD COLUMN c int GENERATED ALWAYS AS (a) STORED NOT NULL", ((NullsIn, 1),), ("id 3",)),
    Case("ALTER TABLE refs ADD COLUMN c int GENERATED ALWAYS AS (a) STORED UNIQUE", ((DuplicatesOf, 1),), ("c 1",)),
    Case("ALTER TABLE refs ADD COLUMN c int GENERATED ALWAYS AS (a) STORED CHECK (c > 1)", ((ViolatorsOf, 2),)),
    Case("ALTER TABLE refs ADD COLUMN c int GENERATED ALWAYS AS (a) VIRTUAL NOT NULL", ((NullsIn, 1),), since=18),
    Case("ALTER TABLE refs ALTER name TYPE mail", ((ViolatorsOf, 2),), ("id 1", "id 4")),
    Case("ALTER TABLE refs ADD COLUMN c mail DEFAULT 'a'", ((ViolatorsOf, 4),)),
    Case("ALTER TABLE refs ADD COLUMN c mail DEFAULT 'a@b'"),
    Case("ALTER TABLE refs ADD COLUMN c mail"),
    Case("ALTER TABLE refs ADD COLUMN c mail NOT NULL", ((NullsIn, 4),)),
    Case("ALTER TABLE p ATTACH PARTITION fits FOR VALUES FROM (30) TO (40)"),
    Case("ALTER TABLE p ATTACH PARTITION unfit FOR VALUES FROM (30) TO (40)", ((OutsidePartition, 2),)),
    Case("ALTER TABLE p ATTACH PARTITION fits FOR VALUES FROM (20) TO (MAXVALUE)", ((OutsidePartition, 1),), ("k 25",)),
    Case("CREATE TABLE p3 PARTITION OF p FOR VALUES FROM (20) TO (30)", ((OutsidePartition, 1),), ("k 25",)),
    Case("CREATE TABLE p3 PARTITION OF p FOR VALUES FROM (30) TO (40)"),
    Case("ALTER TABLE two ATTACH PARTITION two_1 FOR VALUES FROM (1, 'n') TO (3, MINVALUE)", ((OutsidePartition, 2),)),
    Case("ALTER TABLE two ATTACH PARTITION two_1 FOR VALUES FROM (1, MINVALUE) TO (3, 'b')"),
    Case("ALTER TABLE lists ATTACH PARTITION list_a FOR VALUES IN ('a', 'c')", ((OutsidePartition, 2),)),
    Case("ALTER TABLE lists ATTACH PARTITION list_a DEFAULT", ((OutsidePartition, 1),), ("k b",)),
    Case(
        "ALTER TABLE hashes ATTACH PARTITION hash_0 FOR VALUES WITH (MODULUS 2, REMAINDER 0)", ((OutsidePartition, 8),)
    ),
)


def asked(database: Database, text: str, bounds: Bounds | None = None, reader: str = "") -> dict[Check, Answer]:
    """All checks of a release with their answers; `reader` is the role that asks them."""
    migration = Migration(id=None, path=None, text=text, statements=split_script(text, copy_data=True))
    (item,) = read([migration])
    with connect(database.conninfo) as connection:
        world = look(connection, [item])
        if reader:
            connection.execute(f"SET ROLE {reader}".encode())
        found: list[Check] = []
        for statement in item.statements:
            assert statement.statement is not None
            found += checks(statement.statement.action, world)
            world = apply(statement.statement.action, world)
        return answers(connection, found, bounds=bounds)


def refusal(database: Database, text: str) -> str | None:
    """The class of the error that the server gives, None where it takes the statement; all is rolled back."""
    with psycopg.connect(database.conninfo) as connection:
        try:
            connection.execute(text.encode())
        except psycopg.Error as error:
            return (error.sqlstate or "")[:2]
        finally:
            connection.rollback()
    return None


@pytest.fixture(scope="session")
def shop(server: LiveServer) -> Iterator[Database]:
    """One database for all statements that are rolled back."""
    database = server.clone(SHOP)
    yield database
    server.drop(database)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.sql)
def test_rows_are_counted_as_the_server_refuses_them(case: Case, shop: Database, major: int) -> None:
    if major < case.since:
        assert refusal(shop, case.sql) == "42"
        return
    said = asked(shop, case.sql)
    assert not [answer.why for answer in said.values() if answer.count is None]
    found = {check: answer for check, answer in said.items() if answer.count}
    assert [type(check) for check in found] == [kind for kind, _ in case.found]
    for answer, (_, count) in zip(found.values(), case.found, strict=True):
        assert answer.count == count or (answer.is_at_least and answer.count is not None and answer.count <= count)
        assert answer.is_at_least or not case.examples or answer.examples == case.examples
        assert not answer.query or answer.is_at_least or len(shop.fetch(answer.query)) == count
    assert refusal(shop, case.sql) in (("22", "23") if found else (None,))


# --- what is unknown --------------------------------------------------------------------------------------------------


@pytest.fixture
def role(server: LiveServer) -> Iterator[str]:
    """A role that may see schemas and nothing more."""
    server.admin.execute("CREATE ROLE onlooker")
    yield "onlooker"
    server.admin.execute("DROP ROLE onlooker")


def only(said: dict[Check, Answer]) -> Answer:
    (answer,) = said.values()
    return answer


HOSTILE = """
    CREATE TABLE t (id int PRIMARY KEY, a int, v varchar(9), p point);
    INSERT INTO t SELECT g, g, 'x', '(1,1)' FROM generate_series(1, 9) g;
    CREATE TABLE ran (n int);
    CREATE FUNCTION spy(anyelement) RETURNS int LANGUAGE plpgsql IMMUTABLE AS
        $$BEGIN RAISE EXCEPTION 'code of a user ran'; END$$;
    CREATE FUNCTION length(varchar) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT spy(1)';
    CREATE FUNCTION plus(int, text) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT spy(1)';
    CREATE OPERATOR + (LEFTARG = int, RIGHTARG = text, FUNCTION = plus);
    CREATE TYPE kind AS ENUM ('x', 'y'); CREATE FUNCTION to_kind(int) RETURNS kind LANGUAGE sql IMMUTABLE AS
        $$SELECT CASE WHEN spy(1) = 1 THEN 'x'::kind END$$;
    CREATE CAST (int AS kind) WITH FUNCTION to_kind(int);
    CREATE DOMAIN odd AS int CHECK (spy(VALUE) = 1);
    CREATE TYPE mixed AS (a int, b text); CREATE TABLE c (id int PRIMARY KEY, x mixed);
    INSERT INTO c VALUES (1, (1, 'a'));
    CREATE TABLE k (id int PRIMARY KEY, x kind); INSERT INTO k VALUES (1, 'x');
"""


@pytest.mark.parametrize(
    ("sql", "why"),
    [
        ("ALTER TABLE t ADD CHECK (spy(a) = 1)", "spy() is no immutable or stable function of pg_catalog"),
        ("ALTER TABLE t ADD CHECK (public.spy(a) = 1)", "public.spy is no function of pg_catalog"),
        ("ALTER TABLE t ADD CHECK (length(v) = 1)", "a function length() of yours may be meant"),
        ("ALTER TABLE t ADD CHECK (a + 'x' = 1)", "an operator + of yours may be meant"),
        ("ALTER TABLE t ADD CHECK (a OPERATOR(public.+) 'x' = 1)", "OPERATOR(public.+) is no operator of pg_catalog"),
        ("ALTER TABLE t ADD CHECK (a::odd > 0)", "it casts to public.odd, and a domain's checks are run by that"),
        ("ALTER TABLE t ADD CHECK (a::kind = 'x')", "a function of yours casts integer to public.kind"),
        ("ALTER TABLE k ADD UNIQUE (x)", "a function of yours casts integer to public.kind"),
        ("ALTER TABLE c ADD UNIQUE (x)", "the operators of type public.mixed are not the server's own"),
        ("ALTER TABLE t ADD CHECK (random() < 2)", "random() is no immutable or stable function of pg_catalog"),
        (
            "ALTER TABLE t ADD CHECK (table_to_xml('ran', true, true, '') IS NOT NULL)",
            "table_to_xml() is no immutable or stable function of pg_catalog",
        ),
        ("ALTER TABLE t ALTER a TYPE int USING spy(a)", "spy() is no immutable or stable function of pg_catalog"),
        ("CREATE UNIQUE INDEX ON t (spy(a))", "spy() is no immutable or stable function of pg_catalog"),
        ("CREATE UNIQUE INDEX ON t (a) WHERE spy(a) = 1", "spy() is no immutable or stable function of pg_catalog"),
        ("ALTER TABLE t ADD EXCLUDE USING gist (p WITH ~=)", "gate does not compare rows by the operators"),
    ],
)
def test_code_of_users_never_runs(sql: str, why: str, clone: Callable[[str], Database]) -> None:
    answer = only(asked(clone(HOSTILE), sql))
    assert answer.count is None
    assert answer.why.startswith(why)
    assert answer.remedy


def test_code_of_users_is_no_harm_to_what_does_not_name_it(clone: Callable[[str], Database]) -> None:
    said = asked(clone(HOSTILE), "ALTER TABLE t ADD CHECK (a * 2 > 1 AND upper(v) = 'X'), ADD UNIQUE (a)")
    assert [answer.count for answer in said.values()] == [0, 0]


def test_what_row_security_hides_is_unknown_and_not_none(clone: Callable[[str], Database], role: str) -> None:
    database = clone(
        "CREATE TABLE t (id int PRIMARY KEY, a int); INSERT INTO t VALUES (1, NULL); "
        "ALTER TABLE t ENABLE ROW LEVEL SECURITY; GRANT SELECT ON t TO PUBLIC"
    )
    database.execute("CREATE POLICY mine ON t USING (id > 5)")
    answer = only(asked(database, "ALTER TABLE t ALTER a SET NOT NULL", reader=role))
    assert answer.count is None
    assert "row security" in answer.why
    assert "BYPASSRLS" in answer.remedy


def test_a_missing_privilege_names_its_grant(clone: Callable[[str], Database], role: str) -> None:
    database = clone("CREATE TABLE t (id int PRIMARY KEY, a int); INSERT INTO t VALUES (1, NULL)")
    answer = only(asked(database, "ALTER TABLE t ALTER a SET NOT NULL", reader=role))
    assert answer.count is None
    assert answer.remedy == f"GRANT SELECT ON public.t TO {role}"


def test_a_lock_in_the_way_is_not_waited_for(clone: Callable[[str], Database]) -> None:
    database = clone("CREATE TABLE t (id int PRIMARY KEY, a int); INSERT INTO t VALUES (1, NULL)")
    with database.connect(autocommit=False) as other, connect(database.conninfo) as connection:
        found = NullsIn(relations=(oid_of(database, "t"),), table="public.t", fields=(), column="a")
        other.execute("LOCK TABLE t")
        answer = answers(connection, [found])[found]
        assert answer.count is None
        assert "another session holds a lock" in answer.why
        other.rollback()
        assert answers(connection, [found])[found].count == 1


def oid_of(database: Database, name: str) -> int:
    return int(database.fetch(f"SELECT '{name}'::regclass::oid::int")[0][0])


SLOW = """
    CREATE TABLE t (id int PRIMARY KEY, a int, v text);
    INSERT INTO t SELECT g, nullif(g, 5), 'abc' FROM generate_series(1, 100000) g;
    CREATE TABLE u (id int PRIMARY KEY, a int); INSERT INTO u VALUES (1, NULL); ANALYZE
"""


def test_a_timeout_makes_only_its_own_check_unknown(clone: Callable[[str], Database]) -> None:
    text = "ALTER TABLE t ADD CHECK (repeat(v, 200000) !~ 'x(.*)y'); ALTER TABLE u ALTER a SET NOT NULL"
    slow, quick = asked(clone(SLOW), text, Bounds(each_s=1)).values()
    assert slow.count is None
    assert slow.why == "it was stopped after 1 s"
    assert slow.query.startswith("SELECT * FROM public.t WHERE")
    assert quick.count == 1


def test_what_was_found_before_a_timeout_counts(clone: Callable[[str], Database]) -> None:
    text = "ALTER TABLE t ADD CHECK (id <> 4 AND (id < 9 OR repeat(v, 200000) !~ 'x(.*)y'))"
    answer = only(asked(clone(SLOW), text, Bounds(each_s=1)))
    assert (answer.count, answer.is_at_least, answer.examples) == (1, True, ("id 4",))


def test_a_check_above_its_cost_is_not_run(clone: Callable[[str], Database]) -> None:
    text = "ALTER TABLE t ALTER a SET NOT NULL; ALTER TABLE u ALTER a SET NOT NULL"
    large, small = asked(clone(SLOW), text, Bounds(max_cost=1000)).values()
    assert large.count is None
    assert "the planner puts it at" in large.why
    assert small.count == 1


def test_counting_stops_at_its_bound(clone: Callable[[str], Database]) -> None:
    answer = only(asked(clone(SLOW), "ALTER TABLE t ADD CHECK (id < 0)", Bounds(max_count=500)))
    assert (answer.count, answer.is_at_least) == (500, True)


def test_all_together_have_an_end(clone: Callable[[str], Database]) -> None:
    answer = only(asked(clone(SLOW), "ALTER TABLE t ALTER a SET NOT NULL", Bounds(total_s=0)))
    assert answer.count is None
    assert "used up" in answer.why


def test_a_table_that_is_gone_is_said(clone: Callable[[str], Database]) -> None:
    database = clone("CREATE TABLE t (id int PRIMARY KEY, a int); INSERT INTO t VALUES (1, NULL)")
    found = NullsIn(relations=(oid_of(database, "t"),), table="public.t", fields=(), column="a")
    database.execute("DROP TABLE t")
    with connect(database.conninfo) as connection:
        assert "gone" in answers(connection, [found])[found].why


def test_a_server_that_goes_away_is_told(clone: Callable[[str], Database]) -> None:
    database = clone("CREATE TABLE t (id int PRIMARY KEY, a int); INSERT INTO t VALUES (1, NULL)")
    found = NullsIn(relations=(oid_of(database, "t"),), table="public.t", fields=(), column="a")
    with connect(database.conninfo) as connection:
        with database.connect() as other:
            other.execute("SELECT pg_terminate_backend(%s)", (connection.info.backend_pid,))
        with pytest.raises(Unreachable):
            answers(connection, [found])


def test_nothing_is_left_behind(clone: Callable[[str], Database]) -> None:
    database = clone("CREATE TABLE t (id int PRIMARY KEY, a int); INSERT INTO t VALUES (1, NULL)")
    found = NullsIn(relations=(oid_of(database, "t"),), table="public.t", fields=(), column="a")
    with connect(database.conninfo) as connection:
        before = connection.execute("SHOW search_path").fetchone()
        assert answers(connection, [found])[found].count == 1
        assert connection.info.transaction_status == psycopg.pq.TransactionStatus.IDLE
        assert connection.execute("SHOW search_path").fetchone() == before


# --- within one release -----------------------------------------------------------------------------------------------


def test_what_an_earlier_statement_renames_is_found_by_number(shop: Database) -> None:
    text = """
        ALTER TABLE "Orders" RENAME "order" TO place; ALTER TABLE "Orders" RENAME customer_id TO "order";
        ALTER TABLE "Orders" RENAME TO ordered; ALTER TABLE ordered ADD CHECK (place > 5 AND "order" < 90)
    """
    answer = only(asked(shop, text))
    assert answer.count == 5 + 21
    assert len(shop.fetch(answer.query)) == answer.count


def test_a_column_that_the_release_adds_has_no_values_yet(shop: Database) -> None:
    text = "ALTER TABLE customers ADD COLUMN c int; ALTER TABLE customers ALTER c SET NOT NULL"
    assert only(asked(shop, text)).count == 100


def test_a_default_set_later_fills_no_row(shop: Database) -> None:
    text = """
        ALTER TABLE customers ADD COLUMN c int; ALTER TABLE customers ALTER c SET DEFAULT 5;
        ALTER TABLE customers ALTER c SET NOT NULL
    """
    assert only(asked(shop, text)).count == 100


def test_a_table_of_the_release_has_no_rows_to_ask(shop: Database) -> None:
    text = "CREATE TABLE n (a int REFERENCES customers); ALTER TABLE n ALTER a SET NOT NULL, ADD UNIQUE (a)"
    assert asked(shop, text) == {}


def test_a_key_that_the_release_makes_cannot_be_asked(shop: Database) -> None:
    text = "CREATE TABLE r (id int PRIMARY KEY); ALTER TABLE refs ADD FOREIGN KEY (a) REFERENCES r"
    assert "made by this release" in only(asked(shop, text)).why
