"""The published schema of a run is a schema, and every run obeys it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from jsonschema import Draft202012Validator, ValidationError

from gate.model.run import Outcome
from gate.model.run_document import document, to_json
from gate.report.schema import run_schema
from tests.golden import runs


@pytest.fixture(scope="module")
def validator() -> Draft202012Validator:
    schema = json.loads(run_schema())
    Draft202012Validator.check_schema(schema)
    return Draft202012Validator(schema)


@pytest.mark.parametrize("name", runs.ALL)
def test_every_run_obeys_the_schema(name: str, validator: Draft202012Validator) -> None:
    validator.validate(json.loads(to_json(runs.ALL[name])))


def test_every_way_to_end_is_in_the_schema() -> None:
    outcomes = json.loads(run_schema())["properties"]["outcome"]["enum"]
    assert outcomes == [outcome.value for outcome in Outcome]
    codes = json.loads(run_schema())["properties"]["exit_code"]["enum"]
    assert codes == sorted({int(outcome.exit) for outcome in Outcome})


@pytest.mark.parametrize(
    ("key", "value"),
    [("outcome", "fine"), ("exit_code", 1), ("started_at", "yesterday"), ("units", None), ("plan", {"schema": 1})],
)
def test_what_is_not_a_run_is_told(key: str, value: Any, validator: Draft202012Validator) -> None:
    with pytest.raises(ValidationError):
        validator.validate({**document(runs.DONE), key: value})


@pytest.mark.parametrize("part", ["units", "acts", "in_the_way", "still_waiting", "leftovers", "hooks"])
def test_no_documented_key_is_missing(part: str) -> None:
    schema = json.loads(run_schema())
    assert list(document(runs.DONE)) == list(schema["properties"])
    items = [item for run in runs.ALL.values() for item in document(run)[part]]
    shape = schema["$defs"][schema["properties"][part]["items"]["$ref"].rpartition("/")[2]]
    assert items
    assert all(list(item) == list(shape["properties"]) for item in items)


def test_what_is_unknown_is_null_and_not_zero() -> None:
    found = document(runs.UNREACHABLE)
    unknown = ("database", "server", "source", "longest_blocked_s", "took_up", "plan")
    assert [found[key] for key in unknown] == [None] * len(unknown)
    waiting = document(runs.LOCK)["units"][-1]
    assert (waiting["seconds"], waiting["blocked_s"], waiting["planned"], waiting["rows_done"]) == (None,) * 4
    hidden, prepared, wraparound = document(runs.LOCK)["in_the_way"][2:]
    assert (hidden["user"], hidden["query"], hidden["age_s"], hidden["started_at"]) == (None,) * 4
    assert (prepared["pid"], prepared["way_out"]) == (None, "ROLLBACK PREPARED 'billing-2026-01-01 o''clock';")
    assert wraparound["way_out"] is None


def test_what_is_left_is_named_in_order() -> None:
    assert document(runs.STOPPED)["left"] == [runs.ADD_KEY, runs.ADD_INDEX]
    assert document(runs.DONE)["left"] == []
