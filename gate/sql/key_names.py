"""The names that the server gives to the columns of an index, and so to an index without a name.

Source: PostgreSQL 18 `parse_target.c` (FigureIndexColname), `indexcmds.c` (ChooseIndexColumnNames).
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import count

from postgast import pg_query_pb2 as pb

from gate.sql.terms import strings
from gate.sql.tree import Tree, content, which

_LONGEST = 63


def key_names(elements: Iterable[Tree]) -> tuple[str, ...]:
    """Of all IndexElem nodes, those of INCLUDE too; a name that is there already gets a number."""
    found: list[str] = []
    for element in (content(item) for item in elements):
        name = element.name or _figured(element.expr)[1] or "expr"
        numbered = (_cut(name, str(number)) for number in count(1))
        found.append(name if name not in found else next(item for item in numbered if item not in found))
    return tuple(found)


def _cut(name: str, number: str) -> str:
    return name.encode()[: _LONGEST - len(number)].decode(errors="ignore") + number


_FIXED = {
    "a_array_expr": "array",
    "row_expr": "row",
    "coalesce_expr": "coalesce",
}


def _figured(node: Tree) -> tuple[int, str]:
    """(strength, name): 2 is a good name, 1 one that a cast or a CASE has only for want of a better, 0 is none."""
    kind, inner = which(node)
    match kind:
        case "column_ref":
            names = strings(inner.fields)
            return (2, names[-1]) if names else (0, "")
        case "func_call":
            return 2, strings(inner.funcname)[-1]
        case "a_expr":
            return (2, "nullif") if inner.kind == pb.AEXPR_NULLIF else (0, "")
        case "type_cast":
            return _or_else(_figured(inner.arg), strings(inner.type_name.names)[-1])
        case "case_expr":
            return _or_else(_figured(inner.defresult) if inner.HasField("defresult") else (0, ""), "case")
        case "collate_clause":
            return _figured(inner.arg)
        case "a_indirection":
            names = strings(inner.indirection)
            return (2, names[-1]) if names else _figured(inner.arg)
        case "min_max_expr":
            return 2, "greatest" if inner.op == pb.IS_GREATEST else "least"
        case _:
            return (2, _FIXED[kind]) if kind in _FIXED else (0, "")


def _or_else(found: tuple[int, str], name: str) -> tuple[int, str]:
    return found if found[0] > 1 else (1, name)
