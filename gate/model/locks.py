"""Table-level lock modes and their conflicts.

Source: PostgreSQL 18, "Explicit Locking", table 13.2; `src/include/storage/lockdefs.h`. The conflict table has
been the same since 14.
"""

from __future__ import annotations

from enum import Enum
from functools import total_ordering


@total_ordering
class LockMode(Enum):
    """A relation lock in PostgreSQL's words; ordered from the weakest to the strongest."""

    ACCESS_SHARE = "ACCESS SHARE"
    ROW_SHARE = "ROW SHARE"
    ROW_EXCLUSIVE = "ROW EXCLUSIVE"
    SHARE_UPDATE_EXCLUSIVE = "SHARE UPDATE EXCLUSIVE"
    SHARE = "SHARE"
    SHARE_ROW_EXCLUSIVE = "SHARE ROW EXCLUSIVE"
    EXCLUSIVE = "EXCLUSIVE"
    ACCESS_EXCLUSIVE = "ACCESS EXCLUSIVE"

    @property
    def strength(self) -> int:
        """1 (ACCESS SHARE) to 8 (ACCESS EXCLUSIVE), as `lockdefs.h` numbers them."""
        return _STRENGTH[self]

    @property
    def server_name(self) -> str:
        """The name in `pg_locks.mode`: `AccessShareLock` and so on."""
        return "".join(word.capitalize() for word in self.value.split()) + "Lock"

    def __lt__(self, other: LockMode) -> bool:
        return _STRENGTH[self] < _STRENGTH[other]

    def __hash__(self) -> int:
        return hash(self.value)

    def conflicts(self, other: LockMode) -> bool:
        """Whether two transactions cannot hold these modes on one relation at the same time."""
        return other in _CONFLICTS[self]

    @property
    def shuts_out(self) -> tuple[str, ...]:
        """What has to wait: `reads` (SELECT), `writes` (INSERT, UPDATE, DELETE)."""
        shut = []
        if self.conflicts(LockMode.ACCESS_SHARE):
            shut.append("reads")
        if self.conflicts(LockMode.ROW_EXCLUSIVE):
            shut.append("writes")
        return tuple(shut)


_STRENGTH = {mode: number for number, mode in enumerate(LockMode, start=1)}

_AS, _RS, _RX, _SUX, _S, _SRX, _X, _AX = LockMode

_CONFLICTS: dict[LockMode, frozenset[LockMode]] = {
    _AS: frozenset({_AX}),
    _RS: frozenset({_X, _AX}),
    _RX: frozenset({_S, _SRX, _X, _AX}),
    _SUX: frozenset({_SUX, _S, _SRX, _X, _AX}),
    _S: frozenset({_RX, _SUX, _SRX, _X, _AX}),
    _SRX: frozenset({_RX, _SUX, _S, _SRX, _X, _AX}),
    _X: frozenset({_RS, _RX, _SUX, _S, _SRX, _X, _AX}),
    _AX: frozenset(LockMode),
}

_BY_SERVER_NAME = {mode.server_name: mode for mode in LockMode}


def from_server_name(name: str) -> LockMode:
    """The mode that `pg_locks.mode` calls `name`; KeyError for anything else (`SIReadLock`)."""
    return _BY_SERVER_NAME[name]
