"""Secrets of hooks: where they are read from, and how they are kept out of all that is printed."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import unquote

from gate.model.errors import UsageError

SHORTEST = 4
"""What is shorter would take harmless words out of a report."""
# Values of such variables, where something made them up: `AUTH_METHOD=password` is no secret.
_NAMED = re.compile(r"pass|secret|token|key|credential|private|auth|headers|hook|slack|dsn|cookie|salt", re.IGNORECASE)
_WORD = re.compile(r"[a-z_-]+|[A-Z_-]+|[\d.]+|[/~.].*")
_LONG_ENOUGH = 8
_IN_URL = re.compile(r"://[^\s:/@]*:(?P<password>[^\s]*)@")
_APART = re.compile(r"[\s,;=&?/]+")
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*", re.ASCII)


@dataclass
class Secrets:
    """Those that were read so far; whatever gate prints goes through `masked`."""

    known: set[str] = field(default_factory=set, repr=False)

    @classmethod
    def of(cls, environment: Mapping[str, str]) -> Secrets:
        """What a program may print that prints its environment: all that looks like a secret there.

        For the output of hooks, where a word too many that is masked harms nobody.
        """
        return cls({secret for name, value in environment.items() for secret in _found(name, value)})

    def read(self, told: str, environment: Mapping[str, str], *, key: str) -> str:
        """What `env:NAME` or `file:PATH` holds, without white space around it; `key` is where that stands.

        Raises UsageError where there is nothing, and where the secret itself stands there.
        """
        how, _, name = told.partition(":")
        if how == "env" and _VARIABLE.fullmatch(name):
            value = environment.get(name, "").strip()
            missing = f"{key}: the variable {name} is not set"
        elif how == "file" and name:
            value, missing = _of_file(name, key), f"{key}: the file {name} is empty"
        else:
            raise UsageError(
                f"{key} holds a secret itself, or neither env:NAME nor file:PATH",
                remedy="write env:NAME, the variable that holds it, or file:PATH",
            )
        if not value:
            raise UsageError(missing, remedy="set it, or leave that entry out")
        self.known.add(value)
        return value

    def masked(self, text: str) -> str:
        """The text without any of them."""
        for secret in sorted(self.known, key=len, reverse=True):
            if len(secret) >= SHORTEST:
                text = text.replace(secret, "***")
        return text


def _found(name: str, value: str) -> Iterator[str]:
    for url in _IN_URL.finditer(value):
        yield from (url["password"], unquote(url["password"]))
    if _NAMED.search(name):
        # Of an address, or of headers, each part may be told by itself.
        for part in (value.strip(), *_APART.split(value)):
            if len(part) >= _LONG_ENOUGH and not _WORD.fullmatch(part):
                yield part


def _of_file(path: str, key: str) -> str:
    try:
        return Path(path).read_text(encoding="utf-8").strip()
    except OSError as error:
        raise UsageError(f"{key}: cannot read {path}: {error.strerror}", remedy="check the path") from error
