"""What the bookkeeping says: how it is looked for, and the findings that every tool words alike."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from gate.model.errors import UsageError
from gate.model.migration import Migration, Query, StateFinding
from gate.model.units import plural
from gate.sources.tool import FoundTable, Pending, Place, Row, Source

# Rails keeps its versions in a table that looks like dbmate's; this one beside it tells them apart.
RAILS_TABLE = "ar_internal_metadata"

USER_TABLES = Query(
    """
    SELECT EXISTS (
        SELECT FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
        WHERE c.relkind IN ('r', 'p', 'f', 'm')
          AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'gate') AND n.nspname !~ '^pg_(toast|temp)'
          AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend d
                          WHERE d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass
                            AND d.objid = c.oid AND d.deptype = 'e')
          -- gate's own journal, under whatever name (--journal-schema).
          AND NOT EXISTS (SELECT FROM pg_catalog.pg_class j
                          WHERE j.relnamespace = n.oid AND j.relname = 'journal_versions')
    ) AS has_user_tables
    """
)


def search(source: Source) -> Query:
    """Looks for the tool's table in all schemas; feed the rows to `found_tables`. Reads the catalog only."""
    return Query(
        """
        SELECT n.nspname::text AS schema, c.relname::text AS table,
               array_agg(a.attname::text ORDER BY a.attnum) AS columns,
               array_agg(pg_catalog.format_type(a.atttypid, NULL) ORDER BY a.attnum) AS types
        FROM pg_catalog.pg_class c
        JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
        JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
        WHERE c.relkind IN ('r', 'p') AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
          AND c.relname = ANY (%s) AND (%s::text IS NULL OR n.nspname = %s)
        GROUP BY n.nspname, c.relname ORDER BY n.nspname, c.relname
        """,
        ([table_name(source), RAILS_TABLE], source.options.schema, source.options.schema),
    )


def found_tables(rows: Iterable[Row]) -> tuple[FoundTable, ...]:
    """What `search` answered, as values."""
    answered = [
        (Place(row["schema"], row["table"]), tuple(zip(row["columns"], row["types"], strict=True))) for row in rows
    ]
    return tuple(
        FoundTable(
            place=place,
            columns=columns,
            beside=frozenset(other.table for other, _ in answered if other.schema == place.schema) - {place.table},
        )
        for place, columns in answered
    )


def bookkeeping_place(source: Source, found: Sequence[FoundTable], *, current_schema: str) -> Place | None:
    """The tool's table among what was found, None if there is none; UsageError where several could be meant.

    Of several, the one in the session's own schema is the one that the tool would use.
    """
    own = [table.place for table in found if table.place.table == table_name(source) and source.is_bookkeeping(table)]
    here = [place for place in own if place.schema == current_schema]
    if len(own) > 1 and not here:
        listed = ", ".join(str(place) for place in own)
        raise UsageError(
            f"several tables could be the bookkeeping of {source.name}: {listed}",
            remedy='name its schema: schema = "..." under [source] in gate.toml',
        )
    return next(iter(here or own), None)


def new_place(source: Source, *, current_schema: str) -> Place:
    """Where the tool would create its table."""
    return Place(source.options.schema or source.default_schema or current_schema, table_name(source))


def table_name(source: Source) -> str:
    return source.options.table or source.default_table


def pending_by_version(
    tool: str, migrations: Sequence[Migration], rows: Sequence[Row] | None, *, late: str, late_severity: str = "note"
) -> Pending:
    """For tools that write down versions only: whatever has no row is pending, older ones too.

    `late` says what the tool does with a migration that is older than the newest applied.
    """
    applied = [str(row["version"]) for row in rows or ()]
    files = {migration.id or "": migration for migration in migrations}
    waiting = [migration for migration in migrations if migration.id not in set(applied)]
    extra = [version for version in applied if version not in files]
    ahead = tuple(version for version in extra if version > max(files, default=""))
    newest = max((version for version in applied if version in files), default="")
    gone = [version for version in extra if version not in ahead]
    return Pending(
        migrations=tuple(waiting),
        ahead=ahead,
        findings=(
            *database_ahead(ahead, tool=tool, behaviour="ignores such rows"),
            *file_missing(gone, tool=tool, behaviour="ignores such rows", severity="note"),
            *out_of_order(
                [migration.id or "" for migration in waiting if (migration.id or "") < newest],
                newest,
                behaviour=late,
                severity=late_severity,
                remedy="give it a version newer than all that are applied",
            ),
        ),
    )


