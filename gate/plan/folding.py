"""The snapshot rolled forward through one migration: what each statement does, meets, and has to be asked for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

from gate.model.actions import SetSetting, Statement, TransactionControl
from gate.model.checks import Check, DuplicatesOf, FailingCasts, Unasked, ViolatorsOf
from gate.model.effects import Effect, NotUnderstood, ServerWouldReject
from gate.model.migration import Migration, Sending
from gate.model.plan import Finding
from gate.model.snapshot import Server, Snapshot
from gate.model.work import Work
from gate.plan.reading import ReadMigration, ReadStatement, invalid
from gate.plan.verdicts import not_understood, rejected
from gate.rules import apply, checks, derive
from gate.rules.event_triggers import fired
from gate.rules.merging import effects

Accepts = Callable[[str], str | None]
"""Asks the live server's grammar: the error it gives for a text, None where it takes it."""

_ENDS = frozenset({"commit", "rollback", "prepare"})
_OUTSIDE = "put it in a migration of its own that the tool runs outside a transaction"


@dataclass(frozen=True, kw_only=True)
class FoldedStatement:
    """A statement as derived: `before` is the catalog that it meets, `certain` what is wrong with it by itself.

    `changed` maps relations (oids) whose rows earlier statements of the release change to where the last one stands;
    `checks` are the questions about rows that decide whether the server will take it.
    """

    read: ReadStatement
    kind: str
    before: Snapshot
    is_understood: bool = True
    effects: tuple[Effect, ...] = ()
    certain: tuple[Finding, ...] = ()
    checks: tuple[Check, ...] = ()
    changed: dict[int, str] = field(default_factory=dict)

    @property
    def statement(self) -> Statement | None:
        """In our nouns; None where this grammar rejects it."""
        return self.read.statement

    @property
    def sql(self) -> str:
        """As written."""
        return self.read.script.sql

    @property
    def line(self) -> int:
        """Where its first token stands, 1-based."""
        return self.read.script.line


@dataclass(frozen=True, kw_only=True)
class FoldedMigration:
    """`transactions` are the places of the statements that commit together; `after` is the catalog when all is done."""

    migration: Migration
    is_transactional: bool
    statements: tuple[FoldedStatement, ...]
    transactions: tuple[tuple[int, ...], ...]
    after: Snapshot


@dataclass
class _Fold:
    """The state between two statements of one migration."""

    world: Snapshot
    committed_server: Server
    accepts: Accepts | None
    migration: Migration
    is_open: bool
    changed: dict[int, str]
    meanings: dict[str, int] = field(default_factory=dict)
    folded: list[FoldedStatement] = field(default_factory=list)
    members: list[int] = field(default_factory=list)
    transactions: list[tuple[int, ...]] = field(default_factory=list)


def fold(
    read: ReadMigration, snapshot: Snapshot, accepts: Accepts | None = None, changed: dict[int, str] | None = None
) -> tuple[FoldedMigration, Snapshot, dict[int, str]]:
    """The migration derived, the snapshot after it, and whose rows have been changed so far.

    Raises InvalidSql for text that no grammar takes.
    """
    migration = read.migration
    one = _is_one_transaction(read)
    state = _Fold(snapshot, snapshot.server, accepts, migration, one, changed or {})
    for item in read.statements:
        _step(state, item, one=one, alone=len(read.statements) == 1)
    _end(state)
    folded = FoldedMigration(
        migration=migration,
        is_transactional=one,
        statements=tuple(state.folded),
        transactions=tuple(state.transactions),
        after=replace(state.world, server=state.committed_server),
    )
    return folded, folded.after, state.changed


def _is_one_transaction(read: ReadMigration) -> bool:
    """Whether the tool's way of sending makes the whole file one transaction."""
    migration = read.migration
    if migration.is_transactional:
        return True
    return migration.sending is Sending.ONE_MESSAGE and len(read.statements) > 1


