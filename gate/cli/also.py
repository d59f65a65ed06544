"""One plan in several formats: `--also markdown=plan.md,sarif=gate.sarif`."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import replace

from gate.cli.output import check
from gate.cli.printing import Printing
from gate.model.errors import UsageError
from gate.report import formats


def printings(printing: Printing) -> tuple[Printing, ...]:
    """What was asked for first, then each other format with its file.

    Raises UsageError for what is none, before anything is looked at.
    """
    if printing.format_name not in formats():
        raise UsageError(
            f"no format is called {printing.format_name}", remedy=f"--format takes one of: {', '.join(formats())}"
        )
    return (printing, *_others(printing))


def _others(printing: Printing) -> Iterator[Printing]:
    taken = {os.path.realpath(printing.output)} if printing.output not in (None, "-") else set()
    for item in printing.also.split(",") if printing.also is not None else ():
        format_name, _, path = item.partition("=")
        if format_name not in formats() or path in ("", "-"):
            raise UsageError(
                f"--also {item}: a format and a file are wanted",
                remedy=f"such as --also markdown=plan.md,sarif=gate.sarif; the formats are {', '.join(formats())}",
            )
        if os.path.realpath(path) in taken:
            raise UsageError(f"--also {item}: {path} is written already", remedy="give each format a file of its own")
        taken.add(os.path.realpath(path))
        check(path)
        yield replace(printing, format_name=format_name, output=path, also=None)
