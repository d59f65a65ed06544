"""What stands in the catalog before and after a step that nothing marks; satisfies `gate.run.world.Catalog`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from gate.db.queries import query
from gate.db.standing_index import is_same_index
from gate.db.standing_sessions import missing_synchronous_standby, old_snapshots
from gate.model.migration import Query
from gate.model.names import Name
from gate.run.sample import Other
from gate.run.world import IndexState, Row

Ask = Callable[[Query], tuple[Row, ...]]


@dataclass(frozen=True)
class LiveCatalog:
    """Each is one question, asked with `ask`."""

    ask: Ask

    def index(self, schema: str, name: str, sql: str) -> IndexState | None:
        rows = self.ask(Query(query("standing_index").decode(), (schema, name)))
        if not rows:
            return None
        is_same = is_same_index(self.ask, schema, name, sql)
        return IndexState(is_valid=rows[0]["is_valid"], definition=rows[0]["definition"], is_same=is_same)

    def old_snapshots(self) -> tuple[Other, ...]:
        return old_snapshots(self.ask)

    def missing_standby(self) -> str | None:
        return missing_synchronous_standby(self.ask)

    def leftover_indexes(self, relations: Sequence[str]) -> tuple[tuple[str, str], ...]:
        rows = self.ask(Query(query("standing_leftovers").decode(), (list(relations),)))
        return tuple((row["schema"], row["name"]) for row in rows)

    def half_detached(self, relations: Sequence[str]) -> tuple[tuple[str, str], ...]:
        rows = self.ask(Query(query("standing_detached").decode(), (list(relations),)))
        return tuple(
            (str(Name(row["parent"], row["parent_schema"])), str(Name(row["child"], row["child_schema"])))
            for row in rows
        )
