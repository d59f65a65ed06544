"""Kubernetes: rollouts, sizes and Jobs, as kubectl changes them, through the API server.

Only names stand here; what reaches for the network is imported when a hook is made.
"""

from __future__ import annotations

from collections.abc import Mapping

from gate.model.evidence import OldCode
from gate.platforms.making import Around, Factory
from gate.policy.policy import HookSetting
from gate.run.hooking import Hook, Left


def _rollout_undo(setting: HookSetting, around: Around) -> Hook:
    from gate.platforms.kubernetes.undoing import made

    return made(setting, around)


def _scale(setting: HookSetting, around: Around) -> Hook:
    from gate.platforms.kubernetes.sizes import made

    return made(setting, around)


def _pause(setting: HookSetting, around: Around) -> Hook:
    from gate.platforms.kubernetes.pausing import made

    return made(setting, around)


def _delete_job(setting: HookSetting, around: Around) -> Hook:
    from gate.platforms.kubernetes.stopping import made_to_delete

    return made_to_delete(setting, around)


def _suspend_job(setting: HookSetting, around: Around) -> Hook:
    from gate.platforms.kubernetes.stopping import made_to_suspend

    return made_to_suspend(setting, around)


def old_code(around: Around, left_s: Left) -> OldCode | None:
    """Whether code of an earlier revision is still running; None where no Deployment is told."""
    from gate.platforms.kubernetes import evidence

    return evidence.old_code(around, left_s)


HOOKS: Mapping[str, Factory] = {
    "delete_job": _delete_job,
    "pause": _pause,
    "rollout_undo": _rollout_undo,
    "scale": _scale,
    "suspend_job": _suspend_job,
}
