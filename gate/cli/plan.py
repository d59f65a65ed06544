"""`gate plan`."""

from __future__ import annotations

from typing import Annotated, Optional

import typer

from gate.cli import options


def plan(
    source: options.Source = None,
    tool: options.Tool = None,
    database_url: options.DatabaseUrl = None,
    format_name: Annotated[
        str,
        typer.Option(
            "--format",
            metavar="FORMAT",
            help="text for people, markdown for a pull request, json for programs, sarif, github and gitlab for "
            "annotations.",
        ),
    ] = "text",
    output: options.Output = None,
    also: Annotated[
        Optional[str],  # noqa: UP045
        typer.Option(
            "--also",
            metavar="FORMAT=FILE,...",
            show_default=False,
            help="Write the same plan in other formats as well, such as markdown=plan.md,sarif=gate.sarif.",
        ),
    ] = None,
    snapshot: Annotated[
        Optional[str],  # noqa: UP045
        typer.Option(
            "--snapshot",
            metavar="FILE",
            show_default=False,
            help="Judge against a catalog that gate snapshot stored, where the database cannot be reached.",
        ),
    ] = None,
    sample: Annotated[
        Optional[float],  # noqa: UP045
        typer.Option(
            "--sample",
            metavar="SECONDS",
            show_default=False,
            help="How long to watch the traffic of each relation; 1 unless told, 0 for not at all.",
        ),
    ] = None,
    release_role: options.ReleaseRole = None,
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
    show_rows: options.ShowRows = False,  # noqa: FBT002 - an option
    config: options.Config = None,
) -> None:
    """Judge what is pending; changes nothing, and a read-only role is enough.

    For every statement of every pending migration: which relations it locks, how strongly and who has to wait, what
    it does to their rows, at their real size and traffic, and who is in the way right now.

    \b
      gate plan                                    DATABASE_URL, and the usual places
      gate plan db/migrations --sample 0           without watching traffic: as fast as it gets
      gate plan --database-url env:PROD_URL --format json -o plan.json
      gate plan --snapshot shop.json               in CI, against a stored catalog
      gate plan --fleet dir:/secrets --sample 0    many databases: those with the same verdict as one

    What is allowed, and for how long readers and writers may wait, stands in gate.toml; a comment before a statement
    allows one finding: -- gate: allow RULE because REASON. With GATE_MODE=observe nothing is refused, only said; with
    GATE_MODE=off nothing is looked at.

    Exits 0 for pass and split (and when nothing is pending), 10 for refuse, 2 for text that does not parse; gate
    --help lists all codes.
    """  # noqa: D301 - \b is a mark of click
    # Imported here: a help text needs no database driver.
    from gate.app.request import Request
    from gate.cli.planning import run
    from gate.cli.printing import Printing

    request = Request(
        source=source,
        tool=tool,
        database_url=database_url,
        database=database,
        config=config,
        snapshot=snapshot,
        sample_s=sample,
        release_role=release_role,
        bookkeeping_table=bookkeeping_table,
        bookkeeping_schema=bookkeeping_schema,
        search_path=search_path,
        pooler=pooler,
        is_first_run=first_run,
        fleet=fleet,
        only=only,
        at_once=at_once,
        shards=shards,
    )
    raise typer.Exit(run(request, Printing(format_name=format_name, output=output, also=also, shows_rows=show_rows)))
