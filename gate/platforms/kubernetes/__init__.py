"""Kubernetes: rollouts, sizes and Jobs, as kubectl changes them, through the API server.

Only names stand here; what reaches for the network is imported when a hook is made.
"""

from __future__ import annotations

from collections.abc import Mapping

from gate.model.evidence import OldCode
from gate.platforms.making import Around, Factory, later
from gate.run.hooking import Left


def old_code(around: Around, left_s: Left) -> OldCode | None:
    """Whether code of an earlier revision is still running; None where no Deployment is told."""
    from gate.platforms.kubernetes import evidence

    return evidence.old_code(around, left_s)


HOOKS: Mapping[str, Factory] = {
    "delete_job": later(f"{__name__}.stopping", "made_to_delete"),
    "pause": later(f"{__name__}.pausing"),
    "rollout_undo": later(f"{__name__}.undoing"),
    "scale": later(f"{__name__}.sizes"),
    "suspend_job": later(f"{__name__}.stopping", "made_to_suspend"),
}
