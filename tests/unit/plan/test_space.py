"""Room on the disk."""

from __future__ import annotations

import pytest

from gate.model.effects import Effect
from gate.model.locks import LockMode
from gate.model.plan import Severity
from gate.model.work import Work
from gate.plan.space import runs_out

GB = 1024**3


def _rewrite(disk_bytes: int | None, wal_bytes: int | None) -> tuple[Effect, ...]:
    return (
        Effect(
            oid=1,
            schema="public",
            name="orders",
            kind="r",
            lock=LockMode.ACCESS_EXCLUSIVE,
            work=(Work.REWRITE,),
            disk_bytes=disk_bytes,
            wal_bytes=wal_bytes,
        ),
    )


@pytest.mark.parametrize(
    ("disk_bytes", "wal_bytes", "free_bytes", "severity"),
    [
        (10 * GB, 10 * GB, 8 * GB, Severity.REFUSE),
        (10 * GB, 10 * GB, 15 * GB, Severity.WARN),
        (10 * GB, 10 * GB, 100 * GB, None),
        (10 * GB, 10 * GB, None, None),
        (None, None, 0, None),
    ],
)
def test_it_says_what_does_not_fit(
    disk_bytes: int | None, wal_bytes: int | None, free_bytes: int | None, severity: Severity | None
) -> None:
    found = runs_out(_rewrite(disk_bytes, wal_bytes), free_bytes)
    assert (found.severity if found else None) == severity


def test_the_words_name_all_three_numbers() -> None:
    found = runs_out(_rewrite(10 * GB, 12 * GB), 8 * GB)
    assert found is not None
    assert found.problem == ("needs about 10 GB of disk and writes about 12 GB of WAL for public.orders; 8 GB are free")
