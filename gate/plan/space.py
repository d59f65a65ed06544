"""Whether the disk has room for what a statement needs while it works: its new files, and the WAL that it writes."""

from __future__ import annotations

from gate.model.effects import Effect
from gate.model.plan import Finding, Severity
from gate.model.units import size

# A disk that is filled to the last byte stops the server: a tenth stays free.
_USABLE = 0.9


def runs_out(effects: tuple[Effect, ...], free_bytes: int | None) -> Finding | None:
    """Refuses where the new files alone do not fit, warns where they do not together with the WAL; None if they do."""
    if free_bytes is None:
        return None
    files = sum(effect.disk_bytes or 0 for effect in effects)
    wal = sum(effect.wal_bytes or 0 for effect in effects)
    room = _USABLE * free_bytes
    if files + wal <= room or not files + wal:
        return None
    largest = max(effects, key=lambda effect: (effect.disk_bytes or 0) + (effect.wal_bytes or 0))
    return Finding(
        rule="disk-runs-out",
        severity=Severity.REFUSE if files > room else Severity.WARN,
        problem=f"needs about {size(files)} of disk and writes about {size(wal)} of WAL for {largest.relation}; "
        f"{size(free_bytes)} are free",
        remedy="make room first, or move what can go to another tablespace; WAL is freed only after it is archived and "
        "every replication slot has read it",
        relation=largest.relation,
    )
