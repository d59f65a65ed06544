"""`gate baseline`."""

from __future__ import annotations

from typing import Annotated

import typer

from gate.cli import options
from gate.cli.stderr import warn


def baseline(
    through: Annotated[
        str,
        typer.Option(
            "--through",
            metavar="ID",
            show_default=False,
            help="The newest migration that this database has already: its id, as gate plan prints it.",
        ),
    ],
    source: options.Source = None,
    tool: options.Tool = None,
    database_url: options.DatabaseUrl = None,
    database: options.Database = None,
    bookkeeping_table: options.BookkeepingTable = None,
    bookkeeping_schema: options.BookkeepingSchema = None,
    config: options.Config = None,
) -> None:
    """Adopt a database whose bookkeeping is missing: mark the migrations up to ID as applied, and run none.

    Writes only the tool's own bookkeeping, exactly as the tool would, so that gate and the tool can be used by turns.
    Refuses where there is bookkeeping already.

    \b
      gate baseline --through 20240131120000
    """  # noqa: D301 - \b is a mark of click
    from gate.app.baseline import baseline as adopted
    from gate.app.request import Request
    from gate.model.units import plural

    request = Request(
        source=source,
        tool=tool,
        database_url=database_url,
        database=database,
        config=config,
        bookkeeping_table=bookkeeping_table,
        bookkeeping_schema=bookkeeping_schema,
        warn=warn,
    )
    done = adopted(request, through)
    typer.echo(f"marked {plural(len(done.ids), 'migration')} as applied in {done.place}, through {done.ids[-1]}")
