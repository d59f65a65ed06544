"""The plans of several databases in one answer."""

from __future__ import annotations

import json

import pytest

from gate.cli.several import rendered
from gate.report import Look
from tests.golden.samples import NOTHING_PENDING, PASSED, REFUSED

PLANNED = (("shop", PASSED), ("billing", REFUSED))


@pytest.mark.parametrize(("format_name", "heading"), [("text", "== {} =="), ("markdown", "# {}")])
def test_one_after_the_other_with_a_heading(format_name: str, heading: str) -> None:
    lines = rendered(format_name, PLANNED, ["audit"], Look()).splitlines()
    places = [lines.index(heading.format(name)) for name in ("shop", "billing")]
    assert places == sorted(places)
    assert lines[-1] == "not looked at, for the one before failed: audit"


def test_json_is_one_document_with_the_worst_verdict() -> None:
    document = json.loads(rendered("json", PLANNED, ["audit"], Look()))
    assert (document["schema"], document["verdict"], document["not_planned"]) == (1, "refuse", ["audit"])
    assert [(item["name"], item["verdict"]) for item in document["databases"]] == [
        ("shop", "pass"),
        ("billing", "refuse"),
    ]
    assert document["databases"][0] == {"name": "shop", **json.loads(PASSED.to_json())}


def test_one_that_failed_leaves_no_verdict() -> None:
    document = json.loads(rendered("json", PLANNED[:1], ["billing"], Look(), has_failed=True))
    assert document["verdict"] is None


def test_sarif_is_one_log_with_a_run_for_each() -> None:
    log = json.loads(rendered("sarif", PLANNED, [], Look()))
    assert log["version"] == "2.1.0"
    assert [run["automationDetails"]["id"] for run in log["runs"]] == ["gate/shop/", "gate/billing/"]


def test_what_gitlab_reads_is_one_list_in_which_no_two_are_the_same() -> None:
    entries = json.loads(rendered("gitlab", (("a", REFUSED), ("b", REFUSED)), [], Look()))
    assert len({entry["fingerprint"] for entry in entries}) == len(entries) > 1
    assert {entry["fingerprint"].partition(":")[0] for entry in entries} == {"a", "b"}


def test_annotations_follow_each_other() -> None:
    both = rendered("github", (("a", REFUSED), ("b", NOTHING_PENDING)), [], Look())
    assert both.startswith(rendered("github", (("a", REFUSED),), [], Look()))
