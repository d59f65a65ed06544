"""The journal in a file: what was written is there after a kill, what was torn is not in the way."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from gate.journal import file
from gate.journal.file import FileJournal
from gate.model.changes import Change, Until
from gate.model.errors import UsageError
from gate.model.run import Outcome, State
from gate.run.journalling import Journal, Mark, ProgramState
from tests.journal.asking import program, run, start


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "gate.journal"


def test_a_run_from_its_begin_to_its_end(path: Path) -> None:
    journal: Journal = FileJournal(path)
    assert journal.standing().version is None
    assert not path.exists()
    journal.prepare()
    journal.begin_run(start(took_up="run0"))
    (found,) = journal.standing().runs
    assert (found.id, found.outcome, found.took_up) == ("run1", Outcome.RUNNING, "run0")
    journal.heartbeat("run1")
    journal.end_run(run(problem="\ud800 \N{SNOWMAN}\u2028"))
    (found,) = FileJournal(path).standing().runs
    assert (found.outcome, found.document["problem"]) == (Outcome.DONE, "\ud800 \N{SNOWMAN}\u2028")
    assert found.ended_at is not None


def test_it_keeps_no_programs(path: Path) -> None:
    journal = FileJournal(path)
    assert not journal.keeps_programs
    key = journal.keep(program(), run="run1")
    mark = Mark(ordinal=1, state=State.DONE)
    assert journal.mark(key, mark, run="run1") == ()
    assert journal.finish(key, ProgramState.DONE) == ()
    assert journal.asks(key, 1) == ()
    assert journal.past_runs() == ()
    assert journal.needs_acceptance() is None


@pytest.mark.parametrize("kept", range(1, 40))
def test_a_torn_line_is_left_out_and_swallows_nothing(path: Path, kept: int) -> None:
    journal = FileJournal(path)
    journal.begin_run(start("run1"))
    whole = path.read_bytes()
    journal.begin_run(start("run2"))
    path.write_bytes(path.read_bytes()[: len(whole) + kept])
    assert [found.id for found in journal.standing().runs] == ["run1"]
    journal.begin_run(start("run3"))
    journal.end_run(run("run3"))
    found = [(known.id, known.outcome) for known in journal.standing().runs]
    assert found == [("run3", Outcome.DONE), ("run1", Outcome.ABANDONED)]


def test_what_was_said_is_there_after_a_kill(path: Path) -> None:
    code = (
        "import os, signal, sys; from pathlib import Path; from gate.journal.file import FileJournal;"
        "from tests.journal.asking import start; FileJournal(Path(sys.argv[1])).begin_run(start());"
        "os.kill(os.getpid(), signal.SIGKILL)"
    )
    ended = subprocess.run([sys.executable, "-c", code, str(path)], check=False, cwd=Path(__file__).parents[3])
    assert ended.returncode == -9
    assert [found.id for found in FileJournal(path).standing().runs] == ["run1"]


def test_several_may_write_at_once(path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from gate.journal import file; file.LINES_KEPT = 30;"
        "from tests.journal.asking import start; journal = file.FileJournal(Path(sys.argv[1]));"
        "[journal.begin_run(start(f'{sys.argv[2]}-{number}')) for number in range(50)]"
    )
    command = [sys.executable, "-c", code, str(path)]
    writers = [subprocess.Popen([*command, name], cwd=Path(__file__).parents[3]) for name in ("a", "b", "c")]
    assert [writer.wait() for writer in writers] == [0, 0, 0]
    lines = path.read_text().splitlines()
    assert len(lines) <= 30
    assert all(json.loads(line)["begins"] for line in lines)
    last = {name: [line for line in lines if f'"{name}-49"' in line] for name in "abc"}
    assert any(last.values())


def test_it_does_not_grow_for_ever(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(file, "LINES_KEPT", 10)
    journal = FileJournal(path)
    for number in range(20):
        journal.begin_run(start(f"run{number}"))
        journal.end_run(run(f"run{number}"))
    assert len(path.read_text().splitlines()) <= 10
    assert journal.standing().runs[0].id == "run19"


def test_what_nobody_has_put_back_is_never_forgotten(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With its database: the file may be that of several."""
    monkeypatch.setattr(file, "LINES_KEPT", 10)
    journal = FileJournal(path)
    change = Change(kind="heroku.scale", target="w", what="w was scaled", before={}, after={}, until=Until.SUCCESS)
    journal.begin_run(replace(start("run0"), database="shop"))
    settled, _ = (journal.keep_change(change, run="run0") for _ in range(2))
    journal.settle_change(settled)
    for number in range(1, 20):
        journal.begin_run(start(f"run{number}"))
        journal.end_run(run(f"run{number}"))
    (kept,) = journal.standing().changes
    assert (kept.run, kept.database, kept.change) == ("run0", "shop", change)
    assert len(path.read_text().splitlines()) <= 10


def test_each_database_has_its_own_last_run(path: Path) -> None:
    journal = FileJournal(path)
    journal.begin_run(start("run1"))
    journal.begin_run(replace(start("run2"), database="other"))
    assert {known.outcome for known in journal.standing().runs} == {Outcome.RUNNING}


def test_a_newer_gate_has_written_to_it(path: Path) -> None:
    path.write_text('{"journal": 2, "sings": true}\n')
    journal = FileJournal(path)
    assert journal.standing().is_newer
    with pytest.raises(UsageError, match="a newer gate has written to"):
        journal.prepare()


def test_a_path_that_cannot_be_used_is_told_before_anything_is_done(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot be used: No such file or directory"):
        FileJournal(tmp_path / "missing" / "gate.journal").prepare()
    with pytest.raises(UsageError, match="cannot be used: Is a directory"):
        FileJournal(tmp_path).prepare()


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full here: no disk that is full")
def test_a_disk_that_is_full_is_told(tmp_path: Path) -> None:
    """A hook has to hear of it, and changes nothing then."""
    (tmp_path / "gate.journal").symlink_to("/dev/full")
    with pytest.raises(UsageError, match="cannot be used: No space left on device"):
        FileJournal(tmp_path / "gate.journal").begin_run(start())
