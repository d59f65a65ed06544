"""An accident: what happens to a release, and at which of its statements."""

from __future__ import annotations

import os
import random
import re
import signal
import subprocess
import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

import psycopg

from tests.crash.proxy import Link, Phase, Proxy, Statement, Trap
from tests.crash.server import Restartable

PAUSE_S = 3.0
_WRITTEN = re.compile(r"(?P<what>[\w-]+)@(?P<role>\w+):(?P<number>\d+):(?P<phase>\w+)\+(?P<delay_s>[\d.]+)\Z")
WHAT = {
    "kill": 40,
    "term": 12,
    "drop": 10,
    "terminate": 10,
    "drop-all": 6,
    "restart-fast": 5,
    "restart-immediate": 4,
    "crash": 4,
    "pause": 3,
    "freeze": 3,
    "suspend": 2,
}
"""kill: -9 of gate. term: SIGTERM. drop: the connection is cut. terminate: the server ends its backend. crash: the
backend dies, and takes the whole server along. pause: nothing passes for a while. freeze: half-open for ever.
suspend: gate stands still, and goes on when others have done its work."""
QUICK = {name: weight for name, weight in WHAT.items() if name not in ("freeze", "suspend")}
"""Without those after which some time has to pass until others may go on."""
_ROLES = {"hands": 12, "runner": 5, "eyes": 2, "plan": 1}


@dataclass(frozen=True, kw_only=True)
class Accident:
    """`number` is of the statement among those of `role`; `delay_s` later it happens."""

    what: str
    role: str
    number: int
    phase: Phase
    delay_s: float = 0.0

    def __str__(self) -> str:
        return f"{self.what}@{self.role}:{self.number}:{self.phase.value}+{self.delay_s:.3f}"

    @property
    def leaves_half_open(self) -> bool:
        """Whether a backend may be there that does not know yet that its client is gone."""
        return self.what in ("freeze", "pause", "suspend")


def parse(written: str) -> Accident:
    """From its text. Raises ValueError."""
    found = _WRITTEN.match(written)
    if found is None or found["what"] not in WHAT:
        raise ValueError(f"{written} is no accident: WHAT@ROLE:NUMBER:PHASE+SECONDS, WHAT one of {', '.join(WHAT)}")
    return Accident(
        what=found["what"],
        role=found["role"],
        number=int(found["number"]),
        phase=Phase(found["phase"]),
        delay_s=float(found["delay_s"]),
    )


def drawn(chance: random.Random, seen: Sequence[Statement], what: Mapping[str, int]) -> Accident:
    """At one of the statements of an undisturbed release: at its edges, or while it is run.

    Every text is as likely as every other, however often it was sent: otherwise only the batches would be hit. `what`
    are the kinds there are, with their weights.
    """
    (happens,) = chance.choices(list(what), list(what.values()))
    roles = {role: weight for role, weight in _ROLES.items() if any(item.role == role for item in seen)}
    (role,) = chance.choices(list(roles), list(roles.values()))
    own = [item for item in seen if item.role == role]
    if chance.random() < 0.5:
        text = chance.choice(sorted({item.sql for item in own}))
        own = [item for item in own if item.sql == text]
    statement = chance.choice(own)
    phase = chance.choice(list(Phase))
    is_inside = phase is Phase.SENT and chance.random() < 0.7
    delay_s = chance.uniform(0.0, 1.1 * (statement.seconds or 0.05)) if is_inside else 0.0
    return Accident(what=happens, role=role, number=statement.number, phase=phase, delay_s=round(delay_s, 3))


@dataclass
class Happening:
    """Makes `accident` happen to the release that is started with it; `has_happened` tells whether it came to that."""

    accident: Accident
    server: Restartable
    proxy: Proxy
    has_happened: threading.Event = field(default_factory=threading.Event)
    threads: list[threading.Thread] = field(default_factory=list)
    process: subprocess.Popen[str] | None = None

    @property
    def is_suspended(self) -> bool:
        """Whether the release is to be left where it stands."""
        return self.accident.what == "suspend" and self.has_happened.is_set()

    def trap(self) -> Trap:
        """What the proxy has to be told."""
        accident = self.accident
        return Trap(role=accident.role, number=accident.number, phase=accident.phase, springs=self._spring)

    def wait(self) -> None:
        """Until all that it began is over."""
        for thread in self.threads:
            thread.join()

    def _spring(self, link: Link) -> None:
        if self.accident.delay_s:
            timer = threading.Timer(self.accident.delay_s, self._happen, (link,))
            self.threads.append(timer)
            timer.start()
        else:
            self._happen(link)

    def _happen(self, link: Link) -> None:
        match self.accident.what:
            case "kill":
                self._signal(signal.SIGKILL)
            case "term":
                self._signal(signal.SIGTERM)
            case "suspend":
                self._signal(signal.SIGSTOP)
            case "drop":
                link.drop()
            case "drop-all":
                self.proxy.drop_all()
            case "freeze":
                link.freeze()
            case "pause":
                for each in list(self.proxy.links):
                    each.pause(PAUSE_S)
            case "terminate":
                self._terminate(link.pid)
            case "crash":
                with suppress(ProcessLookupError):
                    os.kill(link.pid, signal.SIGKILL)
            case restart:
                how = restart.removeprefix("restart-")
                thread = threading.Thread(target=self.server.restart, args=(how,))
                self.threads.append(thread)
                thread.start()
        self.has_happened.set()

    def _signal(self, number: signal.Signals) -> None:
        if self.process is not None:
            self.process.send_signal(number)
            if number is signal.SIGKILL:
                self.process.wait()

    def _terminate(self, pid: int) -> None:
        with suppress(psycopg.OperationalError), psycopg.connect(self.server.conninfo(), autocommit=True) as admin:
            admin.execute("SELECT pg_terminate_backend(%s)", (pid,))
