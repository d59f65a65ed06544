"""What is due from the first process of a container: to hand signals on, and to collect the dead.

The kernel ignores for process 1 every signal that it has no handler for, and makes every orphan its child. gate is not
made for either: it goes on as a child, and what stays behind does only this.

Source: https://man7.org/linux/man-pages/man7/pid_namespaces.7.html, "The namespace init process".
"""

from __future__ import annotations

import os
import signal
import sys
from contextlib import suppress
from types import FrameType

_HANDED_ON = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGQUIT, signal.SIGUSR1, signal.SIGUSR2)


def go_on_as_a_child() -> None:
    """For process 1: returns in a new one, which does the work."""
    # Held back until there is somebody to hand them to: one that comes meanwhile is not lost.
    signal.pthread_sigmask(signal.SIG_BLOCK, _HANDED_ON)
    child = os.fork()
    if child:
        _stay_behind(child)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, _HANDED_ON)


def _stay_behind(child: int) -> None:
    def hand_on(number: int, _frame: FrameType | None) -> None:
        # At a terminal Ctrl-C reaches both of us, and a second one means something else to gate.
        if number != signal.SIGINT or sys.stdin is None or not sys.stdin.isatty():
            # One that comes when it has been collected changes nothing of how it ended.
            with suppress(ProcessLookupError):
                os.kill(child, number)

    for number in _HANDED_ON:
        signal.signal(number, hand_on)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, _HANDED_ON)
    os._exit(_code_of(child))


def _code_of(child: int) -> int:
    """Collects whoever ends until the child does; then its exit code, as a shell tells it."""
    while True:
        ended, status = os.waitpid(-1, 0)
        if ended == child:
            code = os.waitstatus_to_exitcode(status)
            return code if code >= 0 else 128 - code
