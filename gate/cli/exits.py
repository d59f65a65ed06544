"""The exit codes as a table: in the help text and in the documentation."""

from __future__ import annotations

from gate.model.errors import Exit


def exit_table() -> str:
    """One line for each code."""
    return "\n".join(f"{code.value:>4}  {code.meaning}" for code in Exit)
