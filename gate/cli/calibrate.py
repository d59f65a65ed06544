"""`gate calibrate`."""

from __future__ import annotations

from typing import Annotated

import typer

from gate.cli import options
from gate.cli.stderr import tell, warn


def calibrate(
    database_url: options.DatabaseUrl = None,
    megabytes: Annotated[
        int,
        typer.Option("--megabytes", metavar="MB", help="How much disk the scratch tables may take at their peak."),
    ] = 128,
    seconds: Annotated[
        float,
        typer.Option("--seconds", metavar="SECONDS", help="After this time it stops, with what it has measured."),
    ] = 60.0,
    format_name: Annotated[
        str,
        typer.Option("--format", metavar="FORMAT", help="toml for gate.toml, json for programs."),
    ] = "toml",
    config: options.Config = None,
) -> None:
    """Measure what this server takes for its work; prints a [calibration] table for gate.toml, changes nothing.

    The times in a plan come from figures: what a page, a row, a key of an index takes. Without any, gate takes those
    of an ordinary server, and its ranges are wide. This command measures them: in a transaction that is rolled back it
    fills some tables, builds indexes, adds constraints, rewrites and changes rows, and holds the clock against its own
    estimates.

    \b
      gate calibrate >> gate.toml                            DATABASE_URL, 128 MB, at most a minute
      gate calibrate --database-url env:PROD_URL --megabytes 512 --seconds 300
      gate calibrate --format json

    No table of yours is touched, and no lock of yours is taken. For as long as it runs the server does some work and
    writes some log (WAL), which goes to standbys and archives as well: choose a quiet minute. An interrupt, a kill or a
    lost connection rolls back too. Calibrate again after a change of machine, disk, major version or
    maintenance_work_mem.

    The role needs CREATE on the database; exits 51 without it, 2 on a standby.
    """  # noqa: D301 - \b is a mark of click
    from gate.app.calibrate import calibrate as measure
    from gate.app.request import Request
    from gate.cli.output import write
    from gate.cli.progress import Progress
    from gate.model.errors import UsageError

    if format_name not in ("toml", "json"):
        raise UsageError(f"no format is called {format_name}", remedy="--format takes one of: toml, json")
    with Progress() as progress:
        request = Request(database_url=database_url, config=config, say=progress, warn=warn)
        found = measure(request, megabytes=megabytes, limit_s=seconds, announce=lambda text: tell(f"gate: {text}"))
    write(found.to_json() if format_name == "json" else found.to_toml(), None)
