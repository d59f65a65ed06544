"""A table per migration: statement, relation, lock and who waits, work, size, traffic."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby

from gate.model.effects import Effect
from gate.model.plan import MigrationPlan, StatementPlan, Verdict
from gate.model.units import about, plural, rate, size
from gate.report import Look
from gate.report.prose import table
from gate.report.prose.findings import name
from gate.report.prose.words import clean, padded, painted, shortened, wrapped

_COLOURS = {Verdict.PASS: "green", Verdict.SPLIT: "yellow", Verdict.REFUSE: "red"}
_WORDS = {Verdict.PASS: "pass", Verdict.SPLIT: "SPLIT", Verdict.REFUSE: "REFUSE"}
_WAITS = {(): "nobody waits", ("reads",): "reads wait", ("writes",): "writes wait"}
_ALL_WAIT = "reads+writes wait"
_SIZELESS_KINDS = ("v", "S", "f", "c")
_HEADINGS = ("relation", "lock, who waits", "work", "size", "per second")
_GIVES = (2, 1)  # `validation scan` and `SHARE ROW EXCLUSIVE` fold well, a relation's name does not
_FOLD_FROM = 4


def block(migration: MigrationPlan, look: Look) -> list[str]:
    """Heading, table, and which locks outlive their statement."""
    groups = list(_folded(migration.statements))
    digits = max([len(_lines_of(group)) for group in groups], default=1)
    indent = " " * (digits + 4)
    shown = [_row(effect) for group in groups for effect in group[0].effects]
    is_sampled = any(row[-1] for row in shown)
    kept = len(_HEADINGS) if is_sampled else len(_HEADINGS) - 1
    widths = table.fitted([_HEADINGS[:kept], *(row[:kept] for row in shown)], look.width - len(indent), _GIVES)
    lines = [*_heading(migration, look)]
    if shown:
        lines.append(painted(table.lines(_HEADINGS[:kept], widths, indent)[0], "dim", look.is_coloured))
    for group in groups:
        lines += _statement(group, digits, look)
        for effect in group[0].effects if len(group) == 1 else ():
            lines += table.lines(_row(effect)[:kept], widths, indent)
    return [*lines, *_holds(migration, look)]


def _heading(migration: MigrationPlan, look: Look) -> list[str]:
    label = name(migration) or "the text"
    if migration.id and migration.id not in label:
        label += f" ({clean(migration.id)})"
    how = "in one transaction" if migration.is_transactional else "outside a transaction"
    if not migration.statements:
        how = "no statement in it"
    return [painted(line, "bold", look.is_coloured) for line in wrapped(f"{label}: {how}", look.width, hanging="  ")]


def _folded(statements: tuple[StatementPlan, ...]) -> Iterator[list[StatementPlan]]:
    """Runs of harmless statements that do the same to the same relations; a short run stays single statements."""
    for _, run in groupby(statements, key=_sameness):
        group = list(run)
        if len(group) >= _FOLD_FROM:
            yield group[:1]
            yield group[1:]
        else:
            yield from ([statement] for statement in group)


def _sameness(statement: StatementPlan) -> tuple[object, ...]:
    own = statement.line if statement.findings or not statement.is_understood else 0
    return statement.kind, statement.verdict, statement.effects, own


def _lines_of(group: list[StatementPlan]) -> str:
    first, last = group[0].line, group[-1].line
    return str(first) if first == last else f"{first}-{last}"


def _statement(group: list[StatementPlan], digits: int, look: Look) -> list[str]:
    first = group[0]
    verdict = painted(padded(_WORDS[first.verdict], 6), _COLOURS[first.verdict], look.is_coloured)
    lead = f"  {_lines_of(group):>{digits}}  "
    if len(group) > 1:
        return [f"{lead}{verdict}  {plural(len(group), 'more ' + first.kind)} like it"]
    lines = [f"{lead}{verdict}  {shortened(first.sql, look.width - len(lead) - 8)}"]
    if not first.effects:
        lines.append(" " * len(lead) + _without_effects(first))
    return lines


def _without_effects(statement: StatementPlan) -> str:
    if not statement.is_understood:
        return "what it locks is not known"
    return "would not run" if statement.verdict is Verdict.REFUSE else "locks no relation that existed before"


def _row(effect: Effect) -> tuple[str, ...]:
    waits = _WAITS.get(effect.shuts_out, _ALL_WAIT)
    work = "\n".join(kind.value for kind in effect.work)
    if effect.loses_statistics:
        work += "\nloses statistics of " + ", ".join(effect.loses_statistics)
    return effect.relation, f"{effect.lock.value}\n{waits}", work, _size(effect), _traffic(effect)


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


def _holds(migration: MigrationPlan, look: Look) -> list[str]:
    """Locks that shut somebody out and are still held while a later statement of the transaction runs."""
    lines: list[str] = []
    for transaction in migration.transactions:
        last = migration.statements[transaction.statements[-1]].line
        for hold in transaction.holds:
            if hold.shuts_out and hold.from_line < last:
                waits = _WAITS.get(hold.shuts_out, _ALL_WAIT)
                text = (
                    f"{hold.relation} stays locked {hold.lock.value} from line {hold.from_line} to the commit: {waits}"
                )
                lines += wrapped(text, look.width, "  ", "    ")
    return lines
