"""The house's rules that no linter can express."""

from __future__ import annotations

import ast
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PURE = ("model", "sql", "rules", "splits", "policy", "plan", "run", "report")

FUNCTIONS = {
    "open": "take the text as an argument, from gate.app",
    "input": "take the answer as an argument, from gate.cli",
    "print": "return the text, gate.cli prints it",
}
METHODS = {
    "read_text": "take the text as an argument, from gate.app",
    "read_bytes": "take the bytes as an argument, from gate.app",
    "write_text": "return the text, gate.app writes it",
    "write_bytes": "return the bytes, gate.app writes it",
    "iterdir": "take the files as an argument, from gate.app",
    "rglob": "take the files as an argument, from gate.app",
    "unlink": "say what to remove, gate.app removes it",
    "mkdir": "say what to make, gate.app makes it",
}


def impurities(source: str) -> Iterator[str]:
    """Each call that reaches for the world, with its line and what to do instead."""
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.Call(func=ast.Name(id=name)) if name in FUNCTIONS:
                yield f"{node.lineno}: {name}: {FUNCTIONS[name]}"
            # What a package ships with itself is part of it.
            case ast.Call(func=ast.Attribute(attr=name, value=value)) if (
                name in METHODS and "files(" not in ast.unparse(value)
            ):
                yield f"{node.lineno}: {name}: {METHODS[name]}"


@pytest.mark.parametrize("room", PURE)
def test_the_pure_rooms_do_not_reach_for_the_world(room: str) -> None:
    files = sorted((ROOT / "gate" / room).rglob("*.py"))
    assert [f"{file}:{found}" for file in files for found in impurities(file.read_text())] == []


def test_an_impurity_is_seen() -> None:
    assert list(impurities("x = 1\nopen('a')")) == ["2: open: take the text as an argument, from gate.app"]
    assert list(impurities("Path('a').read_text()")) == ["1: read_text: take the text as an argument, from gate.app"]
    assert list(impurities("files('gate.model').joinpath('plan.json').read_text()")) == []


def test_the_launchers_stamp_ends_where_the_linters_begin() -> None:
    """Nothing that decides what is installed may stand below the marked line."""
    above, below = (ROOT / "pyproject.toml").read_text().split("\n# ---- below this line", 1)
    assert set(tomllib.loads(above)) == {"build-system", "project", "tool"}
    assert set(tomllib.loads(below.split("\n", 1)[1])) == {"tool"}
    assert set(tomllib.loads(above)["tool"]) == {"hatch"}
