"""What the rows' answers mean for a statement: a violation refuses, what is not known is said."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from gate.model.checks import (
    Answer,
    Check,
    DuplicatesOf,
    FailingCasts,
    NullsIn,
    OrphansOf,
    OutsidePartition,
    Unasked,
    ViolatorsOf,
)
from gate.model.names import Name, quoted
from gate.model.plan import Finding, Severity
from gate.model.units import plural

_NOT_ASKED = "the rows were not asked"


def of_rows(
    checks: Iterable[Check], answers: Mapping[Check, Answer], changed: Mapping[int, str] | None = None
) -> Iterator[Finding]:
    """The findings of one statement's checks; `changed` maps oids to where the release changes their rows before.

    A check without an answer was not asked, which is said like anything unknown. What an earlier statement may repair
    or add is no certain violation: it only warns.
    """
    for check in checks:
        answer = answers.get(check, Answer(count=None, why=_NOT_ASKED, remedy="plan against the live database"))
        places = [place for oid, place in (changed or {}).items() if oid in check.relations]
        if answer.count is None:
            yield _unknown(check, answer)
        elif answer.count:
            yield _violated(check, answer, places)


def _unknown(check: Check, answer: Answer) -> Finding:
    remedy = answer.remedy
    if answer.query and "query" in remedy:
        remedy = f"{remedy}: {answer.query}"
    return Finding(
        rule="data-unchecked",
        severity=Severity.WARN,
        problem=f"whether there are {_what(check)} is not known: {answer.why}",
        remedy=remedy,
        relation=check.table or None,
    )


def _violated(check: Check, answer: Answer, places: list[str]) -> Finding:
    problem = _problem(check, _amount(answer))
    if places:
        problem = f"now {problem}; {places[-1]} changes these rows before, and may repair them"
    seen = f"; see them with: {answer.query}" if answer.query else ""
    return Finding(
        rule=_rule(check),
        severity=Severity.WARN if places else Severity.REFUSE,
        problem=problem,
        remedy=_repair(check) + seen,
        relation=check.table or None,
        examples=answer.examples,
    )


def _amount(answer: Answer) -> str:
    """`1 row`, `at least 12,400 rows`."""
    assert answer.count is not None
    return f"{'at least ' if answer.is_at_least else ''}{plural(answer.count, 'row')}"


def _rule(check: Check) -> str:
    match check:
        case NullsIn():
            return "rows-violate-not-null"
        case OrphansOf():
            return "rows-violate-foreign-key"
        case DuplicatesOf():
            return "duplicates-in-unique"
        case FailingCasts():
            return "cast-truncates" if check.truncates else "cast-fails"
        case OutsidePartition():
            return "rows-outside-partition"
        case _:
            return "rows-violate-check"


def _table(check: Check) -> str:
    schema, _, name = check.table.partition(".")
    return str(Name(name, schema))


def _listed(names: Iterable[str]) -> str:
    return ", ".join(quoted(name) for name in names)


def _constraint(check: ViolatorsOf) -> str:
    called = quoted(check.name) if check.name else f"CHECK ({check.condition.text})"
    return f"{called} of the domain {check.domain}" if check.domain else called


def _keys(check: DuplicatesOf) -> str:
    return ", ".join(quoted(key.column) if key.column else key.term.text if key.term else "" for key in check.keys)


def _what(check: Check) -> str:
    """What the check looks for."""
    table = _table(check)
    match check:
        case Unasked():
            return check.what
        case NullsIn():
            return f"NULLs in {quoted(check.column)} of {table}"
        case OrphansOf():
            return f"rows of {table} whose {_listed(check.columns)} refers to no row of {check.referenced}"
        case DuplicatesOf():
            return f"values of {_keys(check)} that several rows of {table} share"
        case ViolatorsOf():
            return f"rows of {table} that violate {_constraint(check)}"
        case FailingCasts():
            return f"values of {quoted(check.column)} in {table} that do not fit {check.target_name}"
        case OutsidePartition():
            return _misplaced(check)
        case _:
            raise AssertionError(check)


def _misplaced(check: OutsidePartition) -> str:
    if check.bound is not None or check.partition == check.table:
        return f"rows of {_table(check)} that its bound does not take"
    return f"rows of {_table(check)} that belong to {check.partition}"


def _problem(check: Check, amount: str) -> str:
    table = _table(check)
    match check:
        case NullsIn() if check.fills:
            return f"{table} has {amount} that would get no {quoted(check.column)}: the server refuses the NULL"
        case NullsIn():
            domain = f", which the domain {check.domain} then forbids" if check.domain else ""
            return f"{amount} of {table} have no {quoted(check.column)}{domain}: the server refuses the statement"
        case OrphansOf() if check.is_full:
            return (
                f"{amount} of {table} refer to no row of {check.referenced}, or only in part (MATCH FULL), by "
                f"{_listed(check.columns)}: the server refuses the foreign key"
            )
        case OrphansOf():
            return (
                f"{amount} of {table} refer to no row of {check.referenced} by {_listed(check.columns)}: the server "
                "refuses the foreign key"
            )
        case DuplicatesOf():
            shared = amount.replace("rows", "values").replace("row", "value")
            return f"{shared} of {_keys(check)} stand in more than one row of {table}: the server refuses the index"
        case ViolatorsOf():
            return f"{amount} of {table} violate {_constraint(check)}: the server refuses the statement"
        case FailingCasts() if check.truncates:
            return f"{quoted(check.column)} of {amount} of {table} is cut short by the cast to {check.target_name}"
        case FailingCasts():
            return (
                f"{quoted(check.column)} of {amount} of {table} does not become {check.target_name}: the server "
                "refuses the statement"
            )
        case _:
            return f"{amount}: {_what(check)}; the server refuses the partition"


_NEW_ROWS = "or add it NOT VALID, which holds for new rows from then on, and validate it once the old ones are repaired"


def _repair(check: Check) -> str:
    match check:
        case NullsIn() if check.fills:
            return (
                f"give {quoted(check.column)} a constant DEFAULT; or add it nullable, fill it in batches, and make it "
                "NOT NULL in a later release"
            )
        case NullsIn():
            return f"fill {quoted(check.column)} in batches by an earlier migration, once the code writes it"
        case OrphansOf():
            return f"make them refer to a row, set them to NULL, or delete them before the release; {_NEW_ROWS}"
        case DuplicatesOf():
            return "decide which row of each keeps the value, and change or delete the others before the release"
        case ViolatorsOf() if check.domain:
            return "change them before the release; or add the constraint NOT VALID and validate it once they are"
        case ViolatorsOf():
            return f"change them before the release; {_NEW_ROWS}"
        case FailingCasts() if check.truncates:
            return "leave out the cast, and the server refuses what does not fit; or shorten the values yourself first"
        case FailingCasts():
            return "change them before the release, say with USING what shall become of them, or choose a wider type"
        case _:
            return "move them to the partition that they belong to, or delete them, before the release"
