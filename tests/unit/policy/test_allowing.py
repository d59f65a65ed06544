"""Comments that allow: where they stand, and what they say."""

from __future__ import annotations

from datetime import date

import pytest

from gate.model.migration import Migration
from gate.policy.allowing import Allow, Allowances, allowances
from gate.sql.script import split_script


def read(text: str, *, end: int | None = None, copy_data: bool = False) -> Allowances:
    statements = split_script(text, end=end, copy_data=copy_data)
    return allowances(Migration(id="1", path="1.sql", text=text, statements=statements))


def rules_of(text: str) -> list[list[str]]:
    return [[allow.rule for allow in allows] for allows in read(text).statements]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("-- gate: allow a because b\nSELECT 1;", [["a"]]),
        ("SELECT 1; -- gate: allow a because b", [["a"]]),
        ("SELECT 1 -- gate: allow a because b\n;", [["a"]]),
        ("SELECT 1; -- gate: allow a because b\nSELECT 2;", [["a"], []]),
        ("SELECT 1;\n-- gate: allow a because b\nSELECT 2;", [[], ["a"]]),
        ("SELECT 1; /* gate: allow a because b */ SELECT 2;", [[], ["a"]]),
        ("SELECT 1; SELECT 2; -- gate: allow a because b", [[], ["a"]]),
        ("SELECT -- gate: allow a because b\n  1;\nSELECT 2;", [["a"], []]),
        ("/* gate: allow a because b */\n\n\n-- more\nSELECT 1;", [["a"]]),
        ("-- gate: allow a, b because c\nSELECT 1;", [["a", "b"]]),
        ("-- gate: allow a because c\n-- gate: allow b because c\nSELECT 1;", [["a", "b"]]),
        ("--gate:allow a because b\nSELECT 1;", [["a"]]),
        ("-- GATE: ALLOW A BECAUSE b\nSELECT 1;", [["a"]]),
        ("\ufeff-- gate: allow a because b\nSELECT 1;", [["a"]]),
        ("-- gate: allow a because b\r\nSELECT 1;\r\n", [["a"]]),
        ("SELECT '-- gate: allow a because b';", [[]]),
        ("SELECT $$\n-- gate: allow a because b\n$$;", [[]]),
        ('SELECT "-- gate: allow a because b";', [[]]),
        ("SELECT E'\\'-- gate: allow a because b';", [[]]),
        ("-- the gate: allow nobody\nSELECT 1;", [[]]),
        ("-- gate: closes at five\nSELECT 1;", [[]]),
        ("/* /* gate: allow a because nested */ */ SELECT 1;", [[]]),
    ],
)
def test_where_a_comment_stands(text: str, found: list[list[str]]) -> None:
    assert rules_of(text) == found


def test_the_part_that_takes_the_migration_back_allows_nothing() -> None:
    text = (
        "-- migrate:up\nSELECT 1;\n-- gate: allow a because b\n-- migrate:down\n-- gate: allow c because d\nSELECT 2;"
    )
    found = read(text, end=text.index("-- migrate:down"))
    assert [allow.rule for allow in found.loose] == ["a"]
    assert found.statements == ((),)


def test_a_part_that_takes_back_first_is_not_what_stands_before() -> None:
    text = "-- gate: allow a because b\nSELECT 'down';\n-- up\nSELECT 1;"
    start = text.index("-- up")
    statements = split_script(text, start=start)
    assert allowances(Migration(id="1", path=None, text=text, statements=statements)).statements == ((),)


def test_rows_of_copy_are_no_comments() -> None:
    text = "COPY t FROM stdin;\n-- gate: allow a because b\n\\.\n-- gate: allow c because d\nSELECT 1;"
    assert [[allow.rule for allow in allows] for allows in read(text, copy_data=True).statements] == [[], ["c"]]


@pytest.mark.parametrize(
    ("comment", "allow"),
    [
        ("-- gate: allow a because it is small", Allow(rule="a", line=1, reason="it is small")),
        (
            "-- gate: allow a because it is small until 2026-12-31",
            Allow(rule="a", line=1, reason="it is small", until=date(2026, 12, 31)),
        ),
        (
            "-- gate: allow a until 2026-12-31 because it is small",
            Allow(rule="a", line=1, reason="it is small", until=date(2026, 12, 31)),
        ),
        ("-- gate: allow a because nobody reads until noon", Allow(rule="a", line=1, reason="nobody reads until noon")),
        ("-- gate: allow a", Allow(rule="a", line=1)),
        ("-- gate: allow a because", Allow(rule="a", line=1)),
        ("/* gate: allow a because\n   it is\n   small */", Allow(rule="a", line=1, reason="it is small")),
        ("/*\n * gate: allow a because b\n */", Allow(rule="a", line=2, reason="b")),
    ],
)
def test_what_a_comment_says(comment: str, allow: Allow) -> None:
    assert read(f"{comment}\nSELECT 1;").statements == ((allow,),)


@pytest.mark.parametrize(
    ("comment", "problem"),
    [
        ("-- gate: allow a because b until 2026-02-30", "`2026-02-30` is no date"),
        ("-- gate: allow a because b until 31.12.2026", "`31.12.2026` is no date"),
        ("-- gate: allow a until tomorrow because b", "`tomorrow` is no date"),
        ("-- gate: allow a it is small", "`it is small` where `because`"),
        ("-- gate: allow because b", "no rule is named"),
        ("-- gate: allow", "no rule is named"),
        ("-- gate: ignore a because b", "does not know the word ignore"),
    ],
)
def test_what_cannot_be_read_says_why(comment: str, problem: str) -> None:
    ((allow,),) = read(f"{comment}\nSELECT 1;").statements
    assert problem in allow.problem
