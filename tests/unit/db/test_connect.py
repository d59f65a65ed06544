"""Errors on the way to a server: translated, each with a remedy, none with a password."""

from __future__ import annotations

import pytest

from gate.db.connect import connect
from gate.db.errors import scrubbed
from gate.db.queries import query
from gate.model.errors import Unreachable, UsageError


def test_a_malformed_connection_string_is_a_usage_error() -> None:
    with pytest.raises(UsageError) as caught:
        connect("postgresql://shop:secret@host:port:port/x y")
    assert "secret" not in str(caught.value)
    assert caught.value.remedy


def test_an_unknown_keyword_is_a_usage_error() -> None:
    with pytest.raises(UsageError):
        connect("nonsense=1")


def test_nobody_there_is_unreachable() -> None:
    with pytest.raises(Unreachable) as caught:
        connect("host=127.0.0.1 port=1 user=shop password=secret dbname=x")
    assert "secret" not in str(caught.value)
    assert caught.value.__cause__ is not None


@pytest.mark.parametrize(
    "text",
    [
        "postgresql://shop:secret@host/db",
        "postgresql://shop:se/cr:et@host/db",
        "password=secret host=x",
        "password='se\\'cret' host=x",
        "postgresql://host/db?user=shop&password=secret&sslmode=off",
        "sslpassword = secret",
    ],
)
def test_no_password_is_left(text: str) -> None:
    assert "cret" not in scrubbed(text)
    assert "***" in scrubbed(text)


def test_the_newest_query_that_fits_is_chosen() -> None:
    assert b"conenforced" in query("constraints", 18)
    assert b"conenforced" not in query("constraints", 17)
    assert query("publications", 14) != query("publications", 16)
    assert query("publications", 15) == query("publications", 99)


def test_a_query_that_is_not_there_is_a_bug() -> None:
    with pytest.raises(KeyError):
        query("nonsense", 18)
