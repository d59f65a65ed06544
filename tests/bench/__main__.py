"""`python -m tests.bench NAME`: prints every figure of that bench in one run."""

from __future__ import annotations

import importlib
import sys

_BENCHES = {
    "plan": "what `gate plan` costs, beside two linters",
    "estimate": "what gate says that work takes, beside what it took",
    "stall": "what clients feel of risky migrations, run plain, by gate, by Django, and of none",
    "backfill": "how fast a backfill is beside one plain UPDATE, and what a load feels meanwhile",
    "kill": "how long gate's backends outlive a SIGTERM, a deadline, and kill -9",
    "fleet": "how long 500 small databases take to plan",
    "crash": "releases that are killed, cut off and restarted at every moment, and run again",
}


def main() -> int:
    """Runs the bench that is named."""
    name, *rest = sys.argv[1:] or ["--help"]
    if name not in _BENCHES:
        asked = name in ("-h", "--help")
        print("usage: bench NAME [OPTIONS]; bench NAME --help tells its options\n", file=None if asked else sys.stderr)
        for known, what in _BENCHES.items():
            print(f"  {known:<10} {what}", file=None if asked else sys.stderr)
        return 0 if asked else 2
    main_of = importlib.import_module(f"tests.bench.{name}").main
    code: int = main_of(rest)
    return code


if __name__ == "__main__":
    sys.exit(main())
