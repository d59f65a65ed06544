"""The parser, and walking what it returns. Trees never leave this room.

Source: libpg_query 18 through postgast; node names are those of PostgreSQL's `parsenodes.h`.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import Any

import postgast
from google.protobuf.message import DecodeError
from postgast import pg_query_pb2 as pb

from gate.sql.parentheses import loose_operands

Tree = Any
"""A protobuf message of the parser; only this room knows its fields."""


_PRIVATE = "\ue000"
"""A character that means nothing: no text has it."""


class DoesNotParse(Exception):
    """The grammar of PostgreSQL 18 rejects the text; `offset` counts characters from its start, 0-based."""

    def __init__(self, problem: str, offset: int) -> None:
        super().__init__(problem)
        self.problem = problem
        self.offset = offset


def parsed(text: str) -> list[Tree]:
    """The statements of `text` as raw nodes. Raises DoesNotParse."""
    try:
        result = postgast.parse(text)
    except postgast.PgQueryError as error:
        raise DoesNotParse(str(error.message), _characters(text, error.cursorpos - 1)) from error
    except DecodeError as error:
        raise DoesNotParse("its expressions are nested too deep to be read", 0) from error
    return [raw.stmt for raw in result.stmts]


def _characters(text: str, byte_offset: int) -> int:
    """libpg_query counts bytes."""
    if byte_offset <= 0:
        return 0
    return len(text.encode()[:byte_offset].decode(errors="ignore"))


def which(node: Tree) -> tuple[str, Tree]:
    """The name and content of a `Node`; ('', node) for an empty one."""
    name = node.WhichOneof("node")
    return (name, getattr(node, name)) if name else ("", node)


def content(node: Tree) -> Tree:
    """What a `Node` holds."""
    return which(node)[1]


def walk(message: Tree) -> Iterator[tuple[str, Tree]]:
    """Every message below and including this one, as (type name, message), parents first."""
    pending = [message]
    while pending:
        current = pending.pop()
        yield current.DESCRIPTOR.name, current
        for field, value in current.ListFields():
            if field.message_type is None:
                continue
            if hasattr(value, "ListFields"):
                pending.append(value)
            else:
                pending.extend(value)


def words(enum: Any, value: int, prefix: str) -> str:
    """An enum's member in lower-case words, without its prefix: OBJECT_FOREIGN_TABLE is `foreign table`."""
    name: str = enum.Name(value)
    return name.removeprefix(prefix).replace("_", " ").lower()


def object_words(value: int) -> str:
    """An ObjectType in words."""
    return words(pb.ObjectType, value, "OBJECT_")


def deparsed(node: Tree) -> str:
    """An expression `Node` as SQL."""
    select = pb.SelectStmt(limit_option=pb.LIMIT_OPTION_DEFAULT, op=pb.SETOP_NONE)
    target = select.target_list.add()
    target.res_target.val.CopyFrom(node)
    return deparsed_statement(pb.Node(select_stmt=select)).removeprefix("SELECT ").strip()


def deparsed_statement(node: Tree) -> str:
    """A raw statement node, as `parsed` gives it, as SQL."""
    return _written(node.SerializeToString())


@lru_cache(maxsize=1024)
def _written(node: bytes) -> str:
    """Many databases are given the same steps: a tree is written out once, and known again by its bytes."""
    result = pb.ParseResult(version=180000)
    statement = result.stmts.add().stmt
    statement.ParseFromString(node)
    texts = _apart(statement)
    written = str(postgast.deparse(result)).strip()
    for name, text in texts.items():
        written = written.replace(f'"{name}"', text)
    return written


def _apart(statement: Tree) -> dict[str, str]:
    """Operands that the deparser would run together with what is around them: a name takes the place of each."""
    texts: dict[str, str] = {}
    for _, inner in walk(statement):
        for operand in loose_operands(inner):
            name = f"{_PRIVATE} {len(texts)}"
            texts[name] = f"({deparsed(operand)})"
            operand.Clear()
            operand.column_ref.fields.add().string.sval = name
    return texts