def absent_bookkeeping(
    source: Source, migrations: Sequence[Migration], found: Sequence[FoundTable], *, has_user_tables: bool
) -> tuple[StateFinding, ...]:
    """What to say where the tool's table was not found: nothing in an empty database, else a refusal."""
    if not has_user_tables or not migrations:
        return ()
    where = f"in schema {source.options.schema}" if source.options.schema else "in all schemas"
    looks = "".join(
        f"; {table.place} is there, but its columns are not {source.name}'s"
        for table in found
        if table.place.table == table_name(source)
    )
    problem = (
        f"the bookkeeping of {source.name} was not found, though the database has tables "
        f"(searched: {table_name(source)} {where}{looks})"
    )
    if source.options.is_first_run:
        finding = StateFinding(
            rule="first-run",
            severity="note",
            problem=f"{problem}; {plural(len(migrations), 'migration')} taken as pending, as told",
            remedy="nothing to do, if these tables are not the migrations' own",
        )
        return (finding,)
    finding = StateFinding(
        rule="bookkeeping-missing",
        severity="refuse",
        problem=problem,
        remedy=(
            "`gate baseline --through ID` if migrations up to ID have been run here; `--first-run` if none has; "
            "or name the table: table and schema under [source] in gate.toml"
        ),
    )
    return (finding,)


def database_ahead(ids: Sequence[str], *, tool: str, behaviour: str) -> tuple[StateFinding, ...]:
    """The database has been migrated further than these files go: what a rolled-back release sees."""
    if not ids:
        return ()
    finding = StateFinding(
        rule="database-ahead",
        severity="note",
        problem=f"the database is ahead of these files: {_listed(ids)} applied, and no such file; {tool} {behaviour}",
        remedy="nothing to do after a rollback; otherwise deploy the release that has these files",
        migrations=tuple(ids),
    )
    return (finding,)


def file_missing(ids: Sequence[str], *, tool: str, behaviour: str, severity: str) -> tuple[StateFinding, ...]:
    """Applied, and older than the newest file, but the file is gone."""
    if not ids:
        return ()
    finding = StateFinding(
        rule="file-missing",
        severity=severity,
        problem=f"{_listed(ids)} applied, but no such file among older and newer ones; {tool} {behaviour}",
        remedy="restore the file from version control",
        migrations=tuple(ids),
    )
    return (finding,)


def out_of_order(
    ids: Sequence[str], newest: str, *, behaviour: str, severity: str, remedy: str
) -> tuple[StateFinding, ...]:
    """Not applied, though newer ones are."""
    if not ids:
        return ()
    finding = StateFinding(
        rule="out-of-order",
        severity=severity,
        problem=f"{_listed(ids)} not applied, though older than {newest}, the newest applied; {behaviour}",
        remedy=remedy,
        migrations=tuple(ids),
    )
    return (finding,)


def edited_after_applied(ids: Sequence[str], *, behaviour: str, severity: str, remedy: str) -> tuple[StateFinding, ...]:
    """The file is not what was applied."""
    if not ids:
        return ()
    finding = StateFinding(
        rule="edited-after-applied",
        severity=severity,
        problem=f"{_names(ids)}: the file was edited after it was applied; {behaviour}",
        remedy=remedy,
        migrations=tuple(ids),
    )
    return (finding,)


def tool_dirty(ids: Sequence[str], *, problem: str, remedy: str) -> StateFinding:
    """The tool's own mark of a migration that failed halfway."""
    return StateFinding(rule="tool-dirty", severity="refuse", problem=problem, remedy=remedy, migrations=tuple(ids))


def _listed(ids: Sequence[str]) -> str:
    return f"{_names(ids)} {'is' if len(ids) == 1 else 'are'}"


def _names(ids: Sequence[str]) -> str:
    return ", ".join(ids[:5]) + (f" and {len(ids) - 5} more" if len(ids) > 5 else "")
