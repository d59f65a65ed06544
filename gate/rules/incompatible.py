"""Rules: a column's type becomes one that running code does not expect, or that holds less than it writes.

What a client reads and writes is decided by the type itself, not by whether the table is rewritten: a driver chooses
its decoder by the type's oid, and a comparison its operator.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from gate.model.actions import Action, AlterTable, OnObject, SequenceAction, SetType
from gate.model.catalog import Column, Relation
from gate.model.effects import Effect
from gate.model.names import quoted
from gate.model.plan import Finding
from gate.model.rules import STATEMENT, Rule
from gate.model.snapshot import Snapshot
from gate.rules.coercion import Shape, column_shape, shape_of
from gate.rules.in_use import OVERLAP, effect_on, old_column, refused, sql_name, type_text, warned, written_type
from gate.rules.lookup import descendants, maybe_relation
from gate.rules.ruling import Among, FamilyRule

# --- two shapes -------------------------------------------------------------------------------------------------------

_TEXTS = frozenset({"text", "varchar", "bpchar", "citext"})
_INTEGERS = {"int2": 2, "int4": 4, "int8": 8}
_FLOATS = {"float4": 4, "float8": 8}
_LENGTHS = frozenset({"varchar", "bpchar", "varbit", "timestamp", "timestamptz", "time", "timetz", "interval"})
_SAME = frozenset({frozenset({"inet", "cidr"}), frozenset({"bit", "varbit"})})


def _plain(shape: Shape, world: Snapshot) -> Shape:
    """Without the domains around it."""
    kind, typmod = shape.type, shape.typmod
    while kind.kind == "d" and kind.base in world.types:
        kind, typmod = world.types[kind.base], kind.base_typmod
    return Shape(kind, typmod)


@dataclass(frozen=True)
class Change:
    """A column's type before and after, domains taken off, arrays down to what they hold."""

    old: Shape
    new: Shape

    @property
    def is_widening(self) -> bool:
        """Integers and floats that hold more: the values stay, the wire format does not."""
        old, new = self.old.type.name, self.new.type.name
        return any(old in kinds and new in kinds and kinds[old] < kinds[new] for kinds in (_INTEGERS, _FLOATS))

    @property
    def is_same_kind(self) -> bool:
        """Whether clients see the same values in the same form."""
        old, new = self.old.type, self.new.type
        if old.oid == new.oid or {old.name, new.name} <= _TEXTS or frozenset({old.name, new.name}) in _SAME:
            return True
        return any({old.name, new.name} <= kinds.keys() for kinds in (_INTEGERS, _FLOATS))

    @property
    def is_narrowing(self) -> bool:
        """Whether a value that fitted may not fit any more, or loses digits."""
        old, new = self.old.type.name, self.new.type.name
        if any(old in kinds and new in kinds and kinds[old] > kinds[new] for kinds in (_INTEGERS, _FLOATS)):
            return True
        if (old, new) in (("inet", "cidr"), ("varbit", "bit")):
            return True
        if new == "numeric":
            return old == new and _narrower_numeric(self.old.typmod, self.new.typmod)
        if new not in _LENGTHS or self.new.typmod < 0:
            return False
        return self.old.typmod < 0 or old not in _LENGTHS or self.new.typmod < self.old.typmod


def _narrower_numeric(old: int, new: int) -> bool:
    if new < 0 or new == old:
        return False
    if old < 0:
        return True
    (before, scale_before), (after, scale_after) = _digits(old), _digits(new)
    return after - scale_after < before - scale_before or scale_after < scale_before


def _digits(typmod: int) -> tuple[int, int]:
    packed = typmod - 4
    return (packed >> 16) & 0xFFFF, ((packed & 0x7FF) ^ 1024) - 1024


def change_of(column: Column, part: SetType, world: Snapshot) -> Change:
    """What the part makes of the column."""
    old, new = _plain(column_shape(column, world), world), _plain(shape_of(part.type, world), world)
    elements = world.types.get(old.type.element), world.types.get(new.type.element)
    if elements[0] and elements[1] and old.type.length == new.type.length == -1:
        return Change(Shape(elements[0], old.typmod), Shape(elements[1], new.typmod))
    return Change(old, new)


