"""A runner of GitHub Actions, as far as a composite action of shell steps needs one.

Source: https://docs.github.com/en/actions/reference/workflows-and-actions/metadata-syntax and workflow-syntax, "shell":
`bash --noprofile --norc -eo pipefail {0}`; a step runs as long as none before it has failed.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from tests.e2e.commands import ROOT, environment

ACTION = yaml.safe_load((ROOT / "action.yml").read_text(encoding="utf-8"))
STEPS: list[dict[str, Any]] = ACTION["runs"]["steps"]
_EXPRESSION = re.compile(r"\$\{\{\s*(.*?)\s*\}\}")


@dataclass
class Job:
    """What the steps left: `code` of the last one that ran, `said` by all, `used` are the other actions' names."""

    temp: Path
    code: int = 0
    said: str = ""
    outputs: dict[str, str] = field(default_factory=dict)
    used: list[str] = field(default_factory=list)

    @property
    def summary(self) -> str:
        return (self.temp / "summary").read_text(encoding="utf-8")


def install(temp: Path) -> Path:
    """What the first step makes, without a registry."""
    programs = temp / "gate" / "bin"
    programs.mkdir(parents=True)
    lead = f"#!{sys.executable} -P\nimport sys\nsys.path.insert(0, {str(ROOT)!r})\n"
    (programs / "gate").write_text(f"{lead}from gate.__main__ import main\nmain()\n")
    (programs / "gate").chmod(0o755)
    (programs / "python").symlink_to(sys.executable)
    return programs


def run(at: Path, temp: Path, inputs: Mapping[str, str], variables: Mapping[str, str]) -> Job:
    """The action in that directory; `temp` is RUNNER_TEMP."""
    job = Job(temp=temp)
    values = {f"inputs.{name}": str(told.get("default", "")) for name, told in ACTION["inputs"].items()}
    values["inputs.token"] = variables.get("GITHUB_TOKEN", "")
    values |= {f"inputs.{name}": value for name, value in inputs.items()}
    kept = {name: value for name, value in variables.items() if name != "GITHUB_TOKEN"}
    for name in ("output", "summary"):
        (temp / name).write_text("", encoding="utf-8")
    for step in STEPS:
        if "run" in step:
            _shell(job, step, at, values, kept)
        elif _is_wanted(step, values):
            job.used.append(f"{step['uses']} {_filled(step['with']['sarif_file'], values)}")
        values |= {f"steps.plan.outputs.{name}": value for name, value in job.outputs.items()}
        if job.code:
            break
    return job


def _shell(
    job: Job, step: Mapping[str, Any], at: Path, values: Mapping[str, str], variables: Mapping[str, str]
) -> None:
    script = job.temp / "script.sh"
    script.write_text(step["run"], encoding="utf-8")
    named = {name: _filled(value, values) for name, value in step.get("env", {}).items()}
    done = subprocess.run(
        ["bash", "--noprofile", "--norc", "-eo", "pipefail", str(script)],
        cwd=at,
        env={
            **environment(),
            "PATH": os.environ["PATH"],
            "RUNNER_TEMP": str(job.temp),
            "GITHUB_ACTION_PATH": str(ROOT),
            "GITHUB_OUTPUT": str(job.temp / "output"),
            "GITHUB_STEP_SUMMARY": str(job.temp / "summary"),
            **variables,
            **named,
        },
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    job.code, job.said = done.returncode, f"{job.said}{done.stdout}{done.stderr}"
    for line in (job.temp / "output").read_text(encoding="utf-8").splitlines():
        name, _, value = line.partition("=")
        job.outputs[name] = value


def _filled(text: str, values: Mapping[str, str]) -> str:
    return _EXPRESSION.sub(lambda found: values.get(found.group(1), ""), text)


def _is_wanted(step: Mapping[str, Any], values: Mapping[str, str]) -> bool:
    """Comparisons with == and !=, joined by &&."""
    (condition,) = _EXPRESSION.findall(step["if"])
    for part in condition.split(" && "):
        name, operator, value = part.split(" ")
        if (values.get(name, "") == value.strip("'")) is not (operator == "=="):
            return False
    return True
