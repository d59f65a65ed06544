"""What the supervisor needs of the world: two connections, a clock, the journal; Protocols, which app fills."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from gate.model.migration import Query
from gate.model.program import WantedLock
from gate.model.run import Backend
from gate.run.sample import Holder, Other, Sample

Row = Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class Sent:
    """One statement to send: text with `$1` places and its parameters as text, or COPY data that follows it.

    `types` are oids of the parameters' types, 0 where the server infers it; none: it infers all.
    """

    sql: str
    parameters: tuple[str | None, ...] = ()
    types: tuple[int, ...] = ()
    data: str | None = None


@dataclass(frozen=True, kw_only=True)
class ServerError:
    """What the server answered, or `sqlstate` empty where the connection was lost before it could."""

    problem: str
    sqlstate: str = ""
    detail: str = ""
    hint: str = ""
    at: int = 0

    @property
    def is_lost(self) -> bool:
        """The connection is gone: what became of the transaction has to be asked."""
        return self.sqlstate == "" or self.sqlstate[:3] == "57P" or self.sqlstate in ("25P03", "25P04", "08006")


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What became of what was sent: the rows of each, or the error of the one at `error.at`, the rest not run.

    `notices` are the server's, without their context.
    """

    rows: tuple[tuple[Row, ...], ...] = ()
    error: ServerError | None = None
    notices: tuple[str, ...] = ()
    counts: tuple[int | None, ...] = ()


class Hands(Protocol):
    """The connection that runs the statements. Nothing here waits for the server but `reset`."""

    @property
    def backend(self) -> Backend: ...
    @property
    def major(self) -> int: ...

    def start(self, sent: Sequence[Sent]) -> None:
        """Sends all in one round trip where their kind allows it; what follows an error is not run."""

    def answer(self) -> Answer | None:
        """The whole answer, None while the server is at work."""

    def cancel(self) -> None:
        """Asks the server to cancel, without the watchdog's connection; best effort."""

    def renew(self) -> None:
        """A new connection in place of a lost one; raises Unreachable after the time for connecting is over."""


class Eyes(Protocol):
    """The watchdog's connection. `look` sends a question without waiting, `seen` has its answer or None."""

    def look(self, ours: Backend, wanted: Sequence[WantedLock] = (), *, for_load: bool = False) -> None: ...
    def seen(self) -> Sample | None: ...
    def holders(self, ours: Backend, wanted: Sequence[WantedLock]) -> tuple[Holder, ...]:
        """Asked at once; waits for the answer."""

    def ask(self, query: Query) -> tuple[Row, ...]:
        """One bounded question of the catalog; renews the connection where it was lost."""

    def end(self, backend: Backend, how: str) -> bool:
        """`cancel` or `terminate`, only if pid and start still fit; False where it was gone, or may not be ended."""

    def is_gone(self, backend: Backend) -> bool: ...


class Clock(Protocol):
    """Monotonic time, and rest."""

    def now(self) -> float: ...
    def utc(self) -> str:
        """ISO 8601."""

    def rest(self, seconds: float) -> None:
        """Until then, or until a connection has something to read, or a signal came."""

    def chance(self) -> float:
        """A number from 0 to 1, for jitter."""

    @property
    def stop(self) -> str | None:
        """The name of the signal that asked to stop, None while nobody has."""


@dataclass(frozen=True, kw_only=True)
class IndexState:
    """An index as the catalog has it; `is_same` as the one that a text would make, None where that cannot be told."""

    is_valid: bool
    definition: str
    is_same: bool | None = None


class Catalog(Protocol):
    """What a step has to know of the catalog before or after it; each is one bounded question."""

    def index(self, schema: str, name: str, sql: str) -> IndexState | None:
        """None where there is no such index; `sql` is the CREATE INDEX that wants to make it."""

    def old_snapshots(self) -> tuple[Other, ...]:
        """Sessions whose snapshots a CONCURRENTLY step has to outlive, the oldest first."""

    def missing_standby(self) -> str | None:
        """Why a COMMIT would wait for a synchronous standby that is not there; None where it would not."""

    def leftover_indexes(self, relations: Sequence[str]) -> tuple[tuple[str, str], ...]:
        """Schema and name of the invalid indexes that an interrupted REINDEX CONCURRENTLY left on them."""

    def half_detached(self, relations: Sequence[str]) -> tuple[tuple[str, str], ...]:
        """Pairs of parent and partition among them (SQL names) whose DETACH CONCURRENTLY was interrupted."""
