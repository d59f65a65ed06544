"""Steps as a script, and SQL inside a sentence: whole, within the width, and still the same SQL."""

from __future__ import annotations

from dataclasses import replace

from gate.report.prose.pasting import listing, script
from tests.golden import samples

BLOCK = (
    "DO $gate$\nBEGIN\n    UPDATE public.order_lines SET note = 'two  blanks' WHERE note IS NULL AND id < 1000000;\n"
    "END\n$gate$;"
)


def test_a_listing_keeps_its_statements() -> None:
    lines = listing(f"ALTER TABLE t ADD c int;\n{BLOCK}", 60)
    assert lines[:2] == ["ALTER TABLE t ADD c int;", "DO $gate$"]
    assert lines[-1] == "$gate$;"
    assert max(map(len, lines)) <= 60
    assert "'two  blanks'" in "\n".join(lines)


def test_a_listing_need_not_be_sql() -> None:
    assert listing("1. let nobody's code use it\n2. drop it", 60) == ["1. let nobody's code use it", "2. drop it"]
    assert listing("1. add it\n2. drop it", 60) == ["1. add it", "2. drop it"]


def test_several_statements_of_a_step_are_one_transaction() -> None:
    lines = script(samples.VOLATILE_DEFAULT.steps, 80)
    place = lines.index("BEGIN;")
    assert lines[place + 3] == "COMMIT;"


def test_what_a_terminal_would_obey_is_not_printed_but_told() -> None:
    step = replace(samples.SPLIT_FOREIGN_KEY.steps[0], sql='ALTER TABLE "a\x1b[2J" ADD b int', undo="")
    text = "\n".join(script([step], 80))
    assert "\x1b" not in text
    assert "take this one from --format json" in text


def test_a_comment_does_not_swallow_the_semicolon() -> None:
    step = replace(samples.SPLIT_FOREIGN_KEY.steps[0], sql="VACUUM t -- all of it", undo="")
    assert "VACUUM t;" in script([step], 80)
    assert "SELECT '--', 1;" in script([replace(step, sql="SELECT '--', 1")], 80)
