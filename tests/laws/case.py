"""What a law is tested on: a schema with rows, and the statements that are split."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class LawCase:
    """`sql` is one migration; `setup` makes what it meets, and no table that it works on may be empty.

    `unlike` names columns, as `table.column`, whose values differ from one run to the next (a random default): they are
    held against each other only as null or not. `reorders` where a column is rebuilt, so that its place may differ.
    `works` is False where the plain statement does no work and is split for its lock alone. `is_alone`: the plain
    statement refuses a transaction. `also` is what the steps do beyond the plain statement, done after it: the
    sequence of a serial grows with its column.
    """

    name: str
    setup: str
    sql: str
    since: int = 14
    until: int = 18
    unlike: tuple[str, ...] = ()
    reorders: bool = False
    works: bool = True
    is_alone: bool = False
    also: str = ""

    def __str__(self) -> str:
        return self.name

    def __contains__(self, major: int) -> bool:
        return self.since <= major <= self.until
