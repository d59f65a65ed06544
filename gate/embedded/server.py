"""A PostgreSQL server as a context manager: on a unix socket, for the demo and the tests, gone with its owner."""

from __future__ import annotations

import signal
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from gate.embedded.binaries import Binaries, find
from gate.embedded.datadir import SUPERUSER, log_tail, make_datadir, server_environment
from gate.embedded.errors import EmbeddedUnavailable
from gate.embedded.lives import Identity, Spawning, end, server_identity, spawned
from gate.embedded.reach import lent_to
from gate.embedded.workdir import work_dir

PORT = 5432
START_S = 60.0
POLL_S = 0.005
_STATUS_LINE = 7

SETTINGS = {
    # Nobody needs the data after a crash.
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    # The socket lies in the data directory, which only the server's user can enter.
    "listen_addresses": "",
    "port": str(PORT),
    "unix_socket_permissions": "0700",
    "logging_collector": "off",
    "timezone": "UTC",
    "log_timezone": "UTC",
}


@dataclass(frozen=True, kw_only=True)
class Server:
    """A running server. `pid` is the postmaster's, `directory` holds its socket, `log` what it says."""

    binaries: Binaries
    directory: Path
    pid: int
    log: Path

    def conninfo(self, dbname: str = "postgres") -> str:
        """How libpq reaches `dbname` as the superuser."""
        quoted = dbname.replace("\\", "\\\\").replace("'", "\\'")
        return f"host={self.directory} port={PORT} user={SUPERUSER} dbname='{quoted}'"


@contextmanager
def serve(
    binaries: Binaries | None = None,
    *,
    settings: Mapping[str, str] | None = None,
    in_memory: bool = False,
    guard: bool | None = None,
) -> Iterator[Server]:
    """A fresh server of `binaries` (the newest on the machine), with more `settings` than the usual ones.

    It ends with the block, and when this process is killed; its data go with it. In the main thread of a Linux
    process the kernel sees to that, elsewhere a watcher that holds a pipe (`guard` forces one of the two).
    `in_memory` keeps the data in memory where there is room for a few gigabytes.
    Raises EmbeddedUnavailable when there are no binaries or the server does not start, with its own last words.
    """
    chosen = find() if binaries is None else binaries
    identity = server_identity()
    with work_dir(identity, in_memory=in_memory) as directory:
        lent = lent_to(identity, chosen)
        data = make_datadir(lent, identity, directory, directory / "initdb.log")
        log = directory / "server.log"
        with log.open("wb") as output:
            spawning = Spawning(
                command=_command(lent, data, settings or {}),
                identity=_as_itself(identity),
                log=output,
                # Immediate shutdown: unlike SIGKILL it takes the backends and the shared memory along.
                end_signal=signal.SIGQUIT,
                environment=server_environment(),
                guard=guard,
            )
            with spawned(spawning) as process:
                try:
                    _wait_until_ready(process, data, log, lent)
                    yield Server(binaries=lent, directory=data, pid=process.pid, log=log)
                finally:
                    end(process, signal.SIGQUIT)


def _as_itself(identity: Identity) -> Identity:
    """The server, unlike initdb, does not ask for a passwd entry."""
    return Identity(uid=identity.uid, gid=identity.gid)


def _command(binaries: Binaries, data: Path, settings: Mapping[str, str]) -> list[str | Path]:
    options = {**SETTINGS, "unix_socket_directories": str(data), **settings}
    arguments = [part for name, value in options.items() for part in ("-c", f"{name}={value}")]
    return [binaries.bindir / "postgres", "-D", data, *arguments]


def _wait_until_ready(process: subprocess.Popen[bytes], data: Path, log: Path, binaries: Binaries) -> None:
    deadline = time.monotonic() + START_S
    while not _is_ready(data):
        has_ended = process.poll() is not None
        if has_ended or time.monotonic() > deadline:
            outcome = "ended at once" if has_ended else f"was not ready within {START_S:.0f} s"
            raise EmbeddedUnavailable(
                f"PostgreSQL {binaries.version} ({binaries.origin}) {outcome}:\n{log_tail(log)}",
                remedy="the lines above are the server's own; another installation can be named in "
                f"GATE_PG_BIN_{binaries.major}",
            )
        time.sleep(POLL_S)


def _is_ready(data: Path) -> bool:
    """The postmaster writes its status into the eighth line of its pid file."""
    try:
        lines = (data / "postmaster.pid").read_text().splitlines()
    except FileNotFoundError:
        return False
    return len(lines) > _STATUS_LINE and lines[_STATUS_LINE].strip() == "ready"
