"""The rules of indexes on more than one example each: what they say, and where they keep quiet."""

from __future__ import annotations

import pytest

from gate.app.plan_sql import plan_sql
from tests.servers import Database

pytestmark = pytest.mark.majors(newest=True)

SETUP = """
CREATE TABLE ref (id int PRIMARY KEY, other int UNIQUE); INSERT INTO ref SELECT g, g FROM generate_series(1, 40) g;
CREATE TABLE t (a int, b int, c int, d text);
INSERT INTO t SELECT g % 40 + 1, g % 40 + 1, g, g FROM generate_series(1, 12000) g;
CREATE INDEX plain ON t (a, c); CREATE INDEX part ON t (b) WHERE b > 3; CREATE INDEX "Lower" ON t (lower(d));
CREATE UNIQUE INDEX uniq ON t (c);
CREATE TABLE small (a int); INSERT INTO small VALUES (1);
CREATE TABLE p (a int, b int) PARTITION BY RANGE (a); CREATE TABLE p1 PARTITION OF p FOR VALUES FROM (0) TO (10);
INSERT INTO p VALUES (1, 1); CREATE INDEX pi ON p (b); CREATE INDEX half ON ONLY p (a);
ANALYZE
"""

SAID = (
    # A foreign key is served by an index whose first column is one of its own, in whatever order.
    ("ALTER TABLE t ADD FOREIGN KEY (b) REFERENCES ref NOT VALID", "foreign-key-without-index", "warn"),
    ("ALTER TABLE t ADD FOREIGN KEY (a) REFERENCES ref NOT VALID", "foreign-key-without-index", None),
    ("ALTER TABLE t ADD FOREIGN KEY (c) REFERENCES ref (other) NOT VALID", "foreign-key-without-index", None),
    ("ALTER TABLE small ADD FOREIGN KEY (a) REFERENCES ref", "foreign-key-without-index", "note"),
    ("ALTER TABLE t ADD COLUMN r int REFERENCES ref", "foreign-key-without-index", "warn"),
    ("CREATE TABLE n (r int REFERENCES ref)", "foreign-key-without-index", "note"),
    ("CREATE TABLE n (r int PRIMARY KEY REFERENCES ref)", "foreign-key-without-index", None),
    ("CREATE TABLE n (x int, r int REFERENCES ref); CREATE INDEX ON n (r, x)", "foreign-key-without-index", None),
    ("CREATE TABLE n (r int REFERENCES ref); CREATE INDEX ON n (r) WHERE r > 1", "foreign-key-without-index", "note"),
    # One that does what another does already.
    ("CREATE INDEX ON t (a)", "redundant-index", "note"),
    ("CREATE INDEX ON t (a, c)", "redundant-index", "note"),
    ("CREATE INDEX ON t (c)", "redundant-index", "note"),
    ("CREATE INDEX ON t (lower(d))", "redundant-index", "note"),
    ("CREATE INDEX ON t (upper(d))", "redundant-index", None),
    ("CREATE INDEX ON t (b)", "redundant-index", None),
    ("CREATE INDEX new ON t (a, c); DROP INDEX plain", "redundant-index", None),
    ("CREATE UNIQUE INDEX ON t (a, c)", "redundant-index", None),
    ("CREATE INDEX ON t USING hash (a)", "redundant-index", None),
    ("CREATE INDEX ON t (d text_pattern_ops)", "redundant-index", None),
    # One that goes.
    ("DROP INDEX plain", "drops-only-index", "note"),
    ("CREATE INDEX other ON t (a, c, b); DROP INDEX plain", "drops-only-index", None),
    ("DROP INDEX CONCURRENTLY plain", "drops-only-index", "note"),
    ("DROP INDEX CONCURRENTLY plain", "index-drop-shuts-out-readers", None),
    ("DROP INDEX plain, part", "index-drop-shuts-out-readers", "warn"),
    ("DROP INDEX plain CASCADE", "index-drop-shuts-out-readers", "warn"),
    ("DROP INDEX pi", "index-drop-shuts-out-readers", None),
    ("DROP INDEX IF EXISTS nothing", "index-drop-shuts-out-readers", None),
    ("CREATE TABLE n (a int); CREATE INDEX ni ON n (a); DROP INDEX ni", "index-drop-shuts-out-readers", None),
    ("ALTER TABLE t ADD FOREIGN KEY (a) REFERENCES ref; DROP INDEX plain", "foreign-key-without-index", "warn"),
    # One that is not valid.
    ("CREATE INDEX IF NOT EXISTS half ON p (a)", "invalid-index-taken-for-built", "refuse"),
    ("CREATE INDEX IF NOT EXISTS pi ON p (b)", "invalid-index-taken-for-built", None),
    ("CREATE INDEX IF NOT EXISTS plain ON t (a, b)", "other-index-taken-for-built", "warn"),
    ("CREATE INDEX IF NOT EXISTS plain ON small (a)", "other-index-taken-for-built", "warn"),
    ("CREATE UNIQUE INDEX IF NOT EXISTS plain ON t (a, c)", "other-index-taken-for-built", "warn"),
    ("CREATE INDEX IF NOT EXISTS plain ON t (a, c)", "other-index-taken-for-built", None),
    ('CREATE INDEX IF NOT EXISTS "Lower" ON t (lower(d))', "other-index-taken-for-built", None),
    ('CREATE INDEX IF NOT EXISTS "Lower" ON t (d)', "other-index-taken-for-built", "warn"),
    ("CREATE INDEX IF NOT EXISTS pi ON p (b)", "other-index-taken-for-built", None),
    ("CREATE INDEX IF NOT EXISTS p1_b_idx ON p1 (b)", "other-index-taken-for-built", None),
    # Partitions that come and go.
    ("ALTER TABLE p DETACH PARTITION p1", "detach-shuts-out-readers", "warn"),
    ("CREATE TABLE d PARTITION OF p DEFAULT; ALTER TABLE p DETACH PARTITION p1", "detach-shuts-out-readers", None),
    ("CREATE TABLE p2 PARTITION OF p FOR VALUES FROM (10) TO (20)", "new-partition-shuts-out-readers", "warn"),
    ("CREATE TABLE n PARTITION OF nothing FOR VALUES FROM (10) TO (20)", "new-partition-shuts-out-readers", None),
)


@pytest.fixture
def shop(database: Database) -> Database:
    database.execute(SETUP)
    return database


def test_they_say_what_they_know(shop: Database) -> None:
    wrong = []
    for sql, rule, severity in SAID:
        plan = plan_sql(sql, shop.conninfo)
        found = [item for statement in plan.statements for item in statement.findings if item.rule == rule]
        if [item.severity.value for item in found] != ([] if severity is None else [severity] * len(found or [1])):
            wrong.append((sql, severity, found))
    assert wrong == []


def test_steps_are_offered_in_place_of_a_queue(shop: Database) -> None:
    """What takes a short lock that waits long is split although it does no work."""
    for sql, steps in (
        ("DROP INDEX plain, part", ["DROP INDEX CONCURRENTLY plain", "DROP INDEX CONCURRENTLY part"]),
        (
            "ALTER TABLE p DETACH PARTITION p1",
            [
                "ALTER TABLE p DETACH PARTITION p1 CONCURRENTLY",
                "ALTER TABLE public.p1 DROP CONSTRAINT IF EXISTS p1_a_check",
            ],
        ),
    ):
        (statement,) = plan_sql(sql, shop.conninfo).statements
        assert statement.verdict.value == "split"
        assert [step.sql for step in statement.steps] == steps
