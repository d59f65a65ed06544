"""Rules: what guards the rows is turned off: triggers, rules, the log that survives a crash."""

from __future__ import annotations

import re
from collections.abc import Iterator

from gate.model.actions import (
    Action,
    AlterTable,
    CreateRule,
    CreateTable,
    CreateTrigger,
    Drop,
    NamedPart,
    Query,
    SequenceAction,
    SetSetting,
)
from gate.model.catalog import Relation
from gate.model.effects import Effect
from gate.model.names import quoted
from gate.model.plan import Finding
from gate.model.rules import STATEMENT, Rule
from gate.model.snapshot import Snapshot
from gate.rules.columns import identity_sequences
from gate.rules.in_use import OVERLAP, effect_on, listed, refused, rows_of, sql_name, warned
from gate.rules.lookup import maybe_relation
from gate.rules.ruling import Among, FamilyRule

_OFF = frozenset({"DisableTrig", "DisableTrigAll", "DisableTrigUser", "DisableRule", "EnableReplicaTrig"})
_ON = frozenset({"EnableTrig", "EnableTrigAll", "EnableTrigUser", "EnableRule", "EnableAlwaysTrig"})


def _disables_triggers(among: Among) -> Iterator[Finding]:
    action, before = among.deed.action, among.deed.before
    if isinstance(action, SetSetting | Query):
        yield from _of_session(action)
    if not isinstance(action, AlterTable):
        return
    table = maybe_relation(before, action.name)
    effect = effect_on(table, among.deed.effects, before)
    for part in action.parts:
        if table is None or effect is None or not isinstance(part, NamedPart) or part.what not in _OFF:
            continue
        if not _is_back(part, table, among):
            yield _left_off(part, table, effect)


def _is_back(part: NamedPart, table: Relation, among: Among) -> bool:
    """On again before the commit: writers wait until then, so that no row but the migration's own gets by."""
    return any(
        isinstance(item, AlterTable)
        and maybe_relation(among.deed.before, item.name) == table
        and any(isinstance(back, NamedPart) and back.what in _ON and back.name == part.name for back in item.parts)
        for item in among.later()
    )


def _left_off(part: NamedPart, table: Relation, effect: Effect) -> Finding:
    named = [item.name for item in table.triggers if item.name == part.name or (part.name is None and item.is_enabled)]
    keys = [item.name for item in table.constraints if item.kind == "f"]
    keys = keys if part.what == "DisableTrigAll" and (keys or table.referenced_by) else []
    own = [quoted(item.name) for item in table.triggers if item.name in named and not item.is_internal]
    what = "the foreign keys of it and to it" if part.what == "DisableTrigAll" else ""
    gone = listed([*own, *([what] if what and (keys or table.referenced_by) else [])]) or quoted(part.name or "")
    find = refused if part.what == "DisableTrigAll" and (keys or table.referenced_by) else warned
    on = f"ENABLE TRIGGER {quoted(part.name) if part.name else 'ALL' if part.what == 'DisableTrigAll' else 'USER'}"
    if part.what == "DisableRule":
        on = f"ENABLE RULE {quoted(part.name or '')}"
    return find(
        "disables-triggers",
        f"turns off {gone} on {effect.relation} and leaves it so: what it does for each row of code that runs now is "
        "not done, and nothing does it afterwards",
        f"ALTER TABLE {sql_name(table)} {on} in the same transaction: its lock keeps writers out until then",
        effect.relation,
    )


def _of_session(action: SetSetting | Query) -> Iterator[Finding]:
    values = (
        [(action.name, action.value or "")]
        if isinstance(action, SetSetting)
        else [(name, value) for name, value, _ in action.settings]
    )
    if ("session_replication_role", "replica") in values:
        yield warned(
            "disables-triggers",
            "session_replication_role = replica: for what this session writes from here on no trigger fires and no "
            "foreign key is looked at, and nothing finds out afterwards",
            "set it LOCAL, for the one statement that needs it, and look for orphans behind it; ALTER TABLE ... "
            "DISABLE TRIGGER name turns off only what is meant",
        )


