"""Settings and transactions: SET, RESET, SET ROLE, and what a later statement meets because of them.

Source: PostgreSQL 18 `guc.c`, `variable.c`; the pages "SET", "SET ROLE". Nothing here locks a relation.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from gate.model.actions import SetSetting, TransactionControl
from gate.model.effects import Touch
from gate.model.snapshot import Snapshot


def nothing(_action: object, _world: Snapshot) -> Iterator[Touch]:
    """No relation is locked."""
    return iter(())


def set_path(world: Snapshot, schemas: tuple[str, ...]) -> Snapshot:
    """The catalog under another search path; what the server printed keeps the one of the reading."""
    server = world.server
    own = (server.role,) if server.role in world.schemas else ()
    path: list[str] = []
    for schema in schemas:
        path.extend(
            own if schema == "$user" else (schema,) if schema in world.schemas and schema != "pg_catalog" else ()
        )
    printed = server.printed_path or server.search_path
    return replace(world, server=replace(server, search_path=tuple(dict.fromkeys(path)), printed_path=printed))


def apply_setting(action: SetSetting, snapshot: Snapshot) -> Snapshot:
    """The session after it: search_path, role and TimeZone decide what later statements do."""
    server = snapshot.server
    name, value = action.name, action.value
    if name == "search_path":
        if value is not None:
            return set_path(snapshot, action.values)
        return replace(snapshot, server=replace(server, search_path=server.printed_path or server.search_path))
    if name in ("role", "session_authorization") and value not in (None, "none"):
        member = value in server.memberships or server.is_superuser
        roles = server.memberships | {value or ""}
        changed = replace(server, role=value or "", is_superuser=False, memberships=roles)
        return replace(snapshot, server=changed) if member else snapshot
    if value is None:
        return snapshot
    settings = {**server.settings, _spelled(name, server.settings): value}
    changed = replace(server, settings=settings, time_zone=value if name == "timezone" else server.time_zone)
    return replace(snapshot, server=changed)


def _spelled(name: str, settings: object) -> str:
    """The setting's name as the server spells it (`TimeZone`)."""
    assert hasattr(settings, "__iter__")
    return next((item for item in settings if item.lower() == name), name)


DERIVES = {TransactionControl: nothing, SetSetting: nothing}
APPLIES = {SetSetting: apply_setting}
