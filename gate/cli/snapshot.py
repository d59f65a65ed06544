"""`gate snapshot`."""

from __future__ import annotations

from typing import Annotated

import typer

from gate.cli import options
from gate.cli.stderr import warn


def snapshot(
    output: Annotated[
        str,
        typer.Option("--output", "-o", metavar="FILE", show_default=False, help="The file to write; - prints it."),
    ],
    database_url: options.DatabaseUrl = None,
    database: options.Database = None,
    release_role: options.ReleaseRole = None,
    search_path: options.SearchPath = None,
    config: options.Config = None,
) -> None:
    """Store the catalog for gate plan --snapshot: no rows but the tools' own lists of what they have applied.

    For a CI that cannot reach production: definitions, sizes and estimates, nothing that a table holds. Default
    values, check expressions and function bodies are definitions, and are in it.

    \b
      gate snapshot -o shop.json --database-url env:PROD_URL
      gate plan --snapshot shop.json
    """  # noqa: D301 - \b is a mark of click
    from gate.app.request import Request
    from gate.app.snapshot import store
    from gate.cli.output import write
    from gate.cli.progress import Progress

    with Progress() as progress:
        request = Request(
            database_url=database_url,
            database=database,
            config=config,
            release_role=release_role,
            search_path=search_path,
            say=progress,
            warn=warn,
        )
        text = store(request)
    write(text, output)
