"""Kamal: the pre-deploy hook, on the machine that deploys.

Source: https://kamal-deploy.org/docs/hooks/overview/: KAMAL_* variables; a hook that fails ends the deploy. Every hook
gets the same variables: nothing tells the one before from the one after.
"""

from __future__ import annotations

from collections.abc import Mapping

from gate.platforms.preset import Limits, Platform, Preset


def _recognise(environment: Mapping[str, str]) -> Platform | None:
    if not (environment.get("KAMAL_COMMAND") and environment.get("KAMAL_VERSION")):
        return None
    return Platform(key="kamal", name="Kamal", place_name="hook")


PRESET = Preset(
    key="kamal",
    name="Kamal",
    order=40,
    recognise=_recognise,
    limits=Limits(
        hook="`.kamal/hooks/pre-deploy`, a program that ends in `exec gate release`",
        failure="the deploy is aborted",
        ends_after="none documented",
        signals="those of the terminal or the CI job that deploys",
        marks="`KAMAL_COMMAND` and `KAMAL_VERSION`",
        has_shell=None,
        notes="runs where you deploy from: the database must be reachable from there",
        source="kamal-deploy.org/docs/hooks",
    ),
)
