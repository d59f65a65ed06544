"""Data checks: questions about rows, as values. A rule asks, `gate.db` bounds and runs, the judge reads the answer."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Check:
    """One question. `relations` are the oids of all relations whose rows it reads, the one it is about first."""

    relations: tuple[int, ...]


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What the rows said. `count` None is unknown, and `why` says why; 0 is none; `is_at_least` where counting stopped.

    `examples` are up to three keys of violating rows as text, for a terminal only; `remedy` what would make it known.
    """

    count: int | None
    is_at_least: bool = False
    examples: tuple[str, ...] = ()
    why: str = ""
    remedy: str = ""
