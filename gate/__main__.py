"""The command `gate`, and `python -m gate`."""

from __future__ import annotations

import sys


def main() -> None:
    """Answer `--version` before anything heavy is imported; all else is for the command line proper."""
    if sys.argv[1:] == ["--version"]:
        from gate.model.version import VERSION

        print(f"gate {VERSION}")  # noqa: T201 - the answer
        return
    import gc
    import os
    import signal

    if os.getpid() == 1:
        from gate.cli.first_process import go_on_as_a_child

        go_on_as_a_child()

    # A short-lived process that builds many small values and few cycles: collecting costs a third of the time.
    gc.disable()
    # Until there is anything to tidy up, Ctrl-C ends the process without a traceback.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    from gate.cli.main import run

    sys.exit(run(sys.argv[1:]))


if __name__ == "__main__":
    main()
