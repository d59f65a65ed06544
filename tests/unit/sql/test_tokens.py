"""Tokens: all of the text, and nothing but it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gate.sql.tokens import Kind, tokens


def kinds(text: str) -> list[tuple[str, str]]:
    return [(token.kind.value, token.text) for token in tokens(text) if token.kind is not Kind.SPACE]


@given(st.text(alphabet=st.sampled_from("aE'\"$-/*\\\n ;1.U&(é")))
def test_put_together_they_are_the_text(text: str) -> None:
    found = list(tokens(text))
    assert "".join(token.text for token in found) == text
    assert all(token.text for token in found)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("a$b$c", [("word", "a$b$c")]),
        ("$a$ ' -- $a$ b", [("dollar", "$a$ ' -- $a$"), ("word", "b")]),
        ("E'a\\'b' c", [("string", "E'a\\'b'"), ("word", "c")]),
        ("E'a'\n'b\\'c' d", [("string", "E'a'\n'b\\'c'"), ("word", "d")]),
        ("'a''b'c", [("string", "'a''b'"), ("word", "c")]),
        ("U&'a' U&\"b\"", [("string", "U&'a'"), ("name", 'U&"b"')]),
        ("/* a /* b */ c */ d", [("comment", "/* a /* b */ c */"), ("word", "d")]),
        ("-- a\nb", [("comment", "-- a"), ("word", "b")]),
        ("$1 + 1.5e-3", [("parameter", "$1"), ("other", "+"), ("number", "1.5e-3")]),
        ("'never closed", [("string", "'never closed")]),
        ("E'never closed\\", [("string", "E'never closed\\")]),
        ("$$never closed", [("dollar", "$$never closed")]),
        ("/* never closed", [("comment", "/* never closed")]),
        ("größe2", [("word", "größe2")]),
    ],
)
def test_what_they_are(text: str, found: list[tuple[str, str]]) -> None:
    assert kinds(text) == found
