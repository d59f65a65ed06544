"""A program that owns a server: prints its postmaster's pid and data directory, then waits to be killed."""

from __future__ import annotations

import signal
import sys
import threading
import time

from gate.embedded import find, serve


def own(*, guard: bool | None) -> None:
    with serve(find(int(sys.argv[1])), guard=guard, in_memory=True) as server:
        print(server.pid, server.directory, flush=True)
        time.sleep(600)


if __name__ == "__main__":
    # A shell that runs the tests in the background has them ignore it, and whatever they start.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    match sys.argv[2]:
        case "main":
            own(guard=None)
        case "guard":
            own(guard=True)
        case "thread":
            # A thread that goes on: what it started must live as long as the process, not longer.
            worker = threading.Thread(target=own, kwargs={"guard": None})
            worker.start()
            worker.join()
        case other:
            sys.exit(f"no such way: {other}")
