"""Markdown that is too long for where it goes: cut at the end of a line, with everything closed that is open there."""

from __future__ import annotations

import re
from dataclasses import dataclass

_FENCE = re.compile(r" {0,3}(`{3,}|~{3,})")
_ROOM = 80
"""For what has to be closed."""


@dataclass
class _Open:
    """What is open at the end of the lines that were read."""

    fence: str = ""
    details: int = 0

    def read(self, line: str) -> None:
        found = _FENCE.match(line)
        if self.fence:
            is_end = line.strip().startswith(self.fence) and not line.strip().strip(self.fence[0])
            self.fence = "" if is_end else self.fence
        elif found:
            self.fence = found.group(1)
        else:
            self.details += line.count("<details") - line.count("</details>")

    def closed(self) -> str:
        return (f"{self.fence}\n\n" if self.fence else "\n") + "</details>\n\n" * max(0, self.details)


def length(text: str) -> int:
    """As those count who count in UTF-16: never less than the number of letters."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def cut(markdown: str, longest: int, more: str) -> str:
    """As it is if it has room in `longest` (see `length`); else its beginning, closed, with the line `more` below."""
    if length(markdown) <= longest:
        return markdown
    room = longest - length(more) - _ROOM
    kept: list[str] = []
    is_open = _Open()
    for line in markdown.splitlines(keepends=True):
        room -= length(line)
        after = _Open(fence=is_open.fence, details=is_open.details)
        after.read(line)
        if room - length(after.closed()) < 0:
            break
        kept.append(line)
        is_open = after
    return f"{''.join(kept)}{is_open.closed()}{more}\n"
