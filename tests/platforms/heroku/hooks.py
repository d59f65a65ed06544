"""Hooks of Heroku as a release makes them, with time that passes only where they wait."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from gate.model.changes import Change, KeptChange
from gate.model.errors import GateError
from gate.model.run import HookRun
from gate.platforms.heroku.calling import HerokuHook, RestoringHook
from gate.platforms.making import Around, made
from gate.platforms.secrets import Secrets
from gate.policy.policy import HookSetting
from gate.run.hooking import Ledger
from tests.platforms.heroku.fake import FakeHeroku


@dataclass
class Clock:
    """What is left, in seconds; who waits makes it less, and nobody has to wait for that."""

    left_s: float = 60.0
    pauses: list[float] = field(default_factory=list)

    def left(self) -> float:
        return self.left_s

    def pause(self, seconds: float) -> None:
        self.pauses.append(seconds)
        self.left_s -= seconds


@dataclass
class Kept:
    """A ledger in memory."""

    changes: dict[str, Change] = field(default_factory=dict)
    settled: list[str] = field(default_factory=list)
    is_full: bool = False

    def keep(self, change: Change) -> str:
        if self.is_full:
            raise GateError("the journal cannot be written: disk full")
        key = f"change-{len(self.changes) + len(self.settled)}"
        self.changes[key] = change
        return key

    def settle(self, key: str) -> None:
        del self.changes[key]
        self.settled.append(key)

    def kept(self) -> tuple[KeptChange, ...]:
        return tuple(
            KeptChange(key=key, run="r", made_at="2026-01-01T00:00:00Z", change=change)
            for key, change in self.changes.items()
        )


@dataclass
class Hooks:
    """Makes them; `more` goes over the environment that leads to the fake."""

    heroku: FakeHeroku
    clock: Clock = field(default_factory=Clock)
    ledger: Ledger | None = field(default_factory=Kept)
    table: Mapping[str, Any] = field(default_factory=dict)
    more: dict[str, str] = field(default_factory=dict)
    secrets: Secrets = field(default_factory=Secrets)

    def around(self) -> Around:
        environment = {**self.heroku.environment, **self.more}
        return Around(
            environment={name: value for name, value in environment.items() if value},
            tables={"heroku": self.table},
            secrets=self.secrets,
            ledger=self.ledger,
        )

    def made(self, kind: str, **options: object) -> HerokuHook:
        hook = made(HookSetting(kind=kind, options=options, timeout_s=1000.0), self.around())
        assert isinstance(hook, HerokuHook)
        return replace(hook, pause=self.clock.pause)

    def call(self, kind: str, event: str, document: str = "{}", /, **options: object) -> HookRun:
        return self.made(kind, **options).call(event, document, self.clock.left)

    def check(self, kind: str, **options: object) -> str:
        return self.made(kind, **options).check(self.clock.left)

    def restore(self) -> list[HookRun]:
        """As whoever ends the run does: each by a hook that its change alone describes."""
        assert isinstance(self.ledger, Kept)
        found = []
        for kept in reversed(self.ledger.kept()):
            hook = self.made(kept.change.kind, **kept.change.where)
            assert isinstance(hook, RestoringHook)
            found.append(hook.restore(kept.change, self.clock.left))
            if not found[-1].problem:
                self.ledger.settle(kept.key)
        return found
