"""Where a query stands while it is followed: the catalog it meets, how far it gets, and the code that it is inside
of.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from gate.model.catalog import Relation
from gate.model.effects import ServerWouldReject
from gate.model.names import Name
from gate.model.snapshot import Snapshot
from gate.rules.lookup import maybe_index, relation

NO_RANGE = frozenset({"sequence", "serial", "tree", "definition"})
"""Events of uses that stand in no FROM list: a function is given the relation."""

DEPTH = 3
"""How often the catalog is looked at for names in code that runs; see `gate.app.looking`."""


@dataclass(frozen=True)
class Scope:
    """`inside` holds views, rules and constraints (oids) that are being followed, so that none is followed twice on
    one way.

    `seen` are functions that were followed already, for the whole statement: once is enough for the union of all
    they do.
    """

    world: Snapshot
    plans: bool = True
    runs: bool = True
    inside: frozenset[int] = frozenset()
    depth: int = 0
    seen: set[tuple[int, bool]] = field(default_factory=set)

    def within(self, oid: int) -> Scope:
        """Inside this view, rule or function."""
        return replace(self, inside=self.inside | {oid})

    @property
    def deeper(self) -> Scope:
        """Inside the body of a function."""
        return replace(self, depth=self.depth + 1)

    @property
    def stored(self) -> Scope:
        """With the search path under which the server printed what the catalog stores."""
        server = self.world.server
        if not server.printed_path or server.printed_path == server.search_path:
            return self
        return replace(self, world=replace(self.world, server=replace(server, search_path=server.printed_path)))

    def named(self, name: Name) -> Relation:
        """The relation that a query names; an index is none."""
        found = relation(self.world, name)
        if found.kind == "c" or maybe_index(self.world, name) is not None:
            raise ServerWouldReject(f'cannot open relation "{name}"', sqlstate="42809")
        return found
