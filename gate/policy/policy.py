"""A policy as a value: limits, rules, splits, hours. Where nothing is written down, these are the defaults."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum

from gate.model.plan import Severity


class Splits(Enum):
    """What becomes of a statement that a split would cure."""

    AUTO = "auto"
    REFUSE = "refuse"


@dataclass(frozen=True, kw_only=True)
class Limits:
    """How long a relation's readers and writers may be kept waiting, and how many queries may queue meanwhile.

    They hold for one transaction, from the statement that takes the lock to the commit, by the high estimate. A
    relation with at least `hot_per_s` scans or writes a second is busy: no work is done on it under a blocking lock.
    `batch_rows` is how many rows one UPDATE or DELETE may change at once.
    """

    blocked_reads_s: float = 0.2
    blocked_writes_s: float = 0.2
    queued: float = 20.0
    hot_per_s: float = 10.0
    batch_rows: int = 10_000


@dataclass(frozen=True, kw_only=True)
class RuleSetting:
    """What a team says of one rule: `severity` None leaves it off altogether."""

    severity: Severity | None
    reason: str = ""
    may_be_allowed: bool = True


@dataclass(frozen=True, kw_only=True)
class Policy:
    """All of it. `relations` are limits of their own by `schema.name`; `rules` settings by the rule's name."""

    limits: Limits = Limits()
    relations: Mapping[str, Limits] = field(default_factory=dict)
    rules: Mapping[str, RuleSetting] = field(default_factory=dict)
    splits: Splits = Splits.AUTO

    def limits_of(self, relation: str) -> Limits:
        """Those of `schema.name`, the general ones without."""
        return self.relations.get(relation, self.limits)


DEFAULT = Policy()
"""What holds where nothing is written down."""
