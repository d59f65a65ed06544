"""ALTER TABLE: one lock for the whole statement, then its subcommands in the server's order.

Source: PostgreSQL 18 `tablecmds.c`: AlterTableGetLockLevel, ATPrepCmd (recursion), `AlterTablePass` (order). The
families register their subcommands in `PARTS`: key -> PartRule; the key is the part's class or a NamedPart's word.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from functools import cache

from gate.model.actions import AlterTable, MoveAll, NamedPart, Part
from gate.model.catalog import Relation
from gate.model.effects import NotUnderstood, ServerWouldReject, Touch
from gate.model.locks import LockMode
from gate.model.snapshot import Snapshot
from gate.rules.lookup import descendants, find_type, maybe_index, maybe_relation, missing, require_owner


@dataclass(frozen=True)
class At:
    """Where a part works: the table, the statement's lock, and whether children follow."""

    world: Snapshot
    table: Relation
    lock: LockMode
    recurses: bool = True
    index: int | None = None

    @property
    def targets(self) -> tuple[Relation, ...]:
        """The table and, where children follow, all that inherits from it; an index has none."""
        if self.index is not None:
            return ()
        return (self.table, *descendants(self.world, self.table.oid)) if self.recurses else (self.table,)


@dataclass(frozen=True)
class PartRule:
    """A subcommand: its lock on the table, its touches beyond that lock, the catalog after it.

    `order` is the place of its pass: 0 drop, 1 alter type, 4 add column, 6 add constraint, 7 column attributes,
    8 index constraint, 9 foreign key, 10 anything else. `kinds` are the relkinds it works on, `i` for an index of
    any kind (ATSimplePermissions).
    """

    lock: Callable[[Part, At], LockMode]
    touches: Callable[[Part, At], Iterable[Touch]]
    apply: Callable[[Part, At], Snapshot] | None = None
    order: int = 10
    kinds: str = "rp"


def always(mode: LockMode) -> Callable[[Part, At], LockMode]:
    """A subcommand whose lock depends on nothing."""
    return lambda _part, _at: mode


def nothing(_part: Part, _at: At) -> Iterator[Touch]:
    """No more than the statement's own lock on the table."""
    return iter(())


def children(_part: Part, at: At) -> Iterator[Touch]:
    """The statement's lock on every child too (ATSimpleRecursion)."""
    for relation in at.targets:
        yield Touch(relation.oid, at.lock)


@cache
def _rules() -> dict[type[Part] | str, PartRule]:
    from gate.rules import families

    found: dict[type[Part] | str, PartRule] = {}
    for family in families():
        found.update(getattr(family, "PARTS", {}))
    return found


def rule_of(part: Part) -> PartRule:
    """The rule of a part; NotUnderstood for one that no family knows."""
    key: type[Part] | str = part.what if isinstance(part, NamedPart) else type(part)
    found = _rules().get(key)
    if found is None:
        raise NotUnderstood(f"no fact covers the subcommand {key}")
    return found


def _place(action: AlterTable, world: Snapshot) -> At | None:
    """Where the statement works; None where IF EXISTS finds nothing."""
    if action.object == "type":
        return _composite(action, world)
    table = maybe_relation(world, action.name)
    if table is None:
        if action.missing_ok:
            return None
        raise missing(world, action.name)
    _check_kind(action, world, table)
    require_owner(world, table)
    index = maybe_index(world, action.name)
    return At(world, table, LockMode.ACCESS_SHARE, not action.only, index)


def _composite(action: AlterTable, world: Snapshot) -> At:
    kind = find_type(world, action.name)
    table = world.relations.get(kind.relation) if kind else None
    if table is None:
        raise ServerWouldReject(f'type "{action.name}" does not exist', sqlstate="42704")
    if table.kind != "c":
        raise ServerWouldReject(f'"{action.name}" is not a composite type', sqlstate="42809")
    return At(world, table, LockMode.ACCESS_SHARE)


_ALLOWED = {
    "table": "rpfmvSiI",
    "index": "iI",
    "view": "v",
    "sequence": "S",
    "materialized view": "m",
    "foreign table": "f",
}


def _check_kind(action: AlterTable, world: Snapshot, table: Relation) -> None:
    kind = "i" if maybe_index(world, action.name) is not None else table.kind
    if table.is_system and table.oid > 0:
        raise ServerWouldReject(f'permission denied: "{table.name}" is a system catalog', sqlstate="42501")
    if kind == "c" or (action.object != "table" and kind not in _ALLOWED[action.object]):
        raise ServerWouldReject(f'"{action.name}" is not a {action.object}', sqlstate="42809")


def ordered(action: AlterTable) -> tuple[Part, ...]:
    """The parts in the order in which the server does them."""
    return tuple(sorted(action.parts, key=lambda part: rule_of(part).order))


def derive_alter_table(action: AlterTable, world: Snapshot) -> Iterator[Touch]:
    """Every part's touches, each against the catalog that the parts before it leave."""
    at = _place(action, world)
    if at is None:
        return
    for part in action.parts:
        _check_part(part, at)
    lock = max(rule_of(part).lock(part, at) for part in action.parts)
    at = replace(at, lock=lock)
    if at.index is None:
        yield Touch(at.table.oid, lock)
    for part in ordered(action):
        rule = rule_of(part)
        yield from rule.touches(part, at)
        at = _after(rule, part, at)


def _check_part(part: Part, at: At) -> None:
    kind = "i" if at.index is not None else at.table.kind
    if kind not in rule_of(part).kinds:
        what = part.what if isinstance(part, NamedPart) else type(part).__name__
        raise ServerWouldReject(
            f'ALTER action {what} cannot be performed on relation "{at.table.name}"', sqlstate="42809"
        )


def _after(rule: PartRule, part: Part, at: At) -> At:
    if rule.apply is None:
        return at
    world = rule.apply(part, at)
    return replace(at, world=world, table=world.relations.get(at.table.oid, at.table))


def apply_alter_table(action: AlterTable, snapshot: Snapshot) -> Snapshot:
    """The catalog after all parts."""
    at = _place(action, snapshot)
    if at is None:
        return snapshot
    for part in ordered(action):
        at = _after(rule_of(part), part, at)
    return at.world


def derive_move_all(action: MoveAll, world: Snapshot) -> Iterator[Touch]:
    """ALTER TABLE ALL IN TABLESPACE."""
    del world
    raise NotUnderstood(
        f"ALTER {action.object.upper()} ALL IN TABLESPACE moves whatever stands in the tablespace then",
        remedy="move each relation by its own ALTER TABLE ... SET TABLESPACE",
    )


DERIVES = {AlterTable: derive_alter_table, MoveAll: derive_move_all}
APPLIES = {AlterTable: apply_alter_table}
