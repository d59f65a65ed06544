"""The pipeline on catalogs made by hand: no server is asked."""

from __future__ import annotations

import pytest

from gate.model.catalog import Column, Relation, Schema, Type
from gate.model.errors import InvalidSql
from gate.model.migration import Migration, Sending
from gate.model.names import Name
from gate.model.plan import Plan, Verdict
from gate.model.snapshot import Server, Snapshot
from gate.plan.pipeline import fold_all, judge
from gate.plan.reading import read
from gate.sql.script import split_script


def _catalog() -> Snapshot:
    table = Relation(
        oid=20000,
        schema="public",
        name="orders",
        kind="r",
        rows=1000.0,
        total_bytes=81920,
        columns=(Column(number=1, name="id", type=23), Column(number=2, name="note", type=25)),
    )
    types = {
        23: Type(oid=23, schema="pg_catalog", name="int4", length=4),
        25: Type(oid=25, schema="pg_catalog", name="text", category="S"),
    }
    schemas = {name: Schema(oid=number, name=name) for number, name in enumerate(("pg_catalog", "public"), start=1)}
    return Snapshot(server=Server(major=18, version="18.4"), schemas=schemas, types=types).put(table)


def _plan(sql: str, *, is_transactional: bool = True, sending: Sending = Sending.IN_TRANSACTION) -> Plan:
    migration = Migration(
        id="1",
        path="1.sql",
        text=sql,
        is_transactional=is_transactional,
        sending=sending,
        statements=split_script(sql, path="1.sql"),
    )
    return judge(fold_all(read([migration]), _catalog()), source="plain")


def test_an_error_stands_where_it_is_in_the_file() -> None:
    with pytest.raises(InvalidSql) as caught:
        _plan("-- up\n  SELECT 1;\n  ALTER TABLE orders ADD COLUM n int;\n")
    assert (caught.value.line, caught.value.column) == (3, 34)
    assert caught.value.caret().splitlines()[1] == " " * 33 + "^"


def test_a_table_of_this_release_is_harmless() -> None:
    plan = _plan(
        "CREATE TABLE fresh (a int); CREATE INDEX i ON fresh (a); ALTER TABLE fresh ALTER COLUMN a SET NOT NULL;"
    )
    assert plan.verdict is Verdict.PASS
    assert [effect.is_new for effect in plan.statements[1].effects] == [True]


def test_work_under_a_lock_that_an_earlier_statement_took() -> None:
    sql = "ALTER TABLE orders ADD CONSTRAINT c CHECK (id > 0) NOT VALID;\nALTER TABLE orders VALIDATE CONSTRAINT c;\n"
    together = _plan(sql)
    assert together.verdict is Verdict.SPLIT
    (found,) = (item for item in together.statements[1].findings if item.rule == "works-under-blocking-lock")
    assert "held since line 1" in found.problem
    assert [step.sql for step in together.statements[1].steps] == ["ALTER TABLE orders VALIDATE CONSTRAINT c"]
    apart = _plan(sql, is_transactional=False, sending=Sending.EACH)
    assert apart.verdict is Verdict.PASS


def test_locks_live_to_the_end_of_their_transaction() -> None:
    (migration,) = _plan(
        "BEGIN; ALTER TABLE orders ADD COLUMN c int; COMMIT; SELECT 1;", is_transactional=False
    ).migrations
    first = migration.transactions[0]
    assert first.statements == (0, 1, 2)
    assert [(hold.relation, hold.from_line) for hold in first.holds] == [("public.orders", 1)]


def test_concurrently_in_a_transaction_is_refused() -> None:
    sql = "CREATE INDEX CONCURRENTLY i ON orders (id);"
    assert _plan(sql).statements[0].findings[0].rule == "server-would-reject"
    assert _plan(sql, is_transactional=False, sending=Sending.EACH).verdict is Verdict.PASS


def test_a_local_setting_ends_with_its_transaction() -> None:
    sql = "BEGIN; SET LOCAL search_path = nowhere; COMMIT; ALTER TABLE orders ADD COLUMN c int;"
    assert _plan(sql, is_transactional=False, sending=Sending.EACH).verdict is Verdict.PASS


def test_what_is_not_known_is_refused_and_counted() -> None:
    plan = _plan("EXECUTE something;")
    assert plan.verdict is Verdict.REFUSE
    assert [statement.is_understood for statement in plan.statements] == [False]


def test_the_same_statements_have_the_same_fingerprint() -> None:
    one, other = _plan("ALTER TABLE orders ADD COLUMN c int;"), _plan("ALTER TABLE orders ADD COLUMN c int;")
    assert one.fingerprint == other.fingerprint
    assert one.fingerprint != _plan("ALTER TABLE orders ADD COLUMN d int;").fingerprint


def test_a_renamed_table_is_found_by_its_new_name() -> None:
    plan = _plan("ALTER TABLE orders RENAME TO sales; ALTER TABLE sales ADD COLUMN c int; DROP TABLE orders;")
    rejected = ["server-would-reject" in [found.rule for found in item.findings] for item in plan.statements]
    assert rejected == [False, False, True]
    assert [effect.relation for effect in plan.statements[1].effects] == ["public.sales"]


def test_names_are_those_that_the_catalog_stores() -> None:
    assert Name("Größe").__str__() == '"Größe"'
    assert Name("a", "b").__str__() == "b.a"