def _computes(part: SetType) -> bool:
    """Whether USING gives other values than casts would."""
    using = part.using
    if using is None or part.column in {using.column, using.cast_of}:
        return False
    is_chain = using.text.startswith(f"{quoted(part.column)}::") and using.columns == (part.column,)
    return not is_chain or bool(using.calls or using.operators)


def _changes(
    action: Action, effects: tuple[Effect, ...], before: Snapshot
) -> Iterator[tuple[Relation, Effect, Column, SetType]]:
    """Each change of the type of a column that running code knows."""
    if not isinstance(action, AlterTable):
        return
    table = maybe_relation(before, action.name)
    if table is not None and table.kind == "c":
        yield from _of_typed_tables(action, table, effects, before)
    effect = effect_on(table, effects, before)
    if table is None or effect is None:
        return
    for part in action.parts:
        column = old_column(table, part.column) if isinstance(part, SetType) else None
        if isinstance(part, SetType) and column is not None:
            yield table, effect, column, part


def _of_typed_tables(
    action: AlterTable, kind: Relation, effects: tuple[Effect, ...], before: Snapshot
) -> Iterator[tuple[Relation, Effect, Column, SetType]]:
    """An attribute of a composite type is a column of the tables OF that type."""
    for table in before.relations.values():
        effect = effect_on(table, effects, before) if table.of_type and table.of_type == kind.row_type else None
        for part in action.parts:
            column = table.column(part.column) if isinstance(part, SetType) else None
            if effect is not None and isinstance(part, SetType) and column is not None:
                yield table, effect, column, part


# --- rules ------------------------------------------------------------------------------------------------------------


def _changes_type(among: Among) -> Iterator[Finding]:
    before = among.deed.before
    if among.deed.action is None:
        return
    for table, effect, column, part in _changes(among.deed.action, among.deed.effects, before):
        change = change_of(column, part, before)
        if _lost_labels(change) or _takes_its_name(change, among):
            continue
        old, new = written_type(column, before), _target(part, before)
        what = f"changes {quoted(column.name)} of {effect.relation} from {old} to {new}"
        if _computes(part) and part.using is not None:
            yield refused(
                "changes-type",
                f"{what} by {part.using.text}: rows then mean something else than code that runs now reads and writes",
                _new_column(table, column, new),
                effect.relation,
            )
        elif not change.is_same_kind:
            yield refused(
                "changes-type",
                f"{what}: {_harm(change, before)}",
                _new_column(table, column, new),
                effect.relation,
            )
        elif change.is_widening:
            yield warned(
                "changes-type",
                f"{what}: the values stay, but clients get another type: node-postgres gives bigint as a string, and "
                "typed drivers (sqlx, Diesel, Npgsql) refuse to read it into the narrower one",
                "first deploy code that reads either type; then change the column",
                effect.relation,
            )


def _target(part: SetType, before: Snapshot) -> str:
    shape = shape_of(part.type, before)
    return type_text(before, shape.type.oid, shape.typmod)


def _harm(change: Change, before: Snapshot) -> str:
    old, new = change.old.type, change.new.type
    was, becomes = type_text(before, old.oid), type_text(before, new.oid)
    if {old.name, new.name} == {"json", "jsonb"}:
        return (
            f"code that runs now and calls {old.name}_ functions on it gets 42883, and drivers that decode {old.name} "
            f"are given {new.name}"
        )
    if {old.name, new.name} == {"timestamp", "timestamptz"}:
        return (
            "code that runs now reads and writes the same text as another moment: without a zone it is taken in the "
            "session's TimeZone"
        )
    if "e" in (old.kind, new.kind):
        return f"code that runs now compares it with {was} and gets 42883, or writes values that do not exist"
    return (
        f"code that runs now reads {becomes} where it expects {was}, and its comparisons with {was} get 42883 or "
        "another meaning"
    )


def _takes_its_name(change: Change, among: Among) -> bool:
    """An enum made anew under the name that the old one gave up in the same migration, with all of its values."""
    old, new = change.old.type, change.new.type
    if old.kind != "e" or new.kind != "e":
        return False
    earlier = (deed.action for deed in among.deeds[: among.place])
    return any(
        isinstance(item, OnObject) and (item.what, item.to, item.name.name.name) == ("rename", old.name, new.name)
        for item in earlier
    )


