"""Stands between gate and the server, reads what gate sends, and lets an accident happen at an exact statement.

A connection is known by the last part of the `application_name` that it begins with: `hands`, `eyes`, `runner`, `plan`.
Its statements are counted from 1, over all connections of that name: the same release sends the same ones again.

Source: https://www.postgresql.org/docs/18/protocol-message-formats.html.
"""

from __future__ import annotations

import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from typing import Self

_CANCEL = 80877102
_HEAD = struct.Struct("!cI")
_SOCKET = ".s.PGSQL.5432"
_KEEPALIVE_S = 11.0
"""What gate has told the server: 5 s, and three times 2 s more."""


class Phase(Enum):
    """When something happens to a statement: it has not reached the server; it has; its answer is there, but kept."""

    BEFORE = "before"
    SENT = "sent"
    ANSWERED = "answered"


@dataclass(kw_only=True)
class Statement:
    """One that gate sent. `seconds` is until the server was ready for the next message."""

    role: str
    number: int
    sql: str
    at_s: float
    seconds: float | None = None


@dataclass(kw_only=True)
class Trap:
    """Springs once, at a statement; `springs` is told the connection, and called in the thread that forwards."""

    role: str
    number: int
    phase: Phase
    springs: Callable[[Link], None]
    is_sprung: bool = False


@dataclass(eq=False)
class Link:
    """One connection of gate's, and its other half. `pid` is the backend's.

    `asked` and `answered` count statements, `wanted` is the one whose answer is kept; `pumps` are still at work.
    """

    client: socket.socket
    server: socket.socket
    role: str = ""
    pid: int = 0
    flow: threading.Event = field(default_factory=threading.Event)
    is_frozen: bool = False
    keeps_answer: Trap | None = None
    asked: int = 0
    answered: int = 0
    wanted: int = 0
    pumps: int = 2

    def __post_init__(self) -> None:
        self.flow.set()

    def drop(self) -> None:
        """Both sides see the other one gone."""
        self.flow.set()
        self._close(self.client)
        self._close(self.server)

    def freeze(self) -> None:
        """Half-open: nothing passes any more, and nobody is told, but the server in the end, by its own keepalive."""
        self.is_frozen = True
        self.flow.clear()
        timer = threading.Timer(_KEEPALIVE_S, self._close, (self.server,))
        timer.daemon = True
        timer.start()

    @staticmethod
    def _close(side: socket.socket) -> None:
        with suppress(OSError):
            side.shutdown(socket.SHUT_RDWR)

    def pause(self, seconds: float) -> None:
        """Nothing passes for a while, and then all of it."""
        self.flow.clear()
        threading.Timer(seconds, self.flow.set).start()


@dataclass(eq=False)
class Proxy:
    """Listens in `directory`, where libpq finds it as a host, and passes on to the server's socket in `upstream`."""

    directory: Path
    upstream: Path
    seen: list[Statement] = field(default_factory=list)
    links: list[Link] = field(default_factory=list)
    traps: list[Trap] = field(default_factory=list)
    refuses: bool = False
    _counts: dict[str, int] = field(default_factory=dict)
    _lock: threading.RLock = field(default_factory=threading.RLock)

    def __enter__(self) -> Self:
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(self.directory / _SOCKET))
        self._listener.listen(64)
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self.drop_all()

    def begin(self, traps: list[Trap]) -> None:
        """A new process: its statements are counted from the start."""
        with self._lock:
            self.seen, self.traps, self._counts = [], traps, {}

    def drop_all(self) -> None:
        """Every connection that there is."""
        with self._lock:
            links, self.links = self.links, []
        for link in links:
            link.drop()

    # --- what passes --------------------------------------------------------------------------------------------------

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            server = socket.socket(socket.AF_UNIX)
            try:
                server.connect(str(self.upstream / _SOCKET))
            except OSError:
                client.close()
                server.close()
                continue
            link = Link(client, server)
            with self._lock:
                self.links.append(link)
            for pump in (self._from_client, self._from_server):
                threading.Thread(target=self._pump, args=(pump, link), daemon=True).start()

    def _pump(self, pump: Callable[[Link], None], link: Link) -> None:
        with suppress(OSError, EOFError):
            pump(link)
        # Of one that is half-open neither side hears that the other one has gone.
        if not link.is_frozen:
            link.drop()
        with self._lock:
            link.pumps -= 1
            if link.pumps == 0:
                link.client.close()
                link.server.close()

    def _from_client(self, link: Link) -> None:
        size, code = struct.unpack("!II", _exactly(link.client, 8))
        body = _exactly(link.client, size - 8)
        if code != _CANCEL:
            link.role = _role(body)
        link.server.sendall(struct.pack("!II", size, code) + body)
        sql = ""
        for kind, whole in _messages(link.client):
            link.flow.wait()
            if kind == b"P":
                sql = whole[5:].split(b"\0", 2)[1].decode(errors="replace")
            elif kind == b"Q":
                sql = whole[5:-1].decode(errors="replace")
            trap = self._met(link, sql) if kind in b"QE" else None
            if trap is not None and trap.phase is Phase.BEFORE:
                self._spring(trap, link)
                link.flow.wait()
            link.asked += kind in b"QE"
            if trap is not None and trap.phase is Phase.ANSWERED:
                link.wanted, link.keeps_answer = link.asked, trap
            link.server.sendall(whole)
            if trap is not None and trap.phase is Phase.SENT:
                self._spring(trap, link)

    def _from_server(self, link: Link) -> None:
        kept = b""
        for kind, whole in _messages(link.server):
            if kind == b"K":
                link.pid = struct.unpack("!I", whole[5:9])[0]
            if kind == b"Z":
                self._note_ready(link)
            # After an error what follows in the pipeline is passed over.
            link.answered = link.asked if kind in b"EZ" else link.answered + (kind in b"CI")
            trap = link.keeps_answer
            if trap is not None:
                kept += whole
                if link.answered < link.wanted:
                    continue
                link.keeps_answer = None
                self._spring(trap, link)
            link.flow.wait()
            link.client.sendall(kept or whole)
            kept = b""

    def _met(self, link: Link, sql: str) -> Trap | None:
        with self._lock:
            number = self._counts[link.role] = self._counts.get(link.role, 0) + 1
            self.seen.append(Statement(role=link.role, number=number, sql=sql, at_s=time.monotonic()))
            found = (trap for trap in self.traps if (trap.role, trap.number) == (link.role, number))
            return next(found, None)

    def _note_ready(self, link: Link) -> None:
        now = time.monotonic()
        with self._lock:
            for statement in reversed(self.seen):
                if statement.role == link.role and statement.seconds is not None:
                    return
                if statement.role == link.role:
                    statement.seconds = now - statement.at_s

    def _spring(self, trap: Trap, link: Link) -> None:
        with self._lock:
            if trap.is_sprung:
                return
            trap.is_sprung = True
        trap.springs(link)


def _role(startup: bytes) -> str:
    words = startup.split(b"\0")
    pairs = dict(zip(words[::2], words[1::2], strict=False))
    return pairs.get(b"application_name", b"").decode().rpartition("/")[2] or "other"


def _messages(side: socket.socket) -> Iterator[tuple[bytes, bytes]]:
    while True:
        head = _exactly(side, _HEAD.size)
        kind, size = _HEAD.unpack(head)
        yield kind, head + _exactly(side, size - 4)


def _exactly(side: socket.socket, size: int) -> bytes:
    found = b""
    while len(found) < size:
        part = side.recv(size - len(found))
        if not part:
            raise EOFError
        found += part
    return found
