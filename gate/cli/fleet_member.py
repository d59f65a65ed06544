"""The release of one database of a fleet does not outlive whoever began it, not even one that was killed."""

from __future__ import annotations

import os
import signal
import sys
import threading

from gate.model.fleet import PARENT


def end_with_the_fleet() -> None:
    """Stops in good order, as by SIGTERM, when standard input ends: the other end was held by the parent alone."""
    # A gate that a hook starts is nobody's member.
    os.environ.pop(PARENT, None)
    threading.Thread(target=_watch, name="fleet", daemon=True).start()


def _watch() -> None:
    try:
        while os.read(sys.stdin.fileno(), 1024):
            pass
    except OSError:
        return
    os.kill(os.getpid(), signal.SIGTERM)
