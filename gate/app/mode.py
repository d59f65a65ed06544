"""The mode, before anything else: where gate is off, nothing may stand in the way, not even a broken gate.toml."""

from __future__ import annotations

import os
from collections.abc import Mapping

from gate.app.request import Request
from gate.app.settings import load
from gate.model.plan import Mode


def mode_of(request: Request, environment: Mapping[str, str] | None = None) -> Mode:
    """GATE_MODE, else `mode` of the file, else `enforce`. Raises UsageError for a word that is none of them."""
    variables = os.environ if environment is None else environment
    if variables.get("GATE_MODE", "").strip().lower() == Mode.OFF.value:
        return Mode.OFF
    return load(request, environment).policy.mode


def who_says(environment: Mapping[str, str] | None = None) -> str:
    """Where the mode comes from, for people."""
    variables = os.environ if environment is None else environment
    said = variables.get("GATE_MODE", "").strip()
    return f"GATE_MODE={said}" if said else "mode in gate.toml"
