"""Names of database objects, as written and as quoted."""

from __future__ import annotations

import re
from dataclasses import dataclass

_PLAIN = re.compile(r"[a-z_][a-z0-9_$]*\Z")
_KEYWORDS = """
all analyse analyze and any array as asc asymmetric authorization binary both case cast check collate collation
column concurrently constraint create cross current_catalog current_date current_role current_schema
current_time current_timestamp current_user default deferrable desc distinct do else end except false fetch for
foreign freeze from full grant group having ilike in initially inner intersect into is isnull join lateral
leading left like limit localtime localtimestamp natural not notnull null offset on only or order outer
overlaps placing primary references returning right select session_user similar some symmetric system_user
table tablesample then to trailing true union unique user using variadic verbose when where window with
"""
RESERVED = frozenset(_KEYWORDS.split())
"""Keywords that no table or column can be called without quotes (`pg_get_keywords()`, catcode R and T)."""


@dataclass(frozen=True)
class Name:
    """A possibly qualified name, folded as the server folds it: `schema` is None when none was written."""

    name: str
    schema: str | None = None

    def __str__(self) -> str:
        return quoted(self.name) if self.schema is None else f"{quoted(self.schema)}.{quoted(self.name)}"


def quoted(identifier: str) -> str:
    """The identifier as SQL, for a relation, a column and their like; quoted unless it is plain and no keyword."""
    if _PLAIN.match(identifier) and identifier not in RESERVED:
        return identifier
    return '"' + identifier.replace('"', '""') + '"'
