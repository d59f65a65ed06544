"""The tools whose directories gate reads: one file each, found by walking this room.

A tool is a module with a `TOOL`; adding one is adding a file.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterator
from pathlib import Path

from gate.model.errors import UsageError
from gate.sources.files import directory_names, shown
from gate.sources.tool import Candidate, Options, Source, Tool

_DEEPEST = 8
_LISTED = 8
"""So many directories are named where there are several; the others are counted."""
_NEVER_ENTERED = frozenset(
    {"node_modules", "vendor", "target", "venv", "site-packages", "__pycache__", "build", "dist"}
)


def tools() -> tuple[Tool, ...]:
    """Every tool of this room, in name order."""
    modules = (importlib.import_module(f"{__name__}.{module.name}") for module in pkgutil.iter_modules(__path__))
    return tuple(module.TOOL for module in modules if hasattr(module, "TOOL"))


def find_source(root: Path, *, told: str | None = None, options: Options | None = None) -> Source:
    """The one source at or below `root`; UsageError with the candidates where there are several or none.

    `told` names the tool: then its directory is the one that it recognises, else `root` itself.
    """
    chosen = tuple(tool for tool in tools() if told is None or tool.name == told)
    if not chosen:
        known = ", ".join(tool.name for tool in tools())
        raise UsageError(f"no tool is called {told}", remedy=f"--source takes one of: {known}")
    if not root.is_dir():
        raise UsageError(
            f"{shown(root)} is not a directory", remedy="name the migrations directory or the project's root"
        )
    found = candidates(root, chosen)
    if told and not found:
        return chosen[0].source(root, options or Options())
    if len(found) != 1:
        raise _undecided(root, found, chosen)
    return found[0].tool.source(found[0].directory, options or Options())


def candidates(root: Path, chosen: tuple[Tool, ...]) -> tuple[Candidate, ...]:
    """Every directory at or below `root` that one of the tools recognises; what lies inside one is not looked at."""
    return tuple(_walk(root, chosen, 0))


def _walk(directory: Path, chosen: tuple[Tool, ...], depth: int) -> Iterator[Candidate]:
    here = recognised(directory, chosen)
    yield from here
    if here or depth == _DEEPEST:
        return
    for name in directory_names(directory):
        below = directory / name
        if name not in _NEVER_ENTERED and not below.is_symlink() and _is_readable(below):
            yield from _walk(below, chosen, depth + 1)


def recognised(directory: Path, chosen: tuple[Tool, ...]) -> tuple[Candidate, ...]:
    """The tools that recognise this very directory; `plain` only where nobody else does."""
    found = [Candidate(tool, directory, why) for tool in chosen if (why := tool.recognises(directory))]
    return tuple(candidate for candidate in found if candidate.tool.name != "plain" or len(found) == 1)


def _is_readable(directory: Path) -> bool:
    """Whether a walk may enter; what it may not read is not a candidate, and not an error either."""
    try:
        next(directory.iterdir(), None)
    except PermissionError:
        return False
    return True


def _undecided(root: Path, found: tuple[Candidate, ...], chosen: tuple[Tool, ...]) -> UsageError:
    if found:
        listed = "; ".join(f"{one.tool.name} in {shown(one.directory)} ({one.why})" for one in found[:_LISTED])
        listed += f"; and {len(found) - _LISTED} more" if len(found) > _LISTED else ""
        return UsageError(
            f"{len(found)} directories hold migrations: {listed}",
            remedy="name the directory, or decide with --source TOOL",
        )
    usual = "; ".join(f"{tool.name}: {', '.join(tool.usual)}" for tool in chosen)
    return UsageError(
        f"no migrations found in {shown(root)} or below",
        remedy=f"name the directory, and its tool with --source TOOL. The usual places: {usual}",
    )
