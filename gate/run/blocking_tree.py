"""Who waits on whom, as a tree: whoever waits for nobody stands at its root, whoever waits for it below."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

from gate.model.locks import LockMode
from gate.run.queues import Lock, Party, Queues, weight
from gate.run.sample import Other


@dataclass(frozen=True, kw_only=True)
class Node:
    """A session, or a prepared transaction, with those that wait for it.

    `wants` is what it waits for, None for a root: `relation` the name of what that is on, empty for a row, a
    transaction or what has no name. `holds` is the lock with which it keeps those below it waiting, and `held_on` its
    relation. `also_waits_for` are pids that it waits for besides the one above it (0: a prepared transaction), and
    `also_blocks` those that wait for it and stand below somebody else.
    """

    other: Other
    wants: Lock | None = None
    relation: str = ""
    holds: LockMode | None = None
    held_on: str = ""
    also_waits_for: tuple[int, ...] = ()
    also_blocks: tuple[int, ...] = ()
    below: tuple[Node, ...] = ()

    def walk(self) -> Iterator[Node]:
        """It and everybody below it."""
        yield self
        for node in self.below:
            yield from node.walk()

    @property
    def waiters(self) -> int:
        """How many wait for it, directly or not."""
        return sum(1 for _ in self.walk()) - 1


@dataclass(frozen=True)
class Forest:
    """All trees, those with the most waiters first."""

    roots: tuple[Node, ...] = ()

    def walk(self) -> Iterator[Node]:
        """Everybody."""
        for root in self.roots:
            yield from root.walk()

    @property
    def waiting(self) -> tuple[Node, ...]:
        """Who waits for a lock."""
        return tuple(node for node in self.walk() if node.wants is not None)

    @property
    def blockers(self) -> tuple[Node, ...]:
        """Whom anybody waits for; the rest are victims."""
        return tuple(node for node in self.walk() if node.below or node.also_blocks)


@dataclass
class _Growing:
    """Each party once; the one above it is the one that holds it up the longest. `blocks` are all edges by blocker."""

    queues: Queues
    other: Callable[[Party], Other]
    name_of: Callable[[Lock], str]
    above: dict[Party, Party] = field(default_factory=dict)
    blocks: dict[Party, dict[Party, Lock]] = field(default_factory=lambda: defaultdict(dict))
    placed: set[Party] = field(default_factory=set)

    def place(self, waiting: Iterable[Party]) -> None:
        for party in waiting:
            blockers = self.queues.blockers_of(party)
            for lock in blockers:
                self.blocks[lock.party][party] = lock
            if blockers:
                self.above[party] = max(blockers, key=self._blame).party

    def _blame(self, lock: Lock) -> tuple[bool, bool, float]:
        """A holder before somebody in the queue; who waits for nobody, then who is there the longest."""
        age_s = self.other(lock.party).transaction_age_s
        return (lock.is_granted, not self.queues.awaited_by(lock.party), age_s or 0.0)

    def node(self, party: Party) -> Node:
        self.placed.add(party)
        blocked = self.blocks[party]
        children = [child for child in blocked if self.above[child] == party and child not in self.placed]
        nodes = [self.node(child) for child in children]
        strongest = max(blocked.values(), key=weight, default=None)
        awaited = self.queues.awaited_by(party)
        other = self.other(party)
        up = _pid(self.above[party]) if party in self.above else None
        return Node(
            other=other,
            wants=awaited[0] if awaited else None,
            relation=self.name_of(awaited[0]) if awaited else "",
            holds=strongest.mode if strongest is not None and strongest.is_granted else None,
            held_on=self.name_of(strongest) if strongest is not None else "",
            also_waits_for=tuple(pid for pid in other.waits_for if pid != up),
            also_blocks=tuple(_pid(child) for child in blocked if child not in children),
            below=tuple(sorted(nodes, key=_by_weight)),
        )


def grown(
    queues: Queues, other: Callable[[Party], Other], name_of: Callable[[Lock], str], here: Iterable[Party]
) -> Forest:
    """The trees in which anybody is of this database (`here`)."""
    waiting = {lock.party: None for waiters in queues.waiters.values() for lock in waiters}
    growing = _Growing(queues=queues, other=other, name_of=name_of)
    growing.place(waiting)
    roots = [party for party in tuple(growing.blocks) if party not in growing.above]
    nodes = [growing.node(party) for party in roots]
    # Who wait for each other in a circle have nobody above them all: the server ends that within deadlock_timeout.
    nodes += [growing.node(party) for party in waiting if party in growing.above and party not in growing.placed]
    near = {other(party).backend.pid for party in here}
    kept = [node for node in nodes if any(each.other.backend.pid in near for each in node.walk())]
    return Forest(roots=tuple(sorted(kept, key=_by_weight)))


def _pid(party: Party) -> int:
    return party if isinstance(party, int) else 0


def _by_weight(node: Node) -> tuple[int, float, int]:
    return (-node.waiters, -(node.other.transaction_age_s or 0.0), node.other.backend.pid)
