"""One release at a time: the other is waited for outside of everything, and named."""

from __future__ import annotations

import psycopg
import pytest

from gate.model.errors import MissingPrivilege, UsageError
from gate.model.run import Outcome
from gate.run.journalling import takes_runner_lock
from tests.contention.scene import ADDS, BUILDS, HAS_NOTE, Scene

LOCK = takes_runner_lock("gate")
SPENT = "SELECT pg_snapshot_xmax(pg_current_snapshot())::text"


def other_gate(scene: Scene) -> psycopg.Connection:
    other = scene.session(application_name="gate/0123abcd/runner")
    other.execute(LOCK.sql.encode(), LOCK.parameters)
    return other


def test_another_gate_is_named_and_nothing_is_begun(scene: Scene) -> None:
    """While it is waited for, an index can be built concurrently: nobody has a snapshot meanwhile."""
    other = other_gate(scene)
    scene.settings('runner_wait = "2s"')
    scene.migration(ADDS)
    said: list[str] = []

    def warn(text: str) -> None:
        said.append(text)
        with scene.database.connect(options="-c lock_timeout=20s") as builder:
            builder.execute(b"CREATE INDEX CONCURRENTLY meanwhile ON orders (total)")

    told = scene.release(warn=warn)
    assert (told.run.outcome, told.run.exit) == (Outcome.ANOTHER_GATE, 21)
    assert f"pid {other.info.backend_pid}, gate/0123abcd/runner" in told.run.problem
    assert said
    assert scene.value("SELECT indisvalid FROM pg_index WHERE indexrelid = 'meanwhile'::regclass")
    assert (scene.value(HAS_NOTE), scene.value("SELECT to_regclass('gate.runs')")) == (0, None)


def test_what_the_other_has_done_meanwhile_is_not_done_again(scene: Scene) -> None:
    other = other_gate(scene)
    name = scene.migration(ADDS)

    def warn(_: str) -> None:
        scene.database.execute(f"{ADDS}; INSERT INTO schema_migrations VALUES ('{name}')")
        other.close()

    assert scene.release(warn=warn).run.outcome is Outcome.NOTHING_PENDING


# --- what must not be written -----------------------------------------------------------------------------------------


def test_nothing_pending_writes_nothing(scene: Scene) -> None:
    """Not where nothing may be written either, nor beside another gate, nor with a journal of a newer one."""
    scene.migration(ADDS)
    assert scene.release().run.outcome is Outcome.DONE
    scene.database.execute("UPDATE gate.journal_versions SET version = version + 100")
    scene.database.execute(f"ALTER DATABASE {scene.database.name} SET default_transaction_read_only = on")
    other_gate(scene)
    before = scene.value(SPENT)
    told = scene.release()
    assert (told.run.outcome, told.run.exit, told.events) == (Outcome.NOTHING_PENDING, 0, ())
    assert scene.value(SPENT) == before


def test_something_pending_is_not_run_over_the_journal_of_a_newer_gate(scene: Scene) -> None:
    scene.migration(ADDS)
    assert scene.release().run.outcome is Outcome.DONE
    scene.database.execute("UPDATE gate.journal_versions SET version = version + 100")
    scene.migration(BUILDS)
    before = scene.value(SPENT)
    with pytest.raises(UsageError, match="newer"):
        scene.release()
    assert scene.value(SPENT) == before


def test_a_publication_of_all_tables_has_to_be_accepted(scene: Scene) -> None:
    scene.database.execute("CREATE PUBLICATION everything FOR ALL TABLES")
    scene.migration(ADDS)
    refused = scene.release()
    assert refused.run.outcome is Outcome.REFUSED
    assert "everything" in refused.run.problem
    assert scene.value("SELECT to_regclass('gate.runs')") is None
    scene.settings("journal_published = true")
    assert scene.release().run.outcome is Outcome.DONE


def test_a_journal_in_a_file_takes_what_passes_whole_and_nothing_else(scene: Scene) -> None:
    scene.migration(ADDS)
    assert scene.release(journal="file:journal.jsonl").run.outcome is Outcome.DONE
    name = scene.migration(BUILDS)
    refused = scene.release(journal="file:journal.jsonl")
    assert refused.run.outcome is Outcome.REFUSED
    assert name in refused.run.problem
    assert scene.value("SELECT count(*) FROM pg_namespace WHERE nspname = 'gate'") == 0
    assert len(scene.applied()) == 1


def test_the_privilege_that_is_missing_is_named(scene: Scene) -> None:
    role = f"poor_{scene.database.name}"
    scene.database.execute(f"CREATE ROLE {role} LOGIN; GRANT SELECT, INSERT ON schema_migrations TO {role}")
    scene.migration(ADDS)
    try:
        with pytest.raises(MissingPrivilege) as raised:
            scene.release(database_url=f"{scene.database.conninfo} user={role}")
        assert (
            f"GRANT CREATE ON DATABASE {scene.database.name} TO {role}"
            in f"{raised.value.problem} {raised.value.remedy}"
        )
    finally:
        scene.database.execute(f"DROP OWNED BY {role}; DROP ROLE {role}")
