"""The published schema is a schema, and every plan obeys it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from jsonschema import Draft202012Validator, ValidationError

from gate.report import Look, render
from gate.report.schema import plan_schema
from tests.golden import samples


@pytest.fixture(scope="module")
def validator() -> Draft202012Validator:
    schema = json.loads(plan_schema())
    Draft202012Validator.check_schema(schema)
    return Draft202012Validator(schema)


@pytest.mark.parametrize("name", samples.ALL)
def test_every_plan_obeys_the_schema(name: str, validator: Draft202012Validator) -> None:
    validator.validate(json.loads(render("json", samples.ALL[name], Look())))


@pytest.mark.parametrize(
    ("key", "value"),
    [("verdict", "maybe"), ("schema", 2), ("taken_at", "yesterday"), ("migrations", None)],
)
def test_what_is_not_a_plan_is_told(key: str, value: Any, validator: Draft202012Validator) -> None:
    document = json.loads(samples.PASSED.to_json())
    document[key] = value
    with pytest.raises(ValidationError):
        validator.validate(document)


def test_no_documented_key_is_missing() -> None:
    document = json.loads(samples.REFUSED.to_json())
    assert list(document) == [*json.loads(plan_schema())["properties"]]
    effect = document["migrations"][0]["statements"][0]["effects"][0]
    assert effect["seconds"] is None
    assert effect["rows"] == 5_000_000
    assert document["migrations"][0]["statements"][0]["steps"] == []


def test_what_is_unknown_is_null_and_not_zero() -> None:
    effects = json.loads(samples.FROM_TEXT.to_json())["migrations"][0]["statements"][0]["effects"]
    assert [(effect["rows"], effect["bytes"]) for effect in effects] == [(None, None), (None, None)]
