"""The commands, in the order of the help text."""

from __future__ import annotations

from typing import Annotated

import typer

from gate.cli import (
    baseline,
    calibrate,
    comment,
    explain,
    init,
    kill,
    plan,
    release,
    schema,
    snapshot,
    status,
    wait,
    watch,
)
from gate.cli.exits import exit_table
from gate.model.version import VERSION

HELP = f"""
gate stands between a deploy and a PostgreSQL database: it says what pending migrations would do to the live
database, before they do it, and runs them so that nobody waits for long.

\b
  gate plan                       judge what is pending, with DATABASE_URL from the environment
  gate plan db/migrations         ... in this directory
  gate plan --format json         ... for a program
  gate release                    judge it, and run it under supervision
  gate status                     what ran, and what is half done
  gate kill                       end what a dead release left behind
  gate wait --schema-at-least ID  before new code starts: until the schema is there
  gate watch --health URL         after a deploy: roll back if the release fails
  gate explain works-under-blocking-lock

All but release, kill and baseline only look at the database: they lock nothing for longer than it takes to read the
catalog, and wait for no lock.

\b
Exit codes:
{exit_table()}
"""

# Plain help: it is the same in a release log, in the documentation and at a terminal, and needs no rich.
app = typer.Typer(
    help=HELP,
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)


def _version(is_asked: bool) -> None:  # noqa: FBT001 - typer calls it so
    if is_asked:
        typer.echo(f"gate {VERSION}")
        raise typer.Exit


@app.callback()
def gate(
    version: Annotated[  # noqa: FBT002 - an option; answered by its callback
        bool,
        typer.Option("--version", callback=_version, is_eager=True, help="Print the version and exit."),
    ] = False,
) -> None:
    """See HELP."""


app.command("plan", short_help="Judge what is pending; changes nothing.")(plan.plan)
app.command("release", short_help="Judge and run what is pending, under supervision.")(release.release)
app.command("status", short_help="What ran, and what is unfinished.")(status.status)
app.command("kill", short_help="End what a dead release left; who waits on whom.")(kill.kill)
app.command("wait", short_help="Wait until the schema is as far as code needs it.")(wait.wait)
app.command("comment", short_help="Write a report as a comment on a pull request.")(comment.comment)
app.command("watch", short_help="After a deploy: roll back if the release fails.")(watch.watch)
app.command("snapshot", short_help="Store the catalog for gate plan --snapshot.")(snapshot.snapshot)
app.command("baseline", short_help="Adopt a database without bookkeeping.")(baseline.baseline)
app.command("calibrate", short_help="Measure this server, for the times in a plan.")(calibrate.calibrate)
app.command("explain", short_help="One rule: the harm, and the way out.")(explain.explain)
app.command("schema", short_help="The JSON Schema of a plan, or of a run.")(schema.schema)
app.command("init", short_help="Write the files for a platform, or for a CI.")(init.init)
