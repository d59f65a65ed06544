"""What a container leaves behind of how it ended, wherever it is to be written."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from gate.cli import last_words


@pytest.fixture
def log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "termination-log"
    path.touch()
    monkeypatch.setenv(last_words.VARIABLE, str(path))
    return path


@pytest.mark.parametrize("length", range(1160, 1200))
def test_a_password_is_none_wherever_a_text_is_cut(length: int, log: Path) -> None:
    """Of half an address nobody could tell that it has one."""
    said = "cannot reach postgresql://shop:".rjust(length, "x") + "hunter2hunter2@db.internal/shop" + "y" * 9000
    last_words.failed(50, said, "z" * 9000)
    text = log.read_text()
    assert "hunt" not in text
    assert json.loads(text)["exit_code"] == 50


def test_what_is_no_utf_8_is_json_all_the_same(log: Path) -> None:
    last_words.failed(50, "a file \udcff\x00 of " + "\x01" * 5000)
    content = log.read_bytes()
    assert json.loads(content)["exit_code"] == 50
    assert len(content) <= 4096


def test_a_pipe_that_nobody_reads_holds_nothing_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "pipe"
    os.mkfifo(path)
    monkeypatch.setenv(last_words.VARIABLE, str(path))
    last_words.failed(50, "cannot connect")
    assert path.is_fifo()
