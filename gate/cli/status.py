"""`gate status`."""

from __future__ import annotations

from typing import Annotated

import typer

from gate.cli import options
from gate.cli.stderr import warn


def status(
    database_url: options.DatabaseUrl = None,
    database: options.Database = None,
    format_name: Annotated[
        str, typer.Option("--format", metavar="FORMAT", help="text or json.", show_default=True)
    ] = "text",
    output: Annotated[
        str | None,
        typer.Option("--output", "-o", metavar="FILE", show_default=False, help="Write it to a file."),
    ] = None,
    journal: options.Journal = None,
    journal_schema: options.JournalSchema = None,
    config: options.Config = None,
) -> None:
    """Say what ran, what is unfinished and at which step, and what was left in the database.

    Only reads: a read-only role does, and a database that is read-only. Without a journal it says so.

    Exits with 0 if nothing is unfinished, 30 if the next gate release takes up what is (or one is at work), 31 if
    something needs a person.

    \b
      gate status
      gate status --format json
    """  # noqa: D301 - \b is a mark of click
    from gate.app.request import Request
    from gate.app.status import status as taken
    from gate.cli.output import look, write
    from gate.model.errors import UsageError
    from gate.report.status import formats, render

    if format_name not in formats():
        raise UsageError(
            f"gate status has no format {format_name}", remedy=f"--format takes one of: {', '.join(formats())}"
        )
    request = Request(
        database_url=database_url,
        database=database,
        config=config,
        journal=journal,
        journal_schema=journal_schema,
        warn=warn,
    )
    stock = taken(request)
    write(render(format_name, stock, look(output, format_name=format_name)), output)
    raise typer.Exit(stock.exit)
