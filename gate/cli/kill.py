"""`gate kill`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Optional

import typer

from gate.cli import options
from gate.model.run import Act
from gate.policy.policy import HookSetting


def kill(
    pid: Annotated[
        Optional[list[int]],  # noqa: UP045 - typer reads it at run time
        typer.Option("--pid", metavar="PID", show_default=False, help="End this one, if it keeps others waiting."),
    ] = None,
    application: Annotated[
        Optional[str],  # noqa: UP045
        typer.Option(
            "--application",
            metavar="PATTERN",
            show_default=False,
            help="End blockers of this application_name; * stands for anything. All that is given must match.",
        ),
    ] = None,
    user: Annotated[
        Optional[str],  # noqa: UP045
        typer.Option("--user", metavar="PATTERN", show_default=False, help="End blockers of this user."),
    ] = None,
    idle_longer_than: Annotated[
        Optional[str],  # noqa: UP045
        typer.Option(
            "--idle-longer-than",
            metavar="TIME",
            show_default=False,
            help="End blockers that have been idle in their transaction for longer: 90s, 5min.",
        ),
    ] = None,
    stuck: Annotated[  # noqa: FBT002 - an option
        bool,
        typer.Option(
            "--stuck",
            help="End a run that still has its lock too, if nothing was heard of it for three heartbeats (30 s).",
        ),
    ] = False,
    dyno: Annotated[
        Optional[str],  # noqa: UP045
        typer.Option(
            "--dyno",
            metavar="NAME",
            show_default=False,
            help="Stop this release dyno of Heroku first: release.1234, as heroku ps shows it.",
        ),
    ] = None,
    job: Annotated[
        Optional[str],  # noqa: UP045
        typer.Option("--job", metavar="NAME", show_default=False, help="Delete this Kubernetes Job first."),
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say who would be ended; end nobody.")] = False,  # noqa: FBT002
    database_url: options.DatabaseUrl = None,
    format_name: options.TextOrJson = "text",
    output: options.Output = None,
    database: options.Database = None,
    config: options.Config = None,
) -> None:
    """Show who waits on whom, and end what a dead release left behind.

    What a dead run left at work is ended at once: its lock is free, so nobody is behind it. A run that has its lock is
    alive, and is let be, unless it is silent and --stuck is given. Whoever is still blocked 5 s later is shown with
    whoever blocks it then, and that one is ended only if it is asked for, by pid or by filter: an active one is
    cancelled, and terminated only if that does not help.

    Never ended are victims (who wait and keep nobody waiting), replication, and an autovacuum that prevents wraparound.

    \b
      gate kill --dry-run
      gate kill                                     what dead runs left
      gate kill --pid 4711                          and this one, if it is in the way
      gate kill --application 'psql*' --idle-longer-than 5min
      gate kill --dyno release.1234                 a stuck release phase, and then what it left

    Exits 0 when nothing is left and everybody who was asked for is out of the way, 10 for a pid that is let be, 21 when
    --stuck meets a run that is well, 31 when somebody is still there or a run is stuck, 51 without the privilege.
    """  # noqa: D301 - \b is a mark of click
    from gate.app.kill import kill as end
    from gate.app.request import Request
    from gate.cli.output import look, write
    from gate.cli.stderr import warn
    from gate.model.errors import UsageError
    from gate.policy.policy import KillFilter
    from gate.policy.quantities import seconds
    from gate.report.kill import formats, render
    from gate.run.kill import Wish

    if format_name not in formats():
        raise UsageError(
            f"gate kill has no format {format_name}", remedy=f"--format takes one of: {', '.join(formats())}"
        )
    idle_s = None
    if idle_longer_than is not None:
        try:
            idle_s = seconds(idle_longer_than)
        except ValueError as error:
            raise UsageError(f"--idle-longer-than {idle_longer_than}: {error}", remedy="for example 90s") from error
    wanted = None
    if any(item is not None for item in (application, user, idle_s)):
        wanted = KillFilter(application=application, user=user, idle_in_transaction_s=idle_s)
    wish = Wish(
        pids=tuple(pid or ()), filter=wanted, ends_stuck=stuck, is_dry_run=dry_run, stops=tuple(_stops(dyno, job))
    )
    request = Request(database_url=database_url, database=database, config=config, warn=warn)
    done = end(request, wish, _tell)
    write(render(format_name, done, look(output, format_name=format_name)), output)
    raise typer.Exit(done.exit)


def _stops(dyno: str | None, job: str | None) -> Iterator[HookSetting]:
    if dyno is not None:
        yield HookSetting(kind="heroku.stop", options={"dyno": dyno})
    if job is not None:
        yield HookSetting(kind="kubernetes.delete_job", options={"job": job})


def _tell(act: Act) -> None:
    """At once: whoever stops this command still knows what it did."""
    from gate.cli.stderr import tell

    tell(f"gate: {act.how} pid {act.backend.pid}{'' if act.has_worked else ' (refused)'}: {act.why}")
