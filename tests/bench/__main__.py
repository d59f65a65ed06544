"""`python -m tests.bench plan`: prints every figure in one run."""

from __future__ import annotations

import importlib
import pkgutil
import sys
from pathlib import Path

_NOT_BENCHES = {"__main__", "measuring", "databases", "peers", "migrations"}


def main() -> int:
    """Runs the bench that is named."""
    known = [item.name for item in pkgutil.iter_modules([str(Path(__file__).parent)]) if item.name not in _NOT_BENCHES]
    named = sys.argv[1:]
    if not named or named[0] not in known:
        print(f"usage: bench {'|'.join(known)} [OPTIONS]", file=sys.stderr)
        return 2
    main_of = importlib.import_module(f"tests.bench.{named[0]}").main
    code: int = main_of(named[1:]) if named[1:] else main_of()
    return code


if __name__ == "__main__":
    sys.exit(main())
