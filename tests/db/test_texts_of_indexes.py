"""What splits need the server to print: read where nothing else says it, and never waited for."""

from __future__ import annotations

from tests.servers import Database
from tests.splits.walking import table_of, world_of

SETUP = """
CREATE TABLE p (a int, b text) PARTITION BY RANGE (a, lower(b) COLLATE "C" text_pattern_ops);
CREATE INDEX i ON p (b DESC);
CREATE TABLE t (a int, b text); CREATE INDEX plain ON t (a); CREATE INDEX part ON t (a) WHERE a > 1;
CREATE INDEX expr ON t (lower(b));
CREATE MATERIALIZED VIEW m AS SELECT a FROM t WITH NO DATA; CREATE MATERIALIZED VIEW n AS SELECT a FROM t
"""
SQL = "ALTER TABLE p ATTACH PARTITION t DEFAULT; REFRESH MATERIALIZED VIEW m; REFRESH MATERIALIZED VIEW n"


def _definitions(database: Database) -> dict[str, str | None]:
    world = world_of(database, SQL)
    return {index.name: index.definition for name in ("p", "t") for index in table_of(world, name).indexes}


def test_they_are_read_of_what_has_no_other_text(database: Database) -> None:
    database.execute(SETUP)
    assert _definitions(database) == {
        "i": "CREATE INDEX i ON ONLY public.p USING btree (b DESC)",
        "plain": None,
        "part": "CREATE INDEX part ON public.t USING btree (a) WHERE (a > 1)",
        "expr": "CREATE INDEX expr ON public.t USING btree (lower(b))",
    }
    world = world_of(database, SQL)
    assert table_of(world, "p").partition_key == 'RANGE (a, lower(b) COLLATE "C" text_pattern_ops)'
    assert table_of(world, "t").partition_key is None
    assert [table_of(world, name).is_populated for name in ("m", "n", "t")] == [False, True, True]


def test_nobody_waits_for_them(database: Database) -> None:
    database.execute(SETUP)
    with database.connect(autocommit=False) as other:
        other.execute("LOCK TABLE p, t IN ACCESS EXCLUSIVE MODE")
        assert set(_definitions(database).values()) == {None}
        assert table_of(world_of(database, SQL), "p").partition_key is None
