"""Questions that are asked again while the server cannot be reached: it may be starting anew."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from gate.model.errors import Unreachable
from gate.model.migration import Query
from gate.model.program import WantedLock
from gate.model.run import Backend
from gate.run.sample import Holder, Sample
from gate.run.world import Clock, Eyes, Row

_AGAIN_S = 0.5
Answer = TypeVar("Answer")


@dataclass(frozen=True)
class PatientEyes:
    """Satisfies `Eyes`: what has to have an answer is asked for `for_s`; a signal ends the patience."""

    eyes: Eyes
    clock: Clock
    for_s: float = 30.0

    def look(self, ours: Backend, wanted: Sequence[WantedLock] = (), *, for_load: bool = False) -> None:
        self.eyes.look(ours, wanted, for_load=for_load)

    def seen(self) -> Sample | None:
        return self.eyes.seen()

    def holders(self, ours: Backend, wanted: Sequence[WantedLock]) -> tuple[Holder, ...]:
        return self._patiently(lambda: self.eyes.holders(ours, wanted))

    def ask(self, query: Query) -> tuple[Row, ...]:
        return self._patiently(lambda: self.eyes.ask(query))

    def end(self, backend: Backend, how: str) -> bool:
        return self.eyes.end(backend, how)

    def is_gone(self, backend: Backend) -> bool:
        return self.eyes.is_gone(backend)

    def _patiently(self, question: Callable[[], Answer]) -> Answer:
        until_s = self.clock.now() + self.for_s
        while True:
            try:
                return question()
            except Unreachable:
                if self.clock.stop is not None or self.clock.now() + _AGAIN_S > until_s:
                    raise
            self.clock.rest(_AGAIN_S)
