"""The benches of releases run, at sizes that say nothing about time; what they count is right."""

from __future__ import annotations

import pytest

from tests.bench import backfill, kill
from tests.bench.__main__ import main


def test_every_bench_can_be_asked_for_help(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.argv", ["bench", "--help"])
    assert main() == 0
    names = [line.split()[0] for line in capsys.readouterr().out.splitlines() if line.startswith("  ")]
    assert {"plan", "estimate", "stall", "backfill", "kill", "fleet", "crash"} == set(names)
    for name in names:
        monkeypatch.setattr("sys.argv", ["bench", name, "--help"])
        with pytest.raises(SystemExit) as ended:
            main()
        assert ended.value.code == 0
        assert f"usage: bench {name}" in capsys.readouterr().out


def test_an_unknown_bench_is_named_as_such(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.argv", ["bench", "peers"])
    assert main() == 2
    assert "stall" in capsys.readouterr().err


@pytest.mark.slow
@pytest.mark.majors(newest=True)
def test_a_release_that_awaits_a_lock_is_ended_and_timed(capsys: pytest.CaptureFixture[str], major: int) -> None:
    kill.main(["--rounds", "1", "--rows", "100", "--major", str(major)])
    (line,) = [line for line in capsys.readouterr().out.splitlines() if line.startswith("   1 SIGTERM")]
    assert line.endswith(" ms")


@pytest.mark.slow
@pytest.mark.majors(newest=True)
def test_a_backfill_is_measured_beside_an_update(
    capsys: pytest.CaptureFixture[str], major: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(backfill, "_CONTROL_S", 0.5)
    told = ["--rows", "20000", "--rounds", "1", "--rate", "50", "--major", str(major)]
    backfill.main(told)
    said = capsys.readouterr().out
    assert "no query failed: 0" in said
    rates = [line.split()[len(what.split())] for what in backfill._WHATS for line in said.splitlines() if what in line]
    assert len(rates) == len(backfill._WHATS)
