"""How hooks of a release share its time with its heartbeat, and what is said where its journal is gone."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from gate.app.hooks import Hooks, JournalLedger
from gate.journal.file import FileJournal
from gate.model.changes import Change, Until
from gate.model.run import Outcome
from gate.platforms.preset import UNKNOWN
from gate.policy.policy import Policy
from tests.journal.asking import start

CHANGE = Change(
    kind="heroku.maintenance",
    target="shop",
    what="maintenance of shop was switched on",
    before={},
    after={},
    until=Until.RUN_ENDS,
)


def hooks(now_s: Callable[[], float], beat: Callable[[], None] = lambda: None) -> Hooks:
    return Hooks(policy=Policy(), platform=UNKNOWN, now_s=now_s, beat=beat)


def test_who_asks_for_the_time_that_is_left_keeps_the_heart_beating() -> None:
    beats: list[float] = []
    clock = iter((10.0, 12.0, 50.0))
    left_s = hooks(lambda: next(clock), lambda: beats.append(1.0)).within(30.0, lambda: 1000.0)
    assert (left_s(), left_s()) == (28.0, -10.0)
    assert len(beats) == 2


def test_where_the_journal_is_gone_what_this_run_has_changed_is_named(tmp_path: Path) -> None:
    """So that somebody can put it back by hand."""
    journal = FileJournal(tmp_path / "gate.journal")
    journal.begin_run(start("run1"))
    found = hooks(lambda: 0.0)
    found.ledger = JournalLedger(journal=journal, run="run1", database="shop")
    found.ledger.keep(CHANGE)
    (tmp_path / "gate.journal").unlink()
    (tmp_path / "gate.journal").mkdir()
    (told,) = found.restore(Outcome.FAILED, lambda: 100.0)
    assert "cannot be used" in told.problem
    assert "maintenance of shop was switched on" in told.problem