def _step(state: _Fold, item: ReadStatement, *, one: bool, alone: bool) -> None:
    if item.statement is None:
        folded = _unparsed(state, item)
    else:
        folded = _derived(state, item, item.statement, one=one, alone=alone)
    state.members.append(len(state.folded))
    state.folded.append(folded)
    _remember_changes(state, folded)
    _remember_meanings(state, folded)
    if item.statement is not None:
        _transaction(state, item.statement, one=one)


def _unparsed(state: _Fold, item: ReadStatement) -> FoldedStatement:
    """The grammar of 18 rejects it; the server decides whether that is a syntax error."""
    assert item.error is not None
    if state.accepts is None or state.accepts(item.script.sql) is not None:
        raise invalid(item, state.migration)
    finding = not_understood(
        f"this server accepts it, the grammar of PostgreSQL 18 does not ({item.error.problem})", ""
    )
    return FoldedStatement(
        read=item,
        kind=item.script.sql.split()[0].upper(),
        before=state.world,
        is_understood=False,
        certain=(finding,),
        changed=state.changed,
    )


def _derived(state: _Fold, item: ReadStatement, statement: Statement, *, one: bool, alone: bool) -> FoldedStatement:
    folded = FoldedStatement(read=item, kind=statement.kind, before=state.world, changed=state.changed)
    certain: list[Finding] = []
    if statement.forbids_transaction and state.is_open and not (alone and item.script.data is None and not one):
        certain.append(rejected(f"{statement.kind} cannot run inside a transaction block", _OUTSIDE))
    try:
        touches = derive(statement.action, state.world)
        fires = fired(statement.kind, statement.action, touches, state.world)
        folded = replace(
            folded,
            effects=effects((*touches, *fires), state.world),
            checks=tuple(_under(state.meanings, check) for check in checks(statement.action, state.world)),
        )
        state.world = apply(statement.action, state.world)
    except ServerWouldReject as answer:
        certain.append(rejected(answer.problem, answer.remedy))
    except NotUnderstood as answer:
        certain.append(not_understood(answer.problem, answer.remedy))
        folded = replace(folded, is_understood=False)
    return replace(folded, certain=tuple(certain))


# The same text is another value under each of them.
_MEANINGS = frozenset({"datestyle", "default_text_search_config", "intervalstyle", "timezone", "xmloption"})


def _under(meanings: dict[str, int], check: Check) -> Check:
    """A question of values and conditions is asked under our settings, not under those that the migration makes."""
    if not meanings or not isinstance(check, DuplicatesOf | FailingCasts | ViolatorsOf):
        return check
    setting, line = next(iter(meanings.items()))
    return Unasked(
        relations=check.relations,
        table=check.table,
        what=f"rows in {check.table} that stand against the statement",
        why=f"line {line} sets {setting}, and under it a value may be another",
        remedy="look for them by a query of your own, under the same setting, before the release",
    )


def _remember_meanings(state: _Fold, folded: FoldedStatement) -> None:
    """Settings made in the file, until they are reset."""
    action = folded.statement.action if folded.statement is not None else None
    if isinstance(action, SetSetting) and action.name.lower() in _MEANINGS:
        state.meanings = {**state.meanings, action.name.lower(): folded.line}


def _remember_changes(state: _Fold, folded: FoldedStatement) -> None:
    written = [effect.oid for effect in folded.effects if Work.WRITE in effect.work]
    if written or not folded.is_understood:
        place = f"line {folded.line} of {state.migration.path}" if state.migration.path else f"line {folded.line}"
        # What is not understood may have changed anything.
        oids = written if folded.is_understood else [*folded.before.relations]
        state.changed = {**state.changed, **dict.fromkeys(oids, place)}


# --- transactions -----------------------------------------------------------------------------------------------------


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
        state.transactions.append(tuple(state.members))
    state.members = []
    state.world = replace(state.world, server=state.committed_server)
