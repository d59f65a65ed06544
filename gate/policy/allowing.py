"""`-- gate: allow RULE because REASON`: what a migration's author allows, and until when.

The comment stands before the statement, in it, or at the end of its line; it may name several rules, separated by
commas, and end with `until 2026-12-31`, the last day on which it holds. The words may stand in a block comment too.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

from gate.model.migration import Migration
from gate.sql.comments import Comment, comments_of

_MENTION = re.compile(r"gate\s*:", re.IGNORECASE)
_DIRECTIVE = re.compile(r"gate\s*:\s*(?P<verb>[\w-]+)(?P<rest>.*)", re.IGNORECASE | re.DOTALL)
_MEANT = ("allow", "alow", "allows", "allowed", "ignore", "disable", "skip", "off", "permit")
_RULES = re.compile(r"\s*(?P<rules>[\w-]+(?:\s*,\s*[\w-]+)*)\s*(?P<rest>.*)", re.DOTALL)
_UNTIL_FIRST = re.compile(r"until\s+(?P<day>\S+)\s*(?P<rest>.*)", re.IGNORECASE | re.DOTALL)
# "because the job ends, until then it is small" is a reason and no date: only what has a digit is meant as one.
_UNTIL_LAST = re.compile(r"(?:^|.*[\s,;(])until\s+(?P<day>\S*\d\S*?)[\s.;)]*$", re.IGNORECASE | re.DOTALL)
_BECAUSE = re.compile(r"because\b[\s:,]*(?P<reason>.*)", re.IGNORECASE | re.DOTALL)
_ISO = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)


@dataclass(frozen=True, kw_only=True)
class Allow:
    """One rule allowed by a comment on `line`. `problem` says why the comment cannot be read, empty where it can.

    `reason` is empty where none was given; `until` is the last day on which it holds.
    """

    rule: str
    line: int
    reason: str = ""
    until: date | None = None
    problem: str = ""


@dataclass(frozen=True, kw_only=True)
class Allowances:
    """`statements` has those of each statement, in order; `loose` stand after the last one, at no statement."""

    statements: tuple[tuple[Allow, ...], ...] = ()
    loose: tuple[Allow, ...] = ()

    def at(self, place: int) -> tuple[Allow, ...]:
        """Those of the statement at that place."""
        return self.statements[place] if place < len(self.statements) else ()


def allowances(migration: Migration) -> Allowances:
    """What the migration's own text allows, statement by statement."""
    if not _MENTION.search(migration.text):
        return Allowances()
    commented = comments_of(migration.text, migration.statements)
    return Allowances(
        statements=tuple(tuple(allowed(comments)) for comments in commented.statements),
        loose=tuple(allowed(commented.loose)),
    )


def allowed(comments: tuple[Comment, ...]) -> Iterator[Allow]:
    """What these comments allow."""
    for comment in comments:
        directive: list[str] = []
        line = comment.line
        for number, text in enumerate(comment.text.splitlines(), start=comment.line):
            if _MENTION.match(text):
                yield from _of_directive(directive, line)
                directive, line = [text], number
            elif directive and text:
                directive.append(text)
            else:
                yield from _of_directive(directive, line)
                directive = []
        yield from _of_directive(directive, line)


def _of_directive(lines: list[str], line: int) -> Iterator[Allow]:
    found = _DIRECTIVE.match(" ".join(lines)) if lines else None
    verb = found.group("verb").lower() if found else ""
    if found is None or verb not in _MEANT:
        return
    if verb != "allow":
        yield Allow(rule="", line=line, problem=f"gate does not know the word {verb}")
        return
    named = _RULES.match(found.group("rest"))
    if named is None or named.group("rules").lower() in ("because", "until"):
        yield Allow(rule="", line=line, problem="no rule is named")
        return
    for rule in re.split(r"\s*,\s*", named.group("rules")):
        yield _allow(rule.lower(), named.group("rest").strip(), line)


def _allow(rule: str, text: str, line: int) -> Allow:
    day = ""
    if first := _UNTIL_FIRST.match(text):
        day, text = first.group("day").rstrip(",;"), first.group("rest")
    because = _BECAUSE.match(text)
    reason = because.group("reason").strip() if because else ""
    if not day and (last := _UNTIL_LAST.match(reason)):
        day, reason = last.group("day"), reason[: last.start("day")].rstrip()[: -len("until")].rstrip(" ,;(")
    if text and because is None:
        return Allow(rule=rule, line=line, problem=f"after {rule} stands `{text[:40]}` where `because` is expected")
    try:
        return Allow(rule=rule, line=line, reason=reason, until=_day(day))
    except ValueError:
        return Allow(rule=rule, line=line, problem=f"`{day}` is no date as 2026-12-31 is one")


def _day(text: str) -> date | None:
    if not text:
        return None
    if not _ISO.fullmatch(text):
        raise ValueError(text)
    return date.fromisoformat(text)
