"""Whom the policy lets a release end."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gate.model.run import Backend
from gate.policy.policy import KillFilter
from gate.run.killing import to_end
from gate.run.sample import Other

OTHER = Other(
    backend=Backend(pid=1, started_at="2026-01-02T03:04:05.000000Z"),
    user="ann",
    application="console",
    state="idle in transaction",
    transaction_age_s=9.0,
    state_age_s=8.0,
)
BY_NAME = KillFilter(application="console")


def test_who_is_named_is_ended() -> None:
    assert to_end([OTHER, OTHER], [BY_NAME]) == ((OTHER, BY_NAME),)


@pytest.mark.parametrize("wanted", [KillFilter(), KillFilter(older_than_s=1.0)])
def test_age_alone_ends_nobody(wanted: KillFilter) -> None:
    assert to_end([OTHER], [wanted]) == ()


@pytest.mark.parametrize(
    "other",
    [
        replace(OTHER, kind="walsender"),
        replace(OTHER, kind="autovacuum worker", prevents_wraparound=True),
        replace(OTHER, backend=Backend(pid=0, started_at="")),
        replace(OTHER, backend=Backend(pid=1, started_at="")),
        replace(OTHER, application=None),
    ],
    ids=["replication", "wraparound", "prepared", "hidden start", "hidden name"],
)
def test_never(other: Other) -> None:
    assert to_end([other], [BY_NAME]) == ()


@pytest.mark.parametrize("other", [replace(OTHER, transaction_age_s=None), replace(OTHER, transaction_age_s=2.0)])
def test_too_young_or_of_an_unknown_age(other: Other) -> None:
    assert to_end([other], [replace(BY_NAME, older_than_s=5.0)]) == ()
