"""`gate comment`: a report goes to the pull request it is about, and to the summary of the job.

That it could not be written fails nothing: the verdict is the plan's.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from gate.model.errors import UsageError
from gate.platforms.comments import CannotComment, Forge, Put, forge_of, mark, put
from gate.platforms.secrets import Secrets
from gate.report.prose.cutting import cut

_LONGEST_SUMMARY = 500_000
"""Of the megabyte that a step may write, in letters: one may take two bytes, as those do that are not ASCII."""
_SHORT_COMMIT = 10


@dataclass(frozen=True, kw_only=True)
class CommentRequest:
    """`path` is the report, `-` for standard input; `number` is of the pull request, where it is told.

    With `only_there` no new comment is written: one that is there is brought up to date.
    """

    path: str
    key: str = "plan"
    number: int | None = None
    only_there: bool = False


@dataclass(frozen=True, kw_only=True)
class Commented:
    """What was done, None if nothing could be; each of `problems` is for people."""

    put: Put | None = None
    problems: tuple[str, ...] = ()


def comment(request: CommentRequest, environment: Mapping[str, str] = os.environ) -> Commented:
    """Writes it. Raises UsageError for a report that cannot be read, a key, or where this is no CI."""
    mark(request.key)
    text = _read(request.path)
    secrets = Secrets()
    problems: list[str] = []
    try:
        forge = forge_of(environment, secrets, request.number)
        done = None if forge is None else _put(forge, request, secrets.masked(text))
        if forge is None:
            problems.append("this is about no pull request: no comment is written (--number N names one)")
    except CannotComment as error:
        done = None
        problems.append(f"no comment was written: {secrets.masked(str(error))}")
    summary = environment.get("GITHUB_STEP_SUMMARY", "")
    if summary:
        problems += _summarise(summary, secrets.masked(text))
    return Commented(put=done, problems=tuple(problems))


def _put(forge: Forge, request: CommentRequest, text: str) -> Put:
    foot = _foot(forge)
    more = f"The rest did not fit: [all of it]({forge.shown_at})." if forge.shown_at else "The rest did not fit."
    room = forge.longest - len(mark(request.key)) - len(foot) - 8
    return put(forge, request.key, f"{cut(text, room, more).rstrip()}\n{foot}", only_there=request.only_there)


def _foot(forge: Forge) -> str:
    commit = f"of commit {forge.commit[:_SHORT_COMMIT]}" if forge.commit else ""
    job = f"[the job]({forge.shown_at})" if forge.shown_at else ""
    told = ", ".join(part for part in (commit, job) if part)
    return f"\n<sub>{told}</sub>\n" if told else ""


def _read(path: str) -> str:
    try:
        text = sys.stdin.read() if path == "-" else Path(path).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        why = "it is not UTF-8" if isinstance(error, UnicodeDecodeError) else error.strerror
        raise UsageError(f"cannot read {path}: {why}", remedy="check the path") from error
    if not text.strip():
        raise UsageError(
            f"{'standard input' if path == '-' else path} is empty: there is no report to write",
            remedy="gate plan --format markdown writes one; where it failed its message says why",
        )
    return text


def _summarise(path: str, text: str) -> list[str]:
    try:
        with Path(path).open("a", encoding="utf-8") as stream:
            stream.write(cut(text, _LONGEST_SUMMARY, "The rest did not fit.") + "\n")
    except OSError as error:
        return [f"the summary of the job was not written: {error.strerror}"]
    return []
