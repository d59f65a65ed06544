"""What may go in batches and what may not; each reason is shown on a server, by doing it in batches all the same."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import psycopg
import pytest

from gate.model.snapshot import Snapshot
from gate.model.steps import Backfill, CannotSplit, Step
from gate.rules import derive
from gate.rules.merging import effects
from gate.splits.backfilling import holders, path_of, step_of
from gate.splits.batching import in_batches
from gate.splits.case import Case
from gate.sql.parse import parse_statement
from tests.servers import Database
from tests.splits.walking import paste, table_of, walk, world_of

Clone = Callable[[str], Database]

T = "CREATE TABLE t (id int PRIMARY KEY, n int); INSERT INTO t SELECT g, g FROM generate_series(1, 12) g; "
LOG = "CREATE TABLE log (n bigint); "


def case_of(database: Database, sql: str) -> Case:
    """What the recipe gets."""
    return _case(world_of(database, sql), sql)


def _case(world: Snapshot, sql: str) -> Case:
    parsed = parse_statement(sql)
    assert parsed is not None
    action = parsed.statement.action
    return Case(sql=sql, action=action, effects=effects(derive(action, world), world), before=world)


def split(database: Database, sql: str) -> tuple[Backfill, ...]:
    """The steps, all of them backfills."""
    return tuple(_backfill(step) for step in in_batches(case_of(database, sql)))


def _backfill(step: Step) -> Backfill:
    assert isinstance(step, Backfill)
    return step


def by_force(database: Database, sql: str) -> tuple[Backfill, ...]:
    """Batches of what may not go in batches."""
    world = world_of(database, sql)
    table = table_of(world, "t")
    return tuple(step_of(sql, item, path_of(item, world), "") for item in holders(table, world))


# --- what may not -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Refused:
    """`because` is a part of the reason; `shown` is where plain and batched differ, if the batches get that far."""

    setup: str
    sql: str
    because: str
    shown: str = "SELECT * FROM t ORDER BY 1, 2"


PROVEN = {
    "a subquery on the same table": Refused(
        setup=T, sql="UPDATE t SET n = (SELECT sum(n) FROM t)", because="it has a subquery"
    ),
    "another relation": Refused(
        setup=T, sql="UPDATE t SET n = t.n + o.n FROM t o WHERE o.id = t.id - 1", because="other relations (FROM)"
    ),
    "a volatile function": Refused(
        setup="CREATE SEQUENCE s; CREATE TABLE t (id int PRIMARY KEY, n int);"
        "INSERT INTO t SELECT g, g FROM generate_series(12, 1, -1) g",
        sql="UPDATE t SET n = nextval('s')",
        because="nextval() is volatile",
    ),
    "a function that reads the table": Refused(
        setup=T + "CREATE FUNCTION total() RETURNS bigint LANGUAGE sql STABLE AS 'SELECT sum(n) FROM t'",
        sql="UPDATE t SET n = total()",
        because="total() is STABLE, not IMMUTABLE",
    ),
    "a function that says it is immutable, and reads the table": Refused(
        setup=T + "CREATE FUNCTION total() RETURNS bigint LANGUAGE plpgsql IMMUTABLE AS"
        " 'BEGIN RETURN (SELECT sum(n) FROM t); END'",
        sql="UPDATE t SET n = total()",
        because="reads other rows of public.t",
    ),
    "a default of the moment": Refused(
        setup=T + "ALTER TABLE t ADD at timestamptz; ALTER TABLE t ALTER at SET DEFAULT now()",
        sql="UPDATE t SET at = DEFAULT",
        because="the default of at is not the same in each batch",
        shown="SELECT count(DISTINCT at) FROM t",
    ),
    "the word for a moment": Refused(
        setup=T + "ALTER TABLE t ADD at timestamptz",
        sql="UPDATE t SET at = 'now'",
        because="'now' is another time",
        shown="SELECT count(DISTINCT at) FROM t",
    ),
    "a trigger of the statement": Refused(
        setup=T + LOG + "CREATE FUNCTION logs() RETURNS trigger LANGUAGE plpgsql AS"
        " 'BEGIN INSERT INTO log VALUES (1); RETURN NULL; END';"
        "CREATE TRIGGER logs AFTER UPDATE ON t EXECUTE FUNCTION logs()",
        sql="UPDATE t SET n = 0",
        because="trigger logs on public.t fires once a statement",
        shown="SELECT * FROM log",
    ),
    "a trigger that sees all rows": Refused(
        setup=T + LOG + "CREATE FUNCTION logs() RETURNS trigger LANGUAGE plpgsql AS"
        " 'BEGIN INSERT INTO log SELECT count(*) FROM changed; RETURN NULL; END';"
        "CREATE TRIGGER logs AFTER UPDATE ON t REFERENCING NEW TABLE AS changed FOR EACH ROW EXECUTE FUNCTION logs()",
        sql="UPDATE t SET n = 0",
        because="trigger logs on public.t sees all rows of the statement",
        shown="SELECT * FROM log ORDER BY 1",
    ),
    "a trigger that reads other rows": Refused(
        setup=T + LOG + "CREATE FUNCTION logs() RETURNS trigger LANGUAGE plpgsql AS"
        " 'BEGIN INSERT INTO log SELECT sum(n) FROM t; RETURN NULL; END';"
        "CREATE TRIGGER logs AFTER UPDATE ON t FOR EACH ROW EXECUTE FUNCTION logs()",
        sql="UPDATE t SET n = 0",
        because="reads other rows of public.t",
        shown="SELECT * FROM log ORDER BY 1",
    ),
    "a trigger that gives another key": Refused(
        setup=T + "CREATE FUNCTION moves() RETURNS trigger LANGUAGE plpgsql AS"
        " 'BEGIN IF NEW.id < 100 THEN NEW.id := NEW.id + 50; END IF; RETURN NEW; END';"
        "CREATE TRIGGER moves BEFORE UPDATE ON t FOR EACH ROW EXECUTE FUNCTION moves()",
        sql="UPDATE t SET n = n + 1",
        because="may change id, by which the rows are told apart",
    ),
    "a trigger that is checked at the commit": Refused(
        setup=T + LOG + "INSERT INTO log VALUES (0);"
        "CREATE FUNCTION counts() RETURNS trigger LANGUAGE plpgsql AS"
        " 'BEGIN UPDATE log SET n = n + 1; RETURN NULL; END';"
        "CREATE TRIGGER counts AFTER UPDATE ON t FOR EACH ROW EXECUTE FUNCTION counts();"
        "CREATE FUNCTION dozens() RETURNS trigger LANGUAGE plpgsql AS"
        " 'BEGIN IF (SELECT n % 12 FROM log) > 0 THEN RAISE EXCEPTION ''no dozen''; END IF; RETURN NULL; END';"
        "CREATE CONSTRAINT TRIGGER dozens AFTER UPDATE ON t DEFERRABLE INITIALLY DEFERRED FOR EACH ROW"
        " EXECUTE FUNCTION dozens()",
        sql="UPDATE t SET n = 1",
        because="constraint trigger dozens on public.t may be checked at the commit",
    ),
    "a rule": Refused(
        setup=T + LOG + "CREATE RULE r AS ON UPDATE TO t DO ALSO INSERT INTO log VALUES (1)",
        sql="UPDATE t SET n = 0",
        because="rule r on public.t makes another statement of it",
        shown="SELECT * FROM log",
    ),
    "a unique column": Refused(
        setup="CREATE TABLE t (id int PRIMARY KEY, n int UNIQUE DEFERRABLE);"
        "INSERT INTO t SELECT g, g FROM generate_series(1, 12) g",
        sql="UPDATE t SET n = 13 - n",
        because="n must stay unique (t_n_key)",
    ),
    "the key itself": Refused(
        setup="CREATE TABLE t (id int PRIMARY KEY DEFERRABLE, n int);"
        "INSERT INTO t SELECT g, 0 FROM generate_series(1, 12) g",
        sql="UPDATE t SET id = id + 5, n = n + 1",
        because="id must stay unique (t_pkey)",
    ),
    "a partition key": Refused(
        setup="CREATE TABLE t (id int, n int) PARTITION BY LIST (n); CREATE TABLE t1 PARTITION OF t FOR VALUES IN (1);"
        "CREATE TABLE t2 PARTITION OF t FOR VALUES IN (2); ALTER TABLE t1 ADD PRIMARY KEY (id);"
        "ALTER TABLE t2 ADD PRIMARY KEY (id); INSERT INTO t SELECT g, g % 2 + 1 FROM generate_series(1, 12) g",
        sql="UPDATE t SET n = 3 - n",
        because="n steers rows to their partition",
    ),
    "rows that reference each other": Refused(
        setup="CREATE TABLE t (id int PRIMARY KEY, n int REFERENCES t);"
        "INSERT INTO t SELECT g, nullif(g - 1, 0) FROM generate_series(1, 12) g",
        sql="DELETE FROM t",
        because="foreign key t_n_fkey of public.t holds among the rows that go",
    ),
    "rows that lose their reference": Refused(
        setup="CREATE TABLE t (id int PRIMARY KEY, n int REFERENCES t ON DELETE SET NULL);"
        "INSERT INTO t VALUES (5, NULL), (6, NULL); INSERT INTO t SELECT g, 5 FROM generate_series(1, 3) g;"
        "INSERT INTO t VALUES (4, 3), (7, 4), (8, 1)",
        sql="DELETE FROM t WHERE n IS NOT NULL AND id <> 8",
        because="changes rows of the table itself",
    ),
    "rows held by two keys": Refused(
        setup="CREATE TABLE t (id int PRIMARY KEY, n int); INSERT INTO t SELECT g, g FROM generate_series(12, 1, -1) g;"
        "CREATE TABLE u (a int REFERENCES t, b int REFERENCES t ON DELETE CASCADE);"
        "INSERT INTO u VALUES (1, 12)",
        sql="DELETE FROM t",
        because="foreign key u_a_fkey of public.u holds among the rows that go",
    ),
    "rows that are changed when others go": Refused(
        setup=T
        + "CREATE TABLE u (id int PRIMARY KEY, a int REFERENCES t ON DELETE CASCADE); INSERT INTO u VALUES (1, 1);"
        "ALTER TABLE t ADD u int REFERENCES u ON DELETE SET NULL; UPDATE t SET u = 1 WHERE id > 6",
        sql="DELETE FROM t WHERE id = 1 OR u IS NOT NULL",
        because="rows of public.u go too",
    ),
}


@pytest.mark.parametrize("name", PROVEN)
def test_it_is_refused(name: str, clone: Clone) -> None:
    refused = PROVEN[name]
    with pytest.raises(CannotSplit) as reason:
        split(clone(refused.setup), refused.sql)
    assert refused.because in reason.value.problem
    assert reason.value.remedy


@pytest.mark.parametrize("name", PROVEN)
def test_batches_would_not_do_the_same(name: str, clone: Clone) -> None:
    refused = PROVEN[name]
    plain, batched = clone(refused.setup), clone(refused.setup)
    plain.execute(refused.sql)
    assert _forced(batched, refused) != plain.fetch(refused.shown)


def _forced(database: Database, refused: Refused) -> Any:
    """The rows, or the error that comes half way."""
    try:
        for step in by_force(database, refused.sql):
            walk(database, step)
    except psycopg.Error as error:
        return error
    return database.fetch(refused.shown)


KEYLESS = (
    "CREATE TABLE t (id int, n int);"
    "CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN NEW.n := 1; RETURN NEW; END';"
)
UNPROVEN = {
    "rows returned": (T, "UPDATE t SET n = 0 RETURNING id", "it returns rows (RETURNING)"),
    "WITH": (T, "WITH x AS (SELECT 1) UPDATE t SET n = 0", "it has WITH queries"),
    "USING": (T, "DELETE FROM t USING t o WHERE o.id = t.id", "other relations (USING)"),
    "a place on disk": (T, "DELETE FROM t WHERE ctid > '(0,3)'", "the system column ctid"),
    "a cursor": (T, "DELETE FROM t WHERE CURRENT OF c", "the row that the cursor c stands on"),
    "an INSERT": (T, "INSERT INTO t SELECT id + 100 FROM t", "only an UPDATE or a DELETE"),
    "an EXPLAIN": (T, "EXPLAIN ANALYZE UPDATE t SET n = 0", "only an UPDATE or a DELETE"),
    "a view": (T + "CREATE VIEW v AS SELECT * FROM t", "UPDATE v SET n = 0", "v is a view"),
    "an age": (T, "DELETE FROM t WHERE age(to_timestamp(n)) > '1 day'", "age() is STABLE, not IMMUTABLE"),
    "an operator that is not immutable": (
        T
        + (
            "CREATE FUNCTION f(int, int) RETURNS bool LANGUAGE plpgsql STABLE AS 'BEGIN RETURN true; END';"
            "CREATE OPERATOR @@@ (FUNCTION = f, LEFTARG = int, RIGHTARG = int)"
        ),
        "DELETE FROM t WHERE n @@@ 1",
        "the operator @@@ of schema public is not IMMUTABLE",
    ),
    "no key": (
        "CREATE TABLE t (id int)",
        "UPDATE t SET id = id + 1",
        "it has no primary key, and no unique index; nor",
    ),
    "no key, and a default": (
        "CREATE TABLE t (id int DEFAULT 1)",
        "UPDATE t SET id = DEFAULT",
        "what it assigns is no plain value for each column",
    ),
    "no key, and a part of a column": (
        "CREATE TABLE t (a int[], b int)",
        "UPDATE t SET a[2] = 5",
        "what it assigns is no plain value for each column",
    ),
    "no key, and a precision that is not known": (
        "CREATE TABLE t (a interval(0))",
        "UPDATE t SET a = '0.5 s'",
        "how a keeps a value is not known",
    ),
    "no key, and a trigger that changes values": (
        f"{KEYLESS} CREATE TRIGGER f BEFORE UPDATE ON t FOR EACH ROW EXECUTE FUNCTION f()",
        "UPDATE t SET n = 0",
        "trigger f may leave a row to be changed once more",
    ),
    "no key, and a trigger that keeps rows": (
        f"{KEYLESS} CREATE TRIGGER f BEFORE DELETE ON t FOR EACH ROW EXECUTE FUNCTION f()",
        "DELETE FROM t",
        "trigger f may leave a row to be changed once more",
    ),
    "a key that may be null": (
        "CREATE TABLE t (id int UNIQUE, n int)",
        "UPDATE t SET n = n + 1",
        "none holds all rows by columns that are NOT NULL",
    ),
    "a key of some rows": (
        "CREATE TABLE t (id int NOT NULL, n int, m int); CREATE UNIQUE INDEX ON t (id) WHERE m > 0",
        "UPDATE t SET n = n + 1",
        "none holds all rows by columns that are NOT NULL",
    ),
    "a key of expressions": (
        "CREATE TABLE t (id int NOT NULL, n int); CREATE UNIQUE INDEX ON t (abs(id))",
        "UPDATE t SET n = n + 1",
        "none holds all rows by columns that are NOT NULL",
    ),
    "a key in another order": (
        "CREATE TABLE t (id text NOT NULL, n int); CREATE UNIQUE INDEX ON t (id text_pattern_ops)",
        "UPDATE t SET n = n + 1",
        "none holds all rows by columns that are NOT NULL",
    ),
    "a key in another collation": (
        'CREATE TABLE t (id text NOT NULL, n int); CREATE UNIQUE INDEX ON t (id COLLATE "C")',
        "UPDATE t SET n = n + 1",
        "none holds all rows by columns that are NOT NULL",
    ),
    "a foreign partition": (
        (
            "CREATE FOREIGN DATA WRAPPER w; CREATE SERVER s FOREIGN DATA WRAPPER w;"
            "CREATE TABLE t (id int) PARTITION BY LIST (id); CREATE FOREIGN TABLE far PARTITION OF t DEFAULT SERVER s"
        ),
        "DELETE FROM t",
        "public.far is a foreign table",
    ),
    "a reference that is checked at the commit": (
        T + "CREATE TABLE u (a int REFERENCES t DEFERRABLE INITIALLY DEFERRED)",
        "DELETE FROM t",
        "foreign key u_a_fkey of public.u is checked at the commit",
    ),
    "a reference of its own that is checked at the commit": (
        T + "ALTER TABLE t ADD r int REFERENCES t (id) DEFERRABLE INITIALLY DEFERRED",
        "UPDATE t SET r = 99",
        "foreign key t_r_fkey of public.t is checked at the commit",
    ),
    "a trigger that puts another row in its place": (
        T
        + (
            "CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS 'DECLARE r t; BEGIN r := OLD; RETURN r; END';"
            "CREATE TRIGGER f BEFORE UPDATE ON t FOR EACH ROW EXECUTE FUNCTION f()"
        ),
        "UPDATE t SET n = 0",
        "may put another row in the row's place",
    ),
}


@pytest.mark.parametrize("name", UNPROVEN)
def test_it_is_refused_too(name: str, clone: Clone) -> None:
    setup, sql, because = UNPROVEN[name]
    with pytest.raises(CannotSplit) as reason:
        split(clone(setup), sql)
    assert because in reason.value.problem


def test_rows_that_the_role_may_not_see_are_not_walked(clone: Clone) -> None:
    database = clone(T + "ALTER TABLE t ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY")
    sql = "UPDATE t SET n = 0"
    world = world_of(database, sql)
    humble = replace(world, server=replace(world.server, is_superuser=False))
    with pytest.raises(CannotSplit, match="row security hides rows"):
        in_batches(_case(humble, sql))


def test_partitions_that_the_role_may_change_through_their_parent_only(clone: Clone) -> None:
    database = clone(
        "CREATE TABLE t (id int PRIMARY KEY, n int) PARTITION BY RANGE (id);"
        "CREATE TABLE t1 PARTITION OF t DEFAULT; INSERT INTO t VALUES (1, 1)"
    )
    sql = "UPDATE t SET n = 0"
    world = world_of(database, sql)
    server = replace(world.server, is_superuser=False, role="somebody", memberships=frozenset())
    part = replace(table_of(world, "t1"), privileges=frozenset({"SELECT"}))
    with pytest.raises(CannotSplit, match="through its parent only"):
        in_batches(_case(replace(world.put(part), server=server), sql))
    allowed = replace(part, privileges=frozenset({"SELECT", "UPDATE"}))
    assert in_batches(_case(replace(world.put(allowed), server=server), sql))


@pytest.mark.parametrize(
    ("body", "is_refused"),
    [
        ("NEW.n := NEW.id", False),
        ("IF NEW.id = 5 THEN NEW.n = 6; END IF", False),
        ("IF NEW.n = 5 THEN NEW.id = 6; END IF", True),
        ("NEW.n := 1; NEW.id = NEW.n", True),
        ("/* a key */ NEW.id = 1", True),
        ("NEW.id := 5", True),
        ('NEW."id" = 5', True),
        ("SELECT 1, 2 INTO NEW", True),
        ("NEW := OLD", True),
        ("NEW.n := coalesce(NEW.n, 0) + OLD.id", False),
    ],
)
def test_a_trigger_on_partitions_may_not_give_another_key(body: str, *, is_refused: bool, clone: Clone) -> None:
    database = clone(
        "CREATE TABLE t (id int, n int) PARTITION BY HASH (n);"
        "CREATE TABLE t1 PARTITION OF t FOR VALUES WITH (MODULUS 1, REMAINDER 0); ALTER TABLE t1 ADD PRIMARY KEY (id);"
        "ALTER TABLE t ADD more int; INSERT INTO t VALUES (1, 1, 1);"
        f"CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN {body.replace('.n', '.more')}; RETURN NEW; "
        "END $$; CREATE TRIGGER f BEFORE UPDATE ON t FOR EACH ROW EXECUTE FUNCTION f()"
    )
    case = case_of(database, "UPDATE t SET more = 3")
    if is_refused:
        with pytest.raises(CannotSplit, match="trigger f on"):
            in_batches(case)
    else:
        assert in_batches(case)


# --- what may ---------------------------------------------------------------------------------------------------------


def test_the_time_is_that_of_the_beginning_for_all_rows(clone: Clone) -> None:
    setup = T + "ALTER TABLE t ADD at timestamptz, ADD day date, ADD due timestamp"
    sql = (
        "UPDATE t SET at = now(), day = CURRENT_DATE, due = LOCALTIMESTAMP(0) + interval '1 day'"
        " WHERE id <> 3 AND to_timestamp(n) < now()"
    )
    pasted = clone(setup)
    (step,) = split(pasted, sql)
    assert set(step.pins) == {"now()", "current_date", "localtimestamp(0)"}
    paste(pasted, [step])
    ((times, days, dues, rows),) = pasted.fetch(
        "SELECT count(DISTINCT at), count(DISTINCT day), count(DISTINCT due), count(at) FROM t"
    )
    assert (times, days, dues, rows) == (1, 1, 1, 11)


@pytest.mark.parametrize(
    ("sql", "is_repeatable"),
    [
        ("UPDATE t SET n = 0 WHERE n > 5", True),
        ("UPDATE t SET n = id", True),
        ("DELETE FROM t WHERE n > 5", True),
        ("UPDATE t SET n = n + 1", False),
        ("UPDATE t SET n = (to_jsonb(t) ->> 'id')::int", False),
    ],
)
def test_what_may_be_done_twice_is_known(sql: str, *, is_repeatable: bool, clone: Clone) -> None:
    assert [step.is_repeatable for step in split(clone(T), sql)] == [is_repeatable]


@pytest.mark.parametrize("sql", ["UPDATE t SET n = n + 1", "DELETE FROM t WHERE id % 2 = 0"])
def test_a_batch_locks_no_rows_but_its_own(sql: str, clone: Clone) -> None:
    database = clone(T)
    (step,) = split(database, sql)
    with psycopg.connect(database.conninfo, cursor_factory=psycopg.RawCursor) as walker:
        walker.execute(step.batch.encode(), (None, 4))
        with database.connect() as other:
            other.execute("SET lock_timeout = '1s'")
            free = other.execute("SELECT id FROM t ORDER BY id FOR UPDATE SKIP LOCKED").fetchall()
    assert [row[0] for row in free if row[0] > 4] == list(range(5, 13))
    assert 4 not in [row[0] for row in free]


@pytest.mark.parametrize("mode", ["force_custom_plan", "force_generic_plan"])
def test_a_batch_goes_straight_to_its_place(mode: str, clone: Clone) -> None:
    database = clone(
        "CREATE TABLE t (id int PRIMARY KEY, n int, more text);"
        "INSERT INTO t SELECT g, g, repeat('x', 500) FROM generate_series(1, 50000) g; ANALYZE"
    )
    (step,) = split(database, "UPDATE t SET n = n + 1")
    with database.connect() as connection:
        connection.execute(f"SET plan_cache_mode = {mode}".encode())
        connection.execute(f"PREPARE batch AS {step.batch}".encode())
        plan = [row[0].strip() for row in connection.execute("EXPLAIN (COSTS OFF) EXECUTE batch (40000, 100)")]
    assert not [line for line in plan if "Seq Scan" in line]
    assert len([line for line in plan if line.startswith("Index Cond: (id >")]) == 1


def test_partitions_that_the_condition_leaves_out_are_not_walked(clone: Clone) -> None:
    database = clone(
        "CREATE TABLE t (id int PRIMARY KEY, n int) PARTITION BY RANGE (id);"
        "CREATE TABLE t1 PARTITION OF t FOR VALUES FROM (0) TO (10);"
        "CREATE TABLE t2 PARTITION OF t FOR VALUES FROM (10) TO (20)"
    )
    assert [step.relation for step in split(database, "UPDATE t SET n = 0 WHERE id < 7")] == ["public.t1"]
