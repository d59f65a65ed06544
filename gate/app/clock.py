"""What is being done now, and how long each phase took."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from gate.app.request import Say, silent


@dataclass
class Clock:
    """How long each phase took, in their order, for whoever asks where the time went."""

    say: Say = silent
    phases: list[tuple[str, float]] = field(default_factory=list)

    @contextmanager
    def phase(self, name: str) -> Iterator[None]:
        """Says what is being done, and notes how long it took."""
        self.say(name)
        begun = time.monotonic()
        try:
            yield
        finally:
            self.phases.append((name, time.monotonic() - begun))
