"""The options that several commands share, each described once."""

from __future__ import annotations

from typing import Annotated, Optional

import typer

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
        help="Which of the databases that gate.toml names. gate plan takes all of them without it, in order, up to the "
        "first that fails.",
    ),
]
ShowRows = Annotated[
    bool,
    typer.Option(
        "--show-rows",
        help="Print example keys of rows, and other sessions' queries with their literals, where this is no terminal.",
    ),
]
