"""A table per migration: statement, relation, lock and who waits, work and its time, size, traffic.

Statements that nobody waits for are only counted, so that a hundred of them do not drown the one that matters.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

from gate.model.effects import Effect
from gate.model.plan import MigrationPlan, StatementPlan, Verdict
from gate.model.units import about, lasting, plural, rate, size
from gate.model.work import Work
from gate.report import Look
from gate.report.prose import table, times
from gate.report.prose.holds import held, sentence
from gate.report.prose.said import name
from gate.report.prose.words import clean, padded, painted, shortened, wrapped

_COLOURS = {Verdict.PASS: "green", Verdict.SPLIT: "yellow", Verdict.REFUSE: "red"}
_WORDS = {Verdict.PASS: "pass", Verdict.SPLIT: "SPLIT", Verdict.REFUSE: "REFUSE"}
_WAITS = {(): "nobody waits", ("reads",): "reads wait", ("writes",): "writes wait"}
_ALL_WAIT = "reads+writes wait"
_SIZELESS_KINDS = ("v", "S", "f", "c")
_HEADINGS = ("relation", "lock, who waits", "work, time", "size", "per second")
_GIVES = (2, 1)  # `validation scan` and `SHARE ROW EXCLUSIVE` fold well, a relation's name does not
_FOLD_FROM = 4
_MOST_HOLDS = 8
_MOST_ROWS = 12
_MOST_RELATIONS = 10
_MOST_CALM = 8
_MOST_CALM_BESIDE_LOUD = 2
_MOST_NAMES = 6


@dataclass(frozen=True, kw_only=True)
class _Group:
    """Statements told together: one that is shown, or several that are only counted, as `words` say."""

    statements: tuple[StatementPlan, ...]
    words: str = ""

    @property
    def lines(self) -> str:
        first, last = self.statements[0].line, self.statements[-1].line
        return str(first) if first == last else f"{first}-{last}"

    @property
    def rows(self) -> tuple[Effect, ...]:
        only = self.statements[0]
        return () if self.words or not (is_loud(only) or _blocks(only)) else only.effects[:_MOST_RELATIONS]

    @property
    def more(self) -> tuple[Effect, ...]:
        """Those of them for which there is no row: a table may have a thousand partitions."""
        return self.statements[0].effects[_MOST_RELATIONS:] if self.rows else ()


def blocks(migrations: Sequence[MigrationPlan], look: Look) -> Iterator[list[str]]:
    """One for each migration with something to look at; the others by name, and of those only some."""
    loud = {id(item) for item in migrations if any(map(is_loud, item.statements)) or item.findings}
    calm = [item for item in migrations if id(item) not in loud and any(map(_blocks, item.statements))]
    most = _MOST_CALM_BESIDE_LOUD if loud else _MOST_CALM
    shown = loud | {id(item) for item in calm[:most]}
    for migration in migrations:
        if id(migration) in shown:
            yield _block(migration, look)
    told = {id(item) for item in calm} | loud
    yield _others("with locks for a moment only", calm[most:], look)
    yield _others("that nobody waits for", [item for item in migrations if id(item) not in told], look)


def _others(what: str, migrations: Sequence[MigrationPlan], look: Look) -> list[str]:
    """Migrations that need no table, in a line or two."""
    if not migrations:
        return []
    number = sum(len(item.statements) for item in migrations)
    counted = f"{plural(len(migrations), 'migration')} ({plural(number, 'statement')})"
    names = [name(item) or "the text" for item in migrations[:_MOST_NAMES]]
    more = f" and {len(migrations) - _MOST_NAMES:,} more" if len(migrations) > _MOST_NAMES else ""
    return wrapped(f"{counted} {what}: {', '.join(names)}{more}", look.width, hanging="  ")


def is_loud(statement: StatementPlan) -> bool:
    """Whether there is anything to say of it."""
    return bool(
        statement.findings or statement.steps or statement.verdict is not Verdict.PASS or not statement.is_understood
    )


def _blocks(statement: StatementPlan) -> bool:
    return any(effect.shuts_out and not effect.is_new for effect in statement.effects)


# --- one migration ----------------------------------------------------------------------------------------------------


def _block(migration: MigrationPlan, look: Look) -> list[str]:
    """Heading, table, and how long its locks live."""
    groups = list(_grouped(migration.statements))
    digits = max([len(group.lines) for group in groups], default=1)
    indent = " " * (digits + 4)
    shown = [_row(effect) for group in groups for effect in group.rows]
    is_sampled = any(row[-1] for row in shown)
    kept = len(_HEADINGS) if is_sampled else len(_HEADINGS) - 1
    widths = table.fitted([_HEADINGS[:kept], *(row[:kept] for row in shown)], look.width - len(indent), _GIVES)
    lines = [*_heading(migration, look)]
    if shown:
        lines.append(painted(table.lines(_HEADINGS[:kept], widths, indent)[0], "dim", look.is_coloured))
    for group in groups:
        lines += _statement(group, digits, look)
        for effect in group.rows:
            lines += table.lines(_row(effect)[:kept], widths, indent)
        if group.more:
            lines += wrapped(_left_out(group.more), look.width, indent)
    return [*lines, *_holds(migration, look)]


def _heading(migration: MigrationPlan, look: Look) -> list[str]:
    label = name(migration) or "the text"
    if migration.id and migration.id not in label:
        label += f" ({clean(migration.id)})"
    how = "in one transaction" if migration.is_transactional else "outside a transaction"
    if not migration.statements:
        how = "no statement in it"
    return [painted(line, "bold", look.is_coloured) for line in wrapped(f"{label}: {how}", look.width, hanging="  ")]


def _grouped(statements: Iterable[StatementPlan]) -> Iterator[_Group]:
    """Statements that nobody waits for are counted, and so are repetitions, and what comes after the first dozen."""
    rows = 0
    for calm, run in groupby(statements, key=lambda item: not is_loud(item) and not _blocks(item)):
        members = tuple(run)
        if calm:
            yield _counted(members, "statement that nobody waits for", "statements that nobody waits for")
            continue
        for group in _folded(members):
            rows += not group.words
            if rows > _MOST_ROWS and not group.words and not is_loud(group.statements[0]):
                yield _counted(group.statements, group.statements[0].kind)
            else:
                yield group


def _counted(members: tuple[StatementPlan, ...], noun: str, many: str = "") -> _Group:
    if len(members) == 1:
        return _Group(statements=members)
    return _Group(statements=members, words=plural(len(members), noun, many))


def _folded(statements: tuple[StatementPlan, ...]) -> Iterator[_Group]:
    """Runs that do the same to the same relations; a short run stays single statements."""
    for _, run in groupby(statements, key=_sameness):
        group = tuple(run)
        if len(group) >= _FOLD_FROM:
            yield _Group(statements=group[:1])
            yield _Group(statements=group[1:], words=plural(len(group) - 1, f"more {group[0].kind}") + " like it")
        else:
            yield from (_Group(statements=(statement,)) for statement in group)


def _sameness(statement: StatementPlan) -> tuple[object, ...]:
    return statement.kind, statement.verdict, statement.effects, statement.line if is_loud(statement) else 0


def _statement(group: _Group, digits: int, look: Look) -> list[str]:
    first = group.statements[0]
    verdict = painted(padded(_WORDS[first.verdict], 6), _COLOURS[first.verdict], look.is_coloured)
    lead = f"  {group.lines:>{digits}}  "
    if group.words:
        return [f"{lead}{verdict}  {group.words}"]
    lines = [f"{lead}{verdict}  {shortened(first.sql, look.width - len(lead) - 8)}"]
    if not first.effects and is_loud(first):
        lines.append(" " * len(lead) + _without_effects(first))
    needed = times.needs(first.effects)
    if needed:
        lines += wrapped(f"needs about {needed} while it runs", look.width, " " * len(lead))
    return lines


def _left_out(effects: tuple[Effect, ...]) -> str:
    strongest = max(effect.lock for effect in effects)
    known = sum(effect.size_bytes or 0 for effect in effects)
    of_size = f" of {size(known)}" if known else ""
    return f"and {plural(len(effects), 'more relation')}{of_size}, locked {strongest.value} at most: see --format json"


def _without_effects(statement: StatementPlan) -> str:
    if not statement.is_understood:
        return "what it locks is not known"
    return "would not run" if statement.verdict is Verdict.REFUSE else "locks no relation that existed before"


# --- one relation -----------------------------------------------------------------------------------------------------


def _row(effect: Effect) -> tuple[str, ...]:
    waits = _WAITS.get(effect.shuts_out, _ALL_WAIT)
    return effect.relation, f"{effect.lock.value}\n{waits}", _work(effect), _size(effect), _traffic(effect)


def _work(effect: Effect) -> str:
    lines = [kind.value for kind in effect.work]
    if effect.work != (Work.CATALOG_ONLY,) and not effect.is_new:
        lines.append("time unknown" if effect.seconds is None else f"about {lasting(effect.seconds.likely)}")
    if effect.loses_statistics:
        lines.append("loses statistics of " + ", ".join(effect.loses_statistics))
    return "\n".join(lines)


def _size(effect: Effect) -> str:
    if effect.is_new:
        return "new"
    if effect.is_known_empty:
        return "empty"
    if effect.kind in _SIZELESS_KINDS:
        return "-"
    size_text = "size unknown" if effect.size_bytes is None else size(effect.size_bytes)
    if effect.kind == "p":
        return size_text if effect.size_bytes else "-"
    return size_text + "\n" + ("rows unknown" if effect.rows is None else f"{about(effect.rows)} rows")


def _traffic(effect: Effect) -> str:
    parts = [
        f"{rate(number).removesuffix('/s')} {word}"
        for number, word in ((effect.scans_per_s, "scans"), (effect.writes_per_s, "writes"))
        if number is not None
    ]
    return "\n".join(parts)


# --- how long locks live ----------------------------------------------------------------------------------------------


def _holds(migration: MigrationPlan, look: Look) -> list[str]:
    told = held(migration)
    lines = [line for item in told[:_MOST_HOLDS] for line in wrapped(sentence(item), look.width, "  ", "    ")]
    if len(told) > _MOST_HOLDS:
        lines.append(f"  and {plural(len(told) - _MOST_HOLDS, 'more relation')}: see --format json")
    return lines
