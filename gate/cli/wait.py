"""`gate wait`."""

from __future__ import annotations

from typing import Annotated, Optional

import typer

from gate.cli import options


def wait(
    source: options.Source = None,
    schema_at_least: Annotated[
        Optional[str],  # noqa: UP045 - typer reads it at run time
        typer.Option(
            "--schema-at-least",
            metavar="ID",
            show_default=False,
            help="The migration that this code needs, as the tool writes it down; latest for all of the directory.",
        ),
    ] = None,
    tool: options.Tool = None,
    timeout: Annotated[
        Optional[float],  # noqa: UP045
        typer.Option(
            "--timeout",
            metavar="TIME",
            parser=options.time_of("--timeout"),
            show_default=False,
            help="How long to wait, such as 10min (the default); 0 looks once.",
        ),
    ] = None,
    job: Annotated[
        Optional[str],  # noqa: UP045
        typer.Option(
            "--job",
            metavar="NAME",
            show_default=False,
            help="The Kubernetes Job that is to bring it: named when it fails or does not start. Without it: GATE_JOB.",
        ),
    ] = None,
    database_url: options.DatabaseUrl = None,
    database: options.Database = None,
    format_name: options.TextOrJson = "text",
    output: options.Output = None,
    bookkeeping_table: options.BookkeepingTable = None,
    bookkeeping_schema: options.BookkeepingSchema = None,
    search_path: options.SearchPath = None,
    journal_schema: options.JournalSchema = None,
    no_hooks: options.NoHooks = False,  # noqa: FBT002
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Say nothing but why it ended badly.")] = False,  # noqa: FBT002
    config: options.Config = None,
) -> None:
    """Wait until the schema is as far as this code needs it: the tool's bookkeeping has ID as applied.

    Only reads, never migrates, takes no lock: a read-only role does. A database that cannot be reached is waited for as
    well. What is waited for, and who is at work on it, is said at once and then every 10 s.

    Ids are compared letter by letter, never as numbers. Where the directory is not there (the image of the app), name
    the tool: --source dbmate.

    \b
      gate wait --schema-at-least 20260102000000 --source dbmate
      gate wait --schema-at-least latest db/migrations --timeout 5min
      gate wait --schema-at-least 42 --source goose --job shop-migrate

    Exits 0 when it is there, 30 when the time is over, 40 when the Job has failed for good. Then the hooks of a failed
    release are called: a Job whose pod never starts sends no other sign.
    """  # noqa: D301 - \b is a mark of click
    from gate.app.request import Request
    from gate.cli.printing import Printing
    from gate.cli.waiting import run

    request = Request(
        source=source,
        tool=tool,
        database_url=database_url,
        database=database,
        config=config,
        bookkeeping_table=bookkeeping_table,
        bookkeeping_schema=bookkeeping_schema,
        search_path=search_path,
        journal_schema=journal_schema,
        calls_hooks=not no_hooks,
        schema_at_least=schema_at_least,
        timeout_s=timeout,
        job=job,
    )
    raise typer.Exit(run(request, Printing(format_name=format_name, output=output, is_quiet=quiet)))
