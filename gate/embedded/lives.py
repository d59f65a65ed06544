"""Starts processes that end when this one does, however it ends, as the user that PostgreSQL wants."""

from __future__ import annotations

import os
import pwd
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from gate.embedded import child

NOBODY = 65534


@dataclass(frozen=True, kw_only=True)
class Identity:
    """Who the server runs as. `alias` is a uid with a passwd entry, when `uid` has none and somebody insists."""

    uid: int
    gid: int
    alias: int | None = None

    @property
    def is_other(self) -> bool:
        """Whether files have to be handed over to it."""
        return self.uid != os.geteuid()


def server_identity() -> Identity:
    """This user, or for root an unprivileged one: PostgreSQL refuses to run as root."""
    if os.geteuid() != 0:
        return Identity(uid=os.geteuid(), gid=os.getegid(), alias=_alias(os.geteuid()))
    try:
        nobody = pwd.getpwnam("nobody")
    except KeyError:
        return Identity(uid=NOBODY, gid=NOBODY, alias=_alias(NOBODY))
    return Identity(uid=nobody.pw_uid, gid=nobody.pw_gid)


def _alias(uid: int) -> int | None:
    """None when `uid` has a passwd entry, else some unprivileged uid that has one."""
    known = sorted(entry.pw_uid for entry in pwd.getpwall() if entry.pw_uid != 0)
    return None if uid in known or not known else known[-1]


@dataclass(frozen=True, kw_only=True)
class Spawning:
    """How to start one process: what it runs, as whom, where its output goes, and the signal that ends it."""

    command: Sequence[str | Path]
    identity: Identity
    log: IO[bytes]
    end_signal: signal.Signals
    environment: dict[str, str]
    needs_passwd_entry: bool = False
    guard: bool | None = None
    """True for a pipe and a watcher, False for a death signal; None takes what this thread and system allow."""


@contextmanager
def spawned(spawning: Spawning) -> Iterator[subprocess.Popen[bytes]]:
    """The running process; afterwards the pipe that guards it is closed. Ending and reaping it is the caller's."""
    guard, held = os.pipe() if _wants_guard(spawning) else (None, None)
    try:
        yield _start(spawning, guard)
    finally:
        if held is not None:
            os.close(held)


def _start(spawning: Spawning, guard: int | None) -> subprocess.Popen[bytes]:
    orders = child.Orders(
        command=tuple(map(str, spawning.command)),
        owner_pid=os.getpid(),
        end_signal=int(spawning.end_signal),
        uid=spawning.identity.uid,
        gid=spawning.identity.gid,
        alias=spawning.identity.alias if spawning.needs_passwd_entry else None,
        guard=guard,
    )
    try:
        # A session of its own: an interrupt typed at the terminal is the owner's to handle.
        return subprocess.Popen(
            [sys.executable, "-I", "-S", child.__file__, orders.to_json()],
            stdin=subprocess.DEVNULL,
            stdout=spawning.log,
            stderr=subprocess.STDOUT,
            env=spawning.environment,
            cwd="/",
            pass_fds=() if guard is None else (guard,),
            start_new_session=True,
        )
    finally:
        if guard is not None:
            os.close(guard)


def _wants_guard(spawning: Spawning) -> bool:
    """The death signal fires when the creating thread ends, so only the main thread may rely on it."""
    if spawning.guard is not None:
        return spawning.guard
    return sys.platform != "linux" or threading.current_thread() is not threading.main_thread()


def end(process: subprocess.Popen[bytes], first: signal.Signals, patience_s: float = 10.0) -> None:
    """End `process` by `first`, and by SIGKILL when that does not do."""
    for number in (first, signal.SIGKILL):
        if process.poll() is not None:
            return
        # Another user's process may be signalled by root only, which is who started it.
        process.send_signal(number)
        try:
            process.wait(patience_s)
        except subprocess.TimeoutExpired:
            continue
