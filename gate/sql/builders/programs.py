"""Views, rules, triggers, policies, functions, and code that runs at once."""

from __future__ import annotations

from dataclasses import replace

from postgast import pg_query_pb2 as pb

from gate.model.actions import (
    CreateFunction,
    CreateRule,
    CreateStatistics,
    CreateTableAs,
    CreateTrigger,
    CreateView,
    OnObject,
    PolicyAction,
    Query,
    Run,
    Statement,
    Unknown,
)
from gate.model.expressions import Call
from gate.sql.builders.objects import object_name
from gate.sql.changes import change_of
from gate.sql.queries import query
from gate.sql.terms import expression, name_of, range_name, strings, type_name
from gate.sql.tree import DoesNotParse, Tree, content, deparsed_statement, parsed, walk, which

_EVENTS = {pb.CMD_SELECT: "select", pb.CMD_INSERT: "insert", pb.CMD_UPDATE: "update", pb.CMD_DELETE: "delete"}
# trigger.h
_TRIGGER_EVENTS = {4: "insert", 8: "delete", 16: "update", 32: "truncate"}
_TIMINGS = {0: "after", 2: "before", 64: "instead"}


def create_view(node: Tree) -> Statement:
    """ViewStmt."""
    action = CreateView(
        name=range_name(node.view),
        query=query(node.query, runs=False, plans=False, rewrites=False),
        replaces=node.replace,
        persistence=node.view.relpersistence or "p",
        columns=strings(node.aliases),
    )
    return Statement(kind="CREATE VIEW", action=action)


def create_rule(node: Tree) -> Statement:
    """RuleStmt."""
    queries = [query(item, runs=False, plans=False, rewrites=False) for item in node.actions if which(item)[0]]
    if node.HasField("where_clause"):
        queries.append(query(node.where_clause, runs=False, plans=False, rewrites=False))
    action = CreateRule(
        name=node.rulename,
        table=range_name(node.relation),
        event=_EVENTS[node.event],
        queries=tuple(queries),
        is_instead=node.instead,
        replaces=node.replace,
    )
    return Statement(kind="CREATE RULE", action=action)


def create_trigger(node: Tree) -> Statement:
    """CreateTrigStmt."""
    action = CreateTrigger(
        name=node.trigname,
        table=range_name(node.relation),
        function=name_of(strings(node.funcname)),
        events=frozenset(word for bit, word in _TRIGGER_EVENTS.items() if node.events & bit),
        timing=_TIMINGS[node.timing],
        is_row=node.row,
        is_constraint=node.isconstraint,
        replaces=node.replace,
        referenced=range_name(node.constrrel) if node.HasField("constrrel") else None,
        when=expression(node.when_clause) if node.HasField("when_clause") else None,
    )
    return Statement(kind="CREATE TRIGGER", action=action)


def _policy(node: Tree, *, creates: bool) -> Statement:
    fields = [getattr(node, field) for field in ("qual", "with_check") if node.HasField(field)]
    action = PolicyAction(
        name=node.policy_name,
        table=range_name(node.table),
        creates=creates,
        is_permissive=not creates or node.permissive,
        expressions=tuple(expression(item) for item in fields),
    )
    return Statement(kind="CREATE POLICY" if creates else "ALTER POLICY", action=action)


def create_policy(node: Tree) -> Statement:
    """CreatePolicyStmt."""
    return _policy(node, creates=True)


def alter_policy(node: Tree) -> Statement:
    """AlterPolicyStmt."""
    return _policy(node, creates=False)


def create_statistics(node: Tree) -> Statement:
    """CreateStatsStmt."""
    columns = tuple(content(item).name for item in node.exprs)
    parts = strings(node.defnames)
    action = CreateStatistics(
        name=name_of(parts) if parts else None,
        table=range_name(content(node.relations[0])),
        columns=tuple(name for name in columns if name),
        used=statistics_columns(node),
        text=deparsed_statement(pb.Node(create_stats_stmt=node)),
        if_not_exists=node.if_not_exists,
    )
    return Statement(kind="CREATE STATISTICS", action=action)


def statistics_columns(node: Tree) -> tuple[str, ...]:
    """The columns of a CreateStatsStmt, in expressions too."""
    named = [content(item).name for item in node.exprs]
    inside = [strings(inner.fields)[-1:] for kind, inner in walk(node) if kind == "ColumnRef"]
    return tuple(dict.fromkeys(name for name in (*named, *(name for names in inside for name in names)) if name))


def alter_statistics(node: Tree) -> Statement:
    """AlterStatsStmt."""
    name = object_name("statistic ext", pb.Node(list=pb.List(items=node.defnames)))
    action = OnObject(what="set statistics", object="statistic ext", name=name, missing_ok=node.missing_ok)
    return Statement(kind="ALTER STATISTICS", action=action)


def create_function(node: Tree) -> Statement:
    """CreateFunctionStmt."""
    options = {content(item).defname: content(item) for item in node.options}
    parameters = [content(item) for item in node.parameters]
    inputs = [item for item in parameters if item.mode not in (pb.FUNC_PARAM_OUT, pb.FUNC_PARAM_TABLE)]
    action = CreateFunction(
        name=name_of(strings(node.funcname)),
        arguments=tuple(type_name(item.arg_type) for item in inputs),
        returns=type_name(node.return_type) if node.HasField("return_type") else None,
        language=_string(options.get("language")) or "sql",
        source=_source(options.get("as")),
        volatility=(_string(options.get("volatility")) or "volatile")[0],
        is_procedure=node.is_procedure,
        replaces=node.replace,
        body=_body(node.sql_body) if node.HasField("sql_body") else (),
        checked=tuple(query(item, runs=False, plans=False) for item in sql_source(node)),
        argument_defaults=sum(item.HasField("defexpr") for item in inputs),
        sets=tuple(content(item).defname for item in node.options if content(item).defname == "set"),
        types=tuple(type_name(item.arg_type) for item in parameters),
    )
    return Statement(kind="CREATE PROCEDURE" if node.is_procedure else "CREATE FUNCTION", action=action)


