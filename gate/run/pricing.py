"""What is kept beside a unit so that later estimates learn from the time it took."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from gate.model.effects import Effect
from gate.model.program import Priced
from gate.model.rates import Learned
from gate.model.work import Work

_NO_WORK = (Work.CATALOG_ONLY,)


def priced(effects: Iterable[Effect], learned: Mapping[Work, Learned]) -> Priced | None:
    """Of one kind of work on one relation of known size; None for anything else, which would teach nothing.

    What was learned already is taken out of the estimate again: else each run would learn from its own echo.
    """
    working = [effect for effect in effects if effect.work != _NO_WORK]
    if len(working) != 1 or len(working[0].work) != 1:
        return None
    (effect,) = working
    (work,) = effect.work
    if effect.size_bytes is None or effect.rows is None or effect.seconds is None:
        return None
    factor = learned[work].factor if work in learned else 1.0
    return Priced(work=work, size_bytes=effect.size_bytes, rows=effect.rows, estimated_s=effect.seconds.likely / factor)
