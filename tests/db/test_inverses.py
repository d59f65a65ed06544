"""What takes back a statement that passes as it stands: on a server the schema is then what it was before."""

from __future__ import annotations

from collections.abc import Callable

import psycopg
import pytest

from gate.plan.inverses import inverse
from gate.sql.parse import parse_statement
from gate.sql.script import split_script
from tests.laws.ends import end_of
from tests.laws.planning import world_of
from tests.servers import Database

SETUP = """
CREATE TABLE customers (id int PRIMARY KEY, name text, email text DEFAULT 'none');
CREATE TABLE orders (id int NOT NULL, customer_id int, total int DEFAULT 0, note text, at timestamptz DEFAULT now());
ALTER TABLE orders ADD CONSTRAINT open CHECK (total > -1) NOT VALID;
INSERT INTO customers VALUES (1, 'a', 'a@b');
INSERT INTO orders VALUES (1, 1, 5, 'x');
CREATE TABLE parts (id int, at date) PARTITION BY RANGE (at);
CREATE TABLE parts_1 PARTITION OF parts FOR VALUES FROM ('2026-01-01') TO ('2027-01-01');
"""

TAKEN_BACK = [
    "ALTER TABLE orders ADD COLUMN shipped date",
    "ALTER TABLE orders ADD COLUMN code text NOT NULL DEFAULT 'x' UNIQUE CHECK (code <> '')",
    "ALTER TABLE orders ADD PRIMARY KEY (id)",
    "ALTER TABLE orders ADD PRIMARY KEY (id, customer_id)",
    "ALTER TABLE orders ADD UNIQUE (note)",
    "ALTER TABLE orders ADD CHECK (total > 0)",
    "ALTER TABLE orders ADD FOREIGN KEY (customer_id) REFERENCES customers",
    "ALTER TABLE orders ADD EXCLUDE (id WITH =)",
    "ALTER TABLE orders ALTER note SET NOT NULL, ALTER customer_id SET NOT NULL",
    "ALTER TABLE orders ALTER note SET DEFAULT 'y'",
    "ALTER TABLE orders ALTER total SET DEFAULT 7",
    "ALTER TABLE orders ALTER total DROP DEFAULT",
    "ALTER TABLE orders ALTER at DROP DEFAULT",
    "ALTER TABLE orders ADD shipped date, ADD CHECK (shipped > at), ALTER note SET NOT NULL",
    "CREATE INDEX ON orders (customer_id)",
    "CREATE UNIQUE INDEX CONCURRENTLY orders_note ON orders (lower(note)) WHERE total > 0",
]
# What has destroyed or changed something is not built anew, and what was there already is not taken away.
STAYS = [
    "ALTER TABLE orders DROP COLUMN note",
    "ALTER TABLE orders DROP CONSTRAINT open",
    "ALTER TABLE orders ALTER total TYPE bigint",
    "ALTER TABLE orders ADD shipped date, DROP note",
    "ALTER TABLE orders RENAME note TO notes",
    "ALTER TABLE parts ADD CHECK (id > 0)",
    "DROP TABLE orders",
    "CREATE TABLE more (id int)",
    "UPDATE orders SET total = 1",
    "ALTER TABLE orders ALTER note DROP NOT NULL",
]


@pytest.mark.parametrize("sql", TAKEN_BACK)
def test_the_schema_is_what_it_was(sql: str, clone: Callable[[str], Database]) -> None:
    database = clone(SETUP)
    before = end_of(database)
    undo = _inverse(database, sql)
    assert undo
    with psycopg.connect(database.conninfo, autocommit=True) as connection:
        connection.execute(sql.encode())
        assert before.differences_of_schema(end_of(database)) != ""
        for statement in split_script(undo):
            connection.execute(statement.sql.encode())
    assert before.differences_of_schema(end_of(database)) == ""


@pytest.mark.majors(newest=True)
@pytest.mark.parametrize("sql", STAYS)
def test_what_did_more_than_add_stays(sql: str, clone: Callable[[str], Database]) -> None:
    assert _inverse(clone(SETUP), sql) is None


@pytest.mark.majors(newest=True)
def test_a_validated_constraint_may_stay_validated(clone: Callable[[str], Database]) -> None:
    assert _inverse(clone(SETUP), "ALTER TABLE orders VALIDATE CONSTRAINT open") == ""


def _inverse(database: Database, sql: str) -> str | None:
    parsed = parse_statement(sql)
    assert parsed is not None
    return inverse(parsed.statement.action, world_of(database, sql))
