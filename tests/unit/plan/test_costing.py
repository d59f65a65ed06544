"""What work costs: more of anything never costs less, and what is unknown stays unknown."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gate.model.catalog import Column, Constraint, Gathered, Index, IndexKey, Relation, Schema, Type
from gate.model.costs import Seconds
from gate.model.effects import Effect
from gate.model.migration import Migration
from gate.model.rates import DEFAULT_RATES
from gate.model.snapshot import Server, Snapshot
from gate.plan.costing import costed
from gate.plan.reading import read
from gate.rules import derive
from gate.rules.merging import effects
from gate.sql.script import split_script

MB = 2**20
TYPES = {
    23: Type(oid=23, schema="pg_catalog", name="int4", category="N", length=4),
    20: Type(oid=20, schema="pg_catalog", name="int8", category="N", length=8),
    25: Type(oid=25, schema="pg_catalog", name="text", category="S"),
}
OPERATIONS = (
    "CREATE INDEX ON t (a)",
    "CREATE INDEX CONCURRENTLY ON t (b)",
    "CREATE INDEX ON t (a) WHERE b = 'x'",
    "CREATE INDEX ON t USING gin (b)",
    "ALTER TABLE t ADD CHECK (a > 0)",
    "ALTER TABLE t ALTER COLUMN b SET NOT NULL",
    "ALTER TABLE t ADD UNIQUE (b, a)",
    "ALTER TABLE t ADD FOREIGN KEY (a) REFERENCES u",
    "ALTER TABLE t ADD COLUMN c bigserial",
    "ALTER TABLE t SET UNLOGGED",
    "VACUUM FULL t",
    "VACUUM t",
    "ANALYZE t",
    "REINDEX TABLE t",
    "CLUSTER t USING t_id",
    "UPDATE t SET a = 1",
    "DELETE FROM t",
    "DELETE FROM t WHERE a + 1 = 2",
    "INSERT INTO u SELECT id FROM t",
    "SELECT count(*) FROM t",
    "CREATE TABLE v AS SELECT * FROM t",
)


def world(*, rows: float | None = 1e6, heap: int | None = 100 * MB, indexes: int = 1, **settings: str) -> Snapshot:
    """A table `t` of three columns, with so many indexes on its `id`, and a small one `u` with a key."""
    columns = (
        Column(number=1, name="id", type=20, is_not_null=True, gathered=Gathered(width_bytes=8, distinct=-1.0)),
        Column(number=2, name="a", type=23, gathered=Gathered(width_bytes=4, distinct=1000.0)),
        Column(number=3, name="b", type=25, storage="x", gathered=Gathered(width_bytes=33, distinct=-1.0)),
    )
    made = tuple(
        Index(
            oid=100 + number,
            schema="public",
            name=f"t_id{number or ''}",
            relation=1,
            keys=(IndexKey(column=1),),
            columns=(1,),
            size_bytes=22 * MB,
        )
        for number in range(indexes)
    )
    table = Relation(
        oid=1,
        schema="public",
        name="t",
        kind="r",
        rows=rows,
        heap_bytes=heap,
        index_bytes=indexes * 22 * MB,
        toast_bytes=0,
        total_bytes=heap,
        columns=columns,
        indexes=made,
    )
    server = Server(major=18, version="18.4", is_superuser=True, settings=settings)
    schemas = {"public": Schema(oid=2200, name="public")}
    return Snapshot(server=server, types=TYPES, schemas=schemas).put(table, _other())


def _other() -> Relation:
    key = Index(
        oid=200,
        schema="public",
        name="u_pkey",
        relation=2,
        keys=(IndexKey(column=1),),
        columns=(1,),
        is_unique=True,
        is_primary=True,
        size_bytes=8192,
        constraint=300,
    )
    return Relation(
        oid=2,
        schema="public",
        name="u",
        kind="r",
        rows=100.0,
        heap_bytes=8192,
        index_bytes=8192,
        toast_bytes=0,
        total_bytes=16384,
        columns=(Column(number=1, name="id", type=23, is_not_null=True),),
        constraints=(Constraint(oid=300, name="u_pkey", relation=2, kind="p", columns=(1,), index=200),),
        indexes=(key,),
    )


def effect(text: str, before: Snapshot, of: str = "t") -> Effect:
    """The costed effect on `of`."""
    migration = Migration(id=None, path=None, text=text, statements=split_script(text))
    statement = read([migration])[0].statements[0].statement
    assert statement is not None
    found = effects(derive(statement.action, before), before)
    return next(item for item in costed(statement.action, found, before, DEFAULT_RATES) if item.name == of)


def likely(text: str, before: Snapshot, of: str = "t") -> float:
    """Its likely seconds."""
    seconds = effect(text, before, of).seconds
    assert seconds is not None
    return seconds.likely


@pytest.mark.parametrize("text", OPERATIONS)
def test_more_rows_and_bytes_take_longer(text: str) -> None:
    small = effect(text, world(), "u" if "INTO u" in text else "t")
    large = effect(text, world(rows=1e7, heap=1000 * MB), "u" if "INTO u" in text else "t")
    assert small.seconds is not None
    assert large.seconds is not None
    is_sample = text == "ANALYZE t"
    assert large.seconds.likely > small.seconds.likely * (1.2 if is_sample else 5)


@pytest.mark.parametrize("text", [text for text in OPERATIONS if "INTO u" not in text])
def test_a_size_that_is_not_known_stays_unknown(text: str) -> None:
    found = effect(text, world(rows=None, heap=None))
    assert (found.seconds, found.disk_bytes, found.wal_bytes) == (None, None, None)


@pytest.mark.parametrize("text", ["ALTER TABLE t ADD COLUMN c bigserial", "VACUUM FULL t", "UPDATE t SET a = 1"])
def test_every_index_counts(text: str) -> None:
    times = [likely(text, world(indexes=number)) for number in range(5)]
    assert times == sorted(times)
    assert times[4] > times[0] * 1.5


@given(st.floats(min_value=1, max_value=1e10), st.floats(min_value=1, max_value=100), st.sampled_from(OPERATIONS[:16]))
def test_never_less_for_more(rows: float, times: float, text: str) -> None:
    heap = int(rows * 90) + 8192
    some, more = world(rows=rows, heap=heap), world(rows=rows * times, heap=int(heap * times))
    assert likely(text, more) >= likely(text, some) * 0.999
    found = effect(text, some).seconds
    assert found is not None
    assert 0 < found.low <= found.likely <= found.high


def test_text_sorts_slower_than_numbers() -> None:
    assert likely("CREATE INDEX ON t (b)", world()) > likely("CREATE INDEX ON t (a)", world()) * 1.5


def test_a_table_in_the_order_of_the_key_sorts_fast() -> None:
    table = world().relations[1]
    ordered = replace(table.columns[0], gathered=Gathered(width_bytes=8, distinct=-1.0, correlation=1.0))
    sorted_world = world().put(replace(table, columns=(ordered, *table.columns[1:])))
    assert likely("CREATE INDEX ON t (id)", sorted_world) < likely("CREATE INDEX ON t (id)", world()) * 0.8


def test_concurrently_takes_longer() -> None:
    assert likely("CREATE INDEX CONCURRENTLY ON t (a)", world()) > likely("CREATE INDEX ON t (a)", world())


def test_a_partial_index_has_a_wide_range() -> None:
    found = effect("CREATE INDEX ON t (id) WHERE length(b) > 3", world()).seconds
    whole = effect("CREATE INDEX ON t (id)", world()).seconds
    assert found is not None
    assert whole is not None
    assert found.low < whole.low
    assert found.high / found.low > whole.high / whole.low


def test_little_memory_sorts_on_disk() -> None:
    text = "CREATE INDEX ON t (b)"
    little = effect(text, world(maintenance_work_mem="1MB", max_parallel_maintenance_workers="0"))
    much = effect(text, world(maintenance_work_mem="4GB", max_parallel_maintenance_workers="0"))
    assert little.disk_bytes is not None
    assert much.disk_bytes is not None
    assert little.disk_bytes > much.disk_bytes * 1.5


def test_workers_help() -> None:
    alone = likely("CREATE INDEX ON t (b)", world(max_parallel_maintenance_workers="0"))
    helped = likely("CREATE INDEX ON t (b)", world(max_parallel_maintenance_workers="2", maintenance_work_mem="1GB"))
    assert helped < alone


def test_a_rewrite_needs_room_for_a_second_copy_and_writes_it_to_the_log() -> None:
    found = effect("ALTER TABLE t ADD COLUMN c bigserial", world())
    assert found.disk_bytes is not None
    assert found.wal_bytes is not None
    assert found.disk_bytes > 80 * MB
    assert found.wal_bytes > 80 * MB


def test_the_catalog_alone_takes_a_moment_and_never_nothing() -> None:
    found = effect("ALTER TABLE t ADD COLUMN c int", world())
    assert found.seconds is not None
    assert 0 < found.seconds.low < found.seconds.likely < found.seconds.high < 0.05
    assert (found.disk_bytes, found.wal_bytes) == (0, 0)


def test_many_relations_do_not_add_up_to_a_stall() -> None:
    table = world().relations[1]
    parts = tuple(
        replace(table, oid=1000 + number, name=f"p{number}", indexes=(), is_partition=True, parents=(900,))
        for number in range(50)
    )
    parent = replace(
        table,
        oid=900,
        name="p",
        kind="p",
        heap_bytes=None,
        indexes=(),
        children=tuple(part.oid for part in parts),
        partition_strategy="l",
    )
    before = world().put(parent, *parts)
    migration = Migration(id=None, path=None, text="", statements=split_script("ALTER TABLE p ADD COLUMN c int"))
    statement = read([migration])[0].statements[0].statement
    assert statement is not None
    found = costed(statement.action, effects(derive(statement.action, before), before), before, DEFAULT_RATES)
    assert len(found) == 51
    assert sum(item.seconds.high for item in found if item.seconds) < 0.2


def test_the_referenced_table_carries_its_share_of_a_foreign_key() -> None:
    text = "ALTER TABLE t ADD FOREIGN KEY (a) REFERENCES u"
    few = likely(text, world(), "u")
    other = _other()
    many = world().put(replace(other, rows=1e7, heap_bytes=400 * MB, total_bytes=600 * MB))
    assert likely(text, many, "u") > few + 1
    assert likely(text, many) > likely(text, world())


def test_an_unknown_side_of_a_foreign_key_makes_both_unknown() -> None:
    before = world().put(replace(_other(), heap_bytes=None, total_bytes=None))
    text = "ALTER TABLE t ADD FOREIGN KEY (a) REFERENCES u"
    assert effect(text, before, "u").seconds is None
    assert effect(text, before).seconds is None


@pytest.mark.parametrize("text", ["CREATE INDEX ON t (a)", "VACUUM FULL t", "ALTER TABLE t ADD CHECK (a > 0)"])
def test_what_is_new_or_empty_takes_nearly_no_time(text: str) -> None:
    table = world().relations[1]
    before = world().put(replace(table, is_known_empty=True, rows=None, heap_bytes=0, total_bytes=8192))
    found = effect(text, before).seconds
    assert found is not None
    assert found.high < 0.05


def test_rows_from_a_file_or_from_code_are_unknown() -> None:
    assert effect("COPY t FROM '/tmp/rows'", world()).seconds is None
    assert effect("INSERT INTO t SELECT g FROM generate_series(1, 1000000) g", world()).seconds is None


def test_an_attached_partition_gets_the_indexes_that_it_lacks() -> None:
    table = world().relations[1]
    parent = replace(table, oid=900, name="p", kind="p", heap_bytes=None, rows=None, partition_strategy="r")
    above = tuple(
        replace(item, oid=910, name="p_a", relation=900, keys=(IndexKey(column=2),)) for item in table.indexes
    )
    bare = world().put(replace(table, indexes=()), replace(parent, indexes=()))
    lacking = world().put(replace(table, indexes=()), replace(parent, indexes=above))
    text = "ALTER TABLE p ATTACH PARTITION t FOR VALUES FROM (1) TO (10)"
    assert likely(text, lacking) > likely(text, bare) * 2


def test_single_rows_take_no_scan() -> None:
    assert likely("UPDATE t SET a = 1 WHERE id = 7", world()) < 0.01
    assert likely("INSERT INTO t VALUES (1, 2, 'x')", world()) < 0.01


def test_a_never_analysed_table_is_guessed_with_a_wider_range() -> None:
    known = effect("CREATE INDEX ON t (a)", world()).seconds
    guessed = effect("CREATE INDEX ON t (a)", world(rows=None)).seconds
    assert known is not None
    assert guessed is not None
    assert _width(guessed) > _width(known)


def _width(seconds: Seconds) -> float:
    return seconds.high / seconds.low
