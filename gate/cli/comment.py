"""`gate comment`."""

from __future__ import annotations

from typing import Annotated, Optional

import typer


def comment(
    report: Annotated[
        str,
        typer.Argument(
            metavar="FILE", show_default=False, help="What gate plan --format markdown wrote; - for standard input."
        ),
    ],
    key: Annotated[
        str,
        typer.Option("--key", metavar="KEY", help="One comment for each: a name for this database, or these files."),
    ] = "plan",
    number: Annotated[
        Optional[int],  # noqa: UP045 - typer reads it at run time
        typer.Option(
            "--number",
            metavar="N",
            min=1,
            show_default=False,
            help="The pull request, where the job does not say: of GITHUB_EVENT_PATH or GITHUB_REF, of "
            "CI_MERGE_REQUEST_IID.",
        ),
    ] = None,
    only_there: Annotated[  # noqa: FBT002 - an option
        bool,
        typer.Option("--update-only", help="Bring the comment up to date if there is one, and write no new one."),
    ] = False,
) -> None:
    """Write a report as a comment on the pull request or merge request, in place of the one before.

    \b
      gate plan --format markdown -o plan.md || code=$?
      gate comment plan.md --key billing
      exit ${code:-0}

    In GitHub Actions it takes GITHUB_TOKEN (permission pull-requests: write), and adds the report to the summary of the
    job; in GitLab CI GATE_GITLAB_TOKEN, an access token with scope api. What does not fit is cut, with a link to the
    job.

    A comment that cannot be written fails nothing: a pull request from a fork has a token that may only read. It is
    said on standard error, and the exit code is 0.
    """  # noqa: D301 - \b is a mark of click
    from gate.app.comment import CommentRequest
    from gate.app.comment import comment as write
    from gate.cli.stderr import warn

    done = write(CommentRequest(path=report, key=key, number=number, only_there=only_there))
    if done.put is not None:
        typer.echo(f"{done.put.done:<9}  {done.put.url}".rstrip())
    for problem in done.problems:
        warn(problem)
