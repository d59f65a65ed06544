"""An UPDATE or DELETE made into batches along the place of the rows in their file, where there is no key to walk.

A batch reads a few blocks (a TID range scan, since 14) and changes the rows in them that the change is meant for. A row
that somebody updates meanwhile may move behind the walk, and those that the walk itself updates move ahead of it. So a
row must not meet the condition any more once it was changed, and at the end of a pass one batch looks at all rows, in
one snapshot: if it finds fewer than it was given, and could change each of them, nothing is left. Else there is another
pass, from the first of them on.

Source: PostgreSQL 18 `nodeTidrangescan.c`, `execMain.c` (EvalPlanQual), `hio.c` (RelationGetBufferForTuple),
https://www.postgresql.org/docs/18/ddl-system-columns.html, `rowtypes.c` (record_image_ne).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from postgast import pg_query_pb2 as pb

from gate.model.names import Name
from gate.sql.rewriting.query_trees import all_of, cast_to, column, integer, nodes_of, relation_named
from gate.sql.tree import Tree, content, parsed, walk, which

TID = Name("tid", "pg_catalog")
INT8 = Name("int8", "pg_catalog")


@dataclass(frozen=True, kw_only=True)
class Stored:
    """A column that is assigned, with its type and what stands in parentheses behind that: `numeric` and (10, 2)."""

    column: str
    type: Name
    modifiers: tuple[int, ...] = ()


def is_plain(sql: str) -> bool:
    """Whether the UPDATE or DELETE gives whole columns a value each: no DEFAULT, no part of one, no row at once."""
    change = content(parsed(sql)[0])
    targets = [item.res_target for item in change.target_list] if change.DESCRIPTOR.name == "UpdateStmt" else []
    kinds = {which(target.val)[0] for target in targets}
    return not kinds & {"set_to_default", "multi_assign_ref"} and not any(target.indirection for target in targets)


def unless_done(change: Tree, stored: Iterable[Stored]) -> None:
    """Keep rows out that hold already what the UPDATE gives them, to the last byte: `=` would take A for a, 1 for 1.0.

    An expression is not evaluated where the condition does not hold: it may be what keeps it from failing.
    """
    kinds = {item.column: item for item in stored}
    held, given = pb.RowExpr(row_format=pb.COERCE_EXPLICIT_CALL), pb.RowExpr(row_format=pb.COERCE_EXPLICIT_CALL)
    known_as = change.relation.alias.aliasname or change.relation.relname
    for item in change.target_list:
        target = item.res_target
        held.args.append(column(known_as, target.name))
        given.args.append(_as_stored(target.val, kinds[target.name]))
    # As they stand two rows would be compared column by column.
    sides = [cast_to(pb.Node(row_expr=side), Name("record", "pg_catalog")) for side in (held, given)]
    differs = pb.A_Expr(kind=pb.AEXPR_OP, lexpr=sides[0], rexpr=sides[1])
    differs.name.add().string.sval = "*<>"
    test = pb.Node(a_expr=differs)
    if change.HasField("where_clause"):
        where = pb.Node()
        where.CopyFrom(change.where_clause)
        only_then = pb.CaseExpr()
        only_then.args.add().case_when.CopyFrom(pb.CaseWhen(expr=where, result=test))
        test = all_of([where, pb.Node(case_expr=only_then)])
    change.where_clause.CopyFrom(test)


def _as_stored(value: Tree, stored: Stored) -> Tree:
    written = cast_to(value, stored.type)
    written.type_cast.type_name.typmods.extend(integer(number) for number in stored.modifiers)
    return written


_ROWS_PER_BLOCK = 77
# `p` stands for the prefix of all names, 77 for the rows of a block; p_table, 'p_table' and p_condition are put in.
_BATCH = """
WITH p_at AS MATERIALIZED (
    SELECT p_after, p_blocks, p_block >= p_blocks AS p_is_last,
           ('(' || least(p_blocks, p_block + greatest(1, $3::pg_catalog.int8 / 77)) || ',0)')::pg_catalog.tid AS p_until
      FROM (SELECT coalesce($1::pg_catalog.tid, '(0,0)') AS p_after,
                   (coalesce($1::pg_catalog.tid, '(0,0)')::pg_catalog.text::pg_catalog.point)[0]::pg_catalog.int8
                   AS p_block,
                   coalesce($2::pg_catalog.int8, pg_catalog.pg_relation_size('p_table'::pg_catalog.regclass)
                   / pg_catalog.current_setting('block_size')::pg_catalog.int8) AS p_blocks) AS p_from
), p_walk AS MATERIALIZED (
    (SELECT ctid AS p_place FROM ONLY p_table WHERE ctid > (SELECT p_after FROM p_at)
        AND ctid < (SELECT p_until FROM p_at) AND p_condition ORDER BY ctid LIMIT $3::pg_catalog.int8)
    UNION ALL
    (SELECT ctid FROM ONLY p_table WHERE (SELECT p_is_last FROM p_at) AND p_condition LIMIT $3::pg_catalog.int8)
), p_change AS (
    SELECT 1
), p_found AS (
    SELECT pg_catalog.count(*) AS p_count, pg_catalog.min(p_place) AS p_lowest, pg_catalog.max(p_place) AS p_highest,
           (SELECT pg_catalog.count(*) FROM p_change) AS p_changed
      FROM p_walk
), p_next AS (
    SELECT CASE WHEN p_is_last
                THEN ('(' || (p_lowest::pg_catalog.text::pg_catalog.point)[0]::pg_catalog.int8 || ',0)')::pg_catalog.tid
                WHEN p_count = $3::pg_catalog.int8 THEN p_highest ELSE p_until END AS p_key_1,
           CASE WHEN p_is_last THEN pg_catalog.pg_relation_size('p_table'::pg_catalog.regclass)
                / pg_catalog.current_setting('block_size')::pg_catalog.int8 ELSE p_blocks END AS p_key_2
      FROM p_at, p_found
     WHERE NOT (p_is_last AND p_count < $3::pg_catalog.int8 AND p_changed = p_count)
)
SELECT p_key_1::pg_catalog.text AS p_key_1, p_key_2::pg_catalog.text AS p_key_2 FROM p_next
"""


def along_tids(change: Tree, name: Name, *, rows_per_block: int, prefix: str) -> Tree:
    """The SELECT that is one batch of the change, which is aimed already at the relation `name` alone."""
    (node,) = parsed(_BATCH.replace("p_", f"{prefix}_"))
    select = node.select_stmt
    known_as = change.relation.alias.aliasname
    condition = change.where_clause if change.HasField("where_clause") else _true()
    for kind, inner in walk(select):
        if kind == "RangeVar" and inner.relname == f"{prefix}_table":
            inner.CopyFrom(relation_named(name, only=True))
            inner.alias.aliasname = known_as
        elif kind == "A_Const" and inner.sval.sval == f"{prefix}_table":
            inner.sval.sval = str(name)
        elif kind == "A_Const" and inner.ival.ival == _ROWS_PER_BLOCK:
            inner.ival.ival = rows_per_block
    # All of them are found before any has the condition in its place.
    for part in [
        part for _, inner in walk(select) for part in nodes_of(inner) if _is_called(part, f"{prefix}_condition")
    ]:
        part.CopyFrom(condition)
    _aim(change, known_as, prefix)
    select.with_clause.ctes[2].common_table_expr.ctequery.CopyFrom(_node(change))
    return select


def _aim(change: Tree, known_as: str, prefix: str) -> None:
    (select,) = parsed(f"SELECT ctid = ANY (ARRAY(SELECT {prefix}_place FROM {prefix}_walk))")
    here = select.select_stmt.target_list[0].res_target.val
    here.a_expr.lexpr.CopyFrom(column(known_as, "ctid"))
    own = [change.where_clause] if change.HasField("where_clause") else []
    change.where_clause.CopyFrom(all_of([*own, here]))
    change.returning_clause.exprs.add().res_target.val.CopyFrom(integer(1))


def _is_called(node: Tree, name: str) -> bool:
    return bool(node.column_ref.fields) and node.column_ref.fields[0].string.sval == name


def _true() -> Tree:
    (select,) = parsed("SELECT true")
    return select.select_stmt.target_list[0].res_target.val


def _node(change: Tree) -> Tree:
    field = "update_stmt" if change.DESCRIPTOR.name == "UpdateStmt" else "delete_stmt"
    return pb.Node(**{field: change})
