"""`gate explain` in words: one rule in full, or all in a line each."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

from gate.model.facts import Expect, Fact
from gate.model.locks import LockMode
from gate.model.rules import STATEMENT, Rule
from gate.model.units import plural
from gate.model.work import LONG
from gate.report import Look
from gate.report.prose.words import columns, padded, painted, shortened, wrapped
from gate.rules.ruling import FamilyRule
from gate.sql.layout import laid_out

_WORD = re.compile(r"\b[A-Z]{2,}\b")
_SENTENCE = re.compile(r"(?<=[^.]\.) (?=[A-Z])")
_MOST_FACTS = 8
_WIDEST, _NARROWEST = 100, 60
_OFF = "off by default"


def everything(rules: Sequence[Rule], look: Look) -> list[str]:
    """A line for each rule, under a heading for what it is about."""
    width = max(columns(rule.name) for rule in rules)
    openings = Counter(_sentences(rule.harm)[0] for rule in rules)
    lines: list[str] = []
    for about in dict.fromkeys(rule.about for rule in rules):
        lines += [""] if lines else []
        lines.append(painted(f"About {about}", "bold", look.is_coloured))
        for rule in rules:
            if rule.about == about:
                lines.append(
                    f"  {padded(rule.name, width)}  {shortened(_brief(rule, openings), _width(look) - width - 4)}"
                )
    return lines


def _brief(rule: Rule, openings: Counter[str]) -> str:
    """The first sentence that is the rule's own."""
    first, *others = _sentences(rule.harm)
    brief = others[0] if others and openings[first] > 1 else first
    return f"({_OFF}) {brief}" if rule.is_off_by_default else brief


def _sentences(text: str) -> list[str]:
    return [part.removesuffix(".") for part in _SENTENCE.split(text)]


def one(rule: Rule, found: FamilyRule | None, facts: Iterable[Fact], look: Look, *, asked: str) -> list[str]:
    """Harm, way out, what the server does, an example of each kind."""
    width = _width(look)
    head = f"{painted(rule.name, 'bold', look.is_coloured)}  (about {rule.about})"
    lines = [head, *(wrapped(f"{asked} is its old name", width, "  ") if asked != rule.name else [])]
    lines += ["", *wrapped(f"harm: {rule.harm}", width, "  ", " " * 8)]
    lines += ["", *wrapped(f"way out: {rule.way_out}", width, "  ", " " * 11)]
    if found is not None:
        lines += [
            "",
            "  for example, this is found:",
            *_code(found.bad, width),
            "  and this is not:",
            *_code(found.good, width),
        ]
    lines += _facts(behind(rule, found, facts), width)
    return [*lines, *_policy(rule, width)]


def behind(rule: Rule, found: FamilyRule | None, facts: Iterable[Fact]) -> tuple[Fact, ...]:
    """The facts about statements of the same words; for work under a lock, all that do such work."""
    if found is None:
        return tuple(filter(_works_under_lock, facts)) if rule.name == "works-under-blocking-lock" else ()
    known = tuple(facts)
    return _alike(found.bad, known) or _alike(found.good, known)


def _alike(sql: str, facts: tuple[Fact, ...]) -> tuple[Fact, ...]:
    """Of facts with the same words those whose form says so: the others only make use of such a statement."""
    wanted = {_skeleton(part) for part in sql.split(";")} - {()}
    alike = [fact for fact in facts if _skeleton(fact.proof.statement) in wanted]
    own = [fact for fact in alike if set() < set(_skeleton(fact.form)) <= set(_skeleton(fact.proof.statement))]
    return tuple(own or alike)


def _skeleton(sql: str) -> tuple[str, ...]:
    """The key words of a statement, in order."""
    return tuple(_WORD.findall(sql))


def _works_under_lock(fact: Fact) -> bool:
    return any(expect.lock >= LockMode.SHARE and expect.work & LONG for expect in fact.proof.expects)


def _facts(facts: tuple[Fact, ...], width: int) -> Iterator[str]:
    if not facts:
        return
    yield ""
    yield "  what PostgreSQL does, proved by the tests on every major:"
    for fact in facts[:_MOST_FACTS]:
        does = "; ".join(map(_expect, fact.proof.expects)) or "locks no relation"
        yield from wrapped(f"{fact.form}{_majors(fact)}: {does}", width, " " * 4, " " * 6)
    if len(facts) > _MOST_FACTS:
        yield f"    and {plural(len(facts) - _MOST_FACTS, 'more fact')}: see docs/rules.md"
    yield from (f"    {source}" for source in dict.fromkeys(fact.source for fact in facts[:_MOST_FACTS]))


def _majors(fact: Fact) -> str:
    since, until = fact.versions.since, fact.versions.until
    if until is None:
        return f" ({since} and later)" if since > 14 else ""
    return f" ({since} to {until})" if since < until else f" ({since})"


def _expect(expect: Expect) -> str:
    loses = f", loses statistics of {', '.join(expect.loses_statistics)}" if expect.loses_statistics else ""
    work = ", ".join(sorted(kind.value for kind in expect.work))
    return f"{expect.lock.value} on {expect.relation.removeprefix('public.')}, {work}{loses}"


def _code(sql: str, width: int) -> Iterator[str]:
    for part in sql.split("; "):
        lines = laid_out(part, width - 5, columns)
        yield from (f"    {line}" for line in [*lines[:-1], lines[-1] + ";"])


def _policy(rule: Rule, width: int) -> Iterator[str]:
    """What a team can do about it."""
    said = []
    if rule.is_off_by_default:
        said.append(f'{_OFF}: [rules.{rule.name}] severity = "warn" in gate.toml turns it on')
    if not rule.may_be_off:
        said.append("it cannot be turned off")
    if rule.may_be_allowed and rule.about == STATEMENT:
        said.append(f"to allow it at one statement: -- gate: allow {rule.name} because REASON")
    if rule.aliases:
        said.append(f"once called {', '.join(rule.aliases)}")
    if said:
        yield ""
    for text in said:
        yield from wrapped(text, width, "  ", "    ")


def _width(look: Look) -> int:
    return max(_NARROWEST, min(look.width, _WIDEST))
