"""Aptible: what is known of its hook. It is not recognised by itself."""

from __future__ import annotations

from collections.abc import Mapping

from gate.platforms.preset import Limits, Platform, Preset


def _recognise(_environment: Mapping[str, str]) -> Platform | None:
    """Nothing that it sets is sure to be its own."""
    return None


PRESET = Preset(
    key="aptible",
    name="Aptible",
    order=90,
    recognise=_recognise,
    limits=Limits(
        hook="`before_release` in .aptible.yml",
        failure="the deploy is aborted",
        ends_after="none documented",
        signals="not documented",
        marks="none that is sure",
        has_shell=None,
        notes="",
        source="aptible.com/docs",
    ),
)
