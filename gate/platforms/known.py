"""All platforms that gate knows, found by walking `gate.platforms.presets`; and which of them this process runs on."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib import import_module
from pkgutil import iter_modules

from gate.platforms import presets
from gate.platforms.preset import UNKNOWN, Platform, Preset


@cache
def all_presets() -> tuple[Preset, ...]:
    """In the order in which they are asked, then by their key."""
    found = (import_module(f"{presets.__name__}.{module.name}").PRESET for module in iter_modules(presets.__path__))
    return tuple(sorted(found, key=lambda preset: (preset.order, preset.key)))


def platform_of(environment: Mapping[str, str]) -> Platform:
    """By what the environment names; `UNKNOWN` where no platform knows it for its own."""
    asked = (preset.recognise(environment) for preset in all_presets() if preset.recognise)
    return next((platform for platform in asked if platform is not None), UNKNOWN)