def _string(option: Tree | None) -> str:
    return "" if option is None else str(content(option.arg).sval)


def _source(option: Tree | None) -> str | None:
    if option is None:
        return None
    parts = strings(content(option.arg).items)
    return parts[0] if len(parts) == 1 else None


def sql_source(node: Tree) -> list[Tree]:
    """The queries in the text of a function in SQL; the server refuses a text that does not parse."""
    options = {content(item).defname: content(item) for item in node.options}
    source = _source(options.get("as"))
    if source is None or (_string(options.get("language")) or "sql").lower() != "sql":
        return []
    try:
        found = parsed(source)
    except DoesNotParse:
        return []
    return [item for item in found if content(item).DESCRIPTOR.name in _STATEMENTS]


_STATEMENTS = ("SelectStmt", "InsertStmt", "UpdateStmt", "DeleteStmt", "MergeStmt", "ReturnStmt")


def _body(node: Tree) -> tuple[Query, ...]:
    """The queries of a BEGIN ATOMIC body; they are analysed and rewritten."""
    return (query(node, runs=False, plans=False),)


def do_block(node: Tree) -> Statement:
    """DoStmt."""
    options = {content(item).defname: content(item) for item in node.args}
    action = Run(language=_string(options.get("language")) or "plpgsql", body=_string(options.get("as")))
    return Statement(kind="DO", action=action)


def call(node: Tree) -> Statement:
    """CallStmt."""
    inner = node.funccall
    action = Run(call=Call(name_of(strings(inner.funcname)), len(inner.args)), query=query(node))
    return Statement(kind="CALL", action=action)


def explain(node: Tree) -> Statement:
    """ExplainStmt; without ANALYZE the query is planned, not run."""
    from gate.sql.builders.maintenance import is_on

    inner = content(node.query)
    runs = is_on(node.options, "analyze")
    match inner.DESCRIPTOR.name:
        case "ExecuteStmt":
            return replace(execute(inner), kind="EXPLAIN")
        case "DeclareCursorStmt":
            return Statement(kind="EXPLAIN", action=query(inner.query, runs=False))
        case "CreateTableAsStmt" if not runs:
            return Statement(kind="EXPLAIN", action=query(inner.query, runs=False))
        case "CreateTableAsStmt":
            return _explained_creation(inner)
        case "SelectStmt" if runs:
            return replace(select(inner), kind="EXPLAIN")
    return Statement(kind="EXPLAIN", action=query(node.query, runs=runs))


def _explained_creation(node: Tree) -> Statement:
    """EXPLAIN ANALYZE runs the query even WITH NO DATA."""
    from gate.sql.builders.tables import create_table_as

    made = create_table_as(node).action
    assert isinstance(made, CreateTableAs)
    return Statement(kind="EXPLAIN", action=replace(made, query=query(node.query)))


def declare_cursor(node: Tree) -> Statement:
    """DeclareCursorStmt: planned and started."""
    return Statement(kind="DECLARE CURSOR", action=query(node.query))


def prepare(node: Tree) -> Statement:
    """PrepareStmt: parse analysis and rewriting only."""
    return Statement(kind="PREPARE", action=query(node.query, runs=False, plans=False))


def execute(_node: Tree) -> Statement:
    """ExecuteStmt: what it runs was prepared in this session."""
    return Statement(
        kind="EXECUTE", action=Unknown(why="EXECUTE runs a statement that was prepared elsewhere; write it out")
    )


def _dml(node: Tree, kind: str) -> Statement:
    return Statement(kind=kind, action=replace(query(node), change=change_of(node)))


def select(node: Tree) -> Statement:
    """SelectStmt; SELECT INTO is CREATE TABLE AS."""
    for name, inner in walk(node):
        if name == "IntoClause" and inner.HasField("rel"):
            return _select_into(node, inner)
    return _dml(node, "SELECT")


def _select_into(node: Tree, into: Tree) -> Statement:
    action = CreateTableAs(
        name=range_name(into.rel),
        query=query(node),
        persistence=into.rel.relpersistence or "p",
    )
    return Statement(kind="SELECT INTO", action=action)


BUILDERS = {
    "view_stmt": create_view,
    "rule_stmt": create_rule,
    "create_trig_stmt": create_trigger,
    "create_policy_stmt": create_policy,
    "alter_policy_stmt": alter_policy,
    "create_stats_stmt": create_statistics,
    "alter_stats_stmt": alter_statistics,
    "create_function_stmt": create_function,
    "do_stmt": do_block,
    "call_stmt": call,
    "explain_stmt": explain,
    "declare_cursor_stmt": declare_cursor,
    "prepare_stmt": prepare,
    "execute_stmt": execute,
    "select_stmt": select,
    "insert_stmt": lambda node: _dml(node, "INSERT"),
    "update_stmt": lambda node: _dml(node, "UPDATE"),
    "delete_stmt": lambda node: _dml(node, "DELETE"),
    "merge_stmt": lambda node: _dml(node, "MERGE"),
}
