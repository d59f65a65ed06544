"""What the rules say of rows that change: how many they count, and whom they think of."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from gate.app.clock import Clock
from gate.app.looking import look
from gate.app.weighing import Weighing, weigh
from gate.db.connect import connect
from gate.model.migration import Migration
from gate.model.plan import Finding, Severity
from gate.plan.reading import read
from gate.policy.policy import DEFAULT, Limits, Policy
from gate.rules import changing_values, derive
from gate.rules.merging import effects
from gate.sql.parse import parse_statement
from gate.sql.script import split_script
from tests.facts.conftest import Shop
from tests.servers import Database

Clone = Callable[[str], Database]

BIG = """
CREATE TABLE big (id int PRIMARY KEY, kind text, email text, n int NOT NULL DEFAULT 0, note text);
INSERT INTO big SELECT g, 'k' || g % 5, 'a' || g || '@b', g, CASE WHEN g % 100 = 0 THEN 'x' END
FROM generate_series(1, 30000) g;
CREATE TABLE hot (id int PRIMARY KEY, kind text); INSERT INTO hot SELECT g, 'k' FROM generate_series(1, 100) g;
CREATE TABLE years (id int, day date, PRIMARY KEY (day, id)) PARTITION BY RANGE (day);
CREATE TABLE years_old PARTITION OF years FOR VALUES FROM ('2024-01-01') TO ('2025-01-01');
CREATE TABLE years_new PARTITION OF years FOR VALUES FROM ('2025-01-01') TO ('2026-01-01');
INSERT INTO years SELECT g, '2024-05-01' FROM generate_series(1, 12000) g;
INSERT INTO years SELECT g, '2025-05-01' FROM generate_series(1, 100) g;
CREATE VIEW seen AS SELECT * FROM big; CREATE VIEW seen_again AS SELECT id, note FROM seen;
ANALYZE
"""

MANY = [
    "DELETE FROM big WHERE id IN (SELECT id FROM big LIMIT 20000)",
    "DELETE FROM big WHERE n IN (SELECT n FROM big LIMIT 100)",
    "DELETE FROM big WHERE id IN (SELECT id FROM big LIMIT 100) OR n > 3",
    "DELETE FROM big WHERE id NOT IN (SELECT id FROM big LIMIT 100)",
    "UPDATE big SET note = 'y'",
    "UPDATE big SET note = 'y' WHERE id > 5",
    "UPDATE big SET note = 'y' WHERE id = n",
    "UPDATE big SET note = 'y' WHERE kind = 'k1'",
    "UPDATE big SET note = 'y' WHERE note IS NULL",
    "UPDATE big SET note = 'y' WHERE id = 5 OR kind = 'k1'",
    "UPDATE big SET note = 'y' WHERE id BETWEEN 1 AND 20000",
    "DELETE FROM big WHERE lower(email) = 'a'",
    "DELETE FROM big USING hot WHERE hot.id = big.id",
    "WITH gone AS (DELETE FROM big RETURNING id) SELECT count(*) FROM gone",
    "MERGE INTO big USING hot ON hot.id = big.id WHEN MATCHED THEN UPDATE SET note = 'y'",
    "DO $$ BEGIN UPDATE big SET note = 'y'; END $$",
    "UPDATE years SET id = id + 0",
    "UPDATE seen_again SET note = 'y'",
    "DELETE FROM seen WHERE n > 3",
    "DELETE FROM years WHERE day < '2024-12-01'",
]

FEW = [
    "DELETE FROM big WHERE id IN (SELECT id FROM big WHERE kind = 'k1' ORDER BY id LIMIT 1000)",
    "DELETE FROM big WHERE ctid IN (SELECT ctid FROM big LIMIT 500) AND n > 3",
    "UPDATE big SET note = 'y' WHERE id = 5",
    "UPDATE seen_again SET note = 'y' WHERE id = 5",
    "UPDATE big SET note = 'y' WHERE id IN (1, 2, 3) AND kind = 'k1'",
    "UPDATE big SET note = 'y' WHERE id >= 1 AND id < 5001",
    "UPDATE big SET note = 'y' WHERE email = 'a7@b'",
    "UPDATE big SET note = 'y' WHERE note IS NOT NULL",
    "UPDATE big SET note = 'y' WHERE id = 5 OR email = 'a7@b'",
    "UPDATE big SET note = 'y' WHERE false",
    "UPDATE hot SET kind = 'l'",
    "DELETE FROM years WHERE day > '2025-02-01'",
    "INSERT INTO hot VALUES (1000, 'x')",
    "EXPLAIN UPDATE big SET note = 'y'",
    "CREATE TABLE made AS SELECT * FROM big; UPDATE made SET note = 'y'",
]


def said(database: Database, sql: str, policy: Policy = DEFAULT) -> list[Finding]:
    """All findings of a migration."""
    migrations = read([Migration(id="1", path="1.sql", text=sql, statements=split_script(sql))])
    with connect(database.conninfo, application_name="gate plan") as connection:
        plan = weigh(
            connection, migrations, look(connection, migrations), Weighing(source="sql", policy=policy), Clock()
        )
    return [finding for statement in plan.statements for finding in statement.findings]


def rules_of(database: Database, sql: str) -> set[str]:
    """Their names."""
    return {finding.rule for finding in said(database, sql)}


@pytest.mark.parametrize("sql", MANY)
def test_many_rows_are_counted(sql: str, shared: Shop, major: int) -> None:
    if sql.startswith("MERGE") and major < 15:
        pytest.skip("MERGE came with 15")
    assert "writes-many-rows" in rules_of(shared(BIG), sql)


@pytest.mark.parametrize("sql", FEW)
def test_few_rows_harm_nobody(sql: str, shared: Shop) -> None:
    assert "writes-many-rows" not in rules_of(shared(BIG), sql)


def test_a_table_that_was_never_analysed_is_not_taken_for_small(clone: Clone) -> None:
    database = clone(
        "CREATE TABLE t (n int); INSERT INTO t SELECT g FROM generate_series(1, 30000) g;"
        "CREATE TABLE u (n int); INSERT INTO u VALUES (1)"
    )
    (finding,) = [item for item in said(database, "UPDATE t SET n = n + 1") if item.rule == "writes-many-rows"]
    assert "not known" in finding.problem
    assert "writes-many-rows" not in rules_of(database, "UPDATE u SET n = n + 1")


def test_a_policy_says_how_many_are_many(shared: Shop) -> None:
    database, sql = shared(BIG), "UPDATE hot SET kind = 'l'"
    strict = Policy(relations={"public.hot": Limits(batch_rows=50)})
    assert "writes-many-rows" in [item.rule for item in said(database, sql, strict)]
    patient = Policy(limits=Limits(batch_rows=100_000))
    assert "writes-many-rows" not in [item.rule for item in said(database, MANY[0], patient)]


MEANS = {
    "UPDATE hot SET kind = 'l' WHERE kind = 'k'": True,
    "UPDATE hot SET kind = upper(kind)": True,
    "UPDATE hot SET kind = CASE kind WHEN 'k' THEN 'l' ELSE kind END": True,
    "UPDATE hot SET kind = NULL WHERE kind IN ('k', 'm')": True,
    "DO $$ BEGIN UPDATE hot SET kind = 'l' WHERE kind = 'k'; END $$": True,
    "UPDATE years SET id = id * 100 WHERE day = '2025-05-01'": True,
    "UPDATE hot SET kind = 'l' WHERE kind IS NULL": False,
    "UPDATE hot SET kind = coalesce(kind, 'l')": False,
    "UPDATE hot SET kind = kind": False,
    "UPDATE hot SET kind = 'l' WHERE id = 3": False,
    "ALTER TABLE hot ADD size int; UPDATE hot SET size = length(kind)": False,
    "ALTER TABLE hot ADD size int; UPDATE hot SET size = size + 1": False,
    "CREATE TABLE made (kind text); UPDATE made SET kind = upper(kind)": False,
    "DELETE FROM hot WHERE kind = 'k'": False,
}


@pytest.mark.parametrize("sql", MEANS)
def test_values_change_their_meaning(sql: str, shared: Shop) -> None:
    assert ("meaning-changed-under-old-code" in rules_of(shared(BIG), sql)) == MEANS[sql]


WEIGHTS = {
    (None, 5): Severity.WARN,
    (0.0, 5): Severity.WARN,
    (3.0, 5): Severity.REFUSE,
    (0.0, 0): None,
    (None, 0): Severity.WARN,
}


@pytest.mark.parametrize("traffic", WEIGHTS)
def test_the_weight_goes_by_who_writes(traffic: tuple[float | None, int], shared: Shop) -> None:
    sql = "UPDATE hot SET kind = 'l' WHERE kind = 'k'"
    per_s, counted = traffic
    parsed = parse_statement(sql)
    assert parsed is not None
    migrations = read([Migration(id="1", path="1.sql", text=sql, statements=split_script(sql))])
    with connect(shared(BIG).conninfo, application_name="gate plan") as connection:
        world = look(connection, migrations)
    action = parsed.statement.action
    busy = tuple(
        replace(effect, writes_per_s=per_s, writes=counted, scans=counted, scans_per_s=0.0)
        for effect in effects(derive(action, world), world)
    )
    (rule,) = [item for item in changing_values.RULES if item.rule.name == "meaning-changed-under-old-code"]
    found = [finding.severity for finding in rule.finds(action, busy, world)]
    assert found == ([WEIGHTS[traffic]] if WEIGHTS[traffic] else [])


EVERY = {
    "UPDATE hot SET kind = 'l'": "updates-every-row",
    "UPDATE hot SET kind = 'l' WHERE true": "updates-every-row",
    "UPDATE hot SET kind = 'l' WHERE 1 = 1": "updates-every-row",
    "UPDATE hot SET kind = 'l' WHERE kind IS NULL OR kind IS NOT NULL": "updates-every-row",
    "UPDATE hot SET kind = 'l' WHERE id IS NOT NULL": "updates-every-row",
    "DELETE FROM hot": "empties-table",
    "DELETE FROM hot WHERE id IS NOT NULL AND true": "empties-table",
    "TRUNCATE hot": "empties-table",
    "UPDATE hot SET kind = 'l' WHERE kind IS NOT NULL": "",
    "UPDATE hot SET kind = 'l' WHERE id IS NOT NULL AND kind = 'k'": "",
    "UPDATE hot SET kind = 'l' WHERE id IS NOT NULL AND id > 3": "",
    "UPDATE hot SET kind = upper(kind)": "",
    "DELETE FROM hot USING big WHERE big.id = hot.id": "",
    "CREATE TABLE made (n int); INSERT INTO made VALUES (1); DELETE FROM made; TRUNCATE made": "",
}


@pytest.mark.parametrize("sql", EVERY)
def test_every_row(sql: str, shared: Shop) -> None:
    rules = rules_of(shared(BIG), sql) & {"updates-every-row", "empties-table"}
    assert rules == ({EVERY[sql]} if EVERY[sql] else set())


def test_truncate_cascade_names_all_that_it_empties(clone: Clone) -> None:
    database = clone(
        "CREATE TABLE a (id int PRIMARY KEY); CREATE TABLE b (id int PRIMARY KEY REFERENCES a);"
        'CREATE TABLE "C c" (id int REFERENCES b) PARTITION BY LIST (id); CREATE TABLE c1 PARTITION OF "C c" DEFAULT;'
        "INSERT INTO a VALUES (1); INSERT INTO b VALUES (1); INSERT INTO c1 VALUES (1); ANALYZE"
    )
    (finding,) = [item for item in said(database, "TRUNCATE a CASCADE") if item.rule == "empties-table"]
    named, _, others = finding.problem.partition(", and by CASCADE also ")
    assert "public.a" in named
    assert "public.b" in others
    assert 'public."C c"' in others
    assert "c1" not in others
    assert finding.relation == "public.a"


def test_a_cascade_is_followed_however_far(clone: Clone) -> None:
    database = clone(
        "CREATE TABLE a (id int PRIMARY KEY); CREATE TABLE b (id int PRIMARY KEY, a int REFERENCES a ON DELETE "
        "CASCADE); CREATE TABLE c (b int REFERENCES b ON DELETE SET NULL); INSERT INTO a VALUES (1); INSERT INTO b "
        "VALUES (1, 1); INSERT INTO c SELECT 1 FROM generate_series(1, 11000); ANALYZE"
    )
    findings = {item.rule: item.problem for item in said(database, "DELETE FROM a WHERE id = 1")}
    assert "sets null in public.c (about 11k rows, c_b_fkey)" in findings["delete-cascades"]
    assert (
        "for every row that goes from public.b the server reads all of public.c"
        in (findings["delete-looks-through-table"])
    )


NULLS = {
    "UPDATE big SET note = 'y' WHERE note IS NULL AND id < 5": True,
    "ALTER TABLE hot ADD size int; UPDATE hot SET size = 1": True,
    "ALTER TABLE hot ADD size int DEFAULT 1; UPDATE hot SET size = 2": False,
    "UPDATE big SET n = 1 WHERE n IS NULL": False,
    "UPDATE hot SET kind = 'x' WHERE id = 1": False,
}


@pytest.mark.parametrize("sql", NULLS)
def test_nulls_come_after_a_fill(sql: str, shared: Shop) -> None:
    assert ("old-code-leaves-nulls" in rules_of(shared(BIG), sql)) == NULLS[sql]
