"""Rules: what a migration does to its own transaction and session, and to the migrations after it.

Source: PostgreSQL 18 `xact.c` (25001, 25P01 are warnings), `enum.c` check_safe_enum_use (55P04), `guc.c`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from gate.model.actions import (
    Action,
    AlterEnum,
    CreateType,
    ExtensionAction,
    Inert,
    LockTable,
    PublicationAction,
    Query,
    SetSetting,
    TransactionControl,
)
from gate.model.effects import Effect
from gate.model.locks import LockMode
from gate.model.names import Name, quoted
from gate.model.plan import Finding
from gate.model.rules import STATEMENT, Rule
from gate.model.snapshot import Snapshot
from gate.rules.in_use import listed, noted, refused, used, warned
from gate.rules.lookup import find_type, maybe_relation
from gate.rules.ruling import Among, FamilyRule

_BEGINS = frozenset({"begin", "start"})
_ENDS = frozenset({"commit", "rollback", "prepare"})

# --- BEGIN and COMMIT -------------------------------------------------------------------------------------------------


def _ends_transaction(among: Among) -> Iterator[Finding]:
    action = among.deed.action
    if not isinstance(action, TransactionControl):
        return
    if not among.is_wrapped:
        return
    if action.what in _ENDS - {"prepare"}:
        rest = sum(1 for _ in among.rest())
        after = (
            f"the {rest} statement{'s' if rest != 1 else ''} after it {'are' if rest != 1 else 'is'} sent one by "
            "one, and the tool's own COMMIT finds nothing to commit"
            if rest
            else "the tool writes down the migration in another transaction"
        )
        what = "undoes what the migration did so far, and " if action.what == "rollback" else ""
        find = refused if rest else warned
        yield find(
            "ends-the-tools-transaction",
            f"{action.what.upper()} {what}ends the transaction that the tool opened: {after}; a failure then leaves "
            "the migration half done and not written down",
            "take BEGIN and COMMIT out, and let the tool do it; or mark the file as one that the tool runs outside a "
            "transaction, with a BEGIN and a COMMIT of its own",
        )
    elif action.what in _BEGINS:
        yield noted(
            "ends-the-tools-transaction",
            "BEGIN inside the transaction that the tool opened begins nothing: PostgreSQL warns (25001) and goes on, "
            "and the next COMMIT ends the tool's transaction",
            "take it out",
        )


def _leaves_open(among: Among) -> Iterator[Finding]:
    """PREPARE; or BEGIN without an end, in a file that the tool runs outside a transaction."""
    action = among.deed.action
    if not isinstance(action, TransactionControl):
        return
    if action.what == "prepare":
        yield refused(
            "leaves-transaction-open",
            "PREPARE TRANSACTION keeps every lock that the transaction took until somebody commits it by name, in "
            "another session, after a restart of the server too",
            "COMMIT instead; what nobody commits shuts others out and keeps VACUUM from cleaning up",
        )
    is_begun = action.what in _BEGINS and not among.is_wrapped
    if is_begun and not any(isinstance(item, TransactionControl) and item.what in _ENDS for item in among.rest()):
        find = noted if among.is_wrapped is None else refused
        yield find(
            "leaves-transaction-open",
            "BEGIN without a COMMIT: when the session is closed all of it is rolled back, though the tool may have "
            "written the migration down as applied; until then every lock is held",
            "write COMMIT at the end of the file",
        )


# --- enum values ------------------------------------------------------------------------------------------------------


def _too_early(among: Among) -> Iterator[Finding]:
    """A label that the same transaction added is not to be used before the commit (55P04)."""
    action = among.deed.action
    if AlterEnum not in among.kinds or action is None or isinstance(action, AlterEnum):
        return
    if not any(isinstance(deed.action, AlterEnum) for deed in among.earlier()):
        return
    made = {item.name.name for deed in among.earlier() if isinstance(item := deed.action, CreateType)}
    for deed in among.earlier():
        added = deed.action
        if not isinstance(added, AlterEnum) or not added.adds or not _is_alone(among):
            continue
        kind = find_type(deed.before, added.name)
        if kind is None or added.label in kind.labels or (added.name.name in made and deed.before.server.major >= 17):
            continue
        if re.search(rf"'{re.escape(added.label.replace(chr(39), chr(39) * 2))}'", among.deed.sql) is None:
            continue
        names = {effect.oid for effect in among.deed.effects}
        holds = any(oid in names for oid, _ in kind.used_by)
        if holds or re.search(rf"\b{re.escape(kind.name)}\b", among.deed.sql):
            yield refused(
                "uses-uncommitted-enum-value",
                f"uses '{added.label}' of {Name(kind.name, kind.schema)} in the transaction that adds it: the server "
                "refuses that (55P04, unsafe use of new value), and the migration fails here",
                "add the value in a migration of its own, before this one",
            )


def _is_alone(among: Among) -> bool:
    """Whether the ALTER TYPE and the use are one transaction: each by itself commits before the next."""
    return sum(deed.transaction == among.deed.transaction for deed in among.deeds) > 1


# --- settings ---------------------------------------------------------------------------------------------------------

_MATTER = frozenset(
    {
        "lock_timeout", "statement_timeout", "idle_in_transaction_session_timeout", "transaction_timeout", "role",
        "session_authorization", "search_path", "session_replication_role", "row_security", "timezone",
        "check_function_bodies", "default_transaction_isolation", "default_transaction_read_only",
        "default_tablespace", "default_table_access_method",
    }
)  # fmt: skip
_TIMEOUTS = frozenset({"lock_timeout", "statement_timeout"})


def _setting_leaks(among: Among) -> Iterator[Finding]:
    for name, value, is_local in _settings(among.deed.action):
        is_off = name in _TIMEOUTS and re.fullmatch(r"0+\s*[a-z]*", value) is not None
        if name not in _MATTER or among.resets(name):
            continue
        if not is_local:
            without = ": no limit at all" if is_off else ""
            find = warned if is_off or name in ("role", "session_authorization", "session_replication_role") else noted
            yield find(
                "setting-leaks",
                f"SET {name} = {value or chr(39) * 2} outlives the migration{without}: tools that keep the session run "
                "all later migrations, and their own bookkeeping, under it",
                f"SET LOCAL {name} holds to the end of the transaction; outside of one, RESET {name} at the end of the "
                "file",
            )
        elif is_off:
            yield noted(
                "setting-leaks",
                f"SET LOCAL {name} = {value}: nothing but gate's own limits ends what waits or works too long here",
                "take it out: gate sets the limits that fit each step",
            )


def _settings(action: Action | None) -> Iterator[tuple[str, str, bool]]:
    if isinstance(action, SetSetting) and action.value is not None:
        yield action.name, action.value, action.is_local
    if isinstance(action, Query):
        yield from ((name.lower(), value, is_local) for name, value, is_local in action.settings)


# --- locks asked for --------------------------------------------------------------------------------------------------


def _locks_explicitly(action: Action, effects: tuple[Effect, ...], before: Snapshot) -> Iterator[Finding]:
    if isinstance(action, LockTable):
        strong = [(use.mode, used(use.name, effects, before)) for use in action.tables if use.mode >= LockMode.SHARE]
        names = [effect.relation for _, effect in strong if effect is not None]
        if names:
            mode = strong[0][0]
            shut = " and ".join(mode.shuts_out)
            yield warned(
                "locks-explicitly",
                f"LOCK TABLE {listed(names)} in {mode.value}: {shut} wait from here to the end of the transaction, "
                "whatever it does meanwhile",
                "a weaker mode (SHARE UPDATE EXCLUSIVE keeps other DDL out and nobody else); else as little as "
                "possible before the COMMIT",
                names[0],
            )
    if isinstance(action, Query) and action.runs:
        names = [call.name.name for call in action.calls if call.name.name in _ADVISORY]
        if names:
            yield warned(
                "locks-explicitly",
                f"{names[0]}() waits without an end for whoever holds it, and a waiter keeps a snapshot: a CREATE "
                "INDEX CONCURRENTLY of the holder waits for that in turn, and the two deadlock (40P01)",
                "ask again and again with pg_try_advisory_lock; gate and most tools keep two releases apart by "
                "themselves",
            )


_ADVISORY = frozenset(
    {"pg_advisory_lock", "pg_advisory_lock_shared", "pg_advisory_xact_lock", "pg_advisory_xact_lock_shared"}
)

# --- beyond the tables ------------------------------------------------------------------------------------------------

_BEYOND = {
    "create event trigger": "an event trigger runs at every DDL statement of everybody, this tool's own included: an "
    "error in it stops all later migrations",
    "alter system": "ALTER SYSTEM changes the whole server, at the next reload or restart, for every database in it",
    "alter database": "ALTER DATABASE ... SET holds for every session that begins from now on; those that run keep "
    "what they have",
    "alter role": "ALTER ROLE holds for whoever works under that role: a password, NOLOGIN or a setting meets code at "
    "its next connection",
    "drop role": "DROP ROLE: code that connects under it finds no way in any more",
    "create subscription": "CREATE SUBSCRIPTION starts a worker that copies all tables of the publication into those "
    "here, and makes a slot on the publisher that keeps WAL for as long as it lives",
    "alter subscription": "ALTER SUBSCRIPTION changes what this database receives; while it is disabled, its slot "
    "keeps WAL on the publisher",
    "drop subscription": "DROP SUBSCRIPTION ends replication into this database for good, and drops the slot on the "
    "publisher, if that can be reached",
}


def _beyond_the_schema(action: Action, effects: tuple[Effect, ...], before: Snapshot) -> Iterator[Finding]:
    del effects
    match action:
        case Inert(what=what) if what in _BEYOND:
            yield noted("reaches-beyond-the-schema", _BEYOND[what], "let somebody who runs the server know of it")
        case ExtensionAction(what="create", name=name) if name not in before.server.extensions:
            yield noted(
                "reaches-beyond-the-schema",
                f"CREATE EXTENSION {quoted(name)} needs its files on the server, and a superuser unless it is trusted; "
                "managed servers have a list of those that they allow",
                f"look before the release: SELECT name, trusted FROM pg_available_extension_versions WHERE name = "
                f"'{name}'",
            )
        case ExtensionAction(what="update", name=name):
            yield noted(
                "reaches-beyond-the-schema",
                f"ALTER EXTENSION {quoted(name)} UPDATE runs the extension's own script, which may lock and change "
                "what it likes",
                "read the script (name--from--to.sql) first, and run it at a quiet hour",
            )
        case PublicationAction(what="drop", tables=uses, name=name) if uses:
            tables = [table.full_name for use in uses if (table := maybe_relation(before, use.name)) is not None]
            yield warned(
                "reaches-beyond-the-schema",
                f"takes {listed(tables)} out of publication {quoted(name)}: subscribers get no rows of it from here "
                "on, and no error",
                "tell whoever reads it; a table that comes back later has to be copied anew",
            )
        case _:
            return


RULES = (
    FamilyRule(
        rule=Rule(
            name="ends-the-tools-transaction",
            about=STATEMENT,
            harm="The tool runs the file in a transaction of its own. BEGIN in it begins nothing (the server warns, "
            "25001); COMMIT ends the tool's transaction: what comes after is sent statement by statement, and the "
            "tool's note that the migration is applied is written apart from it. A failure leaves the migration half "
            "done.",
            way_out="Leave BEGIN and COMMIT out, or mark the file as one that the tool runs outside a transaction.",
        ),
        finds_among=_ends_transaction,
        setup="CREATE TABLE t (a int)",
        bad="BEGIN; ALTER TABLE t ADD COLUMN b int; COMMIT; CREATE INDEX ON t (b)",
        good="ALTER TABLE t ADD COLUMN b int; SAVEPOINT s; ROLLBACK TO s",
    ),
    FamilyRule(
        rule=Rule(
            name="leaves-transaction-open",
            about=STATEMENT,
            harm="PREPARE TRANSACTION keeps all locks beyond the session, until somebody commits it by name. A BEGIN "
            "that nothing ends, in a file that the tool runs outside a transaction, is rolled back when the session "
            "ends: the migration counts as applied, and nothing of it is there.",
            way_out="COMMIT, at the end of what belongs together.",
        ),
        finds_among=_leaves_open,
        setup="CREATE TABLE t (a int)",
        bad="ALTER TABLE t ADD COLUMN b int; PREPARE TRANSACTION 'x'",
        good="ALTER TABLE t ADD COLUMN b int",
    ),
    FamilyRule(
        rule=Rule(
            name="uses-uncommitted-enum-value",
            about=STATEMENT,
            harm="A value that ALTER TYPE ... ADD VALUE added may not be used before it is committed: the server "
            "refuses it with 55P04, in a query, a default or a view. A type of the same transaction is exempt from "
            "17 on.",
            way_out="ADD VALUE in a migration of its own, before the one that uses it.",
        ),
        finds_among=_too_early,
        setup="CREATE TYPE temper AS ENUM ('ok'); CREATE TABLE t (m temper)",
        bad="ALTER TYPE temper ADD VALUE 'sad'; ALTER TABLE t ALTER COLUMN m SET DEFAULT 'sad'",
        good="ALTER TYPE temper ADD VALUE 'sad'; ALTER TABLE t ALTER COLUMN m SET DEFAULT 'ok'",
    ),
    FamilyRule(
        rule=Rule(
            name="setting-leaks",
            about=STATEMENT,
            harm="SET holds to the end of the session, and many tools run all migrations in one: a lock_timeout of 0 "
            "for an index build, a search_path or a role goes on for every later migration, and for the tool's "
            "bookkeeping.",
            way_out="SET LOCAL in a transaction; RESET at the end of the file outside of one.",
        ),
        finds_among=_setting_leaks,
        setup="",
        bad="SET lock_timeout = 0",
        good="SET lock_timeout = 0; RESET lock_timeout",
    ),
    FamilyRule(
        rule=Rule(
            name="locks-explicitly",
            about=STATEMENT,
            harm="LOCK TABLE in SHARE or stronger shuts others out until the transaction ends, without doing "
            "anything that needs it. A blocking advisory lock waits without a limit, and its waiter deadlocks with a "
            "CREATE INDEX CONCURRENTLY of the holder.",
            way_out="A weaker mode, or none: each statement takes the lock that it needs. Poll with "
            "pg_try_advisory_lock.",
        ),
        finds=_locks_explicitly,
        setup="CREATE TABLE t (a int); INSERT INTO t VALUES (1)",
        bad="LOCK TABLE t IN SHARE MODE",
        good="LOCK TABLE t IN SHARE UPDATE EXCLUSIVE MODE",
    ),
    FamilyRule(
        rule=Rule(
            name="reaches-beyond-the-schema",
            about=STATEMENT,
            harm="Extensions, event triggers, roles, settings of the server, publications and subscriptions concern "
            "more than this application's tables: other databases, other sessions, other servers. Some need rights "
            "that managed servers do not give.",
            way_out="Let whoever runs the server know before the release, or do it there.",
        ),
        finds=_beyond_the_schema,
        setup="",
        bad="ALTER DATABASE postgres SET work_mem = '8MB'",
        good="SET work_mem = '8MB'",
    ),
)
