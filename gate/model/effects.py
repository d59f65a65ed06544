"""What a statement does: the lock on each relation, and the work under it."""

from __future__ import annotations

from dataclasses import dataclass

from gate.model.costs import Seconds
from gate.model.locks import LockMode
from gate.model.work import Work


@dataclass(frozen=True)
class Touch:
    """One thing that an action does to one relation (by oid); touches of one statement are merged to effects.

    `shuts_out_readers` is true where an index of the relation is locked ACCESS EXCLUSIVE: whoever plans a
    query on the table waits for that too. `loses` names columns whose statistics are thrown away.
    """

    relation: int
    lock: LockMode
    work: frozenset[Work] = frozenset()
    loses: tuple[str, ...] = ()
    shuts_out_readers: bool = False


@dataclass(frozen=True, kw_only=True)
class Effect:
    """A relation as the statement meets it: under the name it had before, with all that is done to it.

    `seconds` is what the work on it takes, None where unknown; `disk_bytes` and `wal_bytes` what it needs meanwhile.
    `scans_per_s` and `writes_per_s` were watched, `scans` and `writes` counted since the statistics were last reset;
    `index_builds` are scans among them that nobody's query made.
    """

    oid: int
    schema: str
    name: str
    kind: str
    lock: LockMode
    work: tuple[Work, ...] = (Work.CATALOG_ONLY,)
    shuts_out: tuple[str, ...] = ()
    loses_statistics: tuple[str, ...] = ()
    rows: float | None = None
    size_bytes: int | None = None
    is_new: bool = False
    is_known_empty: bool = False
    seconds: Seconds | None = None
    disk_bytes: int | None = None
    wal_bytes: int | None = None
    scans_per_s: float | None = None
    writes_per_s: float | None = None
    scans: int | None = None
    writes: int | None = None
    index_builds: int = 0

    @property
    def keeps_others_out(self) -> bool:
        """Whether readers or writers wait for its lock; nobody writes to a materialized view but REFRESH."""
        return bool(self.shuts_out) and (self.kind != "m" or "reads" in self.shuts_out)

    @property
    def is_unused(self) -> bool:
        """Made by this release, or empty and neither read nor written since the server's counters began.

        Nobody can be harmed then. The server counts the scan that builds an index too, however empty the table was.
        """
        if self.is_new:
            return True
        was_read = self.scans is None or self.scans > self.index_builds or bool(self.scans_per_s)
        return self.is_known_empty and not was_read and not self.writes

    @property
    def relation(self) -> str:
        """`schema.name`, unquoted."""
        return f"{self.schema}.{self.name}"


class ServerWouldReject(Exception):
    """Raised while deriving: the server would answer this statement with an error; `sqlstate` where it is known."""

    def __init__(self, problem: str, *, sqlstate: str = "", remedy: str = "") -> None:
        super().__init__(problem)
        self.problem = problem
        self.sqlstate = sqlstate
        self.remedy = remedy


class NotUnderstood(Exception):
    """Raised while deriving: gate cannot know what this statement does; `remedy` says what would make it known."""

    def __init__(self, problem: str, *, remedy: str = "") -> None:
        super().__init__(problem)
        self.problem = problem
        self.remedy = remedy
