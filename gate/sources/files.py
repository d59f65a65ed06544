"""Reading directories and files, with errors that say what to do."""

from __future__ import annotations

import os
from pathlib import Path

from gate.model.errors import UsageError

_HEAD_BYTES = 65536
_SAMPLED_FILES = 5


def names_in(directory: Path) -> tuple[str, ...]:
    """The names in a directory, sorted by code point as the tools do; UsageError where it cannot be read."""
    return tuple(sorted(entry.name for entry in _entries(directory)))


def file_names(directory: Path) -> tuple[str, ...]:
    """Like names_in, without directories."""
    return tuple(sorted(entry.name for entry in _entries(directory) if not entry.is_dir()))


def directory_names(directory: Path) -> tuple[str, ...]:
    """Like names_in, only directories, without hidden ones."""
    return tuple(sorted(entry.name for entry in _entries(directory) if entry.is_dir() and entry.name[:1] != "."))


def _entries(directory: Path) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(directory) as entries:
            return list(entries)
    except OSError as error:
        raise UsageError(
            f"cannot read the directory {directory}: {error.strerror}", remedy="check the path and its permissions"
        ) from error


def bytes_of(path: Path) -> bytes:
    """The whole file; UsageError where it cannot be read."""
    try:
        return path.read_bytes()
    except OSError as error:
        raise UsageError(
            f"cannot read {shown(path)}: {error.strerror}", remedy="check the file and its permissions"
        ) from error


def text_of(path: Path) -> str:
    """The whole file as text, without a byte order mark; UsageError where it cannot be read or is not UTF-8."""
    raw = bytes_of(path)
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise UsageError(
            f"{shown(path)}, line {line}: not UTF-8 (byte {raw[error.start]:#04x})", remedy="save the file as UTF-8"
        ) from error


def shown(path: Path) -> str:
    """The path relative to the working directory where it lies below it, else as given."""
    return path.as_posix().removeprefix(f"{Path.cwd().as_posix()}/")


def samples(directory: Path, names: tuple[str, ...]) -> str:
    """The beginnings of the first few of these files in one text, to look for a tool's marks in."""
    return "\n".join(_head(directory / name) for name in names[:_SAMPLED_FILES])


def _head(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return file.read(_HEAD_BYTES).decode("utf-8-sig", "replace")
    except OSError:
        # Whether an unreadable file matters is known only when it turns out to be pending.
        return ""
