"""Where a report goes: the terminal, a pipe, or a file."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

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
