"""The real gate status: its words, its exit codes, and that it leaves nothing behind."""

from __future__ import annotations

from pathlib import Path

import pytest

from gate.model.run import State
from gate.run.journalling import Mark
from tests.e2e.commands import gate
from tests.journal.asking import journal_of, program, start
from tests.servers import Database


@pytest.mark.slow
def test_from_nothing_to_something_unfinished(database: Database, tmp_path: Path) -> None:
    told = gate("status", at=tmp_path, conninfo=database.conninfo)
    assert (told.returncode, told.stderr) == (0, "")
    assert "there is no journal" in told.stdout
    assert database.fetch("SELECT nspname FROM pg_namespace WHERE oid > 16383") == []
    with journal_of(database) as journal:
        journal.prepare()
        journal.begin_run(start())
        key = journal.keep(program(), run="run1")
        journal.record(key, Mark(ordinal=1, state=State.DONE), run="run1")
    told = gate("status", at=tmp_path, conninfo=database.conninfo)
    assert (told.returncode, told.stderr) == (30, "")
    assert told.stdout.startswith("UNFINISHED  1 migration of test_")
    assert "1 of 3 steps done, goes on with step 2" in told.stdout


@pytest.mark.majors(newest=True)
def test_a_format_that_there_is_not(database: Database, tmp_path: Path) -> None:
    done = gate("status", "--format", "xml", at=tmp_path, conninfo=database.conninfo)
    assert done.returncode == 2
    assert "--format takes one of: json, text" in done.stderr
