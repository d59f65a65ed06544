"""The options that several commands share, each described once."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Optional

import typer

from gate.model.errors import UsageError
from gate.policy import quantities


def time_of(option: str) -> Callable[[str], float]:
    """Reads a time as gate.toml has it; what is none is an error that names the option."""

    def seconds(written: str) -> float:
        try:
            return quantities.seconds(written)
        except ValueError as error:
            raise UsageError(f"{option} {written}: {error}", remedy=f"such as {option} 8h, or {option} 90s") from error

    return seconds


Source = Annotated[
    Optional[str],  # noqa: UP045 - typer reads it at run time
    typer.Argument(
        metavar="SOURCE",
        show_default=False,
        help="The migrations directory, or the project's root. Without it: source in gate.toml, else the usual places "
        "of the tools, from here.",
    ),
]
Tool = Annotated[
    Optional[str],  # noqa: UP045
    typer.Option(
        "--source",
        metavar="TOOL",
        show_default=False,
        help="Whose migrations these are, where the files alone do not tell: dbmate, golang-migrate, goose, flyway, "
        "prisma, diesel, sqitch or plain.",
    ),
]
DatabaseUrl = Annotated[
    Optional[str],  # noqa: UP045
    typer.Option(
        "--database-url",
        metavar="URL",
        show_default=False,
        help="The database: env:NAME (a variable), file:PATH (a file that holds the URL), service=NAME "
        "(pg_service.conf), or a URL without a password. Without it: GATE_DATABASE_URL, else DATABASE_URL.",
    ),
]
Config = Annotated[
    Optional[str],  # noqa: UP045
    typer.Option(
        "--config",
        metavar="FILE",
        show_default=False,
        help="Settings. Without it: gate.toml here, else [tool.gate] in pyproject.toml.",
    ),
]
ReleaseRole = Annotated[
    Optional[str],  # noqa: UP045
    typer.Option(
        "--release-role",
        metavar="ROLE",
        show_default=False,
        help="The role that will run the migrations, if it is not the one that plans: its ownership, privileges and "
        "search_path count.",
    ),
]
BookkeepingTable = Annotated[
    Optional[str],  # noqa: UP045
    typer.Option(
        "--bookkeeping-table",
        metavar="NAME",
        show_default=False,
        help="The tool's own table of applied migrations, where it is not the tool's default.",
    ),
]
BookkeepingSchema = Annotated[
    Optional[str],  # noqa: UP045
    typer.Option(
        "--bookkeeping-schema",
        metavar="NAME",
        show_default=False,
        help="The schema of that table. Without it all schemas are searched.",
    ),
]
SearchPath = Annotated[
    Optional[str],  # noqa: UP045
    typer.Option(
        "--search-path",
        metavar="SCHEMAS",
        show_default=False,
        help="Where unqualified names are looked for, if the tool sets another search_path than the role has.",
    ),
]
Pooler = Annotated[
    Optional[str],  # noqa: UP045
    typer.Option(
        "--pooler",
        metavar="session",
        show_default=False,
        help="Say that the pooler in between gives each client a session of its own.",
    ),
]
Database = Annotated[
    Optional[str],  # noqa: UP045
    typer.Option(
        "--database",
        metavar="NAME",
        show_default=False,
        help="Which of the databases that gate.toml names. gate plan and gate release take all of them without it, in "
        "order, up to the first that fails.",
    ),
]
ShowRows = Annotated[
    bool,
    typer.Option(
        "--show-rows",
        help="Print example keys of rows, and other sessions' queries with their literals, where this is no terminal.",
    ),
]
Budget = Annotated[
    Optional[float],  # noqa: UP045
    typer.Option(
        "--budget",
        metavar="TIME",
        parser=time_of("--budget"),
        show_default=False,
        help="All the time that the release may take, such as 8h or 45min. Without it: budget in gate.toml, else what "
        "the platform that is recognised allows.",
    ),
]
Grace = Annotated[
    Optional[float],  # noqa: UP045
    typer.Option(
        "--grace",
        metavar="TIME",
        parser=time_of("--grace"),
        show_default=False,
        help="How long there is after SIGTERM, for what has to be undone and for hooks. Without it: release.grace in "
        "gate.toml, else 20s, or less where the platform gives less.",
    ),
]
Expect = Annotated[
    Optional[str],  # noqa: UP045
    typer.Option(
        "--expect",
        metavar="PLAN.json",
        show_default=False,
        help="Refuse if statements, verdicts or steps are not those of this plan, which gate plan --format json wrote.",
    ),
]
Journal = Annotated[
    Optional[str],  # noqa: UP045
    typer.Option(
        "--journal",
        metavar="WHERE",
        show_default=False,
        help="database, or file:PATH where nothing may be created there: then only migrations are run that pass whole, "
        "with the tool's bookkeeping in the same transaction.",
    ),
]
JournalSchema = Annotated[
    Optional[str],  # noqa: UP045
    typer.Option(
        "--journal-schema",
        metavar="NAME",
        show_default=False,
        help="The schema of gate's own tables; gate unless told.",
    ),
]
ReplicaUrl = Annotated[
    Optional[str],  # noqa: UP045
    typer.Option(
        "--replica-url",
        metavar="URL",
        show_default=False,
        help="A standby whose long queries are to be waited for, given as --database-url is. Without it: "
        "GATE_REPLICA_URL.",
    ),
]
Output = Annotated[
    Optional[str],  # noqa: UP045
    typer.Option("--output", "-o", metavar="FILE", show_default=False, help="Write there instead of printing."),
]
TextOrJson = Annotated[str, typer.Option("--format", metavar="FORMAT", help="text for people, json for programs.")]
NoHooks = Annotated[bool, typer.Option("--no-hooks", help="Call none of the hooks that gate.toml names.")]
Fleet = Annotated[
    Optional[str],  # noqa: UP045
    typer.Option(
        "--fleet",
        metavar="WHERE",
        show_default=False,
        help="Many databases: file:PATH (NAME URL a line, JSON or TOML), dir:PATH (a file for each, as secrets are "
        "mounted), or command:PROGRAM ARGUMENTS, which prints them.",
    ),
]
Only = Annotated[
    Optional[str],  # noqa: UP045
    typer.Option("--only", metavar="NAME,...", show_default=False, help="Of the fleet only these."),
]
AtOnce = Annotated[
    Optional[int],  # noqa: UP045
    typer.Option(
        "--at-once",
        metavar="N",
        show_default=False,
        help="So many databases of the fleet at the same time; 4 unless told.",
    ),
]
Shards = Annotated[
    Optional[int],  # noqa: UP045
    typer.Option(
        "--shards",
        metavar="N",
        show_default=False,
        help="The fleet is shared by the N pods of an Indexed Job, and this one takes the share of "
        "JOB_COMPLETION_INDEX. Without it: GATE_FLEET_SHARDS.",
    ),
]
Canary = Annotated[
    Optional[str],  # noqa: UP045
    typer.Option(
        "--canary",
        metavar="N|NAME,...",
        show_default=False,
        help="Whom of the fleet to release first, and alone: so many of its beginning (1 unless told, 0 for none), or "
        "these. Where one of them does not end well no other is begun.",
    ),
]
Wave = Annotated[
    Optional[int],  # noqa: UP045
    typer.Option(
        "--wave",
        metavar="N",
        show_default=False,
        help="After the canary so many databases at a time: all of a wave have ended before the next one begins. "
        "Without it all others are one wave.",
    ),
]
MaxFailures = Annotated[
    Optional[int],  # noqa: UP045
    typer.Option(
        "--max-failures",
        metavar="N",
        show_default=False,
        help="Begin no further database once more than so many have not ended well; 0 unless told.",
    ),
]
