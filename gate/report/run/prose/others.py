"""Who was in the way, or still waits: who it is, what it does, and how a person ends it."""

from __future__ import annotations

from collections.abc import Sequence

from gate.model.run import InTheWay
from gate.model.units import age
from gate.report import Look
from gate.report.prose.words import columns, one_line, painted, shortened, wrapped

_MOST = 10
_LONGEST_NAME = 60
_PREPARED = "a prepared transaction"
_BACKUP = "it is a backup, which reads every table to its end"


def block(heading: str, others: Sequence[InTheWay], look: Look, *, are_victims: bool = False) -> list[str]:
    """A heading and some lines for each; of those who wait, how to end whom they wait for."""
    if not others:
        return []
    lines = [painted(line, "bold", look.is_coloured) for line in wrapped(heading, look.width)]
    for other in others[:_MOST]:
        lines += wrapped(claim(other, "wants" if are_victims else "holds"), look.width, "  ", "    ")
        lines += wrapped(doing(other), look.width, "    ")
        if other.query:
            lines.append("    " + painted(shortened(other.query, look.width - 4), "dim", look.is_coloured))
        lines += _way_out(behind(other) if are_victims else way_out(other), look.width)
    if len(others) > _MOST:
        lines.append(f"  and {len(others) - _MOST:,} more: see --format json")
    return lines


def _way_out(told: tuple[str, str], width: int) -> list[str]:
    """SQL stays on one line, to be pasted."""
    text, sql = told
    if not sql:
        return wrapped(text, width, "    ", "      ")
    if columns(f"    {text}: {sql}") <= width:
        return [f"    {text}: {sql}"]
    return [*wrapped(f"{text}:", width, "    ", "      "), f"      {sql}"]


def claim(other: InTheWay, verb: str = "holds", called: str = "") -> str:
    """`public.orders: pid 4711 holds ROW EXCLUSIVE`, `pid 4711 awaits SHARE`, `pid 4711: an older transaction`."""
    relation = f"{one_line(other.relation)}: " if other.relation else ""
    held = one_line(other.held)
    if held.isupper():
        held = f" {verb} {held}"
    elif held:
        held = f" {held}" if held.startswith("awaits ") else f": {held}"
    return f"{relation}{called or name(other)}{held}"


def name(other: InTheWay) -> str:
    """`pid 4711`, `the prepared transaction 'x'`, or what else it is."""
    if not other.pid:
        return f"the prepared transaction '{one_line(other.gid)}'" if other.gid else one_line(other.what) or _PREPARED
    called = one_line(other.what) or ("" if other.kind == "client backend" else one_line(other.kind))
    return f"{called} (pid {other.pid})" if called else f"pid {other.pid}"


def doing(other: InTheWay) -> str:
    """`shop "puma: cluster worker 2", idle in transaction, transaction open for 13 min`."""
    if not other.pid:
        of = f"of {one_line(other.user)}" if other.user else ""
        since = f"prepared {age(other.age_s)} ago" if other.age_s is not None else ""
        return ", ".join(part for part in (of, since) if part)
    parts = [_who(other), one_line(other.state or "")]
    if other.age_s is not None:
        parts.append(f"transaction open for {age(other.age_s)}")
    if other.state is None and other.kind == "client backend":
        parts.append("what it does is hidden from this role (GRANT pg_read_all_stats would show it)")
    return ", ".join(part for part in parts if part)


def brief(other: InTheWay) -> str:
    """In a few words, for a log: `pid 4711 (shop "puma", idle in transaction, 13 min)`."""
    kind = "" if other.kind == "client backend" else one_line(other.kind)
    what = one_line(other.what) or kind if other.pid else ""
    old = age(other.age_s) if other.age_s is not None else ""
    parts = [part for part in (what, _who(other), one_line(other.state or ""), old) if part]
    called = f"pid {other.pid}" if other.pid else name(other)
    return f"{called} ({', '.join(parts)})" if parts else called


def way_out(other: InTheWay) -> tuple[str, str]:
    """How a person gets it out of the way, in words and in SQL; empty where there is nothing to be advised."""
    if other.gid:
        return "to end it, once whoever prepared it was asked", one_line(other.way_out)
    if other.prevents_wraparound:
        return "let it finish: without it the server would stop taking writes one day", ""
    if other.kind == "autovacuum worker":
        return "it gives way by itself to whoever waits for it", ""
    if other.is_platforms_backup:
        return f"{_BACKUP}: let it end, or heroku pg:backups:cancel", ""
    known = "; ".join(part for part in (f"{_BACKUP}: let it end" if other.is_backup else "", _waits(other)) if part)
    if not other.way_out:
        return known, ""
    return f"{known}; to end it all the same" if known else "to end it", other.way_out


def behind(other: InTheWay) -> tuple[str, str]:
    """Of somebody who waits: for whom, and how to end that one."""
    sessions = [pid for pid in other.waits_for if pid]
    if len(other.waits_for) != 1 or not sessions:
        return _waits(other), ""
    return f"{_waits(other)}; to end that one", f"SELECT pg_terminate_backend({sessions[0]});"


def _waits(other: InTheWay) -> str:
    names = [f"pid {pid}" if pid else _PREPARED for pid in other.waits_for]
    return f"it waits itself for {', '.join(names)}" if names else ""


def _who(other: InTheWay) -> str:
    user = one_line(other.user or "")
    application = f'"{shortened(other.application, _LONGEST_NAME)}"' if other.application else ""
    return " ".join(part for part in (user, application) if part)
