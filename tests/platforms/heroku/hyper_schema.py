"""The hyper-schema of the Heroku Platform API: whether a request is one that it knows, and an answer what it promises.

`strictProperties` of the interagent dialect means that all properties are there and no others. A request's body may
hold nothing that its schema does not name.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import unquote
from uuid import UUID

from jsonschema import Draft4Validator, FormatChecker

FILE = Path(__file__).with_name("schema.json")
_REFERENCE = re.compile(r"\{\(([^)]+)\)\}")
_FORMATS = FormatChecker(formats=())


@_FORMATS.checks("date-time", raises=ValueError)
def _is_moment(value: object) -> bool:
    return not isinstance(value, str) or datetime.fromisoformat(value).tzinfo is not None


@_FORMATS.checks("uuid", raises=ValueError)
def _is_uuid(value: object) -> bool:
    return not isinstance(value, str) or str(UUID(value)) == value


@dataclass(frozen=True, kw_only=True)
class Link:
    """One call that there is: `path` is a pattern whose groups are held against `identities`, in their order."""

    title: str
    method: str
    path: re.Pattern[str]
    identities: tuple[Any, ...]
    asked: Any | None
    answered: Any | None

    def fits(self, method: str, path: str) -> bool:
        found = self.path.fullmatch(path) if method == self.method else None
        if found is None:
            return False
        pairs = zip(found.groups(), self.identities, strict=True)
        return all(_has_identity(unquote(value), identity) for value, identity in pairs)


@cache
def links() -> tuple[Link, ...]:
    """All of them."""
    found = []
    for name, resource in _document()["definitions"].items():
        for link in resource.get("links", ()):
            references = _REFERENCE.findall(link["href"])
            pattern = "([^/]+)".join(re.escape(part) for part in _REFERENCE.split(link["href"])[::2])
            found.append(
                Link(
                    title=f"{name} {link['title']}",
                    method=link["method"],
                    path=re.compile(pattern),
                    identities=tuple({"$ref": unquote(reference)} for reference in references),
                    asked=link.get("schema"),
                    answered=link.get("targetSchema"),
                )
            )
    return tuple(found)


def link_of(method: str, path: str, body: object) -> Link:
    """The call that a request is. Raises AssertionError where there is none, or its body is not what that takes."""
    fitting = [link for link in links() if link.fits(method, path)]
    assert fitting, f"the Platform API has no {method} {path}"
    told = {link.title: _faults_of_request(link, body) for link in fitting}
    taken = [link for link in fitting if not told[link.title]]
    assert taken, f"{method} {path} does not take {body!r}: {told}"
    return taken[0]


def check_answer(link: Link, answer: object) -> None:
    """Raises AssertionError where the API would not answer so."""
    faults = _faults(_strict(link.answered), answer)
    assert not faults, f"{link.title} does not answer so: {faults}"


def _faults_of_request(link: Link, body: object) -> list[str]:
    if link.asked is None:
        return [] if body is None else ["takes no body"]
    return ["wants a body"] if body is None else _faults(_closed(link.asked), body)


def _has_identity(value: str, identity: object) -> bool:
    """A number in a path is one."""
    return any(not _faults(identity, form) for form in (value, *([int(value)] if value.isdecimal() else [])))


def _faults(schema: object, value: object) -> list[str]:
    whole = {"definitions": _strict_document()["definitions"], "allOf": [schema]}
    validator = Draft4Validator(whole, format_checker=_FORMATS)
    return [f"{'/'.join(map(str, error.absolute_path))}: {error.message}" for error in validator.iter_errors(value)]


@cache
def _document() -> Any:
    return json.loads(FILE.read_text(encoding="utf-8"))


@cache
def _strict_document() -> Any:
    return _strict(_document())


def _strict(schema: Any) -> Any:
    """The dialect's word in those of draft 4."""
    match schema:
        case {"strictProperties": True, **rest}:
            plain = {key: _strict(value) for key, value in rest.items()}
            more = {"required": sorted(plain["properties"])} if plain.get("properties") else {}
            closed = {} if "patternProperties" in plain else {"additionalProperties": False}
            return plain | more | closed
        case Mapping():
            return {key: _strict(value) for key, value in schema.items()}
        case str():
            return schema
        case Iterable():
            return [_strict(value) for value in schema]
        case _:
            return schema


def _closed(schema: Mapping[str, Any]) -> Mapping[str, Any]:
    return {**schema, "additionalProperties": False}
