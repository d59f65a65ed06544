"""What the rows' answers mean for a statement: a violation refuses, what is not known is said."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

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
    assert answer.count is not None
    amount = _Amount(answer.count, is_at_least=answer.is_at_least)
    problem = _not_computed(check) if answer.is_error else _problem(check, amount)
    if places:
        problem += f" as it stands now; {places[-1]} changes these rows before, and may put that right"
    else:
        problem += ": the server refuses the statement" if answer.is_error else f": {_consequence(check)}"
    seen = f"; see them with: {answer.query}" if answer.query else ""
    return Finding(
        rule=_rule(check),
        severity=Severity.WARN if places else Severity.REFUSE,
        problem=problem,
        remedy=_repair(check) + seen,
        relation=check.table or None,
        examples=answer.examples,
    )


@dataclass(frozen=True)
class _Amount:
    """How many, and the words that go with it."""

    count: int
    is_at_least: bool

    def of(self, noun: str, one: str, many: str) -> str:
        """`1 row of t has`, `at least 12,400 rows of t have`: `noun` is the thing and where it is."""
        thing, _, rest = noun.partition(" ")
        few = "at least " if self.is_at_least else ""
        return f"{few}{plural(self.count, thing)} {rest} {one if self.count == 1 else many}"


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


def _not_computed(check: Check) -> str:
    """An error that a row raises where its key, its condition or its new value is computed."""
    match check:
        case FailingCasts():
            return _problem(check, _Amount(1, is_at_least=True))
        case DuplicatesOf():
            return f"{_keys(check)} cannot be computed for at least one row of {_table(check)}"
        case ViolatorsOf():
            return f"{_constraint(check)} cannot be computed for at least one row of {_table(check)}"
        case _:
            raise AssertionError(check)


def _misplaced(check: OutsidePartition) -> str:
    if check.bound is not None or check.partition == check.table:
        return f"rows of {_table(check)} that its bound does not take"
    return f"rows of {_table(check)} that belong to {check.partition}"


def _problem(check: Check, amount: _Amount) -> str:
    rows = f"row of {_table(check)}"
    match check:
        case NullsIn() if check.fills and check.fields:
            return f"{amount.of(rows, 'gets', 'get')} no value in {quoted(check.column)}"
        case NullsIn() if check.fills:
            return f"{amount.of(rows, 'gets', 'get')} no value in the new column {quoted(check.column)}"
        case NullsIn():
            return f"{amount.of(rows, 'has', 'have')} no {quoted(check.column)}"
        case OrphansOf():
            partly = ", or only in part (MATCH FULL)," if check.is_full else ""
            refer = amount.of(rows, "refers", "refer")
            return f"{refer} to no row of {check.referenced}{partly} by {_listed(check.columns)}"
        case DuplicatesOf():
            stand = amount.of(f"value of {_keys(check)}", "stands", "stand")
            return f"{stand} in more than one row of {_table(check)}"
        case ViolatorsOf():
            return f"{amount.of(rows, 'violates', 'violate')} {_constraint(check)}"
        case FailingCasts() if check.truncates:
            cut = amount.of(f"value of {quoted(check.column)} in {_table(check)}", "is", "are")
            return f"{cut} cut short by the cast to {check.target_name}"
        case FailingCasts():
            become = amount.of(f"value of {quoted(check.column)} in {_table(check)}", "does", "do")
            return f"{become} not become {check.target_name}"
        case OutsidePartition() if check.bound is not None or check.partition == check.table:
            return f"{amount.of(rows, 'does', 'do')} not fit its bound"
        case OutsidePartition():
            return f"{amount.of(rows, 'belongs', 'belong')} to {check.partition}"
        case _:
            raise AssertionError(check)


def _consequence(check: Check) -> str:
    match check:
        case NullsIn() if check.domain:
            return f"the domain {check.domain} forbids that then, and the server refuses the statement"
        case OrphansOf():
            return "the server refuses the foreign key"
        case DuplicatesOf():
            return "the server refuses the index, at the end of its build"
        case FailingCasts() if check.truncates:
            return "what is cut is lost without a word"
        case _:
            return "the server refuses the statement"


_NEW_ROWS = "or add it NOT VALID, which holds for new rows from then on, and validate it once the old ones are repaired"

_VALIDATE_LATER = "or leave the validation to a later release: new rows are held to it already"


def _repair(check: Check) -> str:
    match check:
        case NullsIn() if check.fills and check.fields:
            return f"change these rows before the release, or write what shall stand in {quoted(check.column)} of them"
        case NullsIn() if check.fills:
            return (
                f"give {quoted(check.column)} a constant DEFAULT; or add it nullable, fill it in batches, and make it "
                "NOT NULL in a later release"
            )
        case NullsIn():
            return f"fill {quoted(check.column)} in batches by an earlier migration, once the code writes it"
        case OrphansOf():
            later = _VALIDATE_LATER if check.is_stored else _NEW_ROWS
            return f"make them refer to a row, set them to NULL, or delete them before the release; {later}"
        case DuplicatesOf():
            return "decide which row of each keeps the value, and change or delete the others before the release"
        case ViolatorsOf():
            return f"change them before the release; {_VALIDATE_LATER if check.is_stored else _NEW_ROWS}"
        case FailingCasts() if check.truncates:
            return "leave out the cast, and the server refuses what does not fit; or shorten the values yourself first"
        case FailingCasts():
            return "change them before the release, say with USING what shall become of them, or choose a wider type"
        case _:
            return "move them to the partition that they belong to, or delete them, before the release"
