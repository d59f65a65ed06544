"""`gate release --fleet`: canary, waves and the limit on failures are decided in `gate.run.waves`; here it is done.

Nothing is written down about the fleet: each database's own journal says how far it is, and whoever runs the same
command again finds nothing pending where it is done.
"""

from __future__ import annotations

import os
import selectors
import shlex
import signal
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from types import FrameType
from typing import IO

from gate.app.fleet_child import Child, begin
from gate.app.fleet_members import AT_ONCE, Fleet, fleet_of, named
from gate.app.opening import open_source
from gate.app.request import Request
from gate.app.settings import Settings, load
from gate.model.errors import Exit, UsageError
from gate.model.fleet import FleetRun, Released
from gate.model.version import VERSION
from gate.platforms.known import platform_of
from gate.run.waves import Next, Waves, advance, waves_of

_POLL_S = 0.1
_AFTER_GRACE_S = 3.0
_MOST_TRIES = 3
_PAUSE_S = 2.0
_IS_FULL = ("too many clients", "too many connections", "remaining connection slots")
_SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)

Tell = Callable[[str], None]


def release_fleet(request: Request, tell: Tell) -> FleetRun:
    """How it ended. Raises what is wrong with the fleet or the project before anything is begun."""
    settings = load(request)
    # What is wrong with the files is told once, and not by each of the children.
    open_source(settings)
    fleet = fleet_of(request, settings)
    _check_hooks(request, settings)
    plan = _waves(request, fleet)
    releasing = _Releasing(
        request=request, fleet=fleet, plan=plan, tell=tell, grace_s=_grace_s(settings), again=_again(request)
    )
    with releasing.heard():
        return releasing.run()


def _check_hooks(request: Request, settings: Settings) -> None:
    """What a platform is told to do is for the whole app, and each database would do and undo it for itself."""
    platforms = [hook.kind for hook in settings.policy.release.on_begin if "." in hook.kind]
    if platforms and request.calls_hooks:
        raise UsageError(
            f"release.on_begin calls {platforms[0]}, and each database of the fleet would do that, and put it back "
            "while others are at work",
            remedy="do it around the fleet, and say --no-hooks here",
        )


def _waves(request: Request, fleet: Fleet) -> Waves:
    names = tuple(one.name for one in fleet.members)
    return waves_of(
        names,
        canary=_canary(request.canary, names, fleet.names),
        wave_size=request.wave,
        at_once=request.at_once or AT_ONCE,
        max_failures=request.max_failures or 0,
    )


def _canary(told: str | None, names: Sequence[str], known: Sequence[str]) -> tuple[str, ...]:
    if told is None or told.isdigit():
        return tuple(names[: int(told or 1)]) if told != "0" else ()
    # One of another shard, or one that was not picked, is not this release's.
    return tuple(name for name in named("--canary", told, known) if name in names)


def _grace_s(settings: Settings) -> float:
    told = settings.policy.release.grace_s
    return told if told is not None else platform_of(os.environ).grace_s


def _again(request: Request) -> str:
    """The same command: done databases have nothing pending."""
    words = ["gate", "release"]
    spec = request.fleet or ""
    words += ["--fleet", spec if not spec.startswith("command:") else "command:..."]
    for option, value in (
        ("--only", request.only),
        ("--wave", request.wave),
        ("--max-failures", request.max_failures),
        ("--canary", request.canary),
    ):
        words += [] if value is None else [option, str(value)]
    return shlex.join([*words, *([request.source] if request.source else [])])


