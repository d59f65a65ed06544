"""The parts of an ALTER TABLE in the server's order, and which of them stay together."""

from __future__ import annotations

import pytest

from gate.sql.rewriting.alter_table import groups, joined

KINDS = {"c": "c", "f": "f", "u": "u", "t_pkey": "p"}

CASES = {
    "ADD a int, ADD CHECK (a > 0)": [["ADD COLUMN a int"], ["ADD CHECK (a > 0)"]],
    "ADD CHECK (a > 0), ALTER a SET NOT NULL, ADD UNIQUE (a), ADD a int": [
        ["ADD COLUMN a int"],
        ["ALTER COLUMN a SET NOT NULL"],
        ["ADD UNIQUE (a)"],
        ["ADD CHECK (a > 0)"],
    ],
    "ADD CONSTRAINT c CHECK (a > 0), DROP CONSTRAINT c": [
        ["DROP CONSTRAINT c", "ADD CONSTRAINT c CHECK (a > 0)"],
    ],
    "DROP CONSTRAINT u, ADD PRIMARY KEY (a), ADD CHECK (a > 0)": [
        ["DROP CONSTRAINT u", "ADD PRIMARY KEY (a)"],
        ["ADD CHECK (a > 0)"],
    ],
    "DROP CONSTRAINT gone, ADD CHECK (a > 0)": [["DROP CONSTRAINT gone"], ["ADD CHECK (a > 0)"]],
    "DROP a, ADD a text, DROP b": [["DROP a", "ADD COLUMN a text"], ["DROP b"]],
    "ALTER a SET DEFAULT 1, ALTER a TYPE int USING a::int, ALTER a DROP DEFAULT, OWNER TO bob": [
        ["ALTER COLUMN a DROP DEFAULT", "ALTER COLUMN a TYPE int USING a::int", "ALTER COLUMN a SET DEFAULT 1"],
        ["OWNER TO bob"],
    ],
    "ALTER a TYPE int, DROP CONSTRAINT c, ADD CONSTRAINT d CHECK (a > 0), ALTER b SET NOT NULL": [
        ["DROP CONSTRAINT c", "ALTER COLUMN a TYPE int", "ADD CONSTRAINT d CHECK (a > 0)"],
        ["ALTER COLUMN b SET NOT NULL"],
    ],
    "ALTER a DROP DEFAULT, ALTER a ADD GENERATED ALWAYS AS IDENTITY": [
        ["ALTER COLUMN a DROP DEFAULT", "ALTER a ADD GENERATED ALWAYS AS IDENTITY"],
    ],
}


@pytest.mark.parametrize("parts", CASES)
def test_parts_in_the_servers_order(parts: str) -> None:
    found = groups(f'ALTER TABLE "Ü".t {parts}', KINDS)
    assert [[text.removeprefix('ALTER TABLE "Ü".t ') for text in texts] for texts in found] == CASES[parts]


@pytest.mark.parametrize("parts", CASES)
def test_together_they_are_one_statement_again(parts: str) -> None:
    texts = [text for group in groups(f"ALTER TABLE ONLY t {parts}", KINDS) for text in group]
    written = [text for group in CASES[parts] for text in group]
    assert joined(texts) == f"ALTER TABLE ONLY t {', '.join(written)}"


def test_what_is_not_of_one_table_is_not_joined() -> None:
    assert joined(["ALTER TABLE a.t ADD x int", "ALTER TABLE b.t ADD y int"]) is None
    assert joined(["ALTER TABLE t ADD x int", "DROP TABLE t"]) is None
    assert joined(["ALTER TABLE t ADD x int", "ALTER TABLE ONLY t ADD y int"]) is None
    assert joined(["ALTER TABLE t ADD x int", "ALTER TABLE b.t ADD y int"]) == (
        "ALTER TABLE b.t ADD COLUMN x int, ADD COLUMN y int"
    )
