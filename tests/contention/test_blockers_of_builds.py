"""Whoever keeps an index build waiting by an older transaction is ended by a filter of the policy, and else not."""

from __future__ import annotations

import psycopg
import pytest

from gate.model.run import Outcome
from tests.contention.scene import BUILDS, Scene, once_begun, until

OLD = ("BEGIN ISOLATION LEVEL REPEATABLE READ", "SELECT count(*) FROM customers")
VALID = "SELECT count(*) FROM pg_index WHERE indisvalid AND indexrelid = to_regclass('orders_customer')"
FILTER = '[[release.kill]]\napplication = "console*"\nidle_in_transaction = "100ms"\nreason = "they forget"'


def test_who_matches_is_ended_and_who_does_not_is_waited_for(scene: Scene) -> None:
    named = scene.session(*OLD, application_name="console 1")
    other = scene.session(*OLD, application_name="report")
    scene.settings(FILTER)
    scene.migration(BUILDS)
    pid = other.info.backend_pid
    its = f"SELECT FROM pg_locks w JOIN pg_locks h USING (virtualxid) WHERE h.pid = {pid} AND w.pid <> h.pid"

    def ends() -> None:
        until(lambda: scene.database.fetch(its))
        other.execute("COMMIT")

    told = scene.release(once_begun(lambda: scene.beside(ends)))
    assert told.run.outcome is Outcome.DONE
    (act,) = told.run.acts
    assert (act.backend.pid, act.how, act.is_own, act.has_worked) == (named.info.backend_pid, "terminate", False, True)
    assert "they forget" in act.why
    assert scene.value(VALID) == 1
    with pytest.raises(psycopg.OperationalError):
        named.execute("COMMIT")


def test_who_does_not_match_is_named_and_nobody_is_ended(scene: Scene) -> None:
    other = scene.session(*OLD, application_name="report")
    scene.settings('lock_wait = "2s"\n' + FILTER)
    scene.migration(BUILDS)
    told = scene.release()
    assert (told.run.outcome, told.run.exit) == (Outcome.LOCK_NOT_ACQUIRED, 20)
    assert [act for act in told.run.acts if not act.is_own] == []
    assert other.info.backend_pid in [way.pid for way in told.run.in_the_way]
    other.execute("COMMIT")
    assert scene.release().run.outcome is Outcome.DONE


def test_who_is_cancelled_in_vain_is_not_told_again_and_again(scene: Scene) -> None:
    """A cancel does nothing to a session that is idle in its transaction."""
    other = scene.session(*OLD, application_name="console")
    scene.settings('lock_wait = "3s"\n[[release.kill]]\napplication = "console"\nhow = "cancel"')
    scene.migration(BUILDS)
    told = scene.release()
    assert told.run.outcome is Outcome.LOCK_NOT_ACQUIRED
    assert len([act for act in told.run.acts if not act.is_own]) == 1
    other.execute("COMMIT")


def test_a_prepared_transaction_is_let_be(scene: Scene) -> None:
    """Its user matches, and it has no process that could be ended."""
    scene.session("BEGIN", "UPDATE orders SET total = 0 WHERE id = 1", "PREPARE TRANSACTION 'two'")
    scene.settings('lock_wait = "2s"\n[[release.kill]]\nuser = "post*"')
    scene.migration(BUILDS)
    told = scene.release(grace_s=2.0)
    assert told.run.outcome is Outcome.LOCK_NOT_ACQUIRED
    assert [act for act in told.run.acts if not act.is_own] == []
    scene.database.execute("ROLLBACK PREPARED 'two'")
    assert scene.release().run.outcome is Outcome.DONE
