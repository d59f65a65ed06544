"""What `gate kill` ends, decided: what dead and stuck runs left, and blockers that somebody has named.

Victims, who wait and keep nobody waiting, are never ended; nor is replication, nor an autovacuum that prevents
wraparound.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from gate.model.errors import Exit
from gate.model.run import Act, HookRun
from gate.policy.policy import HookSetting, KillFilter
from gate.run.blocking_tree import Forest, Node
from gate.run.killing import in_words, matches
from gate.run.sample import Other

STUCK_AFTER = 3
"""So many heartbeats of silence, and a run that still has its lock counts as stuck."""
_ENDED = ("client backend", "autovacuum worker")


@dataclass(frozen=True, kw_only=True)
class Wish:
    """What was asked for: blockers by pid or by filter, and whether a stuck run is to be ended.

    `stops` are called before anything else: they stop the dyno or the Job in which a release is stuck.
    """

    pids: tuple[int, ...] = ()
    filter: KillFilter | None = None
    ends_stuck: bool = False
    is_dry_run: bool = False
    stops: tuple[HookSetting, ...] = ()


@dataclass(frozen=True, kw_only=True)
class StandingRun:
    """A run with connections here. `silent_s` is since its runner's last word, None where there is no runner.

    `is_alive`: it has its lock; `is_stuck`: although nothing was heard of it for too long. `left` is at work without
    the lock; `others` are the rest of its connections.
    """

    run: str
    is_alive: bool
    is_stuck: bool = False
    silent_s: float | None = None
    left: tuple[Other, ...] = ()
    others: tuple[Other, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Chosen:
    """A blocker to be ended, and by which wish."""

    node: Node
    why: str


@dataclass(frozen=True, kw_only=True)
class Killed:
    """What was there, what was done, and who is still blocked.

    `before` and `after` are who waits on whom; `after` is None where nothing was done. `would_end` are those that a dry
    run names. `refused` says of each pid that was asked for why it was let be. `alive` are still there, although they
    were to be ended. `is_permitted` False: the role may not end one of them. `hooks` is what was done on the platform.
    """

    database: str
    before: Forest
    after: Forest | None = None
    runs: tuple[StandingRun, ...] = ()
    acts: tuple[Act, ...] = ()
    would_end: tuple[tuple[Other, str], ...] = ()
    refused: tuple[str, ...] = ()
    alive: tuple[Other, ...] = ()
    unseen: tuple[str, ...] = ()
    waited_s: float = 0.0
    is_permitted: bool = True
    is_stopped: bool = False
    wish: Wish = Wish()
    hooks: tuple[HookRun, ...] = ()

    @property
    def exit(self) -> Exit:
        """0: nothing of a dead run is left, and everybody who was asked for is gone."""
        if self.is_stopped:
            return Exit.STOPPED_RESUMABLE
        if not self.is_permitted:
            return Exit.MISSING_PRIVILEGE
        if self.alive or any(hook.problem for hook in self.hooks):
            return Exit.STOPPED_NEEDS_PERSON
        if self.refused:
            return Exit.REFUSED
        if self.wish.is_dry_run:
            return Exit.DONE
        if self.wish.ends_stuck and any(run.is_alive and not run.is_stuck for run in self.runs):
            return Exit.ANOTHER_GATE
        if any(run.is_stuck for run in self.runs) and not self.wish.ends_stuck:
            return Exit.STOPPED_NEEDS_PERSON
        return Exit.DONE


def chosen(forest: Forest, wish: Wish) -> tuple[Chosen, ...]:
    """Blockers to be ended now: of those that are meant the ones that wait for none of the others."""
    blockers = {id(node) for node in forest.blockers}
    return tuple(item for root in forest.roots for item in _topmost(root, wish, blockers))


def _topmost(node: Node, wish: Wish, blockers: set[int]) -> Iterable[Chosen]:
    why = _why(node, wish) if id(node) in blockers and not never(node.other) else ""
    if why:
        return [Chosen(node=node, why=why)]
    return [item for below in node.below for item in _topmost(below, wish, blockers)]


def _why(node: Node, wish: Wish) -> str:
    if node.other.backend.pid in wish.pids:
        return "asked for with --pid"
    if wish.filter is not None and matches(wish.filter, node.other):
        return f"asked for: {in_words(wish.filter).partition(': ')[2]}"
    return ""


def never(other: Other) -> str:
    """Why this one is never ended; empty where it may be."""
    if not other.backend.pid:
        gid = (other.application or "").replace("'", "''")
        return f"is a prepared transaction and no session: ROLLBACK PREPARED '{gid}' ends it"
    if other.prevents_wraparound:
        return "is an autovacuum that prevents wraparound: without it the server would stop taking writes one day"
    if other.kind not in _ENDED:
        return f"is a {other.kind}, which gate does not end"
    return ""


def refusals(forest: Forest, wish: Wish, ended: Sequence[int] = ()) -> tuple[str, ...]:
    """Of each pid that was asked for, and was not ended, why."""
    nodes = {node.other.backend.pid: node for node in forest.walk()}
    blockers = {node.other.backend.pid for node in forest.blockers}
    said = []
    for pid in wish.pids:
        node = nodes.get(pid)
        if pid in ended:
            continue
        if node is None:
            said.append(f"pid {pid} keeps nobody waiting")
        elif never(node.other):
            said.append(f"pid {pid} {never(node.other)}")
        elif pid not in blockers:
            said.append(f"pid {pid} waits itself and keeps nobody waiting: it is a victim")
    return tuple(said)
