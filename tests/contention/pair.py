"""A primary and a standby that streams from it: two copies of one fresh data directory."""

from __future__ import annotations

import shutil
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import psycopg

from gate.embedded import Binaries
from gate.embedded.datadir import SUPERUSER, log_tail, make_datadir, server_environment
from gate.embedded.lives import Identity, Spawning, end, server_identity, spawned
from gate.embedded.reach import lent_to
from gate.embedded.server import SETTINGS
from gate.embedded.workdir import work_dir

STANDBY = "standby"
_START_S = 60.0
_OWN = {"shared_buffers": "16MB", "autovacuum": "off", "synchronous_commit": "on"}


@dataclass
class Member:
    """One of the two; the socket lies in its data directory."""

    binaries: Binaries
    identity: Identity
    directory: Path
    stack: ExitStack = field(default_factory=ExitStack)
    process: subprocess.Popen[bytes] | None = None

    @property
    def log(self) -> Path:
        """What it says."""
        return self.directory.with_suffix(".log")

    def conninfo(self, dbname: str = "postgres") -> str:
        """How libpq reaches it as the superuser."""
        return f"host={self.directory} port=5432 user={SUPERUSER} dbname={dbname}"

    def start(self, settings: Mapping[str, str] | None = None) -> None:
        """Returns when it lets clients in."""
        log = self.stack.enter_context(self.log.open("ab"))
        told = {**SETTINGS, **_OWN, "unix_socket_directories": str(self.directory), **(settings or {})}
        options = [part for name, value in told.items() for part in ("-c", f"{name}={value}")]
        spawning = Spawning(
            command=[self.binaries.bindir / "postgres", "-D", self.directory, *options],
            identity=Identity(uid=self.identity.uid, gid=self.identity.gid),
            log=log,
            end_signal=signal.SIGQUIT,
            environment=server_environment(),
        )
        self.process = process = self.stack.enter_context(spawned(spawning))
        until_s = time.monotonic() + _START_S
        while True:
            try:
                psycopg.connect(self.conninfo()).close()
            except psycopg.OperationalError:
                assert time.monotonic() < until_s, "it did not start"
                assert process.poll() is None, log_tail(self.log)
                time.sleep(0.02)
            else:
                return

    def stop(self) -> None:
        """At once, however far its start has come."""
        if self.process is not None:
            end(self.process, signal.SIGQUIT)
        self.stack.close()


@dataclass(frozen=True, kw_only=True)
class Pair:
    """Both are running, and what the one commits the other has soon."""

    primary: Member
    standby: Member


@contextmanager
def streaming(binaries: Binaries) -> Iterator[Pair]:
    """Both run within the block; their data go with it."""
    identity = server_identity()
    with work_dir(identity, in_memory=True) as directory, ExitStack() as stack:
        lent = lent_to(identity, binaries)
        data = make_datadir(lent, identity, directory, directory / "initdb.log")
        primary, standby = Member(lent, identity, data), Member(lent, identity, directory / "replica")
        shutil.copytree(data, standby.directory)
        (standby.directory / "standby.signal").touch()
        for path in (standby.directory, *standby.directory.rglob("*")):
            if identity.is_other:
                shutil.chown(path, identity.uid, identity.gid)
        stack.callback(primary.stop)
        primary.start()
        conninfo = f"host={primary.directory} port=5432 user={SUPERUSER} application_name={STANDBY}"
        stack.callback(standby.stop)
        standby.start(
            {"primary_conninfo": conninfo, "max_standby_streaming_delay": "-1", "hot_standby_feedback": "off"}
        )
        yield Pair(primary=primary, standby=standby)
