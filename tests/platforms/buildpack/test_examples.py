"""What is copied into an app: Procfile.example and app.json.example."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft7Validator

from gate.app.request import Request
from gate.app.settings import load
from gate.cli.quick import read_line
from gate.model.plan import Mode

ROOT = Path(__file__).parents[3]
SCHEMA = json.loads((Path(__file__).parent / "app-json.schema.json").read_text())
APP: dict[str, Any] = json.loads((ROOT / "app.json.example").read_text())
PROCESS = re.compile(r"([A-Za-z0-9_-]+):\s+(\S.*)")


def processes() -> dict[str, str]:
    """The Procfile, each line as Heroku reads it."""
    found = [PROCESS.fullmatch(line) for line in (ROOT / "Procfile.example").read_text().splitlines()]
    assert all(found)
    return {match[1]: match[2] for match in found if match is not None}


def test_the_schema_takes_it_and_takes_nothing_else() -> None:
    Draft7Validator.check_schema(SCHEMA)
    assert list(Draft7Validator(SCHEMA).iter_errors(APP)) == []
    assert list(Draft7Validator(SCHEMA).iter_errors({**APP, "formation": {"web": {"size": "basic"}}})) != []


def test_the_release_process_is_a_line_that_gate_takes() -> None:
    assert read_line(shlex.split(processes()["release"])[1:]) == ("release", {})


def test_what_is_scaled_is_in_the_procfile() -> None:
    scaled = {*APP["formation"], *APP["environments"]["review"]["formation"]}
    assert scaled <= processes().keys()
    assert "release" not in scaled


def test_the_language_comes_last_and_decides_the_process_types() -> None:
    *first, last = [buildpack["url"] for buildpack in APP["buildpacks"]]
    assert [url for url in first if url.endswith("/deploy-gate")]
    assert last.startswith("heroku/")


def test_the_variables_of_gate_are_what_it_reads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for told, budget_s in ((APP["env"], 3000.0), (APP["environments"]["review"]["env"], 600.0)):
        policy = load(Request(), {name: entry["value"] for name, entry in told.items() if "value" in entry}).policy
        assert (policy.mode, policy.budget_s) == (Mode.ENFORCE, budget_s)


def test_a_review_app_has_a_database_and_is_filled_after_its_release_phase() -> None:
    review = APP["environments"]["review"]
    assert [addon["as"] for addon in review["addons"]] == ["DATABASE"]
    assert review["scripts"]["postdeploy"]
