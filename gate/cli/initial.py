"""What `gate init` prints: the list of presets, the files as one text, and what was done with what is left to do."""

from __future__ import annotations

from collections.abc import Sequence
from textwrap import wrap

from gate.app.init import Planned, offered
from gate.platforms.preset import File

_NARROWEST = 40


def listed(width: int) -> str:
    """A line for each preset, and below it the settings that it takes, as wide as the terminal is."""
    presets = offered()
    column = max(len(preset.key) for preset in presets) + 2
    lines = []
    for preset in presets:
        lines += _wrapped(f"{preset.key:{column}}{preset.about or preset.name}", column + 2, width)
        for name, means in preset.options.items():
            lines += _wrapped(f"{'':{column + 2}}{name}=...  {means}", column + 4, width)
    return "\n".join([*lines, ""])


def _wrapped(line: str, indent: int, width: int) -> list[str]:
    return wrap(
        line, max(width, _NARROWEST), subsequent_indent=" " * indent, break_long_words=False, break_on_hyphens=False
    )


def as_one(files: Sequence[File]) -> str:
    """For a pipe: documents of YAML one after the other, each below its path."""
    return "".join(f"{_mark(file)}# {file.path}\n{file.text}" for file in files if not file.is_aside)


def _mark(file: File) -> str:
    return "---\n" if file.path.endswith((".yaml", ".yml")) else ""


def what_was_done(files: Sequence[Planned]) -> str:
    """A line for each file, then what to do next."""
    next_steps = dict.fromkeys(file.then for file in files if file.then)
    return "\n".join([*(file.done for file in files), *(f"\n{then}" for then in next_steps), ""])
