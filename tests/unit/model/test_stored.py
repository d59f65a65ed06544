"""A stored snapshot is the snapshot."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gate.model import catalog
from gate.model.errors import UsageError
from gate.model.locks import LockMode
from gate.model.migration import Bookkeeping
from gate.model.moment import HeldLock, Moment
from gate.model.snapshot import Server, Snapshot, Unread
from gate.model.stored import Stored, from_text, to_text

RELATION = catalog.Relation(
    oid=16384,
    schema="public",
    name="Bestellungen \u00fc",
    kind="r",
    rows=12.5,
    columns=(catalog.Column(number=1, name="id", type=20, is_not_null=True),),
    indexes=(
        catalog.Index(
            oid=16390,
            schema="public",
            name="i",
            relation=16384,
            keys=(catalog.IndexKey(column=1),),
        ),
    ),
    triggers=(catalog.Trigger(oid=3, name="t", relation=16384, function=9, events=frozenset({"insert", "update"})),),
    referenced_by=((16400, 16401),),
    sequence=catalog.Sequence(oid=1, type=20, maximum=5),
    privileges=frozenset({"SELECT"}),
)
SNAPSHOT = Snapshot(
    server=Server(major=15, version="15.18", settings={"TimeZone": "UTC"}, memberships=frozenset({"a", "b"})),
    dependents={
        catalog.Ref("pg_class", 16384, 1): (
            catalog.Depend(dependent=catalog.Ref("pg_rewrite", 5), on=catalog.Ref("pg_class", 16384, 1), kind="n"),
        ),
    },
    casts=(catalog.Cast(source=23, target=20, method="f"),),
    unread=(Unread(what="w", why="y"),),
    taken_at="2026-01-02T03:04:05Z",
    is_whole=True,
).put(RELATION)


def test_there_and_back() -> None:
    stored = Stored(
        snapshot=SNAPSHOT,
        bookkeeping={
            "dbmate": (
                Bookkeeping(schema="public", table="schema_migrations", columns=("version",), rows=({"version": "1"},)),
            ),
        },
        gate="0.1.0",
    )
    assert from_text(to_text(stored), name="x") == stored


def test_what_is_past_when_it_is_read_is_not_stored() -> None:
    moment = Moment(locks=(HeldLock(relation=16384, mode=LockMode.SHARE, pid=4711),))
    busy = replace(SNAPSHOT, moment=moment).put(
        replace(RELATION, traffic=catalog.Traffic(window_s=1, scans_per_s=2, writes_per_s=3)),
    )
    assert from_text(to_text(Stored(snapshot=busy)), name="x").snapshot == SNAPSHOT


@pytest.mark.parametrize(
    "text",
    ["", "{}", "[]", '{"gate_snapshot": 1}', '{"gate_snapshot": 99, "snapshot": {}}', "null"],
)
def test_what_is_not_a_snapshot_is_told_with_the_remedy(text: str) -> None:
    with pytest.raises(UsageError, match=r"shop\.json is") as caught:
        from_text(text, name="shop.json")
    assert "gate snapshot" in caught.value.remedy
