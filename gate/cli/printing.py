"""How an answer is printed, as parsed from the command line."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Printing:
    """How the answer is printed, and where: `output` is a file, `shows_rows` asks for keys and queries anywhere,
    `is_quiet` for no word but of what went wrong. `also` are other formats of the same plan, as FORMAT=FILE,...
    """

    format_name: str = "text"
    output: str | None = None
    shows_rows: bool = False
    is_quiet: bool = False
    also: str | None = None
