"""What a function's body runs, as far as its text tells: statements of SQL and of PL/pgSQL, in all branches.

Source: libpg_query's PL/pgSQL parser, which compiles the text of a CREATE FUNCTION; node names are those of
PostgreSQL's
`plpgsql.h`. Its stand-ins for arguments decide nothing here, so that records and text take any argument's place.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache, reduce
from operator import or_
from typing import Any

import postgast

from gate.model.names import quoted
from gate.model.wants import Wants
from gate.sql.parse import Parsed, parse_all
from gate.sql.terms import constant, strings
from gate.sql.tree import DoesNotParse, Tree, content, parsed, which


@dataclass(frozen=True, kw_only=True)
class Routine:
    """What the parser must know of a function to read its body. `kind` is `f` (trigger functions too), `p` or `do`."""

    language: str
    source: str
    kind: str = "f"
    names: tuple[str, ...] = ()
    returns_set: bool = False


@dataclass(frozen=True)
class Code:
    """The statements that a body may run, and what in it only a run can tell."""

    statements: tuple[Parsed, ...] = ()
    unknown: tuple[str, ...] = ()

    @property
    def wants(self) -> Wants:
        """All that the statements name."""
        return reduce(or_, (item.wants for item in self.statements), Wants())


@lru_cache(maxsize=4096)
def read_code(routine: Routine) -> Code:
    """The code of a body in a language that gate reads; anything else is unknown."""
    if routine.language == "sql":
        return _sql(routine.source)
    if routine.language != "plpgsql":
        return Code((), (f"a function in {routine.language}",))
    try:
        tree = _compiled(routine)
    except (postgast.PgQueryError, ValueError) as error:
        return Code((), (f"PL/pgSQL that its parser does not take ({error})",))
    return _gathered(tree)


_ATOMIC = re.compile(r"\A\s*BEGIN\s+ATOMIC\b(.*)\bEND\s*\Z", re.IGNORECASE | re.DOTALL)
_RETURN = re.compile(r"\A\s*RETURN\b", re.IGNORECASE)


def _sql(source: str) -> Code:
    atomic = _ATOMIC.match(source)
    source = atomic[1] if atomic else _RETURN.sub("SELECT", source)
    try:
        return Code(parse_all(source))
    except DoesNotParse as error:
        return Code((), (f"SQL that its parser does not take ({error.problem})",))


_TRIGGER = (
    "new", "old", "tg_name", "tg_when", "tg_level", "tg_op", "tg_relid", "tg_relname", "tg_table_name",
    "tg_table_schema",
    "tg_nargs", "tg_argv", "tg_event", "tg_tag",
)  # fmt: skip
_ROW = re.compile(r'(?:[\w$]+|"[^"]+")(?:\s*\.\s*(?:[\w$]+|"[^"]+"))*\s*%\s*rowtype', re.IGNORECASE)


def _compiled(routine: Routine) -> list[dict[str, Any]]:
    """The parser's tree; several headers are tried, for which return type fits only the body tells."""
    tag = next(f"$body{number}$" for number in range(1_000) if f"$body{number}$" not in routine.source)
    body = f"{tag}{_ROW.sub('record', routine.source)}{tag}"
    first: Exception | None = None
    for header in _headers(routine):
        try:
            return list(postgast.parse_plpgsql(f"{header} LANGUAGE plpgsql AS {body}"))
        except (postgast.PgQueryError, ValueError) as found:
            first = first or found
    raise first or ValueError("no header fits")


def _headers(routine: Routine) -> Iterator[str]:
    if routine.kind == "p":
        returns = [""]
    else:
        plain = ["RETURNS record", "RETURNS void"]
        returns = ["RETURNS SETOF record"] if routine.returns_set else plain
    what = "PROCEDURE" if routine.kind == "p" else "FUNCTION"
    names = [*dict.fromkeys(name for name in routine.names if name)]
    extra = [] if routine.kind != "f" else [name for name in _TRIGGER if name not in names]
    for kind in ("record", "text"):
        arguments = [f"{quoted(name)} {kind}" for name in names]
        arguments += [f"{name} {'record' if name in ('new', 'old') else 'text'}" for name in extra]
        for item in returns:
            yield f"CREATE {what} f({', '.join(arguments)}) {item}"


_DYNAMIC = {
    "PLpgSQL_stmt_dynexecute": "query",
    "PLpgSQL_stmt_dynfors": "query",
    "PLpgSQL_stmt_open": "dynquery",
    "PLpgSQL_stmt_return_query": "dynquery",
}


def _gathered(tree: Any) -> Code:
    statements: list[Parsed] = []
    unknown: list[str] = []
    for kind, value in _expressions(tree):
        text = value["query"]
        if kind == "dynamic":
            constant_text = _constant(text)
            if constant_text is None:
                unknown.append(f"EXECUTE {text}")
                continue
            text, mode = constant_text, 0
        else:
            mode = value.get("parseMode", 0)
        try:
            statements.extend(_statements(text, mode))
        except DoesNotParse as error:
            unknown.append(f"{text} ({error.problem})")
    return Code(tuple(statements), tuple(unknown))


def _expressions(node: Any, *, dynamic: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """Every expression and statement in the order of the text; those of EXECUTE are marked."""
    if isinstance(node, list):
        for item in node:
            yield from _expressions(item)
        return
    if not isinstance(node, dict):
        return
    for key, value in node.items():
        if key == "PLpgSQL_expr":
            yield ("dynamic" if dynamic else "static"), value
        elif isinstance(value, dict) and key in _DYNAMIC:
            for field, below in value.items():
                yield from _expressions(below, dynamic=key if field == _DYNAMIC[key] else "")
        else:
            yield from _expressions(value)


_ASSIGNED = re.compile(r"\A[^:=(]*?(?:\[.*?\][^:=(]*)?:?=", re.DOTALL)
_PLAIN = re.compile(r"\A[\w\s.,+*/<>=:'\[\]-]*\Z")


def _statements(text: str, mode: int) -> Iterable[Parsed]:
    """The statement, or the SELECT that evaluates an expression; one that neither calls nor reads anything is left
    out.
    """
    if mode == 0:
        return parse_all(text)
    if mode >= 3:
        text = _ASSIGNED.sub("", text, count=1)
    if _PLAIN.match(text) and "select" not in text.lower():
        return ()
    return parse_all(f"SELECT {text}")


def _constant(text: str) -> str | None:
    """The text that an EXECUTE runs, where it is a literal or literals joined by `||`."""
    try:
        (select,) = parsed(f"SELECT {text}")
        return _joined(content(select).target_list[0].res_target.val)
    except (DoesNotParse, ValueError, IndexError):
        return None


def _joined(node: Tree) -> str | None:
    kind, inner = which(node)
    if kind == "a_expr" and strings(inner.name) == ("||",):
        left, right = _joined(inner.lexpr), _joined(inner.rexpr)
        return None if left is None or right is None else left + right
    return constant(node)
