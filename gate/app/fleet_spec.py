"""Which databases a fleet has: a file, a directory of secrets, or what a command prints.

Nothing that is wrong is repeated in a message: it may be a URL, with its password.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import stat
import subprocess
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from gate.app.database import has_password
from gate.model.errors import Unreachable, UsageError
from gate.model.fleet import Member
from gate.model.units import lasting

COMMAND_S = 60.0
_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,99}\Z")
_KNOWN = frozenset({"file", "dir", "command"})
_KINDS = "file:PATH, dir:PATH (one file a database) or command:PROGRAM ARGUMENTS"
_MAY_READ = stat.S_IRGRP | stat.S_IROTH
_LAST_LINES = 5

Warn = Callable[[str], None]


def read_spec(spec: str, warn: Warn, *, command_s: float = COMMAND_S) -> tuple[Member, ...]:
    """The databases in their order; `warn` is told who else may read a password, and what the command says.

    A path alone is a file or a directory, whichever is there.

    Raises UsageError where something is not as it must be, Unreachable where the command fails.
    """
    kind, _, rest = spec.partition(":")
    if spec and kind not in _KNOWN and Path(spec).exists():
        kind, rest = "dir" if Path(spec).is_dir() else "file", spec
    if kind == "file" and rest:
        members = _from_file(Path(rest), warn)
    elif kind == "dir" and rest:
        members = _from_directory(Path(rest), warn)
    elif kind == "command" and rest:
        members = _from_text(_printed(rest, warn, command_s), "the command of --fleet", ".json")
    else:
        raise UsageError("--fleet does not say where the databases are listed", remedy=f"write {_KINDS}")
    if not members:
        raise UsageError(
            f"{shown(spec)} names no database", remedy="a fleet without databases is taken for a mistake: check it"
        )
    _check_names(members)
    return members


def shown(spec: str) -> str:
    """The SPEC for people: of a command the program alone, for its arguments may hold a token."""
    kind, _, rest = spec.partition(":")
    if kind != "command":
        return spec
    try:
        words = shlex.split(rest)
    except ValueError:
        words = []
    return f"command:{words[0]}{' ...' if words[1:] else ''}" if words else "command:"


# --- a file -----------------------------------------------------------------------------------------------------------


def _from_file(path: Path, warn: Warn) -> tuple[Member, ...]:
    members = _from_text(_text(path), str(path), path.suffix)
    if any(has_password(one.given) for one in members) and _is_readable_by_others(path):
        warn(f"{path} holds passwords, and others on this machine may read it: chmod 600 {path}")
    return members


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        why = getattr(error, "strerror", None) or "not UTF-8"
        raise UsageError(f"cannot read {path} of --fleet: {why}", remedy="check the path") from None


def _is_readable_by_others(path: Path) -> bool:
    """What Kubernetes mounts lies behind a link called ..data, and is the pod's own, whatever its mode says."""
    if any(part.startswith("..") for part in path.resolve().parts):
        return False
    return bool(path.stat().st_mode & _MAY_READ)


def _from_text(text: str, where: str, suffix: str) -> tuple[Member, ...]:
    """A TOML file by its suffix, JSON by how it begins; else `NAME URL` a line."""
    if suffix == ".toml":
        return tuple(_of_document(_toml(text, where), where))
    start = text.lstrip()[:1]
    if start == "[" or (start == "{" and _is_one_document(text)):
        return tuple(_of_document(_json(text, where), where))
    return tuple(_of_lines(text, where))


def _is_one_document(text: str) -> bool:
    """Whether it is not one object a line."""
    try:
        json.loads(text)
    except ValueError:
        lines = [line for line in text.splitlines() if line.strip()]
        return len(lines) > 1 and not lines[0].rstrip().endswith("}")
    return True


def _toml(text: str, where: str) -> Any:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        raise UsageError(f"{where} is not TOML", remedy='write a table [databases] with lines name = "URL"') from None