def _drops_trigger(among: Among) -> Iterator[Finding]:
    action, before = among.deed.action, among.deed.before
    if not isinstance(action, Drop) or action.object not in ("trigger", "rule"):
        return
    for name in action.names:
        table = maybe_relation(before, name.part_of) if name.part_of else None
        effect = effect_on(table, among.deed.effects, before)
        items = (table.triggers if action.object == "trigger" else table.rules) if table is not None else ()
        found = next((item for item in items if item.name == name.name.name), None)
        if effect is None or found is None or found.oid < 0 or any(_same(item, found.name) for item in among.later()):
            continue
        yield warned(
            "drops-trigger",
            f"drops {action.object} {quoted(found.name)} of {effect.relation}: what it does for each row of code that "
            "runs now is not done any more",
            "let the release before already do without it: a trigger that keeps two columns equal goes when no code "
            "reads the old one",
            effect.relation,
        )


def _same(action: Action, name: str) -> bool:
    return isinstance(action, CreateTrigger | CreateRule) and action.name == name


def _not_logged(action: Action, effects: tuple[Effect, ...], before: Snapshot) -> Iterator[Finding]:
    if not isinstance(action, AlterTable):
        return
    table = maybe_relation(before, action.name)
    effect = effect_on(table, effects, before)
    for part in action.parts:
        if table is None or effect is None or not isinstance(part, NamedPart) or part.what != "SetUnLogged":
            continue
        if table.persistence == "p":
            yield refused(
                "loses-rows-at-crash",
                f"makes {effect.relation}{rows_of(effect)} UNLOGGED: after a crash of the server it is empty, standbys "
                "never have its rows, and a backup made by physical copy does not either",
                "sure enough only for what can be made anew at any time; for a faster load, load into a new UNLOGGED "
                "table",
                effect.relation,
            )


# --- autovacuum, sequences --------------------------------------------------------------------------------------------

_VACUUM_OFF = re.compile(r"\bautovacuum_enabled\s*=\s*'?(?:false|off|no|0)\b", re.IGNORECASE)


def _no_autovacuum(among: Among) -> Iterator[Finding]:
    action = among.deed.action
    if not isinstance(action, AlterTable | CreateTable) or not _VACUUM_OFF.search(among.deed.sql):
        return
    if any(isinstance(item, AlterTable) and item.name == action.name and _resets_vacuum(item) for item in among.rest()):
        return
    yield warned(
        "turns-autovacuum-off",
        f"turns autovacuum off for {action.name}: dead rows stay, statistics grow old, and only the vacuum that "
        "prevents wraparound comes, at a time that nobody chose",
        f"ALTER TABLE {action.name} RESET (autovacuum_enabled) at the end; to have it work harder or less hard, "
        "autovacuum_vacuum_scale_factor and autovacuum_vacuum_cost_limit",
    )


def _resets_vacuum(action: AlterTable) -> bool:
    """RESET, or another SET of it: what that one says is judged by itself."""
    return any(isinstance(part, NamedPart) and "autovacuum_enabled" in part.options for part in action.parts)


_RESTART = re.compile(r"\brestart\s+(?:with\s+)?(\d+)", re.IGNORECASE)


def _restarts_sequence(among: Among) -> Iterator[Finding]:
    if among.deed.action is None:
        return
    wanted = _RESTART.search(among.deed.sql)
    for sequence in _restarted(among.deed.action, among.deed.before):
        last = sequence.sequence.last if sequence.sequence is not None else None
        if sequence.oid > 0 and last is not None and (wanted is None or int(wanted[1]) <= last):
            yield warned(
                "restarts-sequence",
                f"restarts {sequence.full_name}, which has come to {last}: numbers that were given "
                "before are given again, and INSERTs of code that runs now get 23505, or rows get mixed up where no "
                "key holds them apart",
                "sure enough where it only goes forward (RESTART WITH a number beyond the highest that there is)",
                sequence.full_name,
            )


