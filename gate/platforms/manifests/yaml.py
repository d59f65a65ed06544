"""Values as YAML, with comments: what a manifest says is explained where it stands.

Block style throughout, so that it reads as other manifests do. A text is quoted unless it cannot be taken for anything
else, by YAML 1.1 either: `no`, `1.10` and `12:30` are texts only in quotes.
Source: https://yaml.org/spec/1.2.2/ 7.3.1 (double-quoted style) and https://yaml.org/type/ (1.1).
"""

from __future__ import annotations

import json
import re
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

_WIDTH = 110
# No digit, sign or point in front: what begins with a letter is a number in no version of YAML.
_PLAIN = re.compile(r"[A-Za-z/][A-Za-z0-9_./@-]*(?: ?[A-Za-z0-9_./@()-]+)*", re.ASCII)
_PLAIN_COLON = re.compile(r"[A-Za-z/][A-Za-z0-9_./@-]*:[A-Za-z0-9_./@-]+", re.ASCII)
_WORDS = frozenset({"y", "n", "yes", "no", "true", "false", "on", "off", "null"})
# Those that JSON lets stand and YAML does not.
_UNPRINTABLE = re.compile("[\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]")


@dataclass(frozen=True)
class Raw:
    """Written as it is: an expression of a template, which makes YAML only when it is rendered."""

    text: str


@dataclass(frozen=True)
class Why:
    """A value, and the comment above it. A line of the comment that begins with a space is not filled."""

    value: Value
    comment: str


@dataclass(frozen=True)
class Block:
    """A text of several lines, written as `|`."""

    text: str


Scalar: TypeAlias = str | int | bool | Raw | Block
Bare: TypeAlias = "Scalar | Mapping[str, Value] | Sequence[Value]"
Value: TypeAlias = "Bare | Why"


def documents(*values: Mapping[str, Value], head: str = "") -> str:
    """Documents, with `---` between them; `head` is the comment above the first."""
    top = "".join(f"{line}\n" for line in _comment(head, "")) if head else ""
    return top + "---\n".join(document(value) for value in values)


def document(value: Mapping[str, Value]) -> str:
    """One document."""
    return "".join(f"{line}\n" for line in _mapping(value, ""))


def sequence(value: Sequence[Value]) -> str:
    """A list alone, as it is put into a template."""
    return "".join(f"{line}\n" for line in _items(value, ""))


def quoted(text: str) -> str:
    """The text in double quotes."""
    return _UNPRINTABLE.sub(lambda found: f"\\u{ord(found[0]):04x}", json.dumps(text, ensure_ascii=False))


def commented(text: str) -> str:
    """YAML as a comment, to be taken out of it."""
    return "\n".join(f"   {line}" for line in text.splitlines())


def _mapping(value: Mapping[str, Value], indent: str) -> Iterator[str]:
    for key, given in value.items():
        held, comment = _apart(given)
        yield from _comment(comment, indent)
        yield from _entry(f"{indent}{_scalar(key)}:", held, indent)


def _entry(start: str, held: Bare, indent: str) -> Iterator[str]:
    match held:
        case Mapping() if held:
            yield start
            yield from _mapping(held, f"{indent}  ")
        case Block(text):
            yield f"{start} |"
            yield from (f"{indent}  {line}".rstrip() for line in text.splitlines())
        case str() | int() | Raw():
            yield f"{start} {_scalar(held)}"
        case Mapping():
            yield f"{start} {{}}"
        case Sequence() if _is_flow(held):
            yield f"{start} [{', '.join(_scalar(item) for item in held)}]"
        case Sequence():
            yield start
            yield from _items(held, f"{indent}  ")


def _items(value: Sequence[Value], indent: str) -> Iterator[str]:
    for held in value:
        item, comment = _apart(held)
        yield from _comment(comment, indent)
        if isinstance(item, Mapping):
            lines = list(_mapping(item, f"{indent}  "))
            first = next(place for place, line in enumerate(lines) if not line.lstrip().startswith("#"))
            yield from (f"{indent}{line[len(indent) + 2 :]}" for line in lines[:first])
            yield f"{indent}- {lines[first][len(indent) + 2 :]}"
            yield from lines[first + 1 :]
        else:
            yield f"{indent}- {_scalar(item)}"


def _apart(value: Value) -> tuple[Bare, str]:
    if not isinstance(value, Why):
        return value, ""
    held, inner = _apart(value.value)
    return held, "\n".join(part for part in (value.comment, inner) if part)


def _is_flow(value: Sequence[Value]) -> bool:
    """Short lists of words and numbers read better in one line."""
    width = sum(len(str(item)) + 2 for item in value)
    return all(isinstance(item, str | int) for item in value) and width < _WIDTH - 30


def _scalar(value: Value) -> str:
    match value:
        case Raw(text):
            return text
        case bool():
            return "true" if value else "false"
        case int():
            return str(value)
        case str():
            return value if _is_plain(value) else quoted(value)
        case _:
            raise TypeError(f"{value!r} is no scalar")


def _is_plain(text: str) -> bool:
    is_word = _PLAIN.fullmatch(text) or _PLAIN_COLON.fullmatch(text)
    return bool(is_word) and text.lower() not in _WORDS


def _comment(comment: str, indent: str) -> Iterator[str]:
    for line in comment.splitlines():
        if line.startswith(" ") or not line:
            yield f"{indent}# {line}".rstrip()
        else:
            yield from (f"{indent}# {part}" for part in textwrap.wrap(line, _WIDTH - len(indent) - 2))
