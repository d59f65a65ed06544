"""What `gate kill` saw and did, for a person: what came of it, who waits on whom, what was done, the way out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from gate.model.run import Act, HookRun
from gate.model.units import age, plural
from gate.report import Look
from gate.report.prose.words import led, one_line, painted, shortened, wrapped
from gate.run.blocking_tree import Forest, Node
from gate.run.kill import Killed, StandingRun, never
from gate.run.sample import Other

_WIDEST, _NARROWEST = 120, 60
_MOST_ROOTS, _MOST_BELOW = 20, 10
_DEEPEST = 8
_LONGEST_NAME = 40
_DONE = {"cancel": "cancelled", "terminate": "terminated"}


def render(killed: Killed, look: Look) -> str:
    """The whole report."""
    look = replace(look, width=max(_NARROWEST, min(look.width, _WIDEST)))
    blocks = ["\n".join(block) for block in _blocks(killed, look) if block]
    return "\n\n".join(blocks) + "\n"


def _blocks(killed: Killed, look: Look) -> Iterator[list[str]]:
    yield led(*_verdict(killed), look)
    yield _titled("Who waits on whom", _tree(killed.before, look), look)
    yield _titled("Runs of gate", (line for run in killed.runs for line in _run(run, look)), look)
    yield _titled("Would be ended", _would_end(killed, look), look)
    yield _titled("On the platform", (line for hook in killed.hooks for line in _hook(hook, look)), look)
    yield _titled("What was done", (line for act in killed.acts for line in _act(act, look)), look)
    if killed.after is not None:
        yield _titled(_still(killed), _tree(killed.after, look), look)
    yield _titled("Still there", (line for other in killed.alive for line in _lines(named(other), look)), look)
    yield _titled("Let be", (line for text in killed.refused for line in _lines(text, look)), look)
    yield _titled("Not seen, or not permitted", (line for text in killed.unseen for line in _lines(text, look)), look)
    yield _way_out(killed, look)


def _titled(title: str, lines: Iterable[str], look: Look) -> list[str]:
    found = list(lines)
    return [painted(title, "bold", look.is_coloured), *found] if found else []


def _lines(text: str, look: Look) -> list[str]:
    return wrapped(text, look.width, "  ", "    ")


# --- what came of it --------------------------------------------------------------------------------------------------


def _verdict(killed: Killed) -> tuple[tuple[str, str], str]:
    waiting = len((killed.before if killed.after is None else killed.after).waiting)
    who = (
        f"{plural(waiting, 'session')} {'waits' if waiting == 1 else 'wait'} for a lock" if waiting else "nobody waits"
    )
    if killed.wish.is_dry_run:
        found = len(killed.would_end)
        return ("DRY RUN", "yellow"), f"{plural(found, 'session') if found else 'nobody'} would be ended; {who}"
    if not killed.is_permitted:
        return ("NOT PERMITTED", "red"), f"this role may not end a session that is in the way; {who}"
    failed = next((hook for hook in killed.hooks if hook.problem), None)
    if failed is not None and not killed.alive:
        return ("NOT STOPPED", "red"), f"{one_line(failed.name)} did not work; {who}"
    if killed.alive:
        is_one = len(killed.alive) == 1
        return (
            "NOT ENDED",
            "red",
        ), f"{plural(len(killed.alive), 'session')} {'is' if is_one else 'are'} still there; {who}"
    ended = len({act.backend for act in killed.acts if act.has_worked})
    if ended:
        after = who.replace("wait", "still wait", 1) if waiting else "nobody waits any more"
        return ("ENDED", "green" if not waiting else "yellow"), f"{plural(ended, 'session')}; {after}"
    return ("NOTHING ENDED", "green" if not waiting else "yellow"), f"no dead run of gate left anything at work; {who}"


def _hook(hook: HookRun, look: Look) -> list[str]:
    said = one_line(hook.problem or hook.output or "done")
    return _lines(f"{one_line(hook.name)}: {said}", look)


def _still(killed: Killed) -> str:
    return f"Still blocked {age(max(1.0, killed.waited_s))} later"


def _run(run: StandingRun, look: Look) -> list[str]:
    name = f"run {one_line(run.run)}" if run.run else "a run without a name"
    heard = f"was heard of {age(run.silent_s)} ago" if run.silent_s is not None else "cannot be watched by this role"
    if run.is_stuck:
        text = f"{name} has its lock, and {heard}: it is stuck. gate kill --stuck ends it; the next release takes it up"
    elif run.is_alive:
        text = f"{name} is at work: it has its lock, and {heard}. SIGTERM to its process stops it, and cleans up"
    elif run.left:
        pids = ", ".join(f"pid {other.backend.pid}" for other in run.left)
        text = f"{name} is dead: its lock is free, and it left {pids} at work"
    else:
        text = f"{name} has no lock and does nothing: it begins, or waits for another run"
    return _lines(text, look)


# --- who waits on whom ------------------------------------------------------------------------------------------------


def _tree(forest: Forest, look: Look) -> Iterator[str]:
    for root in forest.roots[:_MOST_ROOTS]:
        yield from _branch(root, look, 1)
    if len(forest.roots) > _MOST_ROOTS:
        yield f"  and {len(forest.roots) - _MOST_ROOTS:,} more: see --format json"


def _branch(node: Node, look: Look, depth: int) -> Iterator[str]:
    indent = "  " * min(depth, _DEEPEST)
    yield from wrapped(f"{named(node.other)}{_doing(node.other)}", look.width, indent, indent + "    ")
    for text in _locks(node):
        yield from wrapped(text, look.width, indent + "    ", indent + "      ")
    if node.other.query:
        room = look.width - len(indent) - 4
        yield f"{indent}    " + painted(shortened(node.other.query, room), "dim", look.is_coloured)
    for below in node.below[:_MOST_BELOW]:
        yield from _branch(below, look, depth + 1)
    if len(node.below) > _MOST_BELOW:
        rest = node.below[_MOST_BELOW:]
        number = len(rest) + sum(each.waiters for each in rest)
        yield f"{indent}  and {plural(number, 'session')} more that {'waits' if number == 1 else 'wait'} for it"


def named(other: Other) -> str:
    """`pid 4711  shop "psql"`."""
    if not other.backend.pid:
        who = f" of {one_line(other.user)}" if other.user else ""
        return f"prepared transaction '{one_line(other.application or '?')}'{who}"
    kind = "" if other.kind == "client backend" else one_line(other.kind)
    if other.prevents_wraparound:
        kind = "autovacuum worker, to prevent wraparound"
    application = f'"{shortened(other.application, _LONGEST_NAME)}"' if other.application else ""
    who = " ".join(part for part in (kind, one_line(other.user or ""), application) if part)
    return f"pid {other.backend.pid}  {who}".rstrip()


def _doing(other: Other) -> str:
    if not other.backend.pid:
        return f", prepared {age(other.transaction_age_s)} ago" if other.transaction_age_s is not None else ""
    if not other.backend.started_at:
        return ", what it does is hidden from this role"
    if other.state is None or other.is_waiting:
        return ""
    since = f" for {age(other.state_age_s)}" if other.state_age_s is not None else ""
    return f", {one_line(other.state)}{since}"


def _locks(node: Node) -> Iterator[str]:
    if node.wants is not None:
        since = f"{age(node.wants.waited_s)} " if node.wants.waited_s is not None else ""
        yield f"waits {since}for {_wanted(node)}{_besides(node)}"
    parts = []
    if node.holds is not None and node.held_on:
        parts.append(f"holds {node.holds.value} on {one_line(node.held_on)}")
    if node.also_blocks:
        parts.append(f"also keeps {_pids(node.also_blocks)} waiting")
    if node.other.backend.pid and _says_more(node):
        parts.append(f"transaction open for {age(node.other.transaction_age_s or 0.0)}")
    if parts:
        yield ", ".join(parts)


def _says_more(node: Node) -> bool:
    """Whether its transaction is older than what is told of it already."""
    told_s = (node.wants.waited_s if node.wants is not None else node.other.state_age_s) or 0.0
    return node.other.transaction_age_s is not None and node.other.transaction_age_s - told_s >= 1


def _wanted(node: Node) -> str:
    assert node.wants is not None
    if node.wants.kind == "relation":
        return f"{node.wants.mode.value} on {one_line(node.relation) or 'a relation of another database'}"
    what = _KINDS.get(node.wants.kind, f"a lock ({one_line(node.wants.kind)})")
    return f"{what} of {one_line(node.relation)}" if node.relation else what


_KINDS = {
    "transactionid": "a row, or the end of that transaction",
    "tuple": "a row",
    "virtualxid": "the end of that transaction",
    "advisory": "an advisory lock",
    "extend": "a new page",
    "spectoken": "a new key",
}


def _besides(node: Node) -> str:
    return f", and for {_pids(node.also_waits_for)}" if node.also_waits_for else ""


def _pids(pids: Sequence[int]) -> str:
    named = [f"pid {pid}" if pid else "a prepared transaction" for pid in pids[:3]]
    more = len(pids) - len(named)
    return ", ".join(named) + (f" and {more:,} more" if more else "")


# --- what was done, and the way out -----------------------------------------------------------------------------------


def _act(act: Act, look: Look) -> list[str]:
    who = f" ({one_line(act.who)})" if act.who else ""
    did = _DONE[act.how] if act.has_worked else f"could not {act.how}"
    return _lines(f"{did} pid {act.backend.pid}{who}: {one_line(act.why)}", look)


def _would_end(killed: Killed, look: Look) -> Iterator[str]:
    for other, why in killed.would_end:
        yield from _lines(f"{named(other)}: {why}", look)


def _way_out(killed: Killed, look: Look) -> list[str]:
    """How those at the root are ended, who keep others waiting now."""
    forest = killed.before if killed.after is None else killed.after
    taken = {other.backend.pid for other, _ in killed.would_end}
    lines: list[str] = []
    for root in forest.roots[:_MOST_ROOTS]:
        blocked = {*(below.other.backend.pid for below in root.below), *root.also_blocks}
        if root.other.backend.pid in taken or blocked <= taken:
            continue
        lines += _lines(_end_of(root.other), look)
    return _titled("To end who is in the way", lines, look)


def _end_of(other: Other) -> str:
    if not other.backend.pid:
        gid = (other.application or "").replace("'", "''")
        return f"ROLLBACK PREPARED '{one_line(gid)}'; (once whoever prepared it was asked)"
    why = never(other)
    return f"pid {other.backend.pid} {why}" if why else f"gate kill --pid {other.backend.pid}"
