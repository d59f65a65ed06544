"""What became of the hooks of a watch or a wait: each with what it said, for a rollback is in its words."""

from __future__ import annotations

from collections.abc import Iterable

from gate.model.run import HookRun
from gate.model.units import lasting
from gate.report import Look
from gate.report.prose.words import one_line, shortened, wrapped

_MOST_OUTPUT_LINES, _LONGEST = 5, 400


def hook_lines(hooks: Iterable[HookRun], look: Look) -> list[str]:
    """A line a hook, and the last lines of what it wrote."""
    lines: list[str] = []
    for hook in hooks:
        how = one_line(hook.problem) or f"done ({lasting(hook.seconds)})"
        lines += wrapped(f"hook {hook.event} {one_line(hook.name)}: {how}", look.width, "  ", "    ")
        written = [line for line in hook.output.splitlines() if line.strip()]
        for line in written[-_MOST_OUTPUT_LINES:]:
            lines += wrapped(shortened(line, _LONGEST), look.width, "    ", "      ")
    return lines