def _restarted(action: Action, before: Snapshot) -> Iterator[Relation]:
    if isinstance(action, SequenceAction) and action.restarts and not action.creates:
        found = maybe_relation(before, action.name)
        if found is not None:
            yield found
    if isinstance(action, AlterTable):
        table = maybe_relation(before, action.name)
        for part in action.parts:
            column = table.column(part.column) if table is not None and isinstance(part, NamedPart) else None
            if table is not None and column is not None and isinstance(part, NamedPart) and "restart" in part.options:
                yield from identity_sequences(before, table, column.number)


_SETUP = (
    "CREATE TABLE t (a int); INSERT INTO t VALUES (1); "
    "CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'; "
    "CREATE TRIGGER g BEFORE INSERT ON t FOR EACH ROW EXECUTE FUNCTION f()"
)

RULES = (
    FamilyRule(
        rule=Rule(
            name="disables-triggers",
            about=STATEMENT,
            harm="What a trigger does for each row is not done for the rows that come meanwhile: derived columns, "
            "audit rows, and with ALL the foreign keys too, of which nothing finds the orphans afterwards. The same "
            "for a session under session_replication_role = replica. Turned on again in the same transaction, nobody "
            "else's rows get by.",
            way_out="DISABLE and ENABLE in one transaction, by the trigger's name.",
        ),
        finds_among=_disables_triggers,
        setup=_SETUP,
        bad="ALTER TABLE t DISABLE TRIGGER g",
        good="ALTER TABLE t DISABLE TRIGGER g; UPDATE t SET a = 2 WHERE a = 1; ALTER TABLE t ENABLE TRIGGER g",
    ),
    FamilyRule(
        rule=Rule(
            name="drops-trigger",
            about=STATEMENT,
            harm=OVERLAP + "Old code may rely on what the trigger does: it fills a column, writes a log, keeps a copy "
            "equal. One that is made anew in the same transaction is missed by nobody.",
            way_out="Drop it in the release after the code that does without it. CREATE OR REPLACE TRIGGER (14) "
            "changes one in place.",
        ),
        finds_among=_drops_trigger,
        setup=_SETUP,
        bad="DROP TRIGGER g ON t",
        good="DROP TRIGGER g ON t; CREATE TRIGGER g AFTER INSERT ON t FOR EACH ROW EXECUTE FUNCTION f()",
    ),
    FamilyRule(
        rule=Rule(
            name="loses-rows-at-crash",
            about=STATEMENT,
            harm="An UNLOGGED table is not in the write-ahead log. When the server crashes, or a standby takes over, "
            "it is empty.",
            way_out="Leave the table as it is. Load into a new UNLOGGED table where a load has to be fast.",
        ),
        finds=_not_logged,
        setup=_SETUP,
        bad="ALTER TABLE t SET UNLOGGED",
        good="ALTER TABLE t SET LOGGED",
    ),
    FamilyRule(
        rule=Rule(
            name="turns-autovacuum-off",
            about=STATEMENT,
            harm="Without autovacuum dead rows stay and the table grows, the planner works with old statistics, and "
            "some day the vacuum that prevents wraparound comes all the same, and cannot be sent away.",
            way_out="Leave it on, and change its thresholds; around a load, RESET it in the same migration.",
        ),
        finds_among=_no_autovacuum,
        setup=_SETUP,
        bad="ALTER TABLE t SET (autovacuum_enabled = false)",
        good="ALTER TABLE t SET (autovacuum_enabled = true)",
    ),
    FamilyRule(
        rule=Rule(
            name="restarts-sequence",
            about=STATEMENT,
            harm="A sequence that is set back gives numbers a second time. Code that runs now gets 23505 for its "
            "INSERTs, until the sequence is past the highest key again.",
            way_out="Set it forward only: RESTART WITH a number beyond the highest that there is.",
        ),
        finds_among=_restarts_sequence,
        setup="CREATE SEQUENCE s; SELECT nextval('s')",
        bad="ALTER SEQUENCE s RESTART",
        good="ALTER SEQUENCE s RESTART WITH 100",
    ),
)
