"""A program as JSON and back: nothing is lost, what a newer gate adds is no error, what it changes is one."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gate.model.program import Program, Unit, UnitKind
from gate.model.program_document import from_json, to_json
from tests.journal.asking import FULL

UNITS = st.builds(Unit, ordinal=st.integers(1, 99), why=st.text(), undo=st.text())


@given(st.builds(Program, units=st.lists(UNITS, min_size=1, max_size=4).map(tuple)))
def test_it_comes_back_as_it_was(program: Program) -> None:
    written = to_json(program)
    assert written.isascii()
    assert from_json(written) == program


def test_every_field_is_written_that_a_later_default_changes_nothing() -> None:
    unit = json.loads(to_json(FULL))["units"][0]
    assert unit["is_final"] is False
    assert unit["columns"] == []
    assert from_json(to_json(FULL)) == FULL


def test_what_a_newer_gate_adds_is_left_out() -> None:
    document = json.loads(to_json(FULL))
    document["spell"] = 1
    document["units"][0]["commands"][0]["spell"] = {"deep": []}
    assert from_json(json.dumps(document)) == FULL


def test_what_an_older_gate_did_not_write_has_its_default() -> None:
    document = json.loads(to_json(FULL))
    for unit in document["units"]:
        del unit["priced"]
    assert from_json(json.dumps(document)) == replace(
        FULL, units=tuple(replace(unit, priced=None) for unit in FULL.units)
    )


@pytest.mark.parametrize(
    ("place", "value"),
    [
        ("kind", "spell"),
        ("limits", None),
        ("ordinal", "1"),
        ("ordinal", True),
        ("is_final", 1),
        ("commands", {"sql": ""}),
        ("commands", ["SELECT 1"]),
        ("builds", ["one"]),
        ("locks", [{"schema": "public", "name": "t", "mode": "SPELL"}]),
        ("priced", {"work": "rewrite"}),
    ],
)
def test_what_is_not_understood_is_an_error(place: str, value: object) -> None:
    document = json.loads(to_json(FULL))
    document["units"][0][place] = value
    with pytest.raises(ValueError):  # noqa: PT011 - which of them does not matter
        from_json(json.dumps(document))


@pytest.mark.parametrize("text", ["[]", "{}", "1", "x", '{"units": []}', '{"units": [{"ordinal": 1}]}'])
def test_what_is_no_program_is_an_error(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - as above
        from_json(text)


def test_a_kind_is_what_its_name_says() -> None:
    """Stored for ever: a renamed kind is an older journal that nobody can read."""
    assert [kind.value for kind in UnitKind] == ["transaction", "statement", "backfill", "gather", "wait"]
