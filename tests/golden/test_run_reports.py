"""Every word of a release: its reports, and what it says while it lasts."""

from __future__ import annotations

import dataclasses
import io
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gate.cli.live import LogLines
from gate.cli.live_terminal import LiveLines
from gate.model.run import Outcome
from gate.report import Look
from gate.report.prose.words import columns
from gate.report.run import formats, render
from gate.run.telling import Event, Progressed
from tests.golden import runs

Golden = Callable[[str, str], None]


@pytest.mark.parametrize("name", runs.ALL)
def test_text_at_80_columns(name: str, golden: Golden) -> None:
    golden(f"{name}.txt", render("text", runs.ALL[name], Look(width=80)))


@pytest.mark.parametrize("name", ["run-lock", "run-done", "run-failed"])
def test_text_at_a_terminal(name: str, golden: Golden) -> None:
    golden(f"{name}-coloured.txt", render("text", runs.ALL[name], Look(is_coloured=True, shows_rows=True)))


@pytest.mark.parametrize("name", runs.ALL)
def test_for_a_job_summary(name: str, golden: Golden) -> None:
    golden(f"{name}.md", render("markdown", runs.ALL[name], Look()))


@pytest.mark.parametrize("name", ["run-nothing-pending", "run-full", "run-lock", "run-failed", "run-unreachable"])
def test_json(name: str, golden: Golden) -> None:
    golden(f"{name}.json", render("json", dataclasses.replace(runs.ALL[name], plan=None), Look()))


def test_every_event_in_a_log(golden: Golden) -> None:
    golden("run-events.log", "".join(f"-- {name}\n{log(event)}" for name, event in runs.EVENTS.items()))


def test_every_event_at_a_terminal(golden: Golden, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.delenv("NO_COLOR", raising=False)
    told = {name: at_terminal(event) for name, event in runs.EVENTS.items() if not isinstance(event, Progressed)}
    golden("run-events-coloured.txt", "".join(f"-- {name}\n{text}" for name, text in told.items()))


def log(event: Event) -> str:
    """A minute after the event before it: all that is due is said."""
    written: list[str] = []
    clock = iter((0.0, 60.0))
    LogLines(written.append, lambda: next(clock))(event)
    return "".join(written)


class _Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def at_terminal(*events: Event) -> str:
    """What is sent to it."""
    terminal = _Terminal()
    says = LiveLines(terminal, width=100)
    for event in events:
        says(event)
    says.close()
    return terminal.getvalue()


# --- what holds for all of them ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("outcome", Outcome)
@pytest.mark.parametrize("format_name", formats())
def test_every_way_to_end_has_words(outcome: Outcome, format_name: str) -> None:
    bare = dataclasses.replace(runs.NOTHING_PENDING, outcome=outcome, plan=None)
    assert outcome.value.split()[0] in render(format_name, bare, Look()).lower()


@pytest.mark.parametrize("name", runs.ALL)
@pytest.mark.parametrize("width", [40, 80, 100, 300])
def test_no_line_is_wider_than_the_terminal_or_120_columns(name: str, width: int) -> None:
    lines = render("text", runs.ALL[name], Look(width=width)).splitlines()
    assert max(map(columns, lines)) <= max(60, min(width, 120))


@pytest.mark.parametrize("format_name", formats())
def test_values_of_rows_are_shown_only_where_they_may_be(format_name: str) -> None:
    assert "90210" not in render(format_name, runs.FAILED, Look())
    assert "90210" in render(format_name, runs.FAILED, Look(shows_rows=True))


def test_a_password_is_masked_in_what_is_said() -> None:
    event = dataclasses.replace(
        runs.BEGAN, sql="SELECT dblink('host=a password=hunter2')", why="postgres://a:hunter2@b/c"
    )
    assert "hunter2" not in log(event)
    assert "hunter2" not in at_terminal(event)


def poisoned(value: Any, text: str) -> Any:
    """The same value with `text` in every text that may come from a database, a file or a server."""
    if isinstance(value, str):
        return value + text
    if isinstance(value, tuple):
        return tuple(poisoned(item, text) for item in value)
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        changed = {
            field.name: poisoned(getattr(value, field.name), text)
            for field in dataclasses.fields(value)
            if field.init and field.name not in ("how", "kind", "plan")
        }
        return dataclasses.replace(value, **changed)
    return value


STEERING = st.text(
    st.one_of(st.characters(categories=["Cc", "Cf", "Zl", "Zp"]), st.sampled_from("a\x1b[31m\r\n\x9b\u202e")),
    min_size=1,
)


@given(text=STEERING, name=st.sampled_from(sorted(runs.EVENTS)))
def test_a_line_of_the_log_is_one_line_and_nothing_in_it_steers(text: str, name: str) -> None:
    lines = log(poisoned(runs.EVENTS[name], text)).splitlines(keepends=True)
    assert all(line.startswith("gate: ") and line.endswith("\n") and line[:-1].isprintable() for line in lines)
    assert len(lines) == len(log(runs.EVENTS[name]).splitlines())


@given(text=STEERING, name=st.sampled_from(sorted(runs.ALL)))
def test_nothing_in_a_report_steers_the_terminal(text: str, name: str) -> None:
    report = render("text", poisoned(runs.ALL[name], text), Look())
    assert all(line.isprintable() for line in report.split("\n"))
