"""`gate release`."""

from __future__ import annotations

from typing import Annotated, Optional

import typer

from gate.cli import options


def release(
    source: options.Source = None,
    tool: options.Tool = None,
    database_url: options.DatabaseUrl = None,
    budget: options.Budget = None,
    grace: options.Grace = None,
    expect: options.Expect = None,
    format_name: Annotated[
        str,
        typer.Option("--format", metavar="FORMAT", help="text for people, markdown for a summary, json for programs."),
    ] = "text",
    output: options.Output = None,
    sample: Annotated[
        Optional[float],  # noqa: UP045
        typer.Option(
            "--sample",
            metavar="SECONDS",
            show_default=False,
            help="How long to watch the traffic of each relation before judging; 1 unless told, 0 for not at all.",
        ),
    ] = None,
    journal: options.Journal = None,
    journal_schema: options.JournalSchema = None,
    replica_url: options.ReplicaUrl = None,
    first_run: Annotated[  # noqa: FBT002 - an option
        bool,
        typer.Option(
            "--first-run",
            help="There are tables, but no bookkeeping: take every migration as pending. See also gate baseline.",
        ),
    ] = False,
    bookkeeping_table: options.BookkeepingTable = None,
    bookkeeping_schema: options.BookkeepingSchema = None,
    search_path: options.SearchPath = None,
    pooler: options.Pooler = None,
    database: options.Database = None,
    fleet: options.Fleet = None,
    only: options.Only = None,
    at_once: options.AtOnce = None,
    shards: options.Shards = None,
    canary: options.Canary = None,
    wave: options.Wave = None,
    max_failures: options.MaxFailures = None,
    no_hooks: options.NoHooks = False,  # noqa: FBT002
    show_rows: options.ShowRows = False,  # noqa: FBT002
    config: options.Config = None,
) -> None:
    """Judge what is pending, and run it under supervision: nobody waits for long, and it ends well whatever happens.

    What passes is run as the tool would run it, in one transaction with the tool's own row. What is split is run step
    by step. What is refused is not run, and then nothing is. Locks are waited for outside the queue; whoever has to
    wait for the release waits for a fifth of a second at most. A release that was cut off is taken up by the next.

    \b
      gate release                                 DATABASE_URL, and the usual places
      gate release db/migrations --budget 8h       long work, beside a deploy
      gate release --expect plan.json              only what was reviewed
      gate release --fleet dir:/secrets --wave 50  many databases: a canary, then waves
      gate status                                  what ran, and what is half done
      gate kill                                    end what a dead release left behind

    Nothing pending writes nothing and exits 0. gate --help lists all exit codes.
    """  # noqa: D301 - \b is a mark of click
    from gate.app.request import Request
    from gate.cli.printing import Printing
    from gate.cli.running import run

    request = Request(
        source=source,
        tool=tool,
        database_url=database_url,
        database=database,
        config=config,
        sample_s=sample,
        bookkeeping_table=bookkeeping_table,
        bookkeeping_schema=bookkeeping_schema,
        search_path=search_path,
        pooler=pooler,
        is_first_run=first_run,
        budget_s=budget,
        grace_s=grace,
        expect=expect,
        journal=journal,
        journal_schema=journal_schema,
        replica_url=replica_url,
        calls_hooks=not no_hooks,
        fleet=fleet,
        only=only,
        at_once=at_once,
        shards=shards,
        canary=canary,
        wave=wave,
        max_failures=max_failures,
    )
    raise typer.Exit(run(request, Printing(format_name=format_name, output=output, shows_rows=show_rows)))
