"""How a table is stored and switched: options, tablespace, access method, logging, replica identity, triggers.

Source: PostgreSQL 18 `tablecmds.c` (AlterTableGetLockLevel, ATExecSetTableSpace, ATPrepChangePersistence),
`reloptions.c` (the lock level of each storage parameter).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import cast

from gate.model.actions import NamedPart, Part
from gate.model.catalog import Relation
from gate.model.effects import ServerWouldReject, Touch
from gate.model.facts import Expect, Fact, Proof
from gate.model.locks import LockMode
from gate.model.snapshot import Snapshot
from gate.model.work import Work
from gate.rules.alter_table import At, PartRule, always, nothing
from gate.rules.lookup import family

AE = LockMode.ACCESS_EXCLUSIVE
SRE = LockMode.SHARE_ROW_EXCLUSIVE
SUE = LockMode.SHARE_UPDATE_EXCLUSIVE
_REWRITE = frozenset({Work.REWRITE})

# reloptions.c: these change what readers do at once; every other parameter takes SHARE UPDATE EXCLUSIVE.
_EXCLUSIVE_OPTIONS = frozenset(
    {
        "user_catalog_table",
        "security_barrier",
        "security_invoker",
        "check_option",
        "fastupdate",
        "gin_pending_list_limit",
        "autosummarize",
        "pages_per_range",
        "buffering",
        "length",
    }
    | {f"col{number}" for number in range(1, 33)}
)


def _options_lock(part: Part, at: At) -> LockMode:
    del at
    names = cast(NamedPart, part).options
    return AE if any(name.rpartition(".")[2] in _EXCLUSIVE_OPTIONS for name in names) else SUE


def _set_options(part: Part, at: At) -> Iterator[Touch]:
    if at.table.kind == "p" and at.index is None and cast(NamedPart, part).options:
        raise ServerWouldReject("cannot specify storage parameters for a partitioned table", sqlstate="42809")
    return iter(())


# --- files ------------------------------------------------------------------------------------------------------------


def _set_tablespace(part: Part, at: At) -> Iterator[Touch]:
    wanted = cast(NamedPart, part).name or ""
    if at.index is not None:
        return
    if at.table.has_storage and not _is_same(wanted, at.table.tablespace, at.world):
        yield Touch(at.table.oid, at.lock, _REWRITE)


def _is_same(wanted: str, present: str, world: Snapshot) -> bool:
    default = world.server.settings.get("database_tablespace") or "pg_default"
    return (wanted or default) == (present or default)


def _apply_tablespace(part: Part, at: At) -> Snapshot:
    if at.index is not None:
        return at.world
    return at.world.put(replace(at.table, tablespace=cast(NamedPart, part).name or ""))


def _set_access_method(part: Part, at: At) -> Iterator[Touch]:
    wanted = cast(NamedPart, part).name or at.world.server.settings.get("default_table_access_method") or "heap"
    if at.table.has_storage and wanted != (at.table.access_method or "heap"):
        yield Touch(at.table.oid, at.lock, _REWRITE)


def _apply_access_method(part: Part, at: At) -> Snapshot:
    return at.world.put(replace(at.table, access_method=cast(NamedPart, part).name or ""))


def _persistence(part: Part) -> str:
    return "p" if cast(NamedPart, part).what == "SetLogged" else "u"


def _set_persistence(part: Part, at: At) -> Iterator[Touch]:
    if at.table.persistence == _persistence(part):
        return
    if at.table.persistence == "t":
        raise ServerWouldReject(
            f'cannot change logged status of table "{at.table.name}" because it is temporary', sqlstate="42P16"
        )
    if at.table.kind == "p" and at.world.server.major >= 18:
        raise ServerWouldReject(
            "ALTER TABLE SET LOGGED/UNLOGGED cannot be performed on a partitioned table", sqlstate="42809"
        )
    _check_references(part, at)
    if at.table.has_storage:
        yield Touch(at.table.oid, at.lock, _REWRITE)
    if at.world.server.major >= 15:
        yield from (Touch(item.oid, AE) for item in owned_sequences(at.world, at.table))


def _check_references(part: Part, at: At) -> None:
    """A logged table cannot reference an unlogged one."""
    if _persistence(part) == "u":
        tables = {oid for oid, _ in at.table.referenced_by}
        bad = [at.world.relations[oid] for oid in tables if oid in at.world.relations and oid != at.table.oid]
        wrong = next((item for item in bad if item.persistence == "p"), None)
    else:
        found = (at.world.relations.get(item.referenced) for item in at.table.constraints if item.kind == "f")
        wrong = next((item for item in found if item and item.persistence == "u" and item.oid != at.table.oid), None)
    if wrong is not None:
        raise ServerWouldReject(
            f'could not change table "{at.table.name}": a foreign key ties it to "{wrong.name}"', sqlstate="42P16"
        )


def owned_sequences(world: Snapshot, table: Relation) -> Iterator[Relation]:
    """The sequences that the table's columns own."""
    for candidate in world.relations.values():
        if candidate.sequence and candidate.sequence.owner_table == table.oid:
            yield candidate


def _apply_persistence(part: Part, at: At) -> Snapshot:
    return at.world.put(replace(at.table, persistence=_persistence(part)))


# --- marks ------------------------------------------------------------------------------------------------------------


