"""The plan for a pull request: the verdict, the findings, the steps as SQL, a line for each migration.

Names and texts come from files and databases: none of them may become markup, a link or a mention.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Iterator, Sequence

from gate.model.moment import Blocker
from gate.model.plan import MigrationPlan, Plan, Verdict
from gate.model.units import age, lasting, plural, size
from gate.report import Look
from gate.report.prose import said, times
from gate.report.prose.findings import places, way_out
from gate.report.prose.holds import Held, held, sentence
from gate.report.prose.said import Said
from gate.report.prose.steps import heading
from gate.report.prose.words import clean, one_line

_MOST_OF_ONE_RULE = 5
_MOST_MIGRATIONS = 15
_MOST_BLOCKERS = 10
_MOST_HOLDS = 4
_WIDTH = 100


def render(plan: Plan, look: Look) -> str:
    """The whole report; blocks are parted by empty lines."""
    return "\n\n".join(block for block in _blocks(plan, look) if block) + "\n"


def _blocks(plan: Plan, look: Look) -> Iterator[str]:
    word, text = said.headline(plan)
    yield f"## {word}: {prose(text)}"
    yield from _findings(said.harms(plan), look)
    yield from _steps(plan)
    yield from _findings(said.remarks(plan), look)
    yield _migrations(plan)
    yield _blockers(plan.blockers, look)
    yield _unknown(plan)
    yield _foot(plan)


# --- findings ---------------------------------------------------------------------------------------------------------


def _findings(items: Iterable[Said], look: Look) -> Iterator[str]:
    """Each folded but for what refuses; of one rule the first few, the others by their places."""
    left: dict[str, list[Said]] = {}
    shown: dict[tuple[str, str], int] = {}
    for item in items:
        key = item.word, item.finding.rule
        shown[key] = shown.get(key, 0) + 1
        if shown[key] > _MOST_OF_ONE_RULE:
            left.setdefault(item.finding.rule, []).append(item)
        else:
            yield _finding(item, look)
    for rule, more in left.items():
        yield f"{len(more):,} more of {code(rule)}: {prose(places(more))}"


def _finding(item: Said, look: Look) -> str:
    finding = item.finding
    place = f" at <code>{_html(item.place)}</code>" if item.place else ""
    opened = " open" if item.word == said.REFUSE else ""
    parts = [f"<details{opened}><summary><b>{item.word}</b> <code>{_html(finding.rule)}</code>{place}</summary>"]
    if item.statement is not None:
        parts.append(fenced(item.statement.sql, "sql"))
    parts.append(paragraphs(finding.problem))
    if finding.examples and look.shows_rows:
        parts.append(f"For example: {', '.join(map(code, finding.examples))}")
    remedy = way_out(item)
    if finding.allowed_by is not None:
        parts.append(f"**Allowed:** {prose(finding.allowed_by)}")
    elif remedy:
        parts.append(f"**Way out:** {paragraphs(remedy)}")
    return "\n\n".join([*parts, "</details>"])


def _steps(plan: Plan) -> Iterator[str]:
    for migration in plan.migrations:
        for statement in migration.statements:
            if statement.steps:
                from gate.report.prose.pasting import script

                yield f"**{prose(heading(migration, statement))}**"
                yield fenced("\n".join(script(statement.steps, _WIDTH)), "sql")


# --- tables -----------------------------------------------------------------------------------------------------------


def _migrations(plan: Plan) -> str:
    """A row each: the worst first would hide their order, so what passes is left out where they are many."""
    if not plan.migrations:
        return ""
    rows = [migration for migration in plan.migrations if migration.verdict is not Verdict.PASS]
    room = max(0, _MOST_MIGRATIONS - len(rows))
    passing = [migration for migration in plan.migrations if migration.verdict is Verdict.PASS][:room]
    chosen = {id(migration) for migration in (*rows, *passing)}
    lines = ["| migration | statements | verdict | who waits |", "|---|---:|---|---|"]
    lines += [_row(migration) for migration in plan.migrations if id(migration) in chosen]
    left = len(plan.migrations) - len(chosen)
    return "\n".join(lines) + (f"\n\nand {plural(left, 'more migration')} that pass" if left else "")


def _row(migration: MigrationPlan) -> str:
    name = code(said.name(migration) or "the text", in_table=True)
    verdict = {Verdict.PASS: "pass"}.get(migration.verdict, f"**{migration.verdict.value}**")
    told = held(migration)
    lines = [_held(item) for item in told[:_MOST_HOLDS]]
    if len(told) > _MOST_HOLDS:
        lines.append(f"and {len(told) - _MOST_HOLDS:,} more")
    waits = "<br>".join(lines) or "nobody, for longer than a moment"
    return f"| {name} | {len(migration.statements):,} | {verdict} | {waits} |"


def _held(item: Held) -> str:
    """The same sentence as elsewhere, with the relation as code."""
    before, _, after = sentence(item).partition(item.hold.relation)
    return f"{before}{code(item.hold.relation, in_table=True)} {prose(after)}"


def _blockers(blockers: Sequence[Blocker], look: Look) -> str:
    if not blockers:
        return ""
    lines = ["**In the way when this was made**", ""]
    for blocker in blockers[:_MOST_BLOCKERS]:
        session = blocker.session
        who = prose(blocker.what) if blocker.what else f"pid {session.pid}" if session.pid else "a prepared transaction"
        since = f", for {age(session.transaction_age_s)}" if session.transaction_age_s is not None else ""
        query = session.query if look.shows_rows else blocker.normalised
        doing = f": {code(query)}" if query else ""
        lines.append(
            f"- {code(blocker.relation)}: {who} holds {blocker.held.value}{since}, wanted is "
            f"{blocker.wanted.value}{doing}"
        )
    if len(blockers) > _MOST_BLOCKERS:
        lines.append(f"- and {len(blockers) - _MOST_BLOCKERS:,} more")
    return "\n".join(lines)


def _unknown(plan: Plan) -> str:
    lines = [f"- could not be read: {prose(f'{item.what}: {item.why}')}" for item in plan.unknown]
    return "\n".join([*lines, *(f"- {prose(note)}" for note in plan.notes)])


def _foot(plan: Plan) -> str:
    lines = [prose(f"{said.where(plan)}, read at {plan.taken_at}")]
    if any(times.needs(statement.effects) for statement in plan.statements):
        free = plan.free_disk_bytes
        lines.append("free disk: " + ("not known from here" if free is None else size(free)))
    if plan.timings:
        lines.append("took " + prose(", ".join(f"{phase} {lasting(took_s)}" for phase, took_s in plan.timings)))
    return "<br>\n".join([*lines, said.coverage(plan)])


# --- nothing that comes from elsewhere is markup ----------------------------------------------------------------------

_MARKUP = re.compile(r"([\\`*_\[\]#|~$])")
# At the beginning of a line: a list, a heading by underlining.
_BEGINNING = re.compile(r"^(\d*)([-+.=)])")
# An invisible blank parts what would become a mention, a reference or a link.
_APART = "&#8203;"
_LINKS = re.compile(r"(@|#(?=\d)|\bGH-(?=\d)|:(?=//)|\bwww(?=\.))")


def prose(text: str) -> str:
    """A sentence as itself, on one line."""
    parts = _LINKS.split(clean(" ".join(text.split())))
    escaped = [_MARKUP.sub(r"\\\1", html.escape(part, quote=False)) for part in parts]
    joined = "".join(part + _APART if number % 2 else part for number, part in enumerate(escaped))
    return _BEGINNING.sub(r"\1\\\2", joined)


def paragraphs(text: str) -> str:
    """Sentences, and indented lines as code."""
    blocks: list[str] = []
    listing: list[str] = []
    for line in [*text.splitlines(), ""]:
        if line.startswith("  "):
            listing.append(line[2:])
            continue
        if listing:
            blocks.append(fenced("\n".join(listing), ""))
            listing = []
        if line.strip():
            blocks.append(prose(line))
    return "\n\n".join(blocks)


def code(text: str, *, in_table: bool = False) -> str:
    """A name as code: behind as many backticks as it needs."""
    line = one_line(text)
    fence = "`" * (1 + max(map(len, re.findall("`+", line)), default=0))
    padding = " " if line.startswith("`") or line.endswith("`") else ""
    span = f"{fence}{padding}{line}{padding}{fence}"
    return span.replace("|", "\\|") if in_table else span


def fenced(text: str, language: str) -> str:
    """A block of code, as it is but for what would steer a terminal."""
    fence = "`" * max(3, 1 + max(map(len, re.findall("`+", text)), default=0))
    body = "\n".join(clean(line.replace("\t", "    ")) for line in text.splitlines())
    return f"{fence}{language}\n{body}\n{fence}"


def _html(text: str) -> str:
    return html.escape(clean(text)).replace("@", f"@{_APART}")
