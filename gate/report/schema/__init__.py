"""The published JSON Schemas of the documents; a package, so that they are installed and found wherever gate is."""

from __future__ import annotations

import json
from importlib.resources import files

from gate.model.document import SCHEMA as PLAN
from gate.model.fleet_document import SCHEMA as FLEET
from gate.model.run_document import SCHEMA as RUN


def plan_schema() -> str:
    """The schema's text, for the plan of this version."""
    return files(__name__).joinpath(f"plan-{PLAN}.json").read_text(encoding="utf-8")


def run_schema() -> str:
    """The schema's text, for a run of this version; that of the plan stands in it, so that it is whole by itself.

    Source: https://json-schema.org/draft/2020-12/json-schema-core#section-9.3, "Compound Documents"
    """
    schema = json.loads(files(__name__).joinpath(f"run-{RUN}.json").read_text(encoding="utf-8"))
    schema["$defs"]["plan"] = json.loads(plan_schema())
    return json.dumps(schema, indent=2) + "\n"


def fleet_plan_schema() -> str:
    """For the plan of a fleet, with that of a plan in it."""
    schema = json.loads(files(__name__).joinpath(f"fleet-plan-{FLEET}.json").read_text(encoding="utf-8"))
    schema["$defs"]["plan"] = json.loads(plan_schema())
    return json.dumps(schema, indent=2) + "\n"


def fleet_run_schema() -> str:
    """For the release of a fleet, with that of a run in it."""
    schema = json.loads(files(__name__).joinpath(f"fleet-run-{FLEET}.json").read_text(encoding="utf-8"))
    schema["$defs"] = {"run": json.loads(run_schema())}
    return json.dumps(schema, indent=2) + "\n"
