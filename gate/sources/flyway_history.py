"""What Flyway's history says of its scripts: what is pending, and what Flyway's validation would object to.

Source: MigrationInfoServiceImpl, MigrationInfoImpl.validate and BaseAppliedMigration of flyway-core. The history is
read by rank: a DELETE or an UNDO row takes back the one before it, a BASELINE row hides all that is older.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from gate.model.migration import Migration, StateFinding
from gate.sources.state import database_ahead, edited_after_applied, file_missing, out_of_order, tool_dirty
from gate.sources.tool import Applied, Pending, Row

_Version: TypeAlias = tuple[int, ...]

_LONGEST_DESCRIPTION = 200
_NO_DESCRIPTION = "<< no description >>"
_REPAIR = "restore the file from version control; `flyway repair` takes the file as it is now"


@dataclass
class _History:
    """The rows that still stand, by version and by description, and the newest baseline."""

    versioned: dict[_Version, Row] = field(default_factory=dict)
    repeatable: dict[str, Row] = field(default_factory=dict)
    baseline: _Version = (-1,)

    @property
    def newest(self) -> _Version:
        return max(self.versioned, default=(-1,))


def pending(migrations: Sequence[Migration], rows: Sequence[Row], *, is_out_of_order_allowed: bool) -> Pending:
    """Versioned migrations that have no row, then repeatable ones whose last row has another checksum."""
    history = _history(rows)
    files = {version_key(one.id or ""): one for one in migrations if not one.is_repeatable}
    last_file = max(files, default=(-1,))
    failed = _failed(history, last_file)
    if failed:
        return Pending(findings=failed)
    waiting = {key: one for key, one in files.items() if key not in history.versioned and key > history.baseline}
    again = [one for one in migrations if one.is_repeatable and not _stands(one, history.repeatable.get(one.id or ""))]
    ahead = _ids(history, [key for key in _without_file(history, files) if key > last_file])
    return Pending(
        migrations=(*(waiting[key] for key in sorted(waiting)), *again),
        ahead=ahead,
        findings=(
            *database_ahead(ahead, tool="Flyway", behaviour="warns, and goes on"),
            *_missing(history, files, last_file, migrations),
            *_edited(history, files),
            *_late(history, waiting, is_out_of_order_allowed=is_out_of_order_allowed),
        ),
    )


def applied(migrations: Sequence[Migration], rows: Sequence[Row]) -> Applied:
    """Rows that stand and succeeded, as written; with the files also what a baseline stands for.

    A repeatable script counts once its last run was of the file as it is here.
    """
    history = _history(rows)
    failed = [row for row in (*history.versioned.values(), *history.repeatable.values()) if not row["success"]]
    done = {key: str(row["version"]) for key, row in history.versioned.items() if row["success"]}
    files = {version_key(one.id or ""): one.id or "" for one in migrations if not one.is_repeatable}
    again = {one.id or "": one for one in migrations if one.is_repeatable}
    repeated = {
        name
        for name, row in history.repeatable.items()
        if row["success"] and (name not in again or _stands(again[name], row))
    }
    covered = {name for key, name in files.items() if key in done or key <= history.baseline}
    is_open = not files and history.baseline != (-1,)
    return Applied(
        ids=frozenset({*done.values(), *repeated, *covered}),
        failed=tuple(_dirty(row).problem for row in failed),
        unknown=_before_baseline(".".join(map(str, history.baseline))) if is_open else "",
    )


def _before_baseline(version: str) -> str:
    return (
        f"Flyway's baseline is {version}: whether it stands for that one only the files tell; name the directory that "
        "has them"
    )


def version_key(version: str) -> _Version:
    """By numbers, and 1.0 is 1."""
    parts = [int(part) for part in version.replace("_", ".").split(".")]
    while len(parts) > 1 and parts[-1] == 0:
        parts.pop()
    return tuple(parts)


def abbreviated(description: str) -> str:
    """As Flyway fits it into its column."""
    return description if len(description) <= _LONGEST_DESCRIPTION else f"{description[: _LONGEST_DESCRIPTION - 3]}..."


def _history(rows: Sequence[Row]) -> _History:
    history = _History()
    for row in rows:
        if row["type"] == "SCHEMA":
            continue
        if row["version"] is None:
            history.repeatable.pop(row["description"], None)
            history.repeatable |= {} if _takes_back(row) else {row["description"]: row}
        else:
            key = version_key(row["version"])
            history.versioned.pop(key, None)
            history.versioned |= {} if _takes_back(row) else {key: row}
            history.baseline = max(history.baseline, key) if _is_baseline(row) else history.baseline
    return history


def _takes_back(row: Row) -> bool:
    return row["type"] == "DELETE" or str(row["type"]).startswith("UNDO")


def _is_baseline(row: Row) -> bool:
    return str(row["type"]).startswith("BASELINE")


def _stands(migration: Migration, row: Row | None) -> bool:
    return row is not None and row["checksum"] in (migration.checksum, *migration.equal_checksums)


def _without_file(history: _History, files: dict[_Version, Migration]) -> list[_Version]:
    """Rows of SQL scripts that are gone; what Java code migrated has no file that gate could see."""
    return sorted(key for key, row in history.versioned.items() if key not in files and row["type"] == "SQL")


def _failed(history: _History, last_file: _Version) -> tuple[StateFinding, ...]:
    """Rows of failures; a single one newer than all files is only warned of by Flyway, and is ahead to gate."""
    rows = [(key, row) for key, row in history.versioned.items() if not row["success"]]
    repeatable = [row for row in history.repeatable.values() if not row["success"]]
    if len(rows) == 1 and not repeatable and rows[0][0] > last_file:
        return ()
    return tuple(_dirty(row) for row in (*(row for _, row in rows), *repeatable))


def _dirty(row: Row) -> StateFinding:
    name = row["version"] or row["description"]
    return tool_dirty(
        [name],
        problem=f"Flyway recorded {name} ({row['script']}) as failed",
        remedy="remove what it left half done, then `flyway repair` takes the row away",
    )


def _missing(
    history: _History, files: dict[_Version, Migration], last_file: _Version, migrations: Sequence[Migration]
) -> tuple[StateFinding, ...]:
    gone = [key for key in _without_file(history, files) if key < last_file]
    described = {one.id for one in migrations if one.is_repeatable}
    repeatable = [name for name, row in history.repeatable.items() if name not in described and row["type"] == "SQL"]
    return (
        *file_missing(_ids(history, gone), tool="Flyway", behaviour="refuses to go on", severity="refuse"),
        # After a rollback a newer release's repeatable script is missing too, and nothing tells the two apart.
        *file_missing(repeatable, tool="Flyway", behaviour="refuses to go on", severity="warn"),
    )


def _edited(history: _History, files: dict[_Version, Migration]) -> tuple[StateFinding, ...]:
    """What Flyway's validation compares for each applied script above the baseline: checksum and description."""
    applied = [
        (row, files[key])
        for key, row in history.versioned.items()
        if key in files and key > history.baseline and row["type"] == "SQL"
    ]
    edited = [file.id or "" for row, file in applied if row["checksum"] != file.checksum]
    renamed = [
        file.id or "" for row, file in applied if row["description"] not in (abbreviated(file.name), _NO_DESCRIPTION)
    ]
    findings = edited_after_applied(edited, behaviour="Flyway refuses to go on", severity="refuse", remedy=_REPAIR)
    if renamed:
        finding = StateFinding(
            rule="renamed-after-applied",
            severity="refuse",
            problem=f"{', '.join(renamed)}: the description in the file's name changed after it was applied; Flyway "
            "refuses to go on",
            remedy=_REPAIR,
            migrations=tuple(renamed),
        )
        return (*findings, finding)
    return findings


def _late(
    history: _History, waiting: dict[_Version, Migration], *, is_out_of_order_allowed: bool
) -> tuple[StateFinding, ...]:
    late = [waiting[key].id or "" for key in sorted(waiting) if key < history.newest]
    newest = history.versioned.get(history.newest)
    return out_of_order(
        late,
        str(newest["version"]) if newest else "",
        behaviour="Flyway applies it, as told" if is_out_of_order_allowed else "Flyway refuses to go on",
        severity="note" if is_out_of_order_allowed else "refuse",
        remedy="give the file a newer version, or allow it: out_of_order = true (Flyway's outOfOrder)",
    )


def _ids(history: _History, keys: Sequence[_Version]) -> tuple[str, ...]:
    return tuple(str(history.versioned[key]["version"]) for key in keys)
