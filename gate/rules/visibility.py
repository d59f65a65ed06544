"""Rules: who may see and do what changes under running code: row security, privileges, owners, partitions."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from gate.model.actions import (
    Action,
    AlterTable,
    DetachPartition,
    Drop,
    DropOwned,
    Grant,
    Inert,
    InheritPart,
    NamedPart,
    OnObject,
    PolicyAction,
)
from gate.model.catalog import Relation
from gate.model.effects import Effect
from gate.model.names import quoted
from gate.model.plan import Finding, Severity
from gate.model.rules import STATEMENT, Rule
from gate.model.snapshot import Snapshot
from gate.rules.in_use import OVERLAP, effect_on, listed, refused, rows_of, sql_name, warned
from gate.rules.lookup import maybe_relation, role_named
from gate.rules.ruling import Among, FamilyRule

# --- row security -----------------------------------------------------------------------------------------------------


def _hides_rows(among: Among) -> Iterator[Finding]:
    action, before, effects = among.deed.action, among.deed.before, among.deed.effects
    match action:
        case AlterTable(name=name, parts=parts):
            table = maybe_relation(before, name)
            effect = effect_on(table, effects, before)
            for part in parts:
                if table is not None and effect is not None and isinstance(part, NamedPart):
                    yield from _of_switch(part.what, table, effect, among)
        case PolicyAction(table=name):
            table = maybe_relation(before, name)
            effect = effect_on(table, effects, before)
            if table is not None and effect is not None and table.has_row_security:
                yield from _of_policy(action, table, effect)
        case Drop(object="policy", names=names):
            for item in names:
                table = maybe_relation(before, item.part_of) if item.part_of else None
                effect = effect_on(table, effects, before)
                if table is not None and effect is not None and table.has_row_security:
                    yield from _of_dropped(item.name.name, table, effect, among)
        case _:
            return


def _of_switch(what: str, table: Relation, effect: Effect, among: Among) -> Iterator[Finding]:
    name = sql_name(table)
    allowed = bool(table.policies) or any(
        isinstance(item, PolicyAction) and item.creates and maybe_relation(among.deed.before, item.table) == table
        for item in among.later()
    )
    none = "" if allowed else "; there is no policy, so that they see no row at all"
    if what == "EnableRowSecurity" and not table.has_row_security:
        owner = f"its owner {quoted(table.owner)}" if table.owner else "its owner"
        yield warned(
            "hides-rows",
            f"turns row security on for {effect.relation}: every role but {owner} and superusers sees and writes only "
            f"the rows that a policy lets it{none}",
            f"CREATE POLICY for the roles of the code in the same transaction, before it; try as such a role: SET ROLE "
            f"...; SELECT count(*) FROM {name}",
            effect.relation,
        )
    elif what == "ForceRowSecurity" and not table.forces_row_security:
        find = warned if allowed else refused
        yield find(
            "hides-rows",
            f"forces row security on {effect.relation} for its owner {quoted(table.owner)} too: code that connects as "
            "the owner sees and writes only the rows that a policy lets it"
            + ("" if allowed else "; there is no policy, so that it sees no row at all"),
            "CREATE POLICY for the owner in the same transaction, before it",
            effect.relation,
        )
    elif what == "DisableRowSecurity" and table.has_row_security:
        yield warned(
            "hides-rows",
            f"turns row security off for {effect.relation}: every role that may read it sees all rows, those of other "
            "tenants too",
            "sure enough where something else keeps tenants apart",
            effect.relation,
        )


def _of_policy(action: PolicyAction, table: Relation, effect: Effect) -> Iterator[Finding]:
    if action.creates and action.is_permissive:
        return
    what = "adds restrictive policy" if action.creates else "changes policy"
    yield warned(
        "hides-rows",
        f"{what} {quoted(action.name)} on {effect.relation}, where row security is on: code that runs now may see and "
        "write other rows than before, and gets no error for those that it does not see",
        f"try as the role of the code: SET ROLE ...; SELECT count(*) FROM {sql_name(table)}",
        effect.relation,
    )


def _of_dropped(policy: str, table: Relation, effect: Effect, among: Among) -> Iterator[Finding]:
    later = tuple(among.later())
    if any(isinstance(item, PolicyAction) and item.creates and item.name == policy for item in later):
        return
    left = [item.name for item in table.policies if item.name != policy]
    left += [item.name for item in later if isinstance(item, PolicyAction) and item.creates]
    if left:
        yield warned(
            "hides-rows",
            f"drops policy {quoted(policy)} of {effect.relation}, where row security is on: code that runs now may see "
            f"and write other rows than before; {listed(map(quoted, left))} stay",
            f"try as the role of the code: SET ROLE ...; SELECT count(*) FROM {sql_name(table)}",
            effect.relation,
        )
    else:
        yield refused(
            "hides-rows",
            f"drops {quoted(policy)}, the last policy of {effect.relation}, where row security is on: no role but its "
            "owner sees any row of it any more, and nobody gets an error",
            f"in the same transaction CREATE POLICY what holds from now on, or ALTER TABLE {sql_name(table)} DISABLE "
            "ROW LEVEL SECURITY",
            effect.relation,
        )


# --- privileges -------------------------------------------------------------------------------------------------------


def _takes_privileges(action: Action, effects: tuple[Effect, ...], before: Snapshot) -> Iterator[Finding]:
    match action:
        case Grant(is_grant=False, privileges=privileges, roles=roles):
            named = [maybe_relation(before, name) for name in action.tables]
            found = [table for table in named if table is not None and table.oid > 0 and not table.is_temporary]
            what = ", ".join(word.upper() for word in privileges) or "all privileges"
            where = (
                listed(table.full_name for table in found)
                if found
                else f"all {action.object}s in {listed(action.in_schemas)}"
                if action.in_schemas
                else ""
            )
            if where:
                yield _revoked(f"{what} on {where} from {listed(map(quoted, _people(roles)))}")
        case Inert(what="revoke"):
            yield replace(_revoked("privileges on something that is no table"), severity=Severity.NOTE)
        case AlterTable(name=name, parts=parts):
            table = maybe_relation(before, name)
            effect = effect_on(table, effects, before)
            for part in parts:
                if table is not None and effect is not None and isinstance(part, NamedPart):
                    yield from _new_owner(part, table, effect, before)
        case OnObject(what="owner", object=kind, role=role) if kind in ("schema", "function", "procedure", "type"):
            yield warned(
                "takes-privileges",
                f"makes {quoted(role_named(before, role))} the owner of {kind} {action.name.name}: what the owner "
                "before was allowed without a GRANT, it is not any more",
                "GRANT to the roles of the code what it needs, in the same transaction",
            )
        case DropOwned(reassigns=True, roles=roles):
            yield warned(
                "takes-privileges",
                f"gives everything that {listed(map(quoted, roles))} owns to another role: code that connects as the "
                "owner before loses what it was allowed without a GRANT",
                "GRANT to that role what the code needs, in the same transaction",
            )
        case _:
            return


def _people(roles: tuple[str, ...]) -> Iterator[str]:
    yield from (role.lower() if role == "PUBLIC" else role for role in roles)


def _revoked(what: str) -> Finding:
    return warned(
        "takes-privileges",
        f"takes {what}: code that runs now under such a role gets 42501 from the moment this commits",
        "first let the code work under a role that does not need it; look who is: SELECT DISTINCT usename FROM "
        "pg_stat_activity",
    )


def _new_owner(part: NamedPart, table: Relation, effect: Effect, before: Snapshot) -> Iterator[Finding]:
    new = role_named(before, part.name or "")
    if part.what == "ChangeOwner" and table.owner and new != table.owner:
        yield warned(
            "takes-privileges",
            f"makes {quoted(new)} the owner of {effect.relation} instead of {quoted(table.owner)}: code that "
            f"connects as {quoted(table.owner)} gets 42501, unless it was granted what it does",
            f"in the same transaction: GRANT SELECT, INSERT, UPDATE, DELETE ON {sql_name(table)} TO "
            f"{quoted(table.owner)}",
            effect.relation,
        )


# --- partitions -------------------------------------------------------------------------------------------------------


def _rows_leave(action: Action, effects: tuple[Effect, ...], before: Snapshot) -> Iterator[Finding]:
    if not isinstance(action, AlterTable):
        return
    table = maybe_relation(before, action.name)
    for part in action.parts:
        match part:
            case DetachPartition(child=name, finalizes=False):
                child, parent = maybe_relation(before, name), table
            case InheritPart(adds=False, parent=name):
                child, parent = table, maybe_relation(before, name)
            case _:
                continue
        effect = effect_on(child, effects, before)
        if parent is not None and child is not None and effect is not None and not child.is_known_empty:
            yield warned(
                "rows-leave-parent",
                f"takes {effect.relation}{rows_of(effect)} out of {parent.full_name}: code that reads "
                f"{parent.full_name} finds its rows no more, and gets no error; rows for it are refused (23514), "
                "unless another partition takes them",
                f"sure enough where old partitions are meant to go; else let code read {effect.relation} too before",
                effect.relation,
            )


_SETUP = "CREATE TABLE t (a int); INSERT INTO t VALUES (1)"

RULES = (
    FamilyRule(
        rule=Rule(
            name="hides-rows",
            about=STATEMENT,
            harm=OVERLAP + "With row security on, a role sees only the rows that a policy lets it, and without a "
            "policy none. Nobody gets an error: code that runs now finds nothing, and writes it again. The owner is "
            "bound only by FORCE; turning it off shows every row to whoever may read the table.",
            way_out="Make the policies first, in the same transaction, and try them as the role of the code: SET "
            "ROLE, then count.",
        ),
        finds_among=_hides_rows,
        setup=_SETUP,
        bad="ALTER TABLE t FORCE ROW LEVEL SECURITY",
        good="ALTER TABLE t NO FORCE ROW LEVEL SECURITY",
    ),
    FamilyRule(
        rule=Rule(
            name="takes-privileges",
            about=STATEMENT,
            harm=OVERLAP + "REVOKE, and a new owner, take rights from roles at once. Code that runs now under one of "
            "them gets 42501, permission denied, on every query that needs it. The owner of a table needs no GRANT, "
            "and so has often none to keep.",
            way_out="Give the roles of the code what they need by GRANT, in the same transaction, or move the code to "
            "another role first.",
        ),
        finds=_takes_privileges,
        setup=_SETUP,
        bad="REVOKE SELECT ON t FROM PUBLIC",
        good="GRANT SELECT ON t TO PUBLIC",
    ),
    FamilyRule(
        rule=Rule(
            name="rows-leave-parent",
            about=STATEMENT,
            harm=OVERLAP + "A partition that is detached, or a child that no longer inherits, takes its rows along: "
            "code that reads the table above finds them no more, without an error.",
            way_out="Nothing, where old partitions are meant to go. Else read the detached table too until nothing "
            "asks for it.",
        ),
        finds=_rows_leave,
        setup="CREATE TABLE p (a int) PARTITION BY RANGE (a); CREATE TABLE p1 PARTITION OF p FOR VALUES FROM (0) TO "
        "(9); CREATE TABLE p2 PARTITION OF p FOR VALUES FROM (9) TO (19); INSERT INTO p1 VALUES (1); INSERT INTO p2 "
        "VALUES (9)",
        bad="ALTER TABLE p DETACH PARTITION p1",
        good="TRUNCATE p2",
    ),
)
