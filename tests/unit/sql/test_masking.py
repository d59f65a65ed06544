"""Secrets never leave a text, and the rest of it does not change."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gate.sql.masking import hushed, masked, masked_in_place, normalised

WITH_SECRETS = [
    "CREATE ROLE x LOGIN PASSWORD 'topsecret' VALID UNTIL '2030-01-01 kept'",
    "ALTER USER x WITH ENCRYPTED PASSWORD E'tops\\'ecret topsecret' CREATEDB kept",
    "create user x password $$topsecret$$ kept",
    "create group x password $a$topsecret$$ topsecret$a$ kept",
    "ALTER ROLE x PASSWORD U&'topsecret\\0041' UESCAPE '\\'",
    "ALTER ROLE x PASSWORD/* kept */'topsecret'",
    "ALTER ROLE x PASSWORD -- kept\n 'topsecret'",
    "ALTER ROLE x PASSWORD 'top'\n'topsecret'",
    "CREATE SUBSCRIPTION s CONNECTION 'host=a password=topsecret' PUBLICATION p WITH (slot_name = 'kept')",
    "CREATE SUBSCRIPTION s CONNECTION $$topsecret$$ PUBLICATION kept",
    "ALTER SUBSCRIPTION kept CONNECTION 'topsecret'",
    "CREATE USER MAPPING FOR x SERVER s OPTIONS (user 'kept', password 'topsecret')",
    "ALTER USER MAPPING FOR x SERVER s OPTIONS (SET password 'topsecret', ADD host 'kept')",
    "CREATE SERVER s FOREIGN DATA WRAPPER w OPTIONS (host 'kept', secret_key 'topsecret', \"password\" 'topsecret')",
    "SELECT * FROM dblink('host=kept password=topsecret dbname=d', 'SELECT 1') AS t(a int)",
    "SELECT dblink_connect('c', 'postgresql://u:topsecret@h/kept')",
    "SELECT dblink_connect('postgres://u:p%40topsecret@h/d?password=topsecret&sslmode=kept')",
    "SELECT dblink_connect('c', 'host=h password=''top secret topsecret'' dbname=kept')",
    "SELECT dblink($$host=kept password=topsecret$$, 'x')",
    "SELECT dblink('host=kept password=' || 'topsecret', 'x')",
    "DO $$ BEGIN EXECUTE 'ALTER ROLE x PASSWORD ''topsecret'''; PERFORM 'kept'; END $$",
    "DO $$ BEGIN EXECUTE format('ALTER ROLE x PASSWORD %L', 'topsecret'); PERFORM 'kept'; END $$",
    "DO $$ BEGIN EXECUTE 'ALTER ROLE x PASSWORD ' || quote_literal('topsecret'); PERFORM 'kept'; END $$",
    "DO $x$ BEGIN CREATE ROLE y PASSWORD 'topsecret'; UPDATE u SET password = crypt(kept, salt); END $x$",
    "DO 'BEGIN CREATE ROLE y PASSWORD ''topsecret''; PERFORM kept(); END'",
    "CREATE FUNCTION f() RETURNS void LANGUAGE sql AS $$ ALTER ROLE kept PASSWORD 'topsecret' $$",
    "ALTER SYSTEM SET primary_conninfo = 'host=a password=topsecret application_name=kept'",
    "SET my.password = 'topsecret kept'",
    "ALTER ROLE kept SET my.password TO 'topsecret'",
    "DO $$ BEGIN EXECUTE 'ALTER ROLE ' || x || ' PASSWORD ' || 'topsecret'; PERFORM 'kept'; END $$",
    "DO $$ DECLARE v_password text := 'topsecret'; BEGIN PERFORM 'kept'; END $$",
    "SELECT f(password => 'topsecret', other => 'kept')",
    "SELECT 1 -- password=topsecret is kept",
    "-- the password 'topsecret' is kept\nSELECT 1",
    "/* postgres://u:topsecret@h/d */ SELECT 'kept'",
    # What does not parse holds secrets too.
    "CREATE ROLE kept PASWORD 'topsecret'",
    "CREATE ROLE kept PASSWORD 'topsecret",
    "CREATE ROLE kept PASSWORD = 'topsecret",
    "CREATE ROLE kept PASSWORD $$topsecret",
    "ALTER ROLE kept PASSWORD 'top' 'topsecret'",
    "kept nonsense ( password 'topsecret'",
]


@pytest.mark.parametrize("text", WITH_SECRETS)
def test_a_secret_is_masked(text: str) -> None:
    assert "topsecret" not in masked(text)
    assert "***" in masked(text)


@pytest.mark.parametrize("text", [text for text in WITH_SECRETS if "kept" in text])
def test_what_stands_around_it_is_kept(text: str) -> None:
    if text != "SET my.password = 'topsecret kept'":
        assert "kept" in masked(text)


@pytest.mark.parametrize("text", WITH_SECRETS)
def test_in_place_everything_else_stands_where_it_stood(text: str) -> None:
    shown = masked_in_place(text)
    assert "topsecret" not in shown
    assert len(shown) == len(text)
    assert shown.count("\n") == text.count("\n")


@pytest.mark.parametrize("text", WITH_SECRETS)
def test_masked_once_is_masked_for_good(text: str) -> None:
    assert masked(masked(text)) == masked(text)


@pytest.mark.parametrize(
    "text",
    [
        "ALTER ROLE x PASSWORD NULL VALID UNTIL '2030-01-01'",
        "ALTER ROLE x SET search_path = 'a', 'b'",
        "ALTER ROLE x IN DATABASE d SET role TO 'y'",
        "UPDATE users SET password = crypt('x', gen_salt('bf')) WHERE id = 1",
        "UPDATE users SET password = '' WHERE password = 'unset'",
        "INSERT INTO words VALUES ('Reset your password', 'Set it anew'), ('password', 'Passwort')",
        "CREATE TYPE login AS ENUM ('password', 'token')",
        "ALTER TABLE users ADD COLUMN password text NOT NULL DEFAULT 'x'",
        "COMMENT ON COLUMN users.password IS 'a bcrypt hash'",
        "SET password_encryption = 'scram-sha-256'",
        "SELECT 'https://host:8080/path?mail=a@b'",
        "INSERT INTO t VALUES ('role', 'user', 'connection', 'token')",
        "CREATE TABLE password (id int); CREATE INDEX ON password (id)",
        "DO $$ BEGIN UPDATE users SET password = new.password WHERE id = 1; END $$",
        "SELECT 1 -- the password column is gone",
        "CREATE USER MAPPING FOR x SERVER s OPTIONS (user 'u')",
    ],
)
def test_what_is_no_secret_is_left_alone(text: str) -> None:
    assert masked(text) == text


def test_the_statement_still_says_what_it_does() -> None:
    assert masked("CREATE ROLE bob PASSWORD 'x' LOGIN") == "CREATE ROLE bob PASSWORD '***' LOGIN"
    nested = "DO $$ BEGIN EXECUTE 'ALTER ROLE bob PASSWORD ''x'' LOGIN'; END $$"
    assert masked(nested) == "DO $$ BEGIN EXECUTE 'ALTER ROLE bob PASSWORD ''***'' LOGIN'; END $$"
    assert masked("SELECT E'a\\tpassword=x'") == "SELECT E'a\tpassword=***'"


def test_an_error_does_not_repeat_a_secret() -> None:
    text = "ALTER ROLE x PASSWORD 'a' 'topsecret'"
    assert hushed("syntax error at or near \"'topsecret'\"", text) == "syntax error at or near \"'***'\""
    assert hushed('syntax error at or near "ROLE"', text) == 'syntax error at or near "ROLE"'


@given(st.text())
def test_no_text_is_too_odd(text: str) -> None:
    assert len(masked_in_place(f"password {text}")) == len(text) + 9
    masked(f"DO $$ password '{text}")
    normalised(text)


@given(
    st.text(alphabet=st.characters(categories=("L", "N", "P", "S")), min_size=8).filter(lambda text: "'" not in text)
)
def test_whatever_the_password_is_it_is_masked(secret: str) -> None:
    assert secret not in masked(f"CREATE ROLE x PASSWORD '{secret}' LOGIN")
    assert secret not in masked(f"DO $do$ BEGIN EXECUTE 'CREATE ROLE x PASSWORD ''{secret}'''; END $do$")


@pytest.mark.parametrize(
    ("query", "shown"),
    [
        ("SELECT * FROM t WHERE a = 'x' AND b = 4.5e3", "SELECT * FROM t WHERE a = $1 AND b = $2"),
        ("SELECT * FROM t WHERE a = $1 AND b = 'x'", "SELECT * FROM t WHERE a = $1 AND b = $2"),
        ("UPDATE t1 SET a = E'x\\'y'\n WHERE id = -3", "UPDATE t1 SET a = $1 WHERE id = -$2"),
        ("SELECT $$x$$, 'cut o", "SELECT $1, $2"),
        ("SELECT 1 /* user=anna */ -- anna", "SELECT $1"),
        ('SELECT "Name 1" FROM t', 'SELECT "Name 1" FROM t'),
        ("CREATE ROLE x PASSWORD 'topsecret'", "CREATE ROLE x PASSWORD $1"),
        ("", ""),
    ],
)
def test_a_query_without_its_values(query: str, shown: str) -> None:
    assert normalised(query) == shown


@pytest.mark.parametrize(
    ("sql", "shown"),
    [
        ("CREATE ROLE app PASSWORD hunter2 LOGIN", "CREATE ROLE app PASSWORD *** LOGIN"),
        ("ALTER USER app PASSWORD NULL", "ALTER USER app PASSWORD NULL"),
        ("SELECT password FROM users", "SELECT password FROM users"),
    ],
)
def test_a_password_without_its_quotes(sql: str, shown: str) -> None:
    assert masked(sql) == shown
    assert hushed('syntax error at or near "hunter2"', sql) == (
        'syntax error at or near "***"' if "***" in shown else 'syntax error at or near "hunter2"'
    )
