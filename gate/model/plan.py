"""A plan: what is pending, what each statement does, and the verdict; a value that can be stored and compared."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum

from gate.model.costs import Seconds, total
from gate.model.effects import Effect
from gate.model.locks import LockMode
from gate.model.moment import Blocker
from gate.model.steps import Step
from gate.model.unread import Unread


class Verdict(Enum):
    """Ordered from best to worst."""

    PASS = "pass"  # noqa: S105 - a verdict
    SPLIT = "split"
    REFUSE = "refuse"


def worst(verdicts: list[Verdict]) -> Verdict:
    """The worst of them; nothing to judge is a pass."""
    order = list(Verdict)
    return max(verdicts, key=order.index, default=Verdict.PASS)


class Mode(Enum):
    """Whether a verdict is obeyed: `observe` lets pass what would be refused and says so, `off` does not even look."""

    ENFORCE = "enforce"
    OBSERVE = "observe"
    OFF = "off"


class Severity(Enum):
    """How much a finding weighs."""

    NOTE = "note"
    WARN = "warn"
    REFUSE = "refuse"


@dataclass(frozen=True, kw_only=True)
class Finding:
    """What a rule says of a statement or of the state: the harm, and the way out.

    `relation` is what it is about. `is_cured_by_split`: a split, where there is one, takes the harm away.
    `examples` are keys of rows, for a terminal only. `allowed_by` is the reason that somebody gave for allowing it.
    """

    rule: str
    severity: Severity
    problem: str
    remedy: str
    relation: str | None = None
    allowed_by: str | None = None
    is_cured_by_split: bool = False
    examples: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class StatementPlan:
    """One statement, judged. `line` is 1-based; `steps` are what to run instead, where the verdict is `split`.

    `sql` and `steps` are without secrets, to be shown; `to_run` are the same steps as a release runs them.
    `undo` takes back what passes as it stands, None where there is no safe way.
    """

    line: int
    sql: str
    kind: str
    verdict: Verdict
    is_understood: bool
    effects: tuple[Effect, ...] = ()
    findings: tuple[Finding, ...] = ()
    steps: tuple[Step, ...] = ()
    forbids_transaction: bool = False
    to_run: tuple[Step, ...] = field(default=(), repr=False)
    undo: str | None = field(default=None, repr=False)

    @property
    def seconds(self) -> Seconds | None:
        """What all of its work takes; None where a part is unknown."""
        return total(effect.seconds for effect in self.effects)


@dataclass(frozen=True, kw_only=True)
class Hold:
    """A lock from the statement that takes it (`from_line`) to the end of its transaction (`to_line`, its last one).

    `seconds` is how long it is held, all later statements included; `queued` how many queries would wait behind it
    at the traffic that was watched. None is unknown.
    """

    relation: str
    lock: LockMode
    from_line: int
    to_line: int = 0
    shuts_out: tuple[str, ...] = ()
    seconds: Seconds | None = None
    queued: float | None = None


@dataclass(frozen=True, kw_only=True)
class TransactionPlan:
    """Statements (their places in the migration) that commit together, and what they hold till then."""

    statements: tuple[int, ...]
    holds: tuple[Hold, ...] = ()


@dataclass(frozen=True, kw_only=True)
class MigrationPlan:
    """One migration, judged."""

    id: str | None
    path: str | None
    is_transactional: bool
    statements: tuple[StatementPlan, ...] = ()
    transactions: tuple[TransactionPlan, ...] = ()
    findings: tuple[Finding, ...] = ()

    @property
    def verdict(self) -> Verdict:
        """The worst statement's."""
        own = [Verdict.REFUSE for finding in self.findings if finding.severity is Severity.REFUSE]
        return worst([*own, *(statement.verdict for statement in self.statements)])


@dataclass(frozen=True, kw_only=True)
class Plan:
    """The whole answer. `findings` concern the state, not a statement; `taken_at` is ISO 8601 in UTC.

    `timings` are the phases in their order, each with the seconds that it took. `free_disk_bytes` is what the server's
    disk has left, None where nobody can tell. `mode` does not change the verdict, only what is done about it.
    """

    gate: str
    server_major: int
    server_version: str
    database: str
    source: str
    taken_at: str
    fingerprint: str
    migrations: tuple[MigrationPlan, ...] = ()
    findings: tuple[Finding, ...] = ()
    blockers: tuple[Blocker, ...] = ()
    unknown: tuple[Unread, ...] = ()
    notes: tuple[str, ...] = field(default=())
    timings: tuple[tuple[str, float], ...] = ()
    free_disk_bytes: int | None = None
    mode: Mode = Mode.ENFORCE

    @property
    def verdict(self) -> Verdict:
        """The worst of all; a finding that refuses the state counts too."""
        own = [Verdict.REFUSE for finding in self.findings if finding.severity is Severity.REFUSE]
        return worst([*own, *(migration.verdict for migration in self.migrations)])

    @property
    def statements(self) -> tuple[StatementPlan, ...]:
        """All statements in order."""
        return tuple(statement for migration in self.migrations for statement in migration.statements)

    def to_json(self, *, shows_rows: bool = False) -> str:
        """The document of `gate plan --format json`; its schema is what `gate schema plan` prints.

        `shows_rows` adds keys of violating rows, and gives other sessions' queries with their literals.
        """
        import json

        from gate.model.document import document

        return json.dumps(document(self, shows_rows=shows_rows), indent=2, ensure_ascii=False)
