"""Rules: what will not fit one day: keys that run out, names that are cut off."""

from __future__ import annotations

import re
from collections.abc import Iterator

from gate.model.actions import Action, ColumnSpec, CreateTable
from gate.model.effects import Effect
from gate.model.names import quoted
from gate.model.plan import Finding
from gate.model.rules import STATEMENT, Rule
from gate.model.snapshot import Snapshot
from gate.rules.in_use import noted, warned
from gate.rules.ruling import Among, FamilyRule

_MOST = {"int2": "32767", "int4": "2147483647"}
_SERIALS = {2: "int2", 4: "int4"}


def _short_key(action: Action, effects: tuple[Effect, ...], before: Snapshot) -> Iterator[Finding]:
    del effects, before
    if not isinstance(action, CreateTable) or action.persistence == "t":
        return
    keys = [item.columns for item in action.constraints if item.kind == "p"]
    names = {columns[0] for columns in keys if len(columns) == 1}
    names |= {spec.name for spec in action.columns if any(item.kind == "p" for item in spec.constraints)}
    for spec in action.columns:
        kind = _SERIALS.get(spec.serial, "") or (spec.type.name.name if spec.type is not None else "")
        if spec.name in names and kind in _MOST and _counts(spec):
            yield noted(
                "short-primary-key",
                f"{quoted(spec.name)} of {action.name} is numbered by itself and ends at {_MOST[kind]}: numbers that "
                "were rolled back or deleted count too, and making it wider later rewrites the table and what refers "
                "to it",
                f"{quoted(spec.name)} bigint, and bigint for every column that refers to it: it costs four bytes a row",
            )


def _counts(spec: ColumnSpec) -> bool:
    has_sequence = spec.default is not None and any(call.name.name == "nextval" for call in spec.default.calls)
    return bool(spec.serial or spec.identity or has_sequence)


# --- names ------------------------------------------------------------------------------------------------------------

_LONGEST_BYTES = 63  # NAMEDATALEN - 1
_TOKENS = re.compile(
    r"--[^\n]*|/\*.*?\*/|\$(?P<tag>\w*)\$.*?\$(?P=tag)\$"
    r"|[eE]'(?:[^'\\]|\\.|'')*'|'(?:[^']|'')*'"
    r"|\"(?P<quoted>(?:[^\"]|\"\")+)\"|(?P<bare>[^\W\d][\w$]*)",
    re.DOTALL,
)


def _too_long(among: Among) -> Iterator[Finding]:
    for name in dict.fromkeys(_identifiers(among.deed.sql)):
        if len(name.encode()) > _LONGEST_BYTES:
            cut = name.encode()[:_LONGEST_BYTES].decode(errors="ignore")
            yield warned(
                "name-cut-off",
                f"{quoted(name)} is longer than {_LONGEST_BYTES} bytes: the server cuts it off, to {quoted(cut)}, "
                "with no more than a notice; two names that begin alike then collide",
                "a shorter name",
            )


def _identifiers(sql: str) -> Iterator[str]:
    """As written, keywords too; what stands in strings, comments and bodies of code is left out."""
    for found in _TOKENS.finditer(sql):
        if found["quoted"]:
            yield found["quoted"].replace('""', '"')
        elif found["bare"]:
            yield found["bare"].lower()


RULES = (
    FamilyRule(
        rule=Rule(
            name="short-primary-key",
            about=STATEMENT,
            harm="An integer key ends at 2147483647, a smallint at 32767, and every number that a failed INSERT took "
            "counts. On that day all INSERTs fail. Making the column wider then rewrites the table, its indexes, and "
            "every table that refers to it.",
            way_out="bigint from the start, in the table and in every column that refers to it.",
        ),
        finds=_short_key,
        setup="",
        bad="CREATE TABLE t (id serial PRIMARY KEY)",
        good="CREATE TABLE t (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY)",
    ),
    FamilyRule(
        rule=Rule(
            name="name-cut-off",
            about=STATEMENT,
            harm="A name of more than 63 bytes is cut off without an error. Two that begin alike become one: the "
            "second CREATE fails, or with IF NOT EXISTS does nothing; a letter beyond ASCII counts two bytes or more.",
            way_out="A shorter name.",
        ),
        finds_among=_too_long,
        setup="",
        bad=f"CREATE TABLE {'a' * 64} (b int)",
        good=f"CREATE TABLE {'a' * 63} (b int)",
    ),
)
