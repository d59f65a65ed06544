"""Heroku: releases, dynos, maintenance and the formation, through the Platform API.

Only names stand here; what reaches for the network is imported when a hook is made.
"""

from __future__ import annotations

from collections.abc import Mapping

from gate.model.evidence import OldCode
from gate.platforms.making import Around, Factory, later
from gate.run.hooking import Left


def old_code(around: Around, left_s: Left) -> OldCode | None:
    """Whether code of an earlier release is still running; None where no app or no token is told."""
    from gate.platforms.heroku import evidence

    return evidence.old_code(around, left_s)


HOOKS: Mapping[str, Factory] = {
    "maintenance": later(f"{__name__}.maintenance"),
    "restart": later(f"{__name__}.restarting"),
    "rollback": later(f"{__name__}.rolling_back"),
    "scale": later(f"{__name__}.scaling"),
    "stop": later(f"{__name__}.stopping"),
}
