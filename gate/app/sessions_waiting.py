"""Sessions of one database that wait for a lock, as `gate watch` counts them."""

from __future__ import annotations

from collections.abc import Iterator

from gate.app.aside import aside
from gate.app.opening import open_connection
from gate.app.request import Request
from gate.app.settings import Settings
from gate.db.sighting import Sighting
from gate.db.watching import Watch
from gate.model.errors import Unreachable
from gate.run.holding import Waiting
from gate.run.queues import Lock

_NAME = "gate watch"
_OWN = "gate/"
_LOOK_S = 15.0
"""A connection and an answer, at most."""


class WaitingSessions:
    """Connects when it is first asked, and anew where the connection was lost."""

    def __init__(self, request: Request, settings: Settings) -> None:
        self._request = request
        self._settings = settings
        self._watch: Watch | None = None
        self.database = settings.database or ""

    def now(self) -> tuple[Waiting, ...]:
        """Client sessions of this database that wait for rows or a relation, each once; none of gate's own.

        Nor who waits for an advisory lock: many programs take turns by these, for hours. Raises Unreachable and
        MissingPrivilege.
        """
        try:
            seen = aside(self._seen, _LOOK_S)
        except Unreachable:
            # Whoever was given up may still hold it.
            self._watch = None
            raise
        return tuple({one.pid: one for one in _waiting(seen)}.values())

    def _seen(self) -> Sighting:
        watch = self._watch or Watch(lambda: open_connection(self._request, self._settings, name=_NAME))
        seen = watch.sighting()
        self._watch, self.database = watch, watch.database
        return seen

    def close(self) -> None:
        """Gives the connection up."""
        if self._watch is not None:
            self._watch.close()


def _waiting(seen: Sighting) -> Iterator[Waiting]:
    for waiters in seen.queues.waiters.values():
        for lock in waiters:
            other = seen.other(lock.party)
            is_ours = (other.application or "").startswith((_OWN, _NAME))
            if lock.party not in seen.here or not lock.is_for_rows or other.kind != "client backend" or is_ours:
                continue
            yield Waiting(
                pid=other.backend.pid,
                who=" ".join(filter(None, (other.user, f'"{other.application}"' if other.application else ""))) or "?",
                waited_s=lock.waited_s or 0.0,
                relation=seen.name_of(lock),
                behind=_behind(seen, lock),
            )


def _behind(seen: Sighting, lock: Lock) -> str:
    blockers = seen.queues.blockers_of(lock.party)
    if not blockers:
        return ""
    other = seen.other(blockers[0].party)
    if not other.backend.pid:
        return f"the prepared transaction {other.application}"
    named = " ".join(filter(None, (other.user, f'"{other.application}"' if other.application else "", other.state)))
    return f"pid {other.backend.pid}" + (f" ({named})" if named else "")
