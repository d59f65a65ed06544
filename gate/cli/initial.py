"""What `gate init` prints: the list of presets, the files as one text, and what was done with what is left to do."""

from __future__ import annotations

from collections.abc import Sequence

from gate.app.init import Planned, offered
from gate.platforms.preset import File


def listed() -> str:
    """A line for each preset, and below it the settings that it takes."""
    presets = offered()
    width = max(len(preset.key) for preset in presets)
    lines = []
    for preset in presets:
        lines.append(f"{preset.key:{width}}  {preset.about or preset.name}")
        lines += [f"{'':{width}}    {name}=...  {means}" for name, means in preset.options.items()]
    return "\n".join([*lines, ""])


def as_one(files: Sequence[File]) -> str:
    """For a pipe: documents of YAML one after the other, each below its path."""
    return "".join(f"{_mark(file)}# {file.path}\n{file.text}" for file in files if not file.is_aside)


def _mark(file: File) -> str:
    return "---\n" if file.path.endswith((".yaml", ".yml")) else ""


def what_was_done(files: Sequence[Planned]) -> str:
    """A line for each file, then what to do next."""
    next_steps = dict.fromkeys(file.then for file in files if file.then)
    return "\n".join([*(file.done for file in files), *(f"\n{then}" for then in next_steps), ""])
