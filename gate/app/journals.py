"""Where this project keeps its journal, and which of what is unfinished there is this release's to take up."""

from __future__ import annotations

from collections.abc import Callable

import psycopg

from gate.app.settings import Settings
from gate.model.migration import Query
from gate.run.journalling import Journal, Kept, Standing
from gate.run.world import Row
from gate.sources.tool import Source


def journal_of(settings: Settings, connection: psycopg.Connection) -> Journal:
    """Asked on that connection."""
    from gate.db.rows import fetch

    return journal_with(settings, lambda query: tuple(fetch(connection, query)))


def journal_with(settings: Settings, ask: Callable[[Query], tuple[Row, ...]]) -> Journal:
    """The one that the settings name; `ask` runs its queries."""
    if settings.journal_path is not None:
        from pathlib import Path

        from gate.journal.file import FileJournal

        return FileJournal(Path(settings.journal_path))
    from gate.journal.database import DatabaseJournal

    return DatabaseJournal(ask, settings.journal_schema)


def ours(standing: Standing, source: Source) -> tuple[Kept, ...]:
    """Unfinished programs whose migrations are among the files of this release."""
    ids = {migration.id or migration.name for migration in source.migrations()} if standing.unfinished else set()
    return tuple(kept for kept in standing.unfinished if kept.source == source.name and kept.migration in ids)


def others(standing: Standing, source: Source) -> tuple[str, ...]:
    """Sentences about unfinished programs that are left as they are."""
    mine = {kept.key for kept in ours(standing, source)}
    return tuple(
        f"{kept.migration} ({kept.source}) is unfinished since {kept.kept_at}, and is not among these files: it is "
        "left as it is; gate status tells how far it came"
        for kept in standing.unfinished
        if kept.key not in mine
    )
