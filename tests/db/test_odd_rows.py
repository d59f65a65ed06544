"""Data of odd kinds: what gate says of the rows is what the server does with the statement, or unknown."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pytest

from tests.db.test_checks import asked, refusal
from tests.servers import Database


@dataclass(frozen=True)
class Odd:
    """A statement over its own tables; `said` is `wrong`, `fits` or `unknown`."""

    setup: str
    sql: str
    said: str
    since: int = 14


def one(kind: str, value: str) -> str:
    """A table of one row."""
    return f"CREATE TABLE t (a {kind}); INSERT INTO t VALUES ({value})"


_CHECKED = (
    "CREATE FUNCTION spy(int) RETURNS boolean LANGUAGE plpgsql AS $$BEGIN RAISE EXCEPTION 'ran'; END$$; "
    "CREATE DOMAIN odd AS int CHECK (spy(VALUE)); "
)

CASES = (
    Odd(one("float8", "-32768.5"), "ALTER TABLE t ALTER a TYPE smallint", "fits"),
    Odd(one("float8", "32767.5"), "ALTER TABLE t ALTER a TYPE smallint", "wrong"),
    Odd(one("float8", "-9223372036854775808"), "ALTER TABLE t ALTER a TYPE bigint", "fits"),
    Odd(one("float8", "9223372036854775807"), "ALTER TABLE t ALTER a TYPE bigint", "wrong"),
    Odd(one("float4", "'NaN'"), "ALTER TABLE t ALTER a TYPE int", "wrong"),
    Odd(one("numeric", "-32768.5"), "ALTER TABLE t ALTER a TYPE smallint", "wrong"),
    Odd(one("date", "'5000000-01-01'"), "ALTER TABLE t ALTER a TYPE timestamp", "wrong"),
    Odd(one("date", "'2026-01-01'"), "ALTER TABLE t ALTER a TYPE timestamptz", "fits"),
    Odd(one("interval", "'infinity'"), "ALTER TABLE t ALTER a TYPE time", "wrong", since=17),
    Odd(one("text[]", "'{long}'"), "ALTER TABLE t ALTER a TYPE varchar(3)[]", "unknown"),
    Odd(one("text", "'10'"), "ALTER TABLE t ALTER a TYPE bit(3) USING a::bit(3)", "unknown"),
    Odd(one("text", "'t'"), "ALTER TABLE t ALTER a TYPE regclass USING a::regclass", "unknown"),
    Odd(one("text", "'t'"), "ALTER TABLE t ADD CHECK (to_regclass(a) IS NOT NULL)", "unknown"),
    Odd(one("text", "'t'"), "ALTER TABLE t ADD CHECK (a = current_user)", "unknown"),
    Odd(_CHECKED + one("int", "1"), "ALTER TABLE t ADD CHECK (ARRAY[a]::odd[] IS NOT NULL)", "unknown"),
    Odd(_CHECKED + one("int", "1"), "ALTER TABLE t ALTER a TYPE odd[] USING ARRAY[a]", "unknown"),
    Odd(
        "CREATE TYPE pair AS (x int, y int); " + one("pair", "ROW(NULL, NULL)"),
        "ALTER TABLE t ALTER a SET NOT NULL",
        "fits",
    ),
    Odd("CREATE TYPE pair AS (x int, y int); " + one("pair", "NULL"), "ALTER TABLE t ALTER a SET NOT NULL", "wrong"),
    Odd(
        "CREATE TABLE r (a char(5) PRIMARY KEY); INSERT INTO r VALUES ('x'); " + one("text", "'x '"),
        "ALTER TABLE t ADD FOREIGN KEY (a) REFERENCES r",
        "fits",
    ),
    Odd(
        "CREATE FUNCTION nothing() RETURNS int LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'; " + one("int", "1"),
        "ALTER TABLE t ADD COLUMN b int DEFAULT nothing() NOT NULL",
        "unknown",
    ),
    Odd(one("int", "1"), "ALTER TABLE t ADD COLUMN b uuid DEFAULT gen_random_uuid() NOT NULL", "fits"),
    Odd(one("int", "1"), "ALTER TABLE t ADD COLUMN b bigserial PRIMARY KEY", "fits"),
    # What was made for the old values is made anew.
    Odd(one("numeric", "1.2") + ", (1.4); ALTER TABLE t ADD UNIQUE (a)", "ALTER TABLE t ALTER a TYPE int", "wrong"),
    Odd(one("numeric", "1.2") + ", (2.4); ALTER TABLE t ADD UNIQUE (a)", "ALTER TABLE t ALTER a TYPE int", "fits"),
    Odd(
        one("timestamp", "'2026-01-01 10:00'") + ", ('2026-01-01 11:00'); ALTER TABLE t ADD PRIMARY KEY (a)",
        "ALTER TABLE t ALTER a TYPE date",
        "wrong",
    ),
    Odd(
        one("text", "'A'") + ", ('a'); CREATE UNIQUE INDEX ON t (a)",
        "ALTER TABLE t ALTER a TYPE text USING lower(a)",
        "wrong",
    ),
    Odd(
        one("text", "'1'") + ", ('01'); CREATE UNIQUE INDEX ON t (a) WHERE a <> '5'",
        "ALTER TABLE t ALTER a TYPE text USING ltrim(t.a, '0')",
        "wrong",
    ),
    Odd(
        "CREATE COLLATION ci (provider = icu, locale = 'und-u-ks-level2', deterministic = false); "
        + one("text", "'A'")
        + ", ('a'); CREATE UNIQUE INDEX ON t (a)",
        "ALTER TABLE t ALTER a TYPE text COLLATE ci",
        "wrong",
    ),
    Odd(
        one("numeric", "1.2") + "; ALTER TABLE t ADD CHECK (a <> 1)",
        "ALTER TABLE t ALTER a TYPE int",
        "wrong",
    ),
    Odd(
        "CREATE TABLE r (a numeric PRIMARY KEY); INSERT INTO r VALUES (1.2); "
        + one("numeric", "1.2")
        + "; ALTER TABLE t ADD FOREIGN KEY (a) REFERENCES r",
        "ALTER TABLE t ALTER a TYPE int",
        "wrong",
    ),
    Odd(
        one("timestamp", "'infinity'") + "; ALTER TABLE t ALTER a SET NOT NULL",
        "ALTER TABLE t ALTER a TYPE time",
        "wrong",
    ),
    Odd(
        "CREATE TABLE t (a int, g int GENERATED ALWAYS AS (a) STORED CHECK (g > 0)); INSERT INTO t VALUES (1)",
        "ALTER TABLE t ALTER g SET EXPRESSION AS (-a)",
        "wrong",
        since=17,
    ),
    Odd(
        "CREATE TABLE t (a int, g int GENERATED ALWAYS AS (a) STORED); INSERT INTO t VALUES (0)",
        "ALTER TABLE t ALTER g SET EXPRESSION AS (1 / a)",
        "wrong",
        since=17,
    ),
    Odd(
        "CREATE TABLE p (a int, b int, UNIQUE NULLS NOT DISTINCT (a, b)) PARTITION BY LIST (a); "
        "CREATE TABLE n (a int, b int); INSERT INTO n VALUES (1, NULL), (1, NULL)",
        "ALTER TABLE p ATTACH PARTITION n FOR VALUES IN (1)",
        "wrong",
        since=15,
    ),
)


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.sql} {case.setup[-30:]}")
def test_gate_says_what_the_server_does(case: Odd, clone: Callable[[str], Database], major: int) -> None:
    if major < case.since:
        pytest.skip(f"PostgreSQL {case.since} has it first")
    database = clone(case.setup)
    answers = asked(database, case.sql).values()
    if case.said == "unknown":
        assert [answer.count for answer in answers] == [None]
        return
    assert not [answer.why for answer in answers if answer.count is None]
    assert any(answer.count for answer in answers) == (case.said == "wrong")
    assert (refusal(database, case.sql) in ("22", "23")) == (case.said == "wrong")
