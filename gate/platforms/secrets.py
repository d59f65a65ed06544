"""Secrets of hooks: where they are read from, and how they are kept out of all that is printed."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from gate.model.errors import UsageError

SHORTEST = 4
"""What is shorter would take harmless words out of a report."""
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*", re.ASCII)


@dataclass
class Secrets:
    """Those that were read so far; whatever gate prints goes through `masked`."""

    known: set[str] = field(default_factory=set, repr=False)

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
            raise UsageError(missing, remedy=f"set it, or take {key} out")
        self.known.add(value)
        return value

    def masked(self, text: str) -> str:
        """The text without any of them."""
        for secret in sorted(self.known, key=len, reverse=True):
            if len(secret) >= SHORTEST:
                text = text.replace(secret, "***")
        return text


def _of_file(path: str, key: str) -> str:
    try:
        return Path(path).read_text(encoding="utf-8").strip()
    except OSError as error:
        raise UsageError(f"{key}: cannot read {path}: {error.strerror}", remedy="check the path") from error
