"""Where a journal may be: `database`, in a schema of its own, or `file:PATH`."""

from __future__ import annotations

_LONGEST_NAME_BYTES = 63
_IN_DATABASE = "database"
_IN_FILE = "file:"


def journal_path(told: str) -> str | None:
    """The file of `file:PATH`; None for `database`. Raises ValueError for anything else."""
    if told.strip() == _IN_DATABASE:
        return None
    path = told.strip().removeprefix(_IN_FILE)
    if not path or not told.strip().startswith(_IN_FILE):
        raise ValueError("write database, or file:PATH")
    return path


def journal_schema_problem(name: str) -> str:
    """Why no journal can be in a schema of that name; empty where one can."""
    if not name:
        return "names no schema"
    if len(name.encode()) > _LONGEST_NAME_BYTES:
        return f"is longer than the {_LONGEST_NAME_BYTES} bytes of a name in PostgreSQL"
    if name.startswith("pg_") or name == "information_schema":
        return f"is {name}, which is PostgreSQL's own"
    return "holds a character that no name may have" if "\0" in name else ""
