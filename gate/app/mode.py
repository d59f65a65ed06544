"""The mode: where gate is off, nothing may stand in the way, not even a broken gate.toml."""

from __future__ import annotations

import os
from collections.abc import Mapping

from gate.model.plan import Mode


def is_off(environment: Mapping[str, str] | None = None) -> bool:
    """Whether GATE_MODE turns gate off, whatever the file says, and whether or not it can be read."""
    return _variable(environment).lower() == Mode.OFF.value


def who_says(environment: Mapping[str, str] | None = None) -> str:
    """Where the mode comes from, for people."""
    said = _variable(environment)
    return f"GATE_MODE={said}" if said else "mode in gate.toml"


def _variable(environment: Mapping[str, str] | None) -> str:
    return (os.environ if environment is None else environment).get("GATE_MODE", "").strip()
