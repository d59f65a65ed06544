"""What `gate status` found, for a person: whether anything has to be done, then what is unfinished, then the past."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from gate.model.changes import KeptChange, Until
from gate.model.run import Leftover, Outcome, State
from gate.model.units import age, lasting, plural
from gate.report import Look
from gate.report.prose.table import fitted, lines
from gate.report.prose.words import clean, led, one_line, painted, shortened, wrapped
from gate.run.journalling import Kept, KnownRun
from gate.run.stock import Stock

_WIDEST, _NARROWEST = 120, 60
_MOST_RUNS = 10
_MOST_MIGRATIONS = 15


def render(stock: Stock, look: Look) -> str:
    """The whole report."""
    look = replace(look, width=max(_NARROWEST, min(look.width, _WIDEST)))
    blocks = ["\n".join(block) for block in _blocks(stock, look) if block]
    return "\n\n".join(blocks) + "\n"


def _blocks(stock: Stock, look: Look) -> Iterator[list[str]]:
    yield [*_head(stock, look), *_notes(stock, look)]
    yield _unfinished(stock, look)
    yield _changed(stock, look)
    yield _leftovers("Needs a person", stock.left, look, "to take it away: ")
    yield _leftovers("Half done in the database", stock.leftovers, look, "to take it away instead: ")
    yield _runs(stock, look)


# --- whether anything has to be done ----------------------------------------------------------------------------------


def _head(stock: Stock, look: Look) -> list[str]:
    return led(_word(stock), _headline(stock), look)


def _word(stock: Stock) -> tuple[str, str]:
    if stock.is_alive:
        return "RUNNING", "yellow"
    if stock.needs_person:
        return "NEEDS A PERSON", "red"
    is_open = stock.standing.unfinished or stock.standing.changes
    return ("UNFINISHED", "yellow") if is_open else ("DONE", "green")


def _headline(stock: Stock) -> str:
    database = one_line(stock.database)
    if stock.is_alive:
        return f"a release is at work on {database}: {_at_work(stock)}"
    number = len(stock.standing.unfinished)
    what = f"{plural(number, 'migration')} of {database} {'is' if number == 1 else 'are'} unfinished"
    if stock.needs_person:
        return f"{what if number else f'no migration of {database} is unfinished'}, {_why_a_person(stock)}"
    if number:
        whose = f"a release with gate {stock.standing.made_by}" if stock.standing.is_newer else "the next gate release"
        return f"{what}; {whose} takes {_it(number)} up by itself"
    if stock.standing.changes:
        return f"no migration of {database} is unfinished, but something outside it is not put back"
    return f"nothing is unfinished in {database}"


def _changed(stock: Stock, look: Look) -> list[str]:
    """Nobody remembers at night that maintenance is on because of a release of last week."""
    kept = stock.standing.changes
    if not kept:
        return []
    found = [painted("Changed outside the database", "bold", look.is_coloured)]
    for item in kept:
        who = f"run {item.run} at {_short_time(item.made_at)}"
        found += wrapped(f"{one_line(item.change.what)} ({who}); {_back(stock, item)}", look.width, "  ", "    ")
    return found


def _back(stock: Stock, kept: KeptChange) -> str:
    if kept.change.until is Until.SUCCESS:
        return "put back by the next release that ends well"
    if stock.is_alive:
        return "put back when the run ends"
    return "put back by the next gate release, or gate kill"


def _it(number: int) -> str:
    return "it" if number == 1 else "them"


def _at_work(stock: Stock) -> str:
    """The run that has the lock, as far as it has said anything."""
    holder, last = stock.holder, stock.last
    pid = f"pid {holder.backend.pid}" if holder is not None else ""
    if last is None or last.outcome is not Outcome.RUNNING:
        return f"it has not begun to run anything ({pid})"
    beat = f", last heartbeat {age(last.heartbeat_age_s)} ago" if last.heartbeat_age_s is not None else ""
    return f"run {last.id}, began {_short_time(last.started_at)} ({pid}{beat})"


def _why_a_person(stock: Stock) -> str:
    if stock.left:
        return "and the database has what releases left and no run takes away"
    if stock.not_understood:
        return "and its steps are another gate's that this one does not know: release with that one"
    return "and the last run could not get on with it"


def _notes(stock: Stock, look: Look) -> Iterator[str]:
    for note in _noted(stock):
        yield from wrapped(note, look.width, "  ", "    ")


def _noted(stock: Stock) -> Iterator[str]:
    standing = stock.standing
    if standing.version is None:
        yield "there is no journal: gate release has not run anything here"
        return
    yield f"journal: {one_line(standing.place)}"
    if standing.is_newer:
        made = f"gate {standing.made_by}, a newer one," if standing.made_by else "a newer gate"
        yield f"{made} has made this journal: this gate reads it, and writes nothing to it"
    if stock.dead is not None:
        last = _short_time(stock.dead.heartbeat_at or stock.dead.started_at)
        yield f"run {stock.dead.id} is dead: it gave its last sign at {last}, and its lock is free"


# --- what is unfinished, and what is left of it -----------------------------------------------------------------------


def _unfinished(stock: Stock, look: Look) -> list[str]:
    kept = stock.standing.unfinished
    if not kept:
        return []
    found = [painted("Unfinished", "bold", look.is_coloured)]
    for item in kept[:_MOST_MIGRATIONS]:
        found += wrapped(f"{_name(item)}: {_how_far(item)}", look.width, "  ", "    ")
        for text in _more(item):
            found += wrapped(text, look.width, "    ", "      ")
    if len(kept) > _MOST_MIGRATIONS:
        found.append(f"  and {plural(len(kept) - _MOST_MIGRATIONS, 'more migration')}: see --format json")
    return found


def _name(kept: Kept) -> str:
    if kept.path is None:
        return f"{one_line(kept.migration)} ({kept.source})"
    return one_line(kept.path if kept.migration in kept.path else f"{kept.path} ({kept.migration})")


def _how_far(kept: Kept) -> str:
    if kept.program is None:
        return "its steps are not known to this gate"
    units = kept.program.units
    done = sum(kept.mark_of(unit.ordinal).state is State.DONE for unit in units)
    following = kept.next_unit
    far = f"{done} of {plural(len(units), 'step')} done"
    if following is None:
        return f"{far}, only its end is not written"
    purpose = one_line(following.why) or f"a {following.kind.value}"
    line = f", line {following.line}" if following.line is not None else ""
    rows = kept.mark_of(following.ordinal).rows_done
    return f"{far}, goes on with step {following.ordinal}{line}: {purpose}" + (
        f", {plural(rows, 'row')} done" if rows else ""
    )


def _more(kept: Kept) -> Iterator[str]:
    following = kept.next_unit
    error = kept.mark_of(following.ordinal).error if following is not None else ""
    if error:
        yield f"it failed there: {one_line(error)}"
    yield f"unfinished since {_short_time(kept.kept_at)}, last worked on by run {kept.run}"


def _leftovers(heading: str, leftovers: tuple[Leftover, ...], look: Look, lead: str) -> list[str]:
    if not leftovers:
        return []
    found = [painted(heading, "bold", look.is_coloured)]
    for leftover in leftovers:
        found += wrapped(one_line(leftover.what), look.width, "  ", "    ")
        if leftover.sql:
            # SQL is there to be copied: it is not broken.
            found.append(f"    {lead}{clean(leftover.sql)}")
    return found


# --- the past ---------------------------------------------------------------------------------------------------------


def _runs(stock: Stock, look: Look) -> list[str]:
    runs = stock.standing.runs[:_MOST_RUNS]
    if not runs:
        return []
    rows = [("began", "run", "ended", "took", "migrations"), *(_row(run, stock) for run in runs)]
    widths = fitted(rows, look.width - 2)
    heading = painted("Runs", "bold", look.is_coloured)
    said = [line for text in _said(runs[0]) for line in wrapped(text, look.width, "  ", "    ")]
    return [heading, *(line for row in rows for line in lines(row, widths, "  ")), *said]


def _said(run: KnownRun) -> Iterator[str]:
    """Why the last one ended as it did, and its way out."""
    for lead, key in (("the last one: ", "problem"), ("way out: ", "remedy")):
        if run.document.get(key):
            yield lead + shortened(run.document[key], 400)


def _row(run: KnownRun, stock: Stock) -> tuple[str, str, str, str, str]:
    seconds = run.document.get("seconds")
    return (
        _short_time(run.started_at),
        one_line(run.id),
        _ended(run, stock),
        lasting(seconds) if seconds is not None else "",
        str(len(run.document.get("migrations") or ())) if run.document else "",
    )


def _ended(run: KnownRun, stock: Stock) -> str:
    if run == stock.dead:
        return "dead"
    return run.outcome.value if run.outcome is not None else "unknown"


def _short_time(at: str) -> str:
    """`2026-01-02 03:04:05Z`."""
    return at[:19].replace("T", " ") + "Z"