def _new_column(table: Relation, column: Column, new: str) -> str:
    name, old = sql_name(table), quoted(column.name)
    beside = quoted(f"{column.name}_new")
    return (
        f"1. this release: ALTER TABLE {name} ADD COLUMN {beside} {new}, with a BEFORE INSERT OR UPDATE trigger that "
        f"converts whichever of the two was written into the other, and fill old rows in batches; 2. next release: "
        f"code reads and writes {beside}; 3. the one after: drop the trigger, and ALTER TABLE {name} DROP COLUMN "
        f"{old}, "
        "under -- gate: allow drops-column because no release that runs uses it any more"
    )


def _narrows_type(action: Action, effects: tuple[Effect, ...], before: Snapshot) -> Iterator[Finding]:
    for table, effect, column, part in _changes(action, effects, before):
        change = change_of(column, part, before)
        if change.is_same_kind and change.is_narrowing and not _computes(part):
            name, new = quoted(column.name), _target(part, before)
            yield warned(
                "narrows-type",
                f"narrows {name} of {effect.relation} from {written_type(column, before)} to {new}: code that runs now "
                f"and still writes what does not fit gets {_error(change)}",
                f"first deploy code that writes nothing wider{_by_check(table, name, change)}",
                effect.relation,
            )


def _by_check(table: Relation, column: str, change: Change) -> str:
    """The same limit as a CHECK, where one says it."""
    if change.new.type.name != "varchar" or change.new.typmod < 0:
        return ""
    return (
        f"; ALTER TABLE {sql_name(table)} ADD CONSTRAINT {quoted(f'{column}_length')} CHECK (char_length({column}) <= "
        f"{change.new.typmod - 4}) NOT VALID, and VALIDATE CONSTRAINT later, says the same without a rewrite"
    )


def _error(change: Change) -> str:
    new = change.new.type.name
    if new in ("varchar", "bpchar", "varbit", "bit"):
        return "22001 (value too long)"
    if new in _INTEGERS or new == "numeric":
        return "22003 (out of range), or digits cut off"
    return "digits cut off"


def _lost_labels(change: Change) -> tuple[str, ...]:
    old, new = change.old.type, change.new.type
    if old.kind != "e" or new.kind != "e" or old.oid == new.oid:
        return ()
    return tuple(label for label in old.labels if label not in new.labels)


def _removes_enum_value(action: Action, effects: tuple[Effect, ...], before: Snapshot) -> Iterator[Finding]:
    for _, effect, column, part in _changes(action, effects, before):
        lost = _lost_labels(change_of(column, part, before))
        if lost:
            values = ", ".join(f"'{label}'" for label in lost)
            name = quoted(column.name)
            yield refused(
                "removes-enum-value",
                f"takes {values} out of the values of {name} of {effect.relation}: code that runs now and writes or "
                f"compares {'it' if len(lost) == 1 else 'them'} gets 22P02",
                f"1. this release: stop writing {values} in code; 2. next release: change the rows that say so in "
                f"batches, and leave the value in the type: a CHECK ({name} NOT IN ({values})) NOT VALID, then "
                "VALIDATE, keeps it out without a new type",
                effect.relation,
            )


# --- sequences --------------------------------------------------------------------------------------------------------

_INT8 = 20


def _sequence_stays_integer(among: Among) -> Iterator[Finding]:
    before = among.deed.before
    if among.deed.action is None:
        return
    for table, effect, column, part in _changes(among.deed.action, among.deed.effects, before):
        if shape_of(part.type, before).type.oid != _INT8 or column.identity:
            continue
        for sequence in _behind(column, (table, *descendants(before, table.oid)), before):
            if not any(_widens(item, sequence, before) for deed in among.deeds if (item := deed.action)):
                name = sql_name(sequence)
                yield warned(
                    "sequence-stays-integer",
                    f"makes {quoted(column.name)} of {effect.relation} a bigint, but its sequence {sequence.full_name} "
                    "stays an integer: at 2147483647 every INSERT that takes a number from it fails (2200H)",
                    f"add ALTER SEQUENCE {name} AS bigint: it locks the sequence alone, for an instant",
                    effect.relation,
                )


