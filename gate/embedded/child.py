"""What a server process does before it is one: gives up privileges, ties its life to its owner's, then execs.

Run as a file by `gate.embedded.lives`, in a fresh interpreter: between fork and exec of a big process with threads
nothing of this would be safe. Standard library only, and nothing is imported once privileges are gone: the
interpreter itself may lie where only the owner can read.
"""

from __future__ import annotations

import ctypes
import json
import os
import select
import signal
import sys
from dataclasses import dataclass

PR_SET_PDEATHSIG = 1
CLONE_NEWUSER = 0x10000000
POLL_S = 1.0


@dataclass(frozen=True, kw_only=True)
class Orders:
    """How to become `command`.

    `uid` and `gid` are taken on when they are not ours yet. `alias` is a uid with a passwd entry to be seen as, through
    a user namespace. `guard` is the reading end of a pipe that the owner holds, or None for a death signal.
    """

    command: tuple[str, ...]
    owner_pid: int
    end_signal: int
    uid: int
    gid: int
    alias: int | None
    guard: int | None

    def to_json(self) -> str:
        """The orders as the one argument of this file."""
        return json.dumps(self.__dict__)


def main(text: str) -> None:
    """Carry out the orders; does not return."""
    orders = Orders(**json.loads(text))
    libc = ctypes.CDLL(None, use_errno=True)
    # Python ignores SIGPIPE for itself, and exec hands that on.
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    become(orders)
    if orders.alias is not None:
        be_seen_as(orders.alias, libc)
    if orders.guard is None:
        die_with_owner(orders, libc)
    else:
        watch(orders.guard, orders)
    os.execv(orders.command[0], orders.command)  # noqa: S606 - a list, no shell


def become(orders: Orders) -> None:
    """Groups first: without root they can no longer be given up."""
    if orders.uid == os.geteuid():
        return
    os.setgroups([])
    os.setgid(orders.gid)
    os.setuid(orders.uid)


def be_seen_as(alias: int, libc: ctypes.CDLL) -> None:
    """A namespace in which our uid is `alias`: initdb insists on a passwd entry."""
    uid, gid = os.geteuid(), os.getegid()
    if libc.unshare(CLONE_NEWUSER) != 0:
        sys.exit(f"uid {uid} has no passwd entry, and a user namespace is not allowed here")
    write("/proc/self/setgroups", "deny")
    write("/proc/self/uid_map", f"{alias} {uid} 1")
    write("/proc/self/gid_map", f"{alias} {gid} 1")


def write(path: str, text: str) -> None:
    """One write call, as these files want it."""
    with open(path, "w", encoding="ascii") as file:  # noqa: PTH123 - pathlib is not worth its import here
        file.write(text)


def die_with_owner(orders: Orders, libc: ctypes.CDLL) -> None:
    """Linux sends the signal when the thread that forked us ends. Set last: taking on a uid clears it."""
    if libc.prctl(PR_SET_PDEATHSIG, orders.end_signal, 0, 0, 0) != 0:
        sys.exit("the death signal could not be set")
    if os.getppid() != orders.owner_pid:
        sys.exit("the owner ended before its server began")


def watch(guard: int, orders: Orders) -> None:
    """Where no such signal exists: a child of ours sees the owner's pipe close, and ends us."""
    server = os.getpid()
    if os.fork() != 0:
        os.close(guard)
        return
    # A server that ends by itself is no longer our parent; its pid may then be somebody else's.
    while os.getppid() == server:
        ready, _, _ = select.select([guard], [], [], POLL_S)
        if ready and os.getppid() == server:
            os.kill(server, orders.end_signal)
            break
    os._exit(0)


if __name__ == "__main__":
    main(sys.argv[1])
