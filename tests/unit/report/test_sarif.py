"""The log obeys SARIF's own schema, and stands where code scanning looks."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft7Validator

from gate.model.plan import Plan
from gate.report import Look, render
from tests.conftest import FARM
from tests.fetch import fetch_sarif_schema
from tests.golden import samples


@pytest.fixture(scope="module")
def schema(pytestconfig: pytest.Config) -> dict[str, Any]:
    """The schema, from the package that carries it."""
    found = fetch_sarif_schema(may_fetch=pytestconfig.stash[FARM].may_fetch)
    if not isinstance(found, Path):
        pytest.skip(f"the schema of SARIF cannot be had: {found}")
    document: dict[str, Any] = json.loads(found.read_text(encoding="utf-8"))
    return document


def run_of(plan: Plan) -> dict[str, Any]:
    """The only run of its log."""
    [run] = json.loads(render("sarif", plan, Look()))["runs"]
    return dict(run)


@pytest.mark.parametrize("name", samples.ALL)
def test_the_log_obeys_the_schema(name: str, schema: dict[str, Any]) -> None:
    Draft7Validator.check_schema(schema)
    Draft7Validator(schema).validate(json.loads(render("sarif", samples.ALL[name], Look())))


def test_the_schema_would_tell(schema: dict[str, Any]) -> None:
    log = json.loads(render("sarif", samples.SPLIT, Look()))
    log["runs"][0]["results"][0]["level"] = "refuse"
    assert not Draft7Validator(schema).is_valid(log)


@pytest.mark.parametrize("name", samples.ALL)
def test_every_result_stands_in_a_file(name: str) -> None:
    """One that does not, and code scanning takes none of them."""
    run = run_of(samples.ALL[name])
    uris = [result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] for result in run["results"]]
    assert all(uris)
    assert run["properties"]["coverage"]["statements"] == len(samples.ALL[name].statements)


def test_what_stands_in_no_file_is_still_said() -> None:
    run = run_of(samples.DIRTY)
    assert run["results"] == []
    [notification] = run["invocations"][0]["toolExecutionNotifications"]
    assert (notification["level"], notification["descriptor"]) == ("error", {"id": "dirty"})


def test_a_moved_statement_keeps_its_fingerprint() -> None:
    plan = samples.SPLIT
    first, *others = plan.migrations
    moved = tuple(replace(statement, line=statement.line + 10) for statement in first.statements)
    after = replace(plan, migrations=(replace(first, statements=moved), *others))
    before_prints = [result["partialFingerprints"] for result in run_of(plan)["results"]]
    assert [result["partialFingerprints"] for result in run_of(after)["results"]] == before_prints
    assert len({json.dumps(item) for item in before_prints}) == len(before_prints)


def test_what_was_allowed_is_suppressed() -> None:
    suppressed = [result for result in run_of(samples.SPLIT)["results"] if "suppressions" in result]
    [result] = suppressed
    assert result["ruleId"] == "drops-a-column"
    assert result["suppressions"][0]["justification"].startswith("the code went out")


def test_a_rule_brings_its_harm_and_its_way_out() -> None:
    [rule] = [rule for rule in run_of(samples.SPLIT)["tool"]["driver"]["rules"] if rule["id"].startswith("works-")]
    assert "CONCURRENTLY" in rule["help"]["text"]
    assert rule["fullDescription"]["text"].startswith(rule["shortDescription"]["text"])
