"""Who would make a step wait without any lock of its: old snapshots, and synchronous standbys that are not there."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence

from gate.db.queries import query
from gate.model.migration import Query
from gate.model.run import Backend
from gate.model.units import plural
from gate.run.sample import Other
from gate.run.world import Row
from gate.sql.masking import normalised

Ask = Callable[[Query], tuple[Row, ...]]

_METHOD = re.compile(
    r"\s*(?:(?P<method>first|any)\s+)?(?P<number>[0-9]+)\s*\((?P<names>.*)\)\s*", re.IGNORECASE | re.DOTALL
)
_NAME = re.compile(r'"(?P<quoted>(?:[^"]|"")*)"|(?P<bare>[^\s,]+)')
_WAITS = frozenset({"on", "remote_write", "remote_apply"})
_IS_SYNCHRONOUS = frozenset({"sync", "quorum"})


def old_snapshots(ask: Ask, relations: Sequence[str] = ()) -> tuple[Other, ...]:
    """Whom a step CONCURRENTLY has to outlive, the oldest first; of others' sessions a plain role sees none.

    With `relations` (`schema.name`) prepared transactions with locks on them are there too: their pid is 0, and the
    gid stands for the application.
    """
    return tuple(
        Other(
            backend=Backend(pid=row["pid"], started_at=row["started_at"] or ""),
            user=row["user"],
            application=row["application"] or None,
            kind=row["kind"] or "client backend",
            state=row["state"],
            transaction_age_s=row["transaction_age_s"],
            state_age_s=row["state_age_s"],
            query=normalised(row["query"]) if row["query"] else None,
        )
        for row in ask(Query(query("standing_snapshots").decode(), (list(relations),)))
    )


def missing_synchronous_standby(ask: Ask) -> str | None:
    """Why every COMMIT would wait, None where it would not.

    Source: https://www.postgresql.org/docs/18/runtime-config-replication.html#GUC-SYNCHRONOUS-STANDBY-NAMES.
    """
    (row,) = ask(Query(query("standing_standbys").decode()))
    return missing(row["names"], row["synchronous_commit"], row["replicas"] or ())


def missing(names: str, synchronous_commit: str, replicas: Iterable[Sequence[str | None]]) -> str | None:
    """From the settings and the replicas that are connected: name and `sync_state`, None where that is hidden."""
    if not names.strip() or synchronous_commit not in _WAITS:
        return None
    found = _METHOD.fullmatch(names)
    number = int(found["number"]) if found else 1
    wanted = {_bare(match) for match in _NAME.finditer(found["names"] if found else names)}
    there = sum(
        state in _IS_SYNCHRONOUS if state is not None else "*" in wanted or (name or "").lower() in wanted
        for name, state in replicas
    )
    if there >= number:
        return None
    return (
        f"synchronous_standby_names is '{names}': a COMMIT waits for {plural(number, 'standby', 'standbys')}, and "
        f"{there or 'none'} of them {'is' if there < 2 else 'are'} connected"
    )


def _bare(found: re.Match[str]) -> str:
    """Names are compared without regard to case."""
    quoted = found["quoted"]
    return (quoted.replace('""', '"') if quoted is not None else found["bare"]).lower()