def _json(text: str, where: str) -> Any:
    def table(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        # Of two with one name JSON keeps the last, and a database would be left out without a word.
        found = dict(pairs)
        if len(found) < len(pairs):
            names = [name for name, _ in pairs]
            twice = next(name for name in names if names.count(name) > 1)
            raise UsageError(f"{where} names {_quoted(twice)} twice", remedy="give each database a name of its own")
        return found

    try:
        return json.loads(text, object_pairs_hook=table)
    except ValueError as error:
        line = getattr(error, "lineno", 1)
        raise UsageError(
            f"{where}, line {line}: this is not JSON", remedy='write a list of {"name": ..., "url": ...}'
        ) from None


def _of_document(document: Any, where: str) -> Iterator[Member]:
    """A list of tables with `name` and `url`, or one table from names to URLs; below `databases`, or by itself."""
    if isinstance(document, dict) and isinstance(document.get("databases"), list | dict):
        document = document["databases"]
    if isinstance(document, dict) and isinstance(document.get("name"), str) and "url" in document:
        document = [document]
    if isinstance(document, dict):
        for name, value in document.items():
            yield _member(name, value.get("url") if isinstance(value, dict) else value, f"{where}: {_quoted(name)}")
        return
    for place, item in enumerate(document, 1):
        if not isinstance(item, dict):
            raise UsageError(f"{where}: entry {place} is no table", remedy='write {"name": ..., "url": ...}')
        yield _member(item.get("name"), item.get("url"), f"{where}: entry {place}")


def _of_lines(text: str, where: str) -> Iterator[Member]:
    for number, line in enumerate(text.splitlines(), 1):
        place = f"{where}, line {number}"
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        if line.lstrip().startswith("{"):
            item = _json(line, place)
            yield _member(item.get("name"), item.get("url"), place)
            continue
        name, *rest = line.split(maxsplit=1)
        yield _member(name, rest[0].strip() if rest else None, place)


def _member(name: Any, given: Any, place: str) -> Member:
    if not isinstance(name, str) or not _NAME.match(name):
        raise UsageError(
            f"{place}: there is no name that can be one",
            remedy="write NAME URL; a name has letters, digits, dots, dashes and underscores",
        )
    if not isinstance(given, str) or not given.strip():
        raise UsageError(
            f"{place}: {name} has no URL", remedy="write the URL, env:NAME, file:PATH or service=NAME after the name"
        )
    return Member(name=name, given=given.strip())


def _quoted(name: object) -> str:
    text = str(name)
    return text if _NAME.match(text) else "an entry"


def _check_names(members: tuple[Member, ...]) -> None:
    seen: set[str] = set()
    for one in members:
        if one.name in seen:
            raise UsageError(f"the fleet names {one.name} twice", remedy="give each database a name of its own")
        seen.add(one.name)


# --- a directory ------------------------------------------------------------------------------------------------------


def _from_directory(path: Path, warn: Warn) -> tuple[Member, ...]:
    """Names that begin with a dot are Kubernetes' own (..data), or nobody's."""
    try:
        names = sorted(entry.name for entry in os.scandir(path) if not entry.name.startswith("."))
    except OSError as error:
        raise UsageError(f"cannot read {path} of --fleet: {error.strerror}", remedy="check the path") from None
    members = tuple(_secret(path / name) for name in names)
    open_ = [one.name for one in members if _is_readable_by_others(path / one.name)]
    if open_:
        more = f" and {len(open_) - 3} more" if len(open_) > 3 else ""
        warn(f"others on this machine may read {', '.join(open_[:3])}{more} in {path}: chmod 600 {path}/*")
    return members


def _secret(path: Path) -> Member:
    if path.is_dir():
        raise UsageError(f"{path} is a directory", remedy="one file a database: its name, and the URL in it")
    if not _text(path).strip():
        raise UsageError(f"{path} is empty", remedy="put the URL in it, on one line")
    return _member(path.name, f"file:{path}", str(path.parent))


# --- a command --------------------------------------------------------------------------------------------------------


def _printed(line: str, warn: Warn, command_s: float) -> str:
    """What it prints; no shell is between."""
    try:
        words = shlex.split(line)
    except ValueError as error:
        raise UsageError(f"the command of --fleet cannot be read: {error}", remedy="close the quote") from None
    program = Path(words[0]).name if words else ""
    try:
        done = subprocess.run(words, stdin=subprocess.DEVNULL, capture_output=True, timeout=command_s, check=False)
    except subprocess.TimeoutExpired as error:
        _tell(error.stderr, program, warn)
        raise Unreachable(
            f"{program} of --fleet had not ended after {lasting(command_s)}", remedy="run it by hand, and try again"
        ) from None
    except (OSError, IndexError, ValueError) as error:
        why = getattr(error, "strerror", None) or "no program is named"
        raise UsageError(f"{program} of --fleet cannot be started: {why}", remedy="check the path") from None
    _tell(done.stderr, program, warn)
    if done.returncode != 0:
        raise Unreachable(
            f"{program} of --fleet ended with {_code(done.returncode)}", remedy="run it by hand, and try again"
        )
    return done.stdout.decode("utf-8", "replace")


def _code(code: int) -> str:
    return f"exit code {code}" if code >= 0 else f"signal {-code}"


def _tell(written: bytes | None, program: str, warn: Warn) -> None:
    """Its last lines."""
    lines = [line for line in (written or b"").decode("utf-8", "replace").splitlines() if line.strip()]
    for text in lines[-_LAST_LINES:]:
        warn(f"{program} says: {text}")
