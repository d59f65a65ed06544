"""`gate init`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Optional

import typer

from gate.cli import options


def _presets(incomplete: str) -> Iterator[tuple[str, str]]:
    """For the shell's completion."""
    from gate.app.init import offered

    for preset in offered():
        if preset.key.startswith(incomplete):
            yield preset.key, preset.about or preset.name


def init(
    preset: Annotated[
        Optional[str],  # noqa: UP045 - typer reads it at run time
        typer.Argument(
            metavar="PRESET", show_default=False, autocompletion=_presets, help="What to write; without it, the list."
        ),
    ] = None,
    settings: Annotated[
        Optional[list[str]],  # noqa: UP045
        typer.Argument(metavar="NAME=VALUE", show_default=False, help="Settings of that preset; the list names them."),
    ] = None,
    budget: Annotated[
        Optional[float],  # noqa: UP045
        typer.Option(
            "--budget",
            metavar="TIME",
            parser=options.time_of("--budget"),
            show_default=False,
            help="All the time that one release may take, such as 15min. Every other deadline is made from it.",
        ),
    ] = None,
    name: Annotated[
        Optional[str],  # noqa: UP045
        typer.Option("--name", metavar="NAME", show_default=False, help="The app's name; app unless told."),
    ] = None,
    image: Annotated[
        Optional[str],  # noqa: UP045
        typer.Option("--image", metavar="IMAGE", show_default=False, help="The image with gate and the migrations."),
    ] = None,
    namespace: Annotated[
        Optional[str],  # noqa: UP045
        typer.Option("--namespace", metavar="NAME", show_default=False, help="On Kubernetes; default unless told."),
    ] = None,
    source: Annotated[
        Optional[str],  # noqa: UP045
        typer.Option(
            "--source", metavar="DIR", show_default=False, help="The migrations, as gate release is to be given them."
        ),
    ] = None,
    fleet: Annotated[
        Optional[int],  # noqa: UP045
        typer.Option(
            "--fleet", metavar="N", min=1, show_default=False, help="Many databases, released in so many shares."
        ),
    ] = None,
    directory: Annotated[
        Optional[str],  # noqa: UP045
        typer.Option("--output", "-o", metavar="DIR", show_default=False, help="Where the files go."),
    ] = None,
    force: Annotated[  # noqa: FBT002 - an option
        bool, typer.Option("--force", help="Replace files that are there and differ.")
    ] = False,
    dry_run: Annotated[  # noqa: FBT002
        bool, typer.Option("--dry-run", help="Write nothing; print what would change as a diff.")
    ] = False,
    stdout: Annotated[bool, typer.Option("--stdout", help="Write nothing; print the files themselves.")] = False,  # noqa: FBT002
) -> None:
    """Write the files that make gate at home on a platform, with all deadlines made from one budget.

    A file that is there already is never replaced without --force: then nothing is written, and what differs is said.

    \b
      gate init                                     what there is
      gate init kubernetes --name shop --budget 15min
      gate init helm -o charts/shop --dry-run
      gate init kubernetes --stdout | kubectl apply --dry-run=server -f -
    """  # noqa: D301 - \b is a mark of click
    from gate.app.init import InitRequest, files_of, planned, write
    from gate.cli.initial import as_one, listed, what_was_done
    from gate.cli.output import look

    if preset is None:
        typer.echo(listed(look(None).width), nl=False)
        return
    request = InitRequest(
        preset=preset,
        settings=settings or (),
        budget_s=budget,
        name=name,
        image=image,
        namespace=namespace,
        source=source,
        fleet=fleet,
        directory=directory,
    )
    if stdout:
        typer.echo(as_one(files_of(request)), nl=False)
        return
    files = planned(request)
    if dry_run:
        typer.echo("".join(file.diff() for file in files), nl=False)
        return
    write(files, is_forced=force)
    typer.echo(what_was_done(files), nl=False)
