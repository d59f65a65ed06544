"""What the rules say of statements beside each other: exchanges, what is made anew, what the release itself added."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest

from gate.app.plan_sql import plan_sql
from gate.model.plan import Severity
from tests.servers import Database

Clone = Callable[[str], Database]

SHOP = """
CREATE TYPE temper AS ENUM ('ok', 'bad');
CREATE TABLE users (
    id serial PRIMARY KEY, "order" int NOT NULL, email text UNIQUE, "Größe" varchar(10), feeling temper DEFAULT 'ok'
);
INSERT INTO users ("order", email) VALUES (1, 'a'), (2, 'b');
CREATE VIEW mails AS SELECT id, email FROM users;
CREATE FUNCTION name(int) RETURNS text LANGUAGE sql AS 'SELECT $1::text';
CREATE TABLE unused (a int NOT NULL DEFAULT 1, b int, id int PRIMARY KEY);
CREATE INDEX ON unused (b);
"""

PASSES = (
    pytest.param(
        "ALTER TABLE users RENAME TO people; CREATE VIEW users AS SELECT * FROM people", id="a view takes the old name"
    ),
    pytest.param(
        'ALTER TABLE users ADD COLUMN number bigint; ALTER TABLE users RENAME COLUMN "order" TO old_order; '
        'ALTER TABLE users RENAME COLUMN number TO "order"',
        id="two columns exchanged",
    ),
    pytest.param("DROP VIEW mails; CREATE VIEW mails AS SELECT id, email, 1 AS more FROM users", id="a view made anew"),
    pytest.param(
        "DROP FUNCTION name(int); CREATE FUNCTION name(int, text DEFAULT '') RETURNS text LANGUAGE sql AS 'SELECT $2'",
        id="a function made anew with one more argument",
    ),
    pytest.param(
        "ALTER TYPE temper RENAME TO temper_old; CREATE TYPE temper AS ENUM ('ok', 'bad', 'sad'); "
        "ALTER TABLE users ALTER COLUMN feeling DROP DEFAULT, ALTER COLUMN feeling TYPE temper "
        "USING feeling::text::temper, ALTER COLUMN feeling SET DEFAULT 'ok'; DROP TYPE temper_old",
        id="an enum made anew with one more value",
    ),
    pytest.param(
        "ALTER TABLE users DROP CONSTRAINT users_email_key, ADD CONSTRAINT users_email_key UNIQUE (email)",
        id="a key made anew",
    ),
    pytest.param(
        "ALTER TABLE users ADD COLUMN age int; ALTER TABLE users ALTER COLUMN age SET DEFAULT 0; "
        "ALTER TABLE users ALTER COLUMN age DROP DEFAULT; ALTER TABLE users DROP COLUMN age",
        id="a column that the release adds, and takes back",
    ),
    pytest.param(
        "DROP TABLE unused; CREATE TABLE unused (a text)", id="a table that is empty, and that nobody has ever read"
    ),
    pytest.param("ALTER TABLE unused DROP COLUMN b, ALTER COLUMN a DROP DEFAULT", id="columns of such a table"),
)


@pytest.mark.parametrize("sql", PASSES)
def test_nobody_misses_what_the_same_transaction_makes_good(clone: Clone, sql: str) -> None:
    plan = plan_sql(sql, clone(SHOP).conninfo)
    assert [
        (finding.rule, finding.problem)
        for statement in plan.statements
        for finding in statement.findings
        if finding.severity is Severity.REFUSE and not finding.is_cured_by_split
    ] == []


FEWER = (
    "ALTER TYPE temper RENAME TO temper_old; CREATE TYPE temper AS ENUM ('ok'); ALTER TABLE users ALTER COLUMN "
    "feeling DROP DEFAULT, ALTER COLUMN feeling TYPE temper USING feeling::text::temper"
)


def test_what_is_empty_and_read_is_in_use(clone: Clone) -> None:
    shop = clone(SHOP)
    shop.execute("SELECT count(*) FROM unused; " * 5)
    _counted(shop, "unused", 5)
    (statement,) = plan_sql("DROP TABLE unused", shop.conninfo).statements
    assert [finding.rule for finding in statement.findings] == ["drops-table"]


def _counted(shop: Database, table: str, scans: int) -> None:
    """14 tells its statistics collector, which writes them down some time later."""
    deadline = time.monotonic() + 60
    while shop.fetch(f"SELECT seq_scan >= {scans} FROM pg_stat_all_tables WHERE relname = '{table}'") != [(True,)]:
        assert time.monotonic() < deadline
        time.sleep(0.05)


# 14 tells its statistics collector, which writes them down some time later.
@pytest.mark.majors(since=15)
def test_the_scans_of_its_own_index_builds_are_nobodys(clone: Clone) -> None:
    shop = clone("CREATE TABLE t (a int)")
    shop.execute("CREATE TABLE late (a int PRIMARY KEY, b int UNIQUE); CREATE INDEX ON late (b)")
    assert shop.fetch("SELECT seq_scan FROM pg_stat_all_tables WHERE relname = 'late'") == [(3,)]
    assert plan_sql("DROP TABLE late", shop.conninfo).statements[0].findings == ()


REFUSED = (
    ("ALTER TABLE users RENAME TO people", "renames-relation"),
    ("DROP VIEW mails; CREATE VIEW mails AS SELECT id FROM users", "drops-view"),
    ("DROP TABLE users CASCADE; CREATE TABLE users (id int)", "drops-table"),
    ("DROP TABLE users CASCADE", "drops-dependents"),
    (FEWER, "removes-enum-value"),
    (
        "ALTER TABLE users ADD COLUMN age int DEFAULT 1 NOT NULL; ALTER TABLE users ALTER COLUMN age DROP DEFAULT",
        "drops-default",
    ),
    ("ALTER TABLE users ADD COLUMN age int; ALTER TABLE users ALTER COLUMN age SET NOT NULL", "unfilled-column"),
    (
        "ALTER TYPE temper ADD VALUE 'sad'; UPDATE users SET feeling = 'sad' WHERE id = 1",
        "uses-uncommitted-enum-value",
    ),
    ('ALTER TABLE users DROP COLUMN "Größe"', "drops-column"),
)


@pytest.mark.parametrize(("sql", "rule"), REFUSED)
def test_running_code_would_miss_it(clone: Clone, sql: str, rule: str) -> None:
    plan = plan_sql(sql, clone(SHOP).conninfo)
    found = {finding.rule: finding.severity for statement in plan.statements for finding in statement.findings}
    assert found.get(rule) is Severity.REFUSE


def test_the_phases_are_sql_in_the_users_own_names(clone: Clone) -> None:
    shop = clone(SHOP)
    (statement,) = plan_sql('ALTER TABLE users DROP COLUMN "order"', shop.conninfo).statements
    remedy = next(finding.remedy for finding in statement.findings if finding.rule == "drops-column")
    first, second = remedy.split("; 2. ")
    assert 'ALTER TABLE public.users ALTER COLUMN "order" DROP NOT NULL, so that' in first
    shop.execute('ALTER TABLE public.users ALTER COLUMN "order" DROP NOT NULL')
    sql = second.removeprefix("next release: ").partition(", under")[0]
    assert sql == 'ALTER TABLE public.users DROP COLUMN "order"'
    shop.execute(sql)
    assert "-- gate: allow drops-column because" in second


def test_a_comment_lets_the_second_release_pass(clone: Clone) -> None:
    sql = "-- gate: allow drops-column because no release reads it\nALTER TABLE users DROP COLUMN email CASCADE"
    (statement,) = plan_sql(sql, clone(SHOP).conninfo).statements
    allowed = {finding.rule: finding.allowed_by for finding in statement.findings}
    assert allowed["drops-column"] == "no release reads it"
    assert allowed["drops-dependents"] is None, "the view goes too, and nobody has allowed that"


WAYS = (
    "ALTER TYPE temper RENAME TO state; SELECT feeling = 'ok' FROM users",
    "ALTER TYPE public.temper ADD VALUE 'sad' AFTER 'bad'",
    "ALTER TABLE users ADD CONSTRAINT email_length CHECK (char_length(email) <= 3) NOT VALID",
)


@pytest.mark.parametrize("sql", WAYS)
def test_the_ways_out_are_taken_by_the_server(clone: Clone, sql: str) -> None:
    clone(SHOP).execute(sql)
