"""The snapshot rolled forward through one migration, with the locks that its transactions hold."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

from gate.model.actions import SetSetting, Statement, TransactionControl
from gate.model.effects import Effect, NotUnderstood, ServerWouldReject
from gate.model.locks import LockMode
from gate.model.migration import Migration, Sending
from gate.model.plan import Finding, Hold, MigrationPlan, Severity, StatementPlan, TransactionPlan, Verdict
from gate.model.snapshot import Server, Snapshot
from gate.plan.reading import ReadMigration, ReadStatement, invalid
from gate.plan.verdicts import not_understood, rejected, works_under_lock
from gate.rules import apply, derive
from gate.rules import findings as rules_say
from gate.rules.event_triggers import fired
from gate.rules.merging import effects

Accepts = Callable[[str], str | None]
"""Asks the live server's grammar: the error it gives for a text, None where it takes it."""

_ENDS = frozenset({"commit", "rollback", "prepare"})


@dataclass
class _Fold:
    """The state between two statements of one migration."""

    world: Snapshot
    committed_server: Server
    accepts: Accepts | None
    migration: Migration
    is_open: bool
    plans: list[StatementPlan] = field(default_factory=list)
    members: list[int] = field(default_factory=list)
    held: dict[str, tuple[LockMode, int, tuple[str, ...]]] = field(default_factory=dict)
    transactions: list[TransactionPlan] = field(default_factory=list)


def fold(read: ReadMigration, snapshot: Snapshot, accepts: Accepts | None = None) -> tuple[MigrationPlan, Snapshot]:
    """The migration's plan, and the snapshot after it. Raises InvalidSql for text that no grammar takes."""
    migration = read.migration
    one = _is_one_transaction(read)
    state = _Fold(snapshot, snapshot.server, accepts, migration, one)
    for item in read.statements:
        _step(state, item, one=one, alone=len(read.statements) == 1)
    _end(state)
    plan = MigrationPlan(
        id=migration.id,
        path=migration.path,
        is_transactional=one,
        statements=tuple(state.plans),
        transactions=tuple(state.transactions),
    )
    return plan, replace(state.world, server=state.committed_server)


def _is_one_transaction(read: ReadMigration) -> bool:
    """Whether the tool's way of sending makes the whole file one transaction."""
    migration = read.migration
    if migration.is_transactional:
        return True
    return migration.sending is Sending.ONE_MESSAGE and len(read.statements) > 1


def _step(state: _Fold, item: ReadStatement, *, one: bool, alone: bool) -> None:
    if item.statement is None:
        plan = _unparsed(state, item)
    else:
        plan = _judged(state, item, item.statement, one=one, alone=alone)
    state.members.append(len(state.plans))
    state.plans.append(plan)
    _hold(state, plan)
    if item.statement is not None:
        _transaction(state, item.statement, one=one)


def _unparsed(state: _Fold, item: ReadStatement) -> StatementPlan:
    """The grammar of 18 rejects it; the server decides whether that is a syntax error."""
    assert item.error is not None
    if state.accepts is None or state.accepts(item.script.sql) is not None:
        raise invalid(item, state.migration)
    finding = not_understood(
        f"this server accepts it, the grammar of PostgreSQL 18 does not ({item.error.problem})", ""
    )
    return _plan(item, item.script.sql.split()[0].upper(), (), (finding,), understood=False)


def _judged(state: _Fold, item: ReadStatement, statement: Statement, *, one: bool, alone: bool) -> StatementPlan:
    found: tuple[Effect, ...] = ()
    findings: list[Finding] = []
    understood = True
    if statement.forbids_transaction and state.is_open and not (alone and item.script.data is None and not one):
        findings.append(rejected(f"{statement.kind} cannot run inside a transaction block", _OUTSIDE))
    try:
        touches = derive(statement.action, state.world)
        fires = fired(statement.kind, statement.action, touches, state.world)
        found = effects((*touches, *fires), state.world)
        findings += rules_say(statement.action, found, state.world)
        state.world = apply(statement.action, state.world)
    except ServerWouldReject as answer:
        findings.append(rejected(answer.problem, answer.remedy))
    except NotUnderstood as answer:
        findings.append(not_understood(answer.problem, answer.remedy))
        understood = False
    held = {name: (mode, line) for name, (mode, line, _) in state.held.items()}
    findings += works_under_lock(statement.action, found, held)
    return _plan(
        item, statement.kind, found, tuple(findings), understood=understood, alone=statement.forbids_transaction
    )


_OUTSIDE = "put it in a migration of its own that the tool runs outside a transaction"


def _plan(
    item: ReadStatement,
    kind: str,
    found: tuple[Effect, ...],
    findings: tuple[Finding, ...],
    *,
    understood: bool,
    alone: bool = False,
) -> StatementPlan:
    return StatementPlan(
        line=item.script.line,
        sql=item.script.sql,
        kind=kind,
        verdict=Verdict.REFUSE if any(item.severity is Severity.REFUSE for item in findings) else Verdict.PASS,
        is_understood=understood,
        effects=found,
        findings=findings,
        forbids_transaction=alone,
    )


# --- transactions -----------------------------------------------------------------------------------------------------


def _hold(state: _Fold, plan: StatementPlan) -> None:
    for effect in plan.effects:
        known = state.held.get(effect.relation)
        if known is None or effect.lock > known[0]:
            state.held[effect.relation] = (effect.lock, plan.line, effect.shuts_out)


def _transaction(state: _Fold, statement: Statement, *, one: bool) -> None:
    action = statement.action
    if isinstance(action, SetSetting) and not action.is_local:
        state.committed_server = state.world.server
    if isinstance(action, TransactionControl):
        if action.what in ("begin", "start"):
            state.is_open = True
        elif action.what in _ENDS:
            state.is_open = action.chains
            _end(state)
    elif not state.is_open and not one:
        _end(state)


def _end(state: _Fold) -> None:
    if state.members:
        holds = tuple(
            Hold(relation=name, lock=mode, from_line=line, shuts_out=shut)
            for name, (mode, line, shut) in sorted(state.held.items(), key=lambda item: (-item[1][0].strength, item[0]))
        )
        state.transactions.append(TransactionPlan(statements=tuple(state.members), holds=holds))
    state.members, state.held = [], {}
    state.world = replace(state.world, server=state.committed_server)
