"""The command `gate`, and `python -m gate`."""

from __future__ import annotations

import sys


def main() -> None:
    """Answer `--version` before anything heavy is imported; all else is for the command line proper."""
    if sys.argv[1:] == ["--version"]:
        from gate.model.version import VERSION  # noqa: PLC0415 - the version alone

        print(f"gate {VERSION}")  # noqa: T201 - the answer
        return
    from gate.cli.main import run  # noqa: PLC0415 - see above

    sys.exit(run(sys.argv[1:]))


if __name__ == "__main__":
    main()
