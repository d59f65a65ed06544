"""From migrations and a snapshot to a plan."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, replace

from gate.model.checks import Check
from gate.model.effects import Effect
from gate.model.moment import Blocker, HeldLock, Moment, Session
from gate.model.plan import Finding, MigrationPlan, Plan
from gate.model.snapshot import Snapshot
from gate.model.version import VERSION
from gate.plan.deciding import Judging, decide
from gate.plan.folding import Accepts, FoldedMigration, fold
from gate.plan.reading import ReadMigration
from gate.policy.judge import settled
from gate.sql.masking import masked, normalised


@dataclass(frozen=True, kw_only=True)
class Folded:
    """All pending migrations derived against one snapshot, before anything was asked of rows or traffic."""

    snapshot: Snapshot
    migrations: tuple[FoldedMigration, ...]

    @property
    def checks(self) -> tuple[Check, ...]:
        """Every question about rows, once."""
        asked = (check for one in self.migrations for item in one.statements for check in item.checks)
        return tuple(dict.fromkeys(asked))

    @property
    def relations(self) -> tuple[int, ...]:
        """The oids of all relations that a statement touches and that are there already."""
        touched = (effect.oid for one in self.migrations for item in one.statements for effect in item.effects)
        return tuple(oid for oid in dict.fromkeys(touched) if oid > 0)

    @property
    def tables(self) -> tuple[int, ...]:
        """Those among them that have rows, whose traffic counts."""
        known = self.snapshot.relations
        return tuple(oid for oid in self.relations if oid in known and known[oid].has_storage)


def fold_all(migrations: Iterable[ReadMigration], snapshot: Snapshot, accepts: Accepts | None = None) -> Folded:
    """Every migration in order. Raises InvalidSql for text that neither this grammar nor the server's takes."""
    folded: list[FoldedMigration] = []
    world, changed = snapshot, dict[int, str]()
    for item in migrations:
        one, world, changed = fold(item, world, accepts, changed)
        folded.append(one)
    return Folded(snapshot=snapshot, migrations=tuple(folded))


def judge(
    folded: Folded,
    judging: Judging | None = None,
    *,
    source: str,
    findings: tuple[Finding, ...] = (),
    notes: tuple[str, ...] = (),
) -> Plan:
    """The plan."""
    judging = judging or Judging()
    snapshot = replace(folded.snapshot, moment=judging.moment)
    planned = [decide(one, judging) for one in folded.migrations]
    plan = Plan(
        gate=VERSION,
        server_major=snapshot.server.major,
        server_version=snapshot.server.version,
        database=snapshot.server.database,
        source=source,
        taken_at=snapshot.taken_at,
        fingerprint=fingerprint(folded.migrations, snapshot),
        migrations=tuple(planned),
        findings=judging.judge.state(findings),
        blockers=blockers(planned, snapshot),
        unknown=snapshot.unread,
        notes=notes,
        free_disk_bytes=judging.free_disk_bytes,
    )
    return settled(plan)


def fingerprint(folded: Iterable[FoldedMigration], snapshot: Snapshot) -> str:
    """The same for the same statements with the same locks and work on the same server major; sizes do not count.

    It is that of the text as written: another password is another statement.
    """
    digest = hashlib.sha256(str(snapshot.server.major).encode())
    for one in folded:
        digest.update(f"\x00{one.migration.id}".encode())
        for statement in one.statements:
            digest.update(f"\x01{statement.sql}".encode())
            for effect in statement.effects:
                digest.update(f"\x02{effect.relation}\x03{effect.lock.value}\x03{effect.work}".encode())
    return f"sha256:{digest.hexdigest()}"


def blockers(planned: Iterable[MigrationPlan], snapshot: Snapshot) -> tuple[Blocker, ...]:
    """Sessions that hold, right now, a lock that a statement of the plan conflicts with; once each a relation."""
    wanted: dict[int, Effect] = {}
    for migration in planned:
        for statement in migration.statements:
            for effect in statement.effects:
                known = wanted.get(effect.oid)
                wanted[effect.oid] = effect if known is None or effect.lock > known.lock else known
    found: dict[tuple[int, int], Blocker] = {}
    for lock in snapshot.moment.locks:
        meant = wanted.get(lock.relation)
        # Whoever holds a lock is among the sessions, hidden or not, unless it was gone a moment later.
        is_gone = lock.pid != 0 and snapshot.moment.session(lock.pid) is None
        if meant is not None and lock.is_granted and not is_gone and meant.lock.conflicts(lock.mode):
            key = (lock.relation, lock.pid)
            if key not in found or lock.mode > found[key].held:
                found[key] = _blocker(meant, lock, snapshot.moment)
    return tuple(found.values())


def _blocker(effect: Effect, lock: HeldLock, moment: Moment) -> Blocker:
    session = moment.session(lock.pid) or Session(pid=lock.pid, is_visible=False)
    query = session.query
    return Blocker(
        relation=effect.relation,
        held=lock.mode,
        wanted=effect.lock,
        session=session if query is None else replace(session, query=masked(query)),
        normalised=None if query is None else normalised(query),
    )
