"""Transaction control, settings, and statements that lock no relation of a user."""

from __future__ import annotations

from postgast import pg_query_pb2 as pb

from gate.model.actions import Inert, SetSetting, Statement, TransactionControl, Unknown
from gate.sql.terms import constant
from gate.sql.tree import Tree, words

_INERT = {
    "variable_show_stmt": "SHOW",
    "notify_stmt": "NOTIFY",
    "listen_stmt": "LISTEN",
    "unlisten_stmt": "UNLISTEN",
    "check_point_stmt": "CHECKPOINT",
    "constraints_set_stmt": "SET CONSTRAINTS",
    "close_portal_stmt": "CLOSE CURSOR",
    "deallocate_stmt": "DEALLOCATE",
    "load_stmt": "LOAD",
    "alter_function_stmt": "ALTER FUNCTION",
    "alter_default_privileges_stmt": "ALTER DEFAULT PRIVILEGES",
    "alter_collation_stmt": "ALTER COLLATION",
    "grant_role_stmt": "GRANT ROLE",
    "create_role_stmt": "CREATE ROLE",
    "alter_role_stmt": "ALTER ROLE",
    "alter_role_set_stmt": "ALTER ROLE",
    "alter_database_stmt": "ALTER DATABASE",
    "alter_database_set_stmt": "ALTER DATABASE",
    "alter_operator_stmt": "ALTER OPERATOR",
    "create_conversion_stmt": "CREATE CONVERSION",
    "create_op_class_stmt": "CREATE OPERATOR CLASS",
    "create_op_family_stmt": "CREATE OPERATOR FAMILY",
    "alter_op_family_stmt": "ALTER OPERATOR FAMILY",
    "create_cast_stmt": "CREATE CAST",
    "create_transform_stmt": "CREATE TRANSFORM",
    "create_am_stmt": "CREATE ACCESS METHOD",
    "create_plang_stmt": "CREATE LANGUAGE",
    "create_event_trig_stmt": "CREATE EVENT TRIGGER",
    "alter_event_trig_stmt": "ALTER EVENT TRIGGER",
    "alter_tsdictionary_stmt": "ALTER TEXT SEARCH DICTIONARY",
    "alter_tsconfiguration_stmt": "ALTER TEXT SEARCH CONFIGURATION",
    "create_fdw_stmt": "CREATE FOREIGN DATA WRAPPER",
    "alter_fdw_stmt": "ALTER FOREIGN DATA WRAPPER",
    "create_foreign_server_stmt": "CREATE SERVER",
    "alter_foreign_server_stmt": "ALTER SERVER",
    "create_user_mapping_stmt": "CREATE USER MAPPING",
    "alter_user_mapping_stmt": "ALTER USER MAPPING",
    "drop_user_mapping_stmt": "DROP USER MAPPING",
    "drop_role_stmt": "DROP ROLE",
    "drop_subscription_stmt": "DROP SUBSCRIPTION",
}
_ALONE = {
    "createdb_stmt": "CREATE DATABASE",
    "dropdb_stmt": "DROP DATABASE",
    "create_table_space_stmt": "CREATE TABLESPACE",
    "drop_table_space_stmt": "DROP TABLESPACE",
    "alter_table_space_options_stmt": "ALTER TABLESPACE",
    "alter_system_stmt": "ALTER SYSTEM",
}


def _inert(tag: str, *, alone: bool = False) -> Statement:
    return Statement(kind=tag, action=Inert(what=tag.lower()), forbids_transaction=alone)


def transaction(node: Tree) -> Statement:
    """TransactionStmt."""
    what = words(pb.TransactionStmtKind, node.kind, "TRANS_STMT_")
    tag = {"start": "START TRANSACTION", "prepare": "PREPARE TRANSACTION", "rollback to": "ROLLBACK"}.get(
        what, what.upper()
    )
    return Statement(kind=tag, action=TransactionControl(what=what, chains=node.chain))


def set_setting(node: Tree) -> Statement:
    """VariableSetStmt."""
    resets = node.kind in (pb.VAR_SET_DEFAULT, pb.VAR_RESET, pb.VAR_RESET_ALL)
    values = tuple(text for text in (_value(item) for item in node.args) if text is not None)
    action = SetSetting(
        name=node.name.lower() or "all",
        value=None if resets else ", ".join(values),
        values=values,
        is_local=node.is_local,
    )
    return Statement(kind="RESET" if node.kind in (pb.VAR_RESET, pb.VAR_RESET_ALL) else "SET", action=action)


def _value(item: Tree) -> str | None:
    return constant(item)


def discard(node: Tree) -> Statement:
    """DiscardStmt."""
    what = words(pb.DiscardMode, node.target, "DISCARD_")
    return _inert(f"DISCARD {what.upper()}", alone=what == "all")


def fetch(node: Tree) -> Statement:
    """FetchStmt: the cursor's locks were taken by DECLARE."""
    return _inert("MOVE" if node.ismove else "FETCH")


def create_subscription(node: Tree) -> Statement:
    """CreateSubscriptionStmt: without a connection nothing but the catalog changes."""
    options = {item.def_elem.defname: item.def_elem for item in node.options}
    connects = "connect" not in options or _is_on(options["connect"])
    return _subscription("CREATE SUBSCRIPTION", connects=connects)


def alter_subscription(node: Tree) -> Statement:
    """AlterSubscriptionStmt: what refreshes asks the publisher for its tables, and opens those of these names here."""
    kind = words(pb.AlterSubscriptionType, node.kind, "ALTER_SUBSCRIPTION_")
    options = {item.def_elem.defname: item.def_elem for item in node.options}
    refreshes = "refresh" not in options or _is_on(options["refresh"])
    connects = (
        kind.startswith("refresh")
        or (kind.endswith("publication") and refreshes)
        or "two_phase" in options
        or "failover" in options
    )
    return _subscription("ALTER SUBSCRIPTION", connects=connects)


def _is_on(option: Tree) -> bool:
    kind = option.arg.WhichOneof("node")
    if kind == "boolean":
        return bool(option.arg.boolean.boolval)
    return kind != "string" or option.arg.string.sval.lower() not in ("false", "off", "0")


def _subscription(tag: str, *, connects: bool) -> Statement:
    if connects:
        return Statement(
            kind=tag, action=Unknown(why=f"{tag} asks the publisher which tables there are, and opens those")
        )
    return _inert(tag)


def _plain(tag: str, *, alone: bool) -> object:
    def build(node: Tree) -> Statement:
        del node
        return _inert(tag, alone=alone)

    return build


BUILDERS = {
    "transaction_stmt": transaction,
    "variable_set_stmt": set_setting,
    "discard_stmt": discard,
    "fetch_stmt": fetch,
    "create_subscription_stmt": create_subscription,
    "alter_subscription_stmt": alter_subscription,
    **{name: _plain(tag, alone=False) for name, tag in _INERT.items()},
    **{name: _plain(tag, alone=True) for name, tag in _ALONE.items()},
}
