"""Names of database objects, as written and as quoted."""

from __future__ import annotations

import re
from dataclasses import dataclass

_PLAIN = re.compile(r"[a-z_][a-z0-9_$]*\Z")


@dataclass(frozen=True)
class Name:
    """A possibly qualified name, folded as the server folds it: `schema` is None when none was written."""

    name: str
    schema: str | None = None

    def __str__(self) -> str:
        return quoted(self.name) if self.schema is None else f"{quoted(self.schema)}.{quoted(self.name)}"


def quoted(identifier: str) -> str:
    """The identifier as SQL; quoted unless it is plain. A keyword is not recognised here: for messages only."""
    if _PLAIN.match(identifier):
        return identifier
    return '"' + identifier.replace('"', '""') + '"'
