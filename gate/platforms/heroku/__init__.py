"""Heroku: releases, dynos, maintenance and the formation, through the Platform API.

Only names stand here; what reaches for the network is imported when a hook is made.
"""

from __future__ import annotations

from collections.abc import Mapping

from gate.model.evidence import OldCode
from gate.platforms.making import Around, Factory
from gate.policy.policy import HookSetting
from gate.run.hooking import Hook, Left


def _rollback(setting: HookSetting, around: Around) -> Hook:
    from gate.platforms.heroku.rolling_back import made

    return made(setting, around)


def _maintenance(setting: HookSetting, around: Around) -> Hook:
    from gate.platforms.heroku.maintenance import made

    return made(setting, around)


def _restart(setting: HookSetting, around: Around) -> Hook:
    from gate.platforms.heroku.restarting import made

    return made(setting, around)


def _scale(setting: HookSetting, around: Around) -> Hook:
    from gate.platforms.heroku.scaling import made

    return made(setting, around)


def _stop(setting: HookSetting, around: Around) -> Hook:
    from gate.platforms.heroku.stopping import made

    return made(setting, around)


def old_code(around: Around, left_s: Left) -> OldCode | None:
    """Whether code of an earlier release is still running; None where no app or no token is told."""
    from gate.platforms.heroku import evidence

    return evidence.old_code(around, left_s)


HOOKS: Mapping[str, Factory] = {
    "maintenance": _maintenance,
    "restart": _restart,
    "rollback": _rollback,
    "scale": _scale,
    "stop": _stop,
}
