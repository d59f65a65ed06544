"""What a release stands on: its connections, its lock, its heartbeat, its journal, and the signals it hears."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import psycopg

from gate.app.database import target
from gate.app.journals import journal_with
from gate.app.opening import open_connection
from gate.app.release import Releasing
from gate.app.runner import HEARTBEAT_S, LostLock, Runner
from gate.app.world import World
from gate.db.connect import connect
from gate.db.errors import translated
from gate.db.lane import Lane, patiently
from gate.db.standing import LiveCatalog
from gate.db.watching import Watch
from gate.model.errors import GateError, Unreachable
from gate.model.migration import Query
from gate.model.program import WantedLock
from gate.model.run import Outcome
from gate.run.halting import Halt
from gate.run.journalling import Journal
from gate.run.limits import dead_man
from gate.run.patience import PatientEyes
from gate.run.sample import Holder, Other
from gate.run.site import Site
from gate.run.world import Sent

_LONG_S = 1.0
_ANSWER_S = 12.0
"""More than the server lets any question of the runner take; what is run by the hands is looked after otherwise."""
_LOOKS_FOR_S, _MARGIN_S = 75.0, 15.0
"""More than the minute that the catalog of a very large database may take."""


@dataclass
class Ground:
    """`stack` closes what was opened; the runner's connection is the first."""

    releasing: Releasing
    stack: ExitStack
    world: World = field(default_factory=World)
    has_hands: bool = False

    def __post_init__(self) -> None:
        self.runner = Runner(lambda: self.connection("runner"), self.releasing.settings.journal_schema)
        self.stack.callback(self.runner.close)
        self.journal: Journal = journal_with(self.releasing.settings, self.ask)

    def open(self, deadlock_timeout_s: float) -> Site:
        """All the others, before the first act: a server that is full must be found out now."""
        hands = Lane(self._hands)
        self.stack.callback(hands.close)
        self.has_hands = True
        watch = Watch(lambda: self._connect("eyes"))
        self.stack.callback(watch.close)
        self.world.lanes = [hands, watch]
        eyes = PatientEyes(watch, self.world)
        site = Site(
            hands=hands,
            eyes=eyes,
            catalog=LiveCatalog(eyes.ask),
            clock=self.world,
            journal=self.journal,
            release=self.releasing.settings.policy.release,
            tell=self.releasing.tell,
            run=self.releasing.id,
            write=self.ask,
            ends_s=self.releasing.deadlines.works_until_s,
            dead_man=tuple(_accepted(hands)),
            deadlock_timeout_s=deadlock_timeout_s,
        )
        site.takes_away_until_s = self._takes_away_until_s
        if self.releasing.settings.replica_url is not None:
            self._spare(site, self.releasing.settings.replica_url)
        return site

    def _takes_away_until_s(self) -> float:
        stopped_s = self.world.stopped_s or self.world.now()
        return self.releasing.deadlines.takes_away_until_s(stopped_s, by_signal=self.world.stop is not None)

    def connection(self, what: str) -> psycopg.Connection:
        """A new one each time, with the URL and the password as they are now; tried while the server is away."""
        return patiently(
            lambda: self._connect(what),
            for_s=self.releasing.deadlines.connect_at_s(self.world.now()),
            is_stopped=lambda: self.world.stop is not None,
            say=self.releasing.request.warn,
        )

    def _connect(self, what: str) -> psycopg.Connection:
        releasing = self.releasing
        name = f"gate/{releasing.id[:8]}/{what}"
        answer_s = looks_for_s(releasing) if what == "plan" else _ANSWER_S
        return open_connection(releasing.request, releasing.settings, name=name, answer_s=answer_s)

    def _hands(self) -> psycopg.Connection:
        """Whoever stood still for longer than its lock lasts has lost this one too: others may be at its work."""
        if self.has_hands:
            self.check_current()
        return self.connection("hands")

    def check_current(self) -> None:
        """Raises Halt where another release has begun since."""
        if not self.journal.is_current(self.releasing.id):
            raise Halt(
                Outcome.STOPPED,
                "this release stood still for so long that another one has begun, and has taken over its work",
                remedy="look at the other release; gate status tells how far it is",
            )

    def _spare(self, site: Site, url: str) -> None:
        """Long queries of a standby are waited for: to follow an ACCESS EXCLUSIVE it would have to cancel them."""
        name = f"gate/{self.releasing.id[:8]}/replica"
        meant = target(url, option="--replica-url")
        if meant.warning:
            self.releasing.request.warn(meant.warning)
        standby = Watch(lambda: connect(target(url, option="--replica-url").conninfo, application_name=name))
        self.stack.callback(standby.close)
        patient = PatientEyes(standby, self.world)

        def away(wanted: Sequence[WantedLock]) -> tuple[Holder, ...]:
            found = patient.holders(standby.backend, wanted)
            long = (holder for holder in found if holder.other is not None and _is_long(holder.other))
            return tuple(replace(holder, is_on_standby=True) for holder in long)

        site.away = away

    # --- the runner ---------------------------------------------------------------------------------------------------

    def ask(self, query: Query) -> tuple[dict[str, Any], ...]:
        """The journal's questions and writes. Raises Halt where they cannot be asked any more."""
        try:
            return self.runner.ask(query)
        except LostLock:
            raise Halt(
                Outcome.STOPPED,
                "the runner's lock was lost, and another run has it now",
                remedy="the other run takes up what is left",
            ) from None
        except Unreachable as error:
            raise Halt(Outcome.UNREACHABLE, error.problem, remedy=error.remedy) from error
        except psycopg.OperationalError as error:
            # The new connection was lost before it had its settings and the lock.
            lost = translated(error)
            raise Halt(Outcome.UNREACHABLE, lost.problem, remedy=lost.remedy) from error

    @contextmanager
    def running(self) -> Iterator[None]:
        """While statements are run the heartbeat goes on, and a silence gives the lock back."""
        self.runner.die_with_us()
        self.world.beat, self.world.beat_every_s = self._beat, HEARTBEAT_S
        try:
            yield
        finally:
            self.world.beat = lambda: None

    def _beat(self) -> None:
        try:
            self.journal.heartbeat(self.releasing.id)
        except (Halt, GateError) as error:
            self.world.ask_to_stop(f"the loss of the runner's connection ({error})")


def looks_for_s(releasing: Releasing) -> float:
    """More than the server lets a question about the catalog, or about rows, take."""
    return max(_LOOKS_FOR_S, releasing.settings.policy.checks.timeout_s + _MARGIN_S)


def _is_long(other: Other) -> bool:
    """Whose age cannot be seen counts as long."""
    return other.transaction_age_s is None or other.transaction_age_s >= _LONG_S


def _accepted(hands: Lane) -> Iterator[tuple[str, str]]:
    """The settings of the dead man's switch that this server takes: not every platform has all of them."""
    for name, value in dead_man(hands.major):
        answer = hands.ask([Sent(sql="SELECT pg_catalog.set_config($1, $2, false)", parameters=(name, value))])
        if answer.error is None:
            yield name, value
