"""Where a report goes: the terminal, a pipe, or a file."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

from gate.cli.stderr import warn
from gate.model.errors import UsageError
from gate.report import Look


def look(output: str | None, *, format_name: str = "text", shows_rows: bool = False) -> Look:
    """As wide as the terminal, and in colour only there; NO_COLOR is honoured.

    Keys of rows and other people's queries are for the text at a terminal; elsewhere `shows_rows` asks for them.
    """
    is_terminal = output is None and sys.stdout.isatty()
    width = shutil.get_terminal_size((80, 24)).columns if is_terminal else int_of(os.environ.get("COLUMNS"), 100)
    is_dumb = os.environ.get("TERM") == "dumb"
    return Look(
        width=width,
        is_coloured=is_terminal and not os.environ.get("NO_COLOR") and not is_dumb,
        shows_rows=shows_rows or (is_terminal and format_name == "text"),
    )


def int_of(text: str | None, otherwise: int) -> int:
    """The number in a variable, if it is one."""
    return int(text) if text and text.isascii() and text.isdigit() else otherwise


def check(output: str | None) -> None:
    """Before something is done that has to be told. Raises UsageError for a file that cannot be written."""
    if output is None or output == "-":
        return
    path = Path(output)
    there = path if path.exists() else path.parent
    if path.is_dir() or not there.exists() or not os.access(there, os.W_OK):
        why = "it is a directory" if path.is_dir() else "nothing can be written there"
        raise UsageError(f"cannot write {output}: {why}", remedy="check the path")


def write_what_was_done(text: str, output: str | None) -> None:
    """What was done stays done, and so does its exit code: where the file cannot be written it is printed instead."""
    try:
        _write_somewhere(text, output)
    except BrokenPipeError:
        # Whoever read our output has gone; Python would complain once more while it closes the stream.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _write_somewhere(text: str, output: str | None) -> None:
    try:
        write(text, output)
    except UsageError as error:
        warn(f"{error}; this is what it would hold")
        write(text, None)


def write(text: str, output: str | None) -> None:
    """To the file, else to standard output."""
    if output is None or output == "-":
        sys.stdout.write(text)
        sys.stdout.flush()
        return
    try:
        Path(output).write_text(text, encoding="utf-8")
    except OSError as error:
        raise UsageError(f"cannot write {output}: {error.strerror}", remedy="check the path of --output") from error
