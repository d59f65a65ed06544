"""Passwords in connection strings are masked wherever they stand, and what is none is left as it is."""

from __future__ import annotations

import json

import pytest

from gate.model.passwords import masked


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("postgres://u:hunter2@h/d", "postgres://u:***@h/d"),
        ("to postgres://u:hunter2@h/d failed", "to postgres://u:***@h/d failed"),
        ("postgres://u:hun@ter2@h/d", "postgres://u:***@h/d"),
        ("postgres://u:hun/ter2@h/d", "postgres://u:***@h/d"),
        ("postgres://u:hun'ter\"2@h/d", "postgres://u:***@h/d"),
        ("postgres://:hunter2@h/d", "postgres://:***@h/d"),
        ("postgres://u@h/d?password=hunter2&x=1", "postgres://u@h/d?password=***&x=1"),
        ("host=h password=hunter2 user=u", "host=h password=*** user=u"),
        ("password = 'hun ter\\'2' user=u", "password = *** user=u"),
        ("password='hunter2 and never closed", "password=***"),
        ("sslpassword=hunter2", "sslpassword=***"),
        ("password=hun'ter2\"x y", "password=*** y"),
    ],
)
def test_what_is_masked(text: str, shown: str) -> None:
    assert masked(text) == shown


@pytest.mark.parametrize("text", ["postgres://u@h:5432/d", "https://example.com/a:b", "the password is wrong", "a@b"])
def test_what_is_left(text: str) -> None:
    assert masked(text) == text


def test_a_json_text_stays_one() -> None:
    told = {"a": "password=hunter2", "b": "postgres://u:hunter2@h/d", "c": "mail a@b"}
    for separators in ((",", ":"), (", ", ": ")):
        shown = json.loads(masked(json.dumps(told, separators=separators)))
        assert shown == {"a": "password=***", "b": "postgres://u:***@h/d", "c": "mail a@b"}
