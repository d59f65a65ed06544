"""`gate watch`."""

from __future__ import annotations

import shlex
from typing import Annotated, Any, Optional

import typer

from gate.cli import options
from gate.model.errors import UsageError


def watch(
    for_: Annotated[
        Optional[float],  # noqa: UP045 - typer reads it at run time
        typer.Option(
            "--for",
            metavar="TIME",
            parser=options.time_of("--for"),
            show_default=False,
            help="How long the release has to hold: 10min unless told.",
        ),
    ] = None,
    every: Annotated[
        Optional[float],  # noqa: UP045
        typer.Option(
            "--every",
            metavar="TIME",
            parser=options.time_of("--every"),
            show_default=False,
            help="From one sample to the next: 5s unless told.",
        ),
    ] = None,
    start_after: Annotated[
        Optional[float],  # noqa: UP045
        typer.Option(
            "--start-after",
            metavar="TIME",
            parser=options.time_of("--start-after"),
            show_default=False,
            help="How long the app may take to boot: what is bad until then does not count, and --for begins after it.",
        ),
    ] = None,
    failures: Annotated[
        Optional[int],  # noqa: UP045
        typer.Option(
            "--failures", metavar="N", min=1, show_default=False, help="Bad samples in a row that are a failure: 3."
        ),
    ] = None,
    health: Annotated[
        Optional[str],  # noqa: UP045
        typer.Option(
            "--health",
            metavar="URL",
            show_default=False,
            help="Ask the app: a URL, env:NAME or file:PATH that holds it.",
        ),
    ] = None,
    status: Annotated[
        Optional[str],  # noqa: UP045
        typer.Option(
            "--status",
            metavar="STATUSES",
            show_default=False,
            help='What it has to answer: "200-399" unless told, or "200, 204".',
        ),
    ] = None,
    text: Annotated[
        Optional[str],  # noqa: UP045
        typer.Option("--text", metavar="TEXT", show_default=False, help="What has to stand in its answer."),
    ] = None,
    health_timeout: Annotated[
        Optional[float],  # noqa: UP045
        typer.Option(
            "--health-timeout",
            metavar="TIME",
            parser=options.time_of("--health-timeout"),
            show_default=False,
            help="How long it may take to answer: 5s unless told.",
        ),
    ] = None,
    command: Annotated[
        Optional[str],  # noqa: UP045
        typer.Option(
            "--command",
            metavar="COMMAND",
            show_default=False,
            help="A program that fails if the app does; its words are split as a shell does, and none runs it.",
        ),
    ] = None,
    blocked: Annotated[
        Optional[float],  # noqa: UP045
        typer.Option(
            "--blocked",
            metavar="TIME",
            parser=options.time_of("--blocked"),
            show_default=False,
            help="Look at the database: a session that waits for a lock for longer is bad.",
        ),
    ] = None,
    blocked_sessions: Annotated[
        Optional[int],  # noqa: UP045
        typer.Option(
            "--blocked-sessions", metavar="N", min=1, show_default=False, help="So many of them are bad: 1 unless told."
        ),
    ] = None,
    release: Annotated[
        Optional[str],  # noqa: UP045
        typer.Option(
            "--release",
            metavar="RELEASE",
            show_default=False,
            help="Which release was deployed: a rollback acts on that one, and only while it is the current.",
        ),
    ] = None,
    no_hooks: options.NoHooks = False,  # noqa: FBT002
    format_name: options.TextOrJson = "text",
    output: options.Output = None,
    database_url: options.DatabaseUrl = None,
    database: options.Database = None,
    config: options.Config = None,
) -> None:
    """Hold a release against errors for a while after its deploy, and roll back through the platform if it fails.

    Runs after the deploy: as a step of CI, in a one-off dyno, as a Job after the upgrade. In a release phase it
    refuses: the release is not current there, and a non-zero exit is the rollback. All settings may stand under [watch]
    in gate.toml; what is called on a failure under [[watch.on_failure]].

    What cannot be found out (a name that is not known, a network of our own) is neither good nor bad. If nothing is
    known at the end that is no success, and never a rollback.

    \b
      gate watch --health https://shop.example/health --release v42
      gate watch --health env:HEALTH_URL --blocked 30s --for 15min --start-after 1min
      gate watch --command 'bin/smoke --fast' --every 30s

    Exits 0 when the release held, 40 when it failed, 31 when it failed and a rollback did not work, 30 when it was
    stopped, 50 when it is not known how it does.
    """  # noqa: D301 - \b is a mark of click
    from gate.app.request import Request
    from gate.app.watch import watch as watched
    from gate.cli import last_words
    from gate.cli.output import check, look, write_what_was_done
    from gate.cli.stderr import tell, warn
    from gate.model.errors import Exit
    from gate.report.watch import formats, render

    if format_name not in formats():
        raise UsageError(
            f"gate watch has no format {format_name}", remedy=f"--format takes one of: {', '.join(formats())}"
        )
    check(output)
    told = {
        "for_s": for_,
        "every_s": every,
        "start_after_s": start_after,
        "failures": failures,
        "blocked_s": blocked,
        "blocked_sessions": blocked_sessions,
        "release": release,
        "command": _words(command),
        "health": {"url": health, "statuses": _statuses(status), "text": text, "timeout_s": health_timeout},
    }
    request = Request(database_url=database_url, database=database, config=config, calls_hooks=not no_hooks, warn=warn)
    done = watched(request, told, lambda line: tell(f"gate: {' '.join(line.split())}"))
    if done.outcome.exit is not Exit.DONE:
        last_words.failed(done.outcome.exit, done.problem, done.remedy)
    write_what_was_done(render(format_name, done, look(output, format_name=format_name)), output)
    raise typer.Exit(done.outcome.exit)


def _words(command: str | None) -> tuple[str, ...] | None:
    if command is None:
        return None
    try:
        words = tuple(shlex.split(command))
    except ValueError as error:
        raise UsageError(f"--command {command}: {error}", remedy="close what is quoted") from error
    if not words:
        raise UsageError("--command is empty", remedy="name a program")
    return words


def _statuses(status: str | None) -> Any:
    from gate.policy import quantities

    if status is None:
        return None
    try:
        return quantities.statuses(status)
    except ValueError as error:
        raise UsageError(f"--status {status}: {error}", remedy='such as --status "200-299"') from error