@dataclass
class _Releasing:
    """The loop: it begins whom the decision names, reads what they say, and hands signals on."""

    request: Request
    fleet: Fleet
    plan: Waves
    tell: Tell
    grace_s: float
    again: str
    began_s: float = field(default_factory=time.monotonic)
    began_at: str = field(default_factory=lambda: datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ"))
    children: dict[str, Child] = field(default_factory=dict)
    released: dict[str, Released] = field(default_factory=dict)
    tries: dict[str, int] = field(default_factory=dict)
    not_before_s: float = 0.0
    stop: signal.Signals | None = None
    stopped_s: float = 0.0
    is_handed_on: bool = False
    is_told: bool = False

    def run(self) -> FleetRun:
        """To the end of the last one that was begun."""
        with selectors.DefaultSelector() as selector:
            try:
                while not (step := self._next()).is_over:
                    self._tell_stopped(step)
                    for name in step.begin if time.monotonic() >= self.not_before_s else ():
                        self._begin(name, selector)
                    self._hand_on()
                    self._exchange(selector)
                    self._collect(selector)
            finally:
                for child in self.children.values():
                    child.signal(signal.SIGTERM)
        self._tell_stopped(step)
        return self._made(step)

    def _next(self) -> Next:
        ended = {name: one.exit for name, one in self.released.items()}
        return advance(self.plan, ended, self.children.keys(), is_stopping=self.stop is not None)

    def _tell_stopped(self, step: Next) -> None:
        if step.stopped and not self.is_told:
            self.is_told = True
            self.tell(f"gate: no further database is begun: {self._why(step)}")

    def _why(self, step: Next) -> str:
        return f"stopped by {self.stop.name}" if self.stop is not None and step.stopped else step.stopped

    def _begin(self, name: str, selector: selectors.BaseSelector) -> None:
        member = next(one for one in self.fleet.members if one.name == name)
        wave = self.plan.wave_of(name)
        child = begin(self.request, self.fleet, member, wave, self.tell)
        child.register(selector)
        self.children[name] = child
        self.tries[name] = self.tries.get(name, 0) + 1

    def _exchange(self, selector: selectors.BaseSelector) -> None:
        if not selector.get_map():
            time.sleep(_POLL_S)
            return
        for key, _ in selector.select(_POLL_S):
            child: Child = key.data
            stream: IO[bytes] = key.fileobj  # type: ignore[assignment]  # what `register` was given
            child.read(stream, selector)

    def _collect(self, selector: selectors.BaseSelector) -> None:
        """Whoever has ended; the last of what they said is read first."""
        for name, child in list(self.children.items()):
            if child.process.poll() is None:
                continue
            while child.open and self._has_more(child, selector):
                continue
            child.close(selector)
            del self.children[name]
            done = child.released()
            if self._is_to_be_tried_again(done):
                self.not_before_s = time.monotonic() + _PAUSE_S
                self.tell(f"gate: {name}: the server has no connection left; it is tried again")
                continue
            self.released[name] = done
            self.tell(f"gate: {name}: {_told(done)} ({len(self.released):,} of {len(self.plan.names):,})")

    def _has_more(self, child: Child, selector: selectors.BaseSelector) -> bool:
        ready = [key for key, _ in selector.select(0) if key.data is child]
        for key in ready:
            child.read(key.fileobj, selector)  # type: ignore[arg-type]  # what `register` was given
        return bool(ready)

    def _is_to_be_tried_again(self, done: Released) -> bool:
        """Several of a fleet may have too much of one server's connections; nothing was begun then."""
        is_full = done.exit is Exit.UNREACHABLE and any(said in done.problem for said in _IS_FULL)
        return is_full and self.stop is None and self.tries[done.name] < _MOST_TRIES

    def _hand_on(self) -> None:
        """Once: more signals change nothing. Who has not ended by itself a while after its grace is killed."""
        if self.stop is None:
            return
        if not self.is_handed_on:
            self.is_handed_on, self.stopped_s = True, time.monotonic()
            for child in self.children.values():
                child.process.send_signal(signal.SIGTERM)
        if time.monotonic() > self.stopped_s + self.grace_s + _AFTER_GRACE_S:
            for child in self.children.values():
                child.signal(signal.SIGKILL)

    @contextmanager
    def heard(self) -> Iterator[None]:
        """Signals are noted, and handed on by the loop."""
        before = {number: signal.signal(number, self._note) for number in _SIGNALS}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def _note(self, number: int, _frame: FrameType | None) -> None:
        self.stop = self.stop or signal.Signals(number)

    def _made(self, step: Next) -> FleetRun:
        return FleetRun(
            gate=VERSION,
            fleet=self.fleet.spec,
            began_at=self.began_at,
            seconds=time.monotonic() - self.began_s,
            released=tuple(self.released[name] for name in self.plan.names if name in self.released),
            not_begun=tuple(name for name in self.plan.names if name not in self.released),
            stopped=self._why(step),
            has_canary=self.plan.has_canary,
            is_stopped_by_signal=self.stop is not None,
            shard=self.fleet.shard,
            again=self.again,
        )


def _told(done: Released) -> str:
    return done.outcome if done.exit is Exit.DONE else f"{done.outcome}, exit code {int(done.exit)}"
