"""What is written is read again as it was, by a parser of YAML 1.1: whatever the text, and what stands around it."""

from __future__ import annotations

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as given_by

from gate.platforms.manifests.yaml import Block, Raw, Value, Why, document

# A lone surrogate is no text that could stand in a file.
TEXTS = given_by.text(given_by.characters(exclude_categories=["Cs"]), max_size=200)
SCALARS = TEXTS | given_by.integers() | given_by.booleans()
VALUES = given_by.recursive(
    SCALARS,
    lambda inner: (
        given_by.lists(SCALARS | given_by.dictionaries(TEXTS, inner, min_size=1), max_size=4)
        | given_by.dictionaries(TEXTS, inner, max_size=4)
    ),
    max_leaves=12,
)


@given(value=given_by.dictionaries(TEXTS, VALUES, min_size=1, max_size=4))
def test_whatever_is_written_is_read_again(value: dict[str, object]) -> None:
    assert yaml.safe_load(document(value)) == value  # type: ignore[arg-type]  # of these types, in depth


@pytest.mark.parametrize(
    "text",
    [
        "no",
        "Off",
        "y",
        "~",
        "",
        "null",
        "1.10",
        "12:30",
        "0x1f",
        "1e3",
        "2026-01-01",
        "- a",
        "a: b",
        "a #b",
        "*a",
        "&a",
    ],
)
def test_what_yaml_takes_for_something_else_is_quoted(text: str) -> None:
    assert yaml.safe_load(document({"a": text, "b": [text]})) == {"a": text, "b": [text]}


def test_comments_stand_above_and_change_nothing() -> None:
    """However long, and in a list too; a template stays as it is."""
    long = "word " * 60
    value: dict[str, Value] = {
        "a": Why([Why({"b": Why("c", long)}, "first"), {"d": Raw("{{ x }}")}], "of the list"),
        "e": Block("x\n y\n"),
    }
    text = document(value)
    assert yaml.safe_load(text.replace("{{ x }}", "1")) == {"a": [{"b": "c"}, {"d": 1}], "e": "x\n y\n"}
    assert max(len(line) for line in text.splitlines()) <= 110
    assert [line for line in text.splitlines() if "first" in line or "of the list" in line] == [
        "# of the list",
        "  # first",
    ]
