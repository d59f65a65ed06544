"""What is said to the person beside the answer: on standard error, with every password masked."""

from __future__ import annotations

import sys

from gate.cli.secrets import masked


def tell(text: str) -> None:
    """A line, or several."""
    sys.stderr.write(masked(text) + "\n")
    sys.stderr.flush()


def warn(text: str) -> None:
    """What should be known although the answer stands."""
    tell(f"gate: warning: {text}")
