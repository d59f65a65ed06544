"""A server of the sweep's own, which can be restarted in the middle."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import psycopg
from psycopg import sql

from gate.embedded import Binaries
from gate.embedded.datadir import SUPERUSER, make_datadir, server_environment
from gate.embedded.lives import Identity, Spawning, end, server_identity, spawned
from gate.embedded.reach import lent_to
from gate.embedded.server import SETTINGS
from gate.embedded.workdir import work_dir
from tests.servers import SETTINGS as TEST_SETTINGS
from tests.servers import Database

_START_S = 60.0
# What was committed survives a crash of the server; that of the machine is nobody's concern here.
_HONEST = {"synchronous_commit": "on"}
_FAST, _IMMEDIATE = signal.SIGINT, signal.SIGQUIT
STOPS = {"fast": _FAST, "immediate": _IMMEDIATE}


@dataclass
class Restartable:
    """The socket lies in `directory`. One restart at a time."""

    binaries: Binaries
    identity: Identity
    directory: Path
    stack: ExitStack = field(default_factory=ExitStack)
    lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def major(self) -> int:
        """The server's major version."""
        return self.binaries.major

    def conninfo(self, dbname: str = "postgres", directory: Path | None = None) -> str:
        """How libpq reaches it, or whatever listens in `directory` instead."""
        return f"host={directory or self.directory} port=5432 user={SUPERUSER} dbname={dbname}"

    def start(self) -> None:
        """Returns when it lets clients in."""
        log = self.stack.enter_context((self.directory.parent / "server.log").open("ab"))
        settings = {**SETTINGS, **TEST_SETTINGS, **_HONEST, "unix_socket_directories": str(self.directory)}
        options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        spawning = Spawning(
            command=[self.binaries.bindir / "postgres", "-D", self.directory, *options],
            identity=Identity(uid=self.identity.uid, gid=self.identity.gid),
            log=log,
            end_signal=_IMMEDIATE,
            environment=server_environment(),
            # A restart comes from a thread that ends before the server does.
            guard=True,
        )
        self.process = self.stack.enter_context(spawned(spawning))
        until_s = time.monotonic() + _START_S
        while True:
            try:
                psycopg.connect(self.conninfo()).close()
            except psycopg.OperationalError:
                if time.monotonic() > until_s or self.process.poll() is not None:
                    raise
                time.sleep(0.02)
            else:
                return

    def stop(self, how: signal.Signals = _IMMEDIATE) -> None:
        """Ends it, as `pg_ctl stop -m` does by such a signal."""
        end(self.process, how)
        self.stack.close()

    def restart(self, how: str) -> None:
        """`fast` or `immediate`."""
        with self.lock:
            self.stop(STOPS[how])
            self.start()

    # --- databases ----------------------------------------------------------------------------------------------------

    def database(self, name: str) -> Database:
        """That of this name."""
        return Database(name=name, conninfo=self.conninfo(name), major=self.major)

    def create(self, name: str, template: str = "template0") -> Database:
        """A fresh one, in place of what had the name."""
        with psycopg.connect(self.conninfo(), autocommit=True) as admin:
            new, old = sql.Identifier(name), sql.Identifier(template)
            admin.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(new))
            admin.execute(sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(new, old))
        return self.database(name)


@contextmanager
def restartable(binaries: Binaries) -> Iterator[Restartable]:
    """Runs within the block; its data go with it."""
    identity = server_identity()
    with work_dir(identity, in_memory=True) as directory:
        lent = lent_to(identity, binaries)
        data = make_datadir(lent, identity, directory, directory / "initdb.log")
        server = Restartable(lent, identity, data)
        server.start()
        try:
            yield server
        finally:
            with server.lock:
                server.stop()
