"""The findings as annotations of GitHub Actions: lines that the runner turns into remarks on the files.

Source: https://docs.github.com/en/actions/reference/workflow-commands-for-github-actions, "Setting a notice message"
and the two after it; what is escaped and how: `toolkit/packages/core/src/command.ts`.
"""

from __future__ import annotations

from collections.abc import Iterator

from gate.model.plan import Plan
from gate.report import Look
from gate.report.prose import said
from gate.report.prose.findings import way_out
from gate.report.prose.said import Said
from gate.report.prose.words import clean

_LEVELS = {
    said.REFUSE: "error",
    said.SPLIT: "warning",
    said.WARN: "warning",
    said.NOTE: "notice",
    said.ALLOWED: "notice",
}
_WIDTH = 120


def render(plan: Plan, look: Look) -> str:
    """The worst first, for the runner shows only the first ten of each kind; the last line is for the log."""
    word, text = said.headline(plan)
    lines = [f"gate: {word}: {text}"]
    lines += [_annotation(item, look) for item in said.everything(plan)]
    lines += [_command("warning", f"could not be read: {item.what}", item.why) for item in plan.unknown]
    return "\n".join([*lines, said.coverage(plan)]) + "\n"


def _annotation(item: Said, look: Look) -> str:
    place = {}
    if item.path is not None:
        place["file"] = item.path
    if item.path is not None and item.statement is not None:
        place["line"] = str(item.statement.line)
        place["endLine"] = str(item.statement.line + item.statement.sql.count("\n"))
    title = f"{item.word}: {item.finding.rule}"
    return _command(_LEVELS[item.word], title, "\n".join(_message(item, look)), **place)


def _message(item: Said, look: Look) -> Iterator[str]:
    finding = item.finding
    yield finding.problem
    if finding.examples and look.shows_rows:
        yield f"for example: {', '.join(finding.examples)}"
    if finding.allowed_by is not None:
        yield f"allowed: {finding.allowed_by}"
        return
    remedy = way_out(item)
    if remedy:
        yield f"way out: {remedy}"
    if item.is_split and item.statement is not None:
        from gate.report.prose.pasting import script

        yield from ("", *script(item.statement.steps, _WIDTH))


def _command(level: str, title: str, message: str, **place: str) -> str:
    properties = ",".join(f"{key}={_property(value)}" for key, value in {**place, "title": title}.items())
    return f"::{level} {properties}::{_data(message)}"


def _data(text: str) -> str:
    """A message may have lines; whatever else steers a terminal is taken out."""
    text = "\n".join(map(clean, text.replace("\r\n", "\n").split("\n")))
    return text.replace("%", "%25").replace("\n", "%0A")


def _property(text: str) -> str:
    return clean(text).replace("%", "%25").replace(":", "%3A").replace(",", "%2C")
