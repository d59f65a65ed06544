"""The server and the role that will run the release, as `Server` tells them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import psycopg

from gate.db.asking import Ask, Row
from gate.model.errors import UsageError
from gate.model.names import Name
from gate.model.snapshot import Server

SETTINGS = (
    "DateStyle", "IntervalStyle", "TimeZone", "check_function_bodies", "client_encoding", "deadlock_timeout",
    "default_statistics_target", "default_table_access_method", "default_tablespace", "default_toast_compression",
    "default_transaction_deferrable", "default_transaction_isolation", "default_transaction_read_only",
    "effective_io_concurrency", "hash_mem_multiplier", "idle_in_transaction_session_timeout", "idle_session_timeout",
    "lock_timeout", "maintenance_io_concurrency", "maintenance_work_mem", "max_locks_per_transaction",
    "max_parallel_maintenance_workers", "max_parallel_workers", "max_standby_streaming_delay", "max_worker_processes",
    "min_parallel_table_scan_size", "row_security", "search_path", "session_replication_role", "shared_buffers",
    "standard_conforming_strings", "statement_timeout", "synchronous_commit", "transaction_timeout",
    "vacuum_freeze_table_age", "wal_level", "wal_skip_threshold", "work_mem",
)  # fmt: skip

POOLER_HINTS = ("bouncer", "pooler", "pgcat", "odyssey", "supavisor", "-proxy.")


@dataclass(frozen=True, kw_only=True)
class Session:
    """What the first round tells beside the `Server` itself; `reader` is the role that is logged in."""

    server: Server
    reader: str
    role_oid: int
    block_size: int
    taken_at: str
    sees_statistics: bool
    sees_sessions: bool


def settings_asks(release_role: str | None) -> list[Ask]:
    """The session's own values, to be asked for before anything changes them, and where another role gets its own."""
    names = {"names": list(SETTINGS)}
    return [("settings", names), *([("setting_sources", names)] if release_role else [])]


def asks(release_role: str | None) -> list[Ask]:
    """Server, role settings, schemas, extensions: in this order for `session`."""
    role = {"role": release_role}
    return [
        ("server", role),
        ("role_settings", role),
        ("schemas", role),
        ("extensions", {}),
    ]


def session(
    connection: psycopg.Connection, settings: list[list[Row]], answers: list[list[Row]], release_role: str | None
) -> Session:
    """The answers to `settings_asks` and `asks` as a value. UsageError when the release role does not exist."""
    values_, *sources = settings
    servers, role_settings, schemas, extensions = answers
    if not servers:
        raise UsageError(
            f"the release role {Name(release_role or '')} does not exist on this server",
            remedy="name the role that will run the migrations with --release-role",
        )
    row = servers[0]
    values = effective_settings(values_, [] if row["is_own_role"] else sources[0], role_settings)
    path = row["session_path"] if row["is_own_role"] else resolved_path(values["search_path"], row["role"], schemas)
    server = Server(
        major=row["major"],
        version=row["version"],
        database=row["database"],
        role=row["role"],
        is_superuser=row["is_superuser"],
        memberships=frozenset(row["memberships"]),
        search_path=tuple(path),
        time_zone=values["TimeZone"],
        is_standby=row["is_standby"],
        sorts_by_bytes=row["sorts_by_bytes"],
        settings=values,
        extensions={item["name"]: item["version"] for item in extensions},
        pooler=pooler(connection, row["backend_pid"]),
        may_create_in_database=row["may_create_in_database"],
    )
    return Session(
        server=server,
        reader=row["reader"],
        role_oid=row["role_oid"],
        block_size=row["block_size"],
        taken_at=row["taken_at"],
        sees_statistics=row["sees_statistics"],
        sees_sessions=row["sees_sessions"],
    )


def effective_settings(settings: Iterable[Row], sources: Iterable[Row], role_settings: Iterable[Row]) -> dict[str, str]:
    """The values that the release role's own session would have; without `sources` those of this session.

    Another role's session takes what the connection gives, then ALTER ROLE ... IN DATABASE, ALTER ROLE, ALTER
    DATABASE, then the server's default, which we know unless our own role covers it with a setting.
    """
    found: dict[str, str] = {row["name"]: row["value"] for row in settings if row["value"] is not None}
    configured = _configured(role_settings)
    for row in sources:
        default = (row["fallback"] or "") if row["is_of_session_role"] else found[row["name"]]
        if not row["is_given"]:
            found[row["name"]] = configured.get(row["name"].lower(), default)
    return found


def _configured(role_settings: Iterable[Row]) -> dict[str, str]:
    """Settings of pg_db_role_setting by lower-case name; the rows come with the most specific first."""
    found: dict[str, str] = {}
    for row in role_settings:
        for item in row["settings"]:
            name, _, value = item.partition("=")
            found.setdefault(name.lower(), value)
    return found


def resolved_path(setting: str, role: str, schemas: Iterable[Row]) -> list[str]:
    """The schemas of a search_path setting that exist and that the role may use, `pg_catalog` left out."""
    usable = {row["name"] for row in schemas if row["may_use"]}
    names = (role if name == "$user" else name for name in identifiers(setting))
    return [name for name in dict.fromkeys(names) if name in usable and name != "pg_catalog"]


def identifiers(setting: str) -> list[str]:
    """The names in a list such as `"$user", public`, unquoted and folded as the server folds them."""
    names, current, is_quoted, was_quoted = [], "", False, False
    for char in setting + ",":
        if char == '"':
            # A doubled quote ends and begins: the quote itself stays.
            current += '"' if was_quoted and not is_quoted else ""
            is_quoted, was_quoted = not is_quoted, True
        elif char == "," and not is_quoted:
            names.append(current if was_quoted else current.strip().lower())
            current, was_quoted = "", False
        elif is_quoted or not char.isspace():
            current += char
    return [name for name in names if name]


def pooler(connection: psycopg.Connection, backend_pid: int) -> str | None:
    """What stands between, None for a direct connection: a pooler announces a pid that is not the backend's.

    One that does not is told by its host's name or by PgBouncer's port.
    """
    info = connection.info
    if info.backend_pid != backend_pid:
        return f"a pooler at {info.host}:{info.port}: the backend's pid is not the one it announced"
    host = (info.host or "").lower()
    if info.port == 6432 or any(hint in host for hint in POOLER_HINTS):
        return f"a pooler, to judge by its address {info.host}:{info.port}"
    return None