def _cluster_on(part: Part, at: At) -> Iterator[Touch]:
    _require_index(cast(NamedPart, part).name or "", at)
    return iter(())


def _require_index(name: str, at: At) -> None:
    if not any(index.name == name for index in at.table.indexes):
        raise ServerWouldReject(f'index "{name}" for table "{at.table.name}" does not exist', sqlstate="42704")


def _replica_identity(part: Part, at: At) -> Iterator[Touch]:
    name = cast(NamedPart, part).name
    if name:
        _require_index(name, at)
    return iter(())


def _apply_row_security(part: Part, at: At) -> Snapshot:
    what = cast(NamedPart, part).what
    if what.endswith("ForceRowSecurity"):
        return at.world.put(replace(at.table, forces_row_security=what == "ForceRowSecurity"))
    return at.world.put(replace(at.table, has_row_security=what == "EnableRowSecurity"))


# --- triggers and rules -----------------------------------------------------------------------------------------------


def _triggers(part: Part, at: At) -> Iterator[Touch]:
    """On a partitioned table row triggers have clones on every partition."""
    name = cast(NamedPart, part).name
    mine = [item for item in at.table.triggers if name is None or item.name == name]
    if name is not None and not mine:
        raise ServerWouldReject(f'trigger "{name}" for table "{at.table.name}" does not exist', sqlstate="42704")
    if at.table.kind == "p" and at.recurses and any(item.is_row for item in mine):
        yield from (Touch(table.oid, at.lock) for table in family(at.world, at.table))


def _rules(part: Part, at: At) -> Iterator[Touch]:
    name = cast(NamedPart, part).name
    if at.table.kind != "v" and not any(item.name == name for item in at.table.rules):
        raise ServerWouldReject(f'rule "{name}" for relation "{at.table.name}" does not exist', sqlstate="42704")
    return iter(())


PARTS = {
    "SetRelOptions": PartRule(_options_lock, _set_options, kinds="rpvmi"),
    "ResetRelOptions": PartRule(_options_lock, _set_options, kinds="rpvmi"),
    "ReplaceRelOptions": PartRule(_options_lock, _set_options, kinds="rpvmi"),
    "SetTableSpace": PartRule(always(AE), _set_tablespace, _apply_tablespace, kinds="rpmi"),
    "SetAccessMethod": PartRule(always(AE), _set_access_method, _apply_access_method, kinds="rpm"),
    "SetLogged": PartRule(always(AE), _set_persistence, _apply_persistence, kinds="rpS"),
    "SetUnLogged": PartRule(always(AE), _set_persistence, _apply_persistence, kinds="rpS"),
    "ClusterOn": PartRule(always(SUE), _cluster_on, kinds="rpm"),
    "DropCluster": PartRule(always(SUE), nothing, kinds="rpm"),
    "DropOids": PartRule(always(AE), nothing, kinds="rpf"),
    "GenericOptions": PartRule(always(AE), nothing, kinds="f"),
    **{f"ReplicaIdentity {kind}": PartRule(always(AE), _replica_identity, kinds="rpm") for kind in "dnfi"},
    **{
        f"{word}RowSecurity": PartRule(always(AE), nothing, _apply_row_security)
        for word in ("Enable", "Disable", "Force", "NoForce")
    },
    **{
        word: PartRule(always(SRE), _triggers, kinds="rpf")
        for word in (
            "EnableTrig",
            "EnableAlwaysTrig",
            "EnableReplicaTrig",
            "DisableTrig",
            "EnableTrigAll",
            "DisableTrigAll",
            "EnableTrigUser",
            "DisableTrigUser",
        )
    },
    **{
        word: PartRule(always(AE), _rules)
        for word in ("EnableRule", "EnableAlwaysRule", "EnableReplicaRule", "DisableRule")
    },
}

_DOC = "https://www.postgresql.org/docs/18/sql-altertable.html"
_SETUP = "CREATE TABLE t (a int PRIMARY KEY); INSERT INTO t SELECT g FROM generate_series(1, 10) g"


def _fact(form: str, statement: str, lock: LockMode, work: Work = Work.CATALOG_ONLY) -> Fact:
    expect = Expect(relation="public.t", lock=lock, work=frozenset({work}))
    return Fact(form=form, source=_DOC, proof=Proof(setup=_SETUP, statement=statement, expects=(expect,)))


FACTS = (
    _fact("SET (fillfactor)", "ALTER TABLE t SET (fillfactor = 80)", SUE),
    _fact("SET (user_catalog_table)", "ALTER TABLE t SET (user_catalog_table = true)", AE),
    _fact("SET UNLOGGED", "ALTER TABLE t SET UNLOGGED", AE, Work.REWRITE),
    _fact("SET LOGGED on a logged table", "ALTER TABLE t SET LOGGED", AE),
    _fact("CLUSTER ON", "ALTER TABLE t CLUSTER ON t_pkey", SUE),
    _fact("REPLICA IDENTITY", "ALTER TABLE t REPLICA IDENTITY FULL", AE),
    _fact("ENABLE ROW LEVEL SECURITY", "ALTER TABLE t ENABLE ROW LEVEL SECURITY", AE),
    _fact("DISABLE TRIGGER", "ALTER TABLE t DISABLE TRIGGER ALL", SRE),
    _fact("SET STATISTICS", "ALTER TABLE t ALTER COLUMN a SET STATISTICS 500", SUE),
)