def _behind(column: Column, tables: tuple[Relation, ...], before: Snapshot) -> Iterator[Relation]:
    """Sequences of a narrower type that the column owns."""
    owners = {(item.oid, found.number) for item in tables if (found := item.column(column.name))}
    for relation in before.relations.values():
        sequence = relation.sequence
        if sequence is None or sequence.is_identity or sequence.type in (0, _INT8):
            continue
        if (sequence.owner_table, sequence.owner_column) in owners:
            yield relation


def _widens(action: Action, sequence: Relation, before: Snapshot) -> bool:
    if not isinstance(action, SequenceAction) or action.type is None:
        return False
    found = maybe_relation(before, action.name)
    return found is not None and found.oid == sequence.oid


_SETUP = "CREATE TABLE t (a int, b varchar(5)); INSERT INTO t VALUES (1, 'x')"
_MOODS = (
    "CREATE TYPE temper AS ENUM ('ok', 'bad'); CREATE TABLE t (a temper); INSERT INTO t VALUES ('ok'); "
    "CREATE TYPE less AS ENUM ('ok'); CREATE TYPE more AS ENUM ('ok', 'bad', 'sad')"
)

RULES = (
    FamilyRule(
        rule=Rule(
            name="changes-type",
            about=STATEMENT,
            harm=OVERLAP + "A driver decodes a column by its type, and the server chooses operators by it: after "
            "integer to text, timestamp to timestamptz or json to jsonb, old code reads other values, or gets 42883 "
            "for its comparisons. USING with an expression changes what every row means. A wider integer keeps the "
            "values, but typed drivers notice; that is a warning. A longer varchar, varchar to text and the like are "
            "let by.",
            way_out="A new column of the new type, kept equal by a trigger, filled in batches; the next release uses "
            "it; the old column goes in the release after.",
        ),
        finds_among=_changes_type,
        setup=_SETUP,
        bad="ALTER TABLE t ALTER COLUMN a TYPE text",
        good="ALTER TABLE t ALTER COLUMN b TYPE text",
    ),
    FamilyRule(
        rule=Rule(
            name="narrows-type",
            about=STATEMENT,
            harm=OVERLAP + "Old code may still write what the new type does not hold, and gets 22001 or 22003, or its "
            "digits are cut off without a word. Whether the rows that are there fit is looked at by itself.",
            way_out="First deploy code that writes nothing wider. A CHECK, added NOT VALID and validated later, "
            "limits a text or a number without changing its type.",
        ),
        finds=_narrows_type,
        setup=_SETUP,
        bad="ALTER TABLE t ALTER COLUMN b TYPE varchar(3)",
        good="ALTER TABLE t ALTER COLUMN b TYPE varchar(9)",
    ),
    FamilyRule(
        rule=Rule(
            name="removes-enum-value",
            about=STATEMENT,
            harm=OVERLAP + "A value cannot be dropped from an enum, so the column is given another type without it. "
            "Old code that writes or compares the value gets 22P02, rows that have it make the change fail, and the "
            "table is rewritten under ACCESS EXCLUSIVE.",
            way_out="Stop writing the value, change the rows that have it in batches, and leave it in the type. A "
            "CHECK, added NOT VALID and validated later, keeps it out.",
        ),
        finds=_removes_enum_value,
        setup=_MOODS,
        bad="ALTER TABLE t ALTER COLUMN a TYPE less USING a::text::less",
        good="ALTER TABLE t ALTER COLUMN a TYPE more USING a::text::more",
    ),
    FamilyRule(
        rule=Rule(
            name="sequence-stays-integer",
            about=STATEMENT,
            harm="A serial column owns a sequence of its own type. When the column becomes a bigint, the sequence does "
            "not follow (that of an identity column does), and still ends at 2147483647: the day that everybody "
            "thought was averted comes all the same.",
            way_out="ALTER SEQUENCE name AS bigint, before or after the change of the column; it locks nothing but the "
            "sequence.",
        ),
        finds_among=_sequence_stays_integer,
        setup="CREATE TABLE t (a serial); INSERT INTO t DEFAULT VALUES",
        bad="ALTER TABLE t ALTER COLUMN a TYPE bigint",
        good="ALTER TABLE t ALTER COLUMN a TYPE bigint; ALTER SEQUENCE t_a_seq AS bigint",
    ),
)
