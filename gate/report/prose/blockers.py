"""Who holds a conflicting lock right now, and what to do about it."""

from __future__ import annotations

from collections.abc import Sequence

from gate.model.moment import Blocker, Session
from gate.model.units import age
from gate.report import Look
from gate.report.prose.words import one_line, painted, shortened, wrapped

_MOST = 10


def block(blockers: Sequence[Blocker], look: Look) -> list[str]:
    """A heading and some lines for each; nothing where nobody is in the way."""
    if not blockers:
        return []
    heading = "In the way right now: a statement below would wait for these, and later queries behind it"
    lines = [painted(line, "bold", look.is_coloured) for line in wrapped(heading, look.width)]
    for blocker in blockers[:_MOST]:
        lines += _lines(blocker, look)
    if len(blockers) > _MOST:
        lines.append(f"  and {len(blockers) - _MOST:,} more: see --format json")
    return lines


def _lines(blocker: Blocker, look: Look) -> list[str]:
    held = f"{blocker.relation}: {_who(blocker)} holds {blocker.held.value}, wanted is {blocker.wanted.value}"
    lines = wrapped(held, look.width, "  ", "    ")
    doing = _doing(blocker.session)
    if doing:
        lines += wrapped(doing, look.width, "    ")
    query = blocker.session.query if look.shows_rows else blocker.normalised
    if query:
        lines.append("    " + painted(shortened(query, look.width - 4), "dim", look.is_coloured))
    return [*lines, *wrapped(_ending(blocker), look.width, "    ", "      ")]


def _ending(blocker: Blocker) -> str:
    """How a person gets it out of the way; nothing where gate cannot say."""
    session = blocker.session
    if not session.pid or session.backend != "client backend":
        return ""
    if session.state == "active":
        return f"to stop its query: SELECT pg_cancel_backend({session.pid});"
    return f"to end it: SELECT pg_terminate_backend({session.pid});"


def _who(blocker: Blocker) -> str:
    session = blocker.session
    if blocker.what:
        return blocker.what if not session.pid else f"{blocker.what} (pid {session.pid})"
    return f"pid {session.pid}" if session.pid else "a prepared transaction"


def _doing(session: Session) -> str:
    who = [part for part in (session.user, session.application and f'"{one_line(session.application)}"') if part]
    if not session.is_visible:
        return "what it does is hidden from this role (GRANT pg_read_all_stats would show it)"
    state = [session.state] if session.state else []
    if session.state_age_s is not None and session.state:
        state = [f"{session.state} for {age(session.state_age_s)}"]
    if session.transaction_age_s is not None:
        state.append(f"transaction open for {age(session.transaction_age_s)}")
    return ", ".join([" ".join(who), *state] if who else state)
