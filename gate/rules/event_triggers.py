"""Event triggers: functions that run at every DDL statement, or at those of some tags.

Source: PostgreSQL 18 `event_trigger.c` (EventTriggerCommonSetup, filter_event_trigger), `cmdtaglist.h`; the page "Event
Trigger Firing Matrix". Roles, databases, tablespaces, event triggers and subcommands of a session fire none.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from gate.model.actions import (
    Action,
    AlterDomain,
    AlterTable,
    Drop,
    DropColumn,
    DropOwned,
    NamedPart,
    SetDefault,
)
from gate.model.effects import Touch
from gate.model.facts import Expect, Fact, Proof
from gate.model.locks import LockMode
from gate.model.snapshot import Snapshot
from gate.model.work import Work
from gate.rules.code import body
from gate.rules.lookup import incomplete
from gate.rules.scope import Scope

_VERBS = (
    "CREATE ",
    "ALTER ",
    "DROP ",
    "COMMENT",
    "GRANT",
    "REVOKE",
    "SECURITY LABEL",
    "IMPORT ",
    "REFRESH ",
    "REASSIGN ",
    "SELECT INTO",
)
_SHARED = ("ROLE", "DATABASE", "TABLESPACE", "EVENT TRIGGER", "SYSTEM")


def fired(kind: str, action: Action, touches: Iterable[Touch], world: Snapshot) -> Iterator[Touch]:
    """What the event triggers do that a statement with this tag, and these touches of its own, fires."""
    if not world.event_triggers or not _fires(kind) or world.server.settings.get("event_triggers") == "off":
        return
    happens = {"ddl_command_start", "ddl_command_end", *_further(action, touches)}
    for trigger in world.event_triggers:
        if trigger.is_enabled and trigger.event in happens and (not trigger.tags or kind in trigger.tags):
            function = world.functions.get(trigger.function)
            if function is None:
                raise incomplete(f"the function of event trigger {trigger.name}")
            yield from body(Scope(world), function)


def _fires(kind: str) -> bool:
    return kind.startswith(_VERBS) and not any(kind.endswith(f" {what}") for what in _SHARED)


def _further(action: Action, touches: Iterable[Touch]) -> Iterator[str]:
    if _drops(action):
        yield "sql_drop"
    if isinstance(action, AlterTable) and any(Work.REWRITE in touch.work for touch in touches):
        yield "table_rewrite"


def _drops(action: Action) -> bool:
    match action:
        case Drop():
            return True
        case DropOwned(reassigns=reassigns):
            return not reassigns
        case AlterDomain(what=what):
            return what == "drop constraint"
        case AlterTable(parts=parts):
            return any(_drops_something(part) for part in parts)
        case _:
            return False


def _drops_something(part: object) -> bool:
    match part:
        case DropColumn() | SetDefault(default=None):
            return True
        case NamedPart(what=what):
            return what in ("DropConstraint", "DropIdentity", "DropExpression", "DropNotNull")
        case _:
            return False


_SETUP = (
    "CREATE TABLE log (tag text); CREATE TABLE t (a int); "
    "CREATE FUNCTION e() RETURNS event_trigger LANGUAGE plpgsql "
    "AS 'BEGIN INSERT INTO public.log VALUES (tg_tag); END'; "
)
_AE, _RX = LockMode.ACCESS_EXCLUSIVE, LockMode.ROW_EXCLUSIVE
_WRITE = frozenset({Work.WRITE})
_DOC = "https://www.postgresql.org/docs/18/event-trigger-definition.html"


def _fact(form: str, trigger: str, statement: str, *expects: Expect) -> Fact:
    return Fact(form=form, source=_DOC, proof=Proof(setup=_SETUP + trigger, statement=statement, expects=expects))


_LOG = Expect(relation="public.log", lock=_RX, work=_WRITE)
_TABLE = Expect(relation="public.t", lock=_AE)

FACTS = (
    _fact(
        "an event trigger at the end of DDL",
        "CREATE EVENT TRIGGER g ON ddl_command_end EXECUTE FUNCTION e()",
        "ALTER TABLE t ADD COLUMN b int",
        _LOG,
        _TABLE,
    ),
    _fact(
        "an event trigger for another tag",
        "CREATE EVENT TRIGGER g ON ddl_command_end WHEN tag IN ('CREATE TABLE') EXECUTE FUNCTION e()",
        "ALTER TABLE t ADD COLUMN b int",
        _TABLE,
    ),
    _fact(
        "an event trigger on what is dropped",
        "CREATE EVENT TRIGGER g ON sql_drop EXECUTE FUNCTION e()",
        "DROP TABLE t",
        _LOG,
        _TABLE,
    ),
)
