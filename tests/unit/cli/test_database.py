"""Which database is meant, in all the ways that it can be said."""

from __future__ import annotations

from pathlib import Path

import pytest
from psycopg.conninfo import conninfo_to_dict

from gate.app.database import target
from gate.cli.secrets import masked
from gate.model.errors import UsageError

URL = "postgresql://shop:secret@db.example/shop"


def test_the_own_variable_wins() -> None:
    assert target(None, {"DATABASE_URL": "postgres://a/b", "GATE_DATABASE_URL": URL}).conninfo == URL


def test_the_usual_variable_is_taken() -> None:
    assert target(None, {"DATABASE_URL": "postgres://a/b", "GATE_DATABASE_URL": " "}).conninfo == "postgresql://a/b"


def test_no_variable_is_an_error_that_names_them() -> None:
    with pytest.raises(UsageError) as caught:
        target(None, {})
    assert "DATABASE_URL" in caught.value.remedy


def test_a_variable_can_be_named() -> None:
    assert target("env:PROD", {"PROD": URL}).conninfo == URL
    with pytest.raises(UsageError, match="PROD"):
        target("env:PROD", {})


def test_a_file_can_be_named(tmp_path: Path) -> None:
    path = tmp_path / "url"
    path.write_text(f"{URL}\n")
    assert target(f"file:{path}", {}).conninfo == URL
    path.write_text("\n")
    with pytest.raises(UsageError, match="is empty"):
        target(f"file:{path}", {})
    with pytest.raises(UsageError, match="cannot read"):
        target(f"file:{tmp_path / 'other'}", {})


@pytest.mark.parametrize(
    "url", ["postgresql://u:sec[ret@h/d", "postgresql://u@[h/d", "postgresql://u:secret\u2100@h/d"]
)
def test_a_url_that_cannot_be_read_is_not_repeated(url: str) -> None:
    with pytest.raises(UsageError, match="cannot be read") as caught:
        target(None, {"DATABASE_URL": url})
    assert "sec" not in f"{caught.value}{caught.value.remedy}"


def test_a_service_is_for_libpq() -> None:
    found = target("service=shop", {})
    assert (found.conninfo, found.warning) == ("service=shop", "")


@pytest.mark.parametrize("given", [URL, "host=db password=secret", "postgresql://db/shop?password=secret"])
def test_a_password_on_the_command_line_is_spoken_about(given: str) -> None:
    warning = target(given, {}).warning
    assert "env:NAME" in warning
    assert "secret" not in warning


def test_a_url_without_password_is_not() -> None:
    assert target("postgresql://shop@db/shop", {}).warning == ""


@pytest.mark.parametrize(
    ("given", "taken"),
    [
        ("postgresql+psycopg://u@h/d", {"user": "u", "host": "h", "dbname": "d"}),
        ("jdbc:postgresql://h:5433/d", {"host": "h", "port": "5433", "dbname": "d"}),
        ("postgres://h/d?sslmode=require&pool=5", {"host": "h", "dbname": "d", "sslmode": "require"}),
        ("postgres://h/d?schema=public", {"host": "h", "dbname": "d", "options": "-csearch_path=public"}),
        ("postgres://h/d?schema=Shop", {"host": "h", "dbname": "d", "options": '-csearch_path="Shop"'}),
        ("postgres://h/d?search_path=a, b", {"host": "h", "dbname": "d", "options": "-csearch_path=a,\\ b"}),
        ("postgres://h/d?x-migrations-table=t", {"host": "h", "dbname": "d"}),
        ("postgres://u:p%40ss@h/d?pgbouncer=true", {"user": "u", "password": "p@ss", "host": "h", "dbname": "d"}),
    ],
)
def test_what_other_programs_write_in_a_url_is_understood(given: str, taken: dict[str, str]) -> None:
    assert conninfo_to_dict(target(None, {"DATABASE_URL": given}).conninfo) == taken


@pytest.mark.parametrize("given", ["mysql://h/d", "sqlite:shop.db", "shop"])
def test_another_database_is_refused(given: str) -> None:
    with pytest.raises(UsageError):
        target(given, {})


@pytest.mark.parametrize(
    "text",
    [
        f"cannot connect to {URL}",
        "host=db password=secret user=u",
        "host=db password='secret' user=u",
        "postgresql://db/shop?password=secret&sslmode=require",
        "postgresql://u:se@secret@db/shop",
    ],
)
def test_passwords_are_masked(text: str) -> None:
    assert "secret" not in masked(text)
    assert "***" in masked(text)
