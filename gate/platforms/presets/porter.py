"""Porter: what is known of its hook. It is not recognised by itself."""

from __future__ import annotations

from collections.abc import Mapping

from gate.platforms.preset import Limits, Platform, Preset


def _recognise(_environment: Mapping[str, str]) -> Platform | None:
    """Nothing that it sets is sure to be its own."""
    return None


PRESET = Preset(
    key="porter",
    name="Porter",
    order=90,
    recognise=_recognise,
    limits=Limits(
        hook="a job `predeploy` in porter.yaml",
        failure="`porter apply --wait` ends with 1; 3 says that a newer one has come",
        ends_after="that of a Kubernetes Job",
        signals="as on Kubernetes",
        marks="none of its own: it is recognised as Kubernetes",
        has_shell=None,
        notes="`autoRollback` is Porter's own",
        source="docs.porter.run",
    ),
)
