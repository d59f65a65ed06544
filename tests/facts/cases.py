"""The oracle's cases, and what PostgreSQL did in them.

`oracle/cases.sql` holds statements, each to be run on the schema of `oracle/base.sql`; `oracle/expected.json` what each
major did, majors only where they differ. `python -m tests.facts.record` writes it anew from the servers at hand.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gate.model.locks import LockMode
from tests.facts.observe import Seen

ORACLE = Path(__file__).parent / "oracle"
BASE = (ORACLE / "base.sql").read_text()

_HEAD = re.compile(r"-- ([a-z_0-9]+)(?: >=(\d+))?( alone)?(?: \| (.*))?$")


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A statement, what has to be run before it (`setup` for good, `local` in its transaction), its first major.

    `is_alone` says that the statement refuses a transaction block.
    """

    id: str
    statement: str
    since: int = 14
    setup: str = ""
    local: str = ""
    is_alone: bool = False

    def __str__(self) -> str:
        return self.id


def cases() -> list[Case]:
    """All cases, in the file's order."""
    blocks: list[tuple[re.Match[str], list[str]]] = []
    for line in (ORACLE / "cases.sql").read_text().splitlines():
        if head := _HEAD.match(line):
            blocks.append((head, []))
        elif blocks and line.strip():
            blocks[-1][1].append(line)
    return [_case(head, " ".join(lines)) for head, lines in blocks]


def _case(head: re.Match[str], statement: str) -> Case:
    id_, since, alone, setup = head.groups(default="")
    is_local = setup.startswith("SET LOCAL")
    return Case(
        id=id_,
        statement=statement,
        since=int(since or 14),
        setup="" if is_local else setup,
        local=setup if is_local else "",
        is_alone=bool(alone),
    )


def expected(case: Case, major: int) -> Seen:
    """What a server of that major did; a major newer than all that were recorded is held to the newest."""
    entry = _EXPECTED[case.id]
    differing = {int(known): what for known, what in entry.get("majors", {}).items()}
    return _seen({**entry, **differing.get(major, {})})


_EXPECTED: Mapping[str, Mapping[str, Any]] = json.loads((ORACLE / "expected.json").read_text())

_SETS = ("rewritten", "rebuilt", "built_on", "index_shut", "scanned")


def _seen(entry: Mapping[str, Any]) -> Seen:
    sets: dict[str, Any] = {name: frozenset(entry.get(name) or ()) for name in _SETS}
    if entry.get("scanned", ()) is None:
        sets["scanned"] = None
    locks = {relation: LockMode(mode) for relation, mode in entry.get("locks", {}).items()}
    loses = {relation: tuple(columns) for relation, columns in entry.get("loses", {}).items()}
    return Seen(locks=locks, loses=loses, sqlstate=entry.get("sqlstate"), **sets)


def as_json(seen: Seen) -> dict[str, Any]:
    """The other way round."""
    sets: dict[str, Any] = {name: sorted(getattr(seen, name) or ()) for name in _SETS}
    return {
        **sets,
        "scanned": None if seen.scanned is None else sets["scanned"],
        "locks": {relation: mode.value for relation, mode in sorted(seen.locks.items())},
        "loses": {relation: list(columns) for relation, columns in sorted(seen.loses.items())},
        "sqlstate": seen.sqlstate,
    }
