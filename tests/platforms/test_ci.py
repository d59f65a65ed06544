"""The GitHub Action, GitLab's job and the pre-commit hook: what stands in the files is run, on a real database."""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from gate.app.init import InitRequest, files_of
from gate.model.errors import Exit, UsageError
from gate.model.version import VERSION
from tests.e2e.commands import ROOT, environment, gate
from tests.platforms import runner
from tests.platforms.forges import Forge, forge_of
from tests.platforms.runner import ACTION, STEPS, Job
from tests.servers import Database

SHOP = """
CREATE TABLE schema_migrations (version varchar PRIMARY KEY);
CREATE TABLE orders (id bigint PRIMARY KEY, amount bigint);
INSERT INTO orders SELECT g, g FROM generate_series(1, 20000) g;
ANALYZE orders;
"""
PASSES = "CREATE TABLE a (id bigint PRIMARY KEY);"
SPLITS = "CREATE INDEX orders_amount ON orders (amount);"
REFUSED = "ALTER TABLE no_such_table ADD COLUMN a int;"
NOT_SQL = "CREATE TABEL a (id int);"
PASSWORD = "hunter2-of-the-production"
newest = pytest.mark.majors(newest=True)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "app" / "db" / "migrations").mkdir(parents=True)
    (tmp_path / "app" / "gate.toml").write_text("sample = 0\n")
    return tmp_path / "app"


@pytest.fixture
def shop(clone: Callable[[str], Database]) -> Database:
    return clone(SHOP)


def write(project: Path, *statements: str) -> None:
    for number, text in enumerate(statements, 1):
        (project / "db" / "migrations" / f"{number}_a.sql").write_text(f"-- migrate:up\n{text}\n")


def act(project: Path, forge: Forge, database: Database | None = None, **inputs: str) -> Job:
    temp = project.parent / f"temp{len(list(project.parent.iterdir()))}"
    temp.mkdir()
    runner.install(temp)
    url = {} if database is None else {"database_url": database.conninfo}
    named = {name.replace("_", "-"): value for name, value in {**url, **inputs}.items()}
    return runner.run(project, temp, named, forge.environment)


# --- action.yml, as it is written -------------------------------------------------------------------------------------


def expressions() -> list[str]:
    return re.findall(r"\$\{\{\s*(.*?)\s*\}\}", (ROOT / "action.yml").read_text(encoding="utf-8"))


def test_no_script_has_anything_written_into_it() -> None:
    scripts = [step["run"] for step in STEPS if "run" in step]
    assert len(scripts) >= 4
    assert not [script for script in scripts if "${{" in script]
    assert all(step["shell"] == "bash" for step in STEPS if "run" in step)


def test_every_input_is_described_and_used_and_no_other() -> None:
    used = {name for text in expressions() for name in re.findall(r"inputs\.([\w-]+)", text)}
    assert used == set(ACTION["inputs"])
    assert all(told["description"] and "default" in told for told in ACTION["inputs"].values())
    page = (ROOT / "docs" / "ci.md").read_text(encoding="utf-8")
    assert [name for name in (*ACTION["inputs"], *ACTION["outputs"]) if f"`{name}`" not in page] == []


def test_every_output_is_one_that_a_step_makes() -> None:
    (plan,) = [step for step in STEPS if step.get("id") == "plan"]
    made = set(re.findall(r'echo "([\w-]+)=', plan["run"]))
    assert {name for text in expressions() for name in re.findall(r"steps\.plan\.outputs\.([\w-]+)", text)} <= made


def test_only_the_step_that_writes_gets_the_token() -> None:
    assert [step["name"] for step in STEPS if "inputs.token" in str(step)] == ["gate comment"]
    assert [step["name"] for step in STEPS if "inputs.database-url" in str(step)] == ["gate plan"]


# --- the action, as it runs -------------------------------------------------------------------------------------------


@newest
def test_a_plan_becomes_annotations_a_comment_and_a_summary(project: Path, shop: Database) -> None:
    write(project, PASSES, SPLITS)
    with forge_of("github") as forge:
        job = act(project, forge, shop)
        again = act(project, forge, shop)
    assert (job.code, job.outputs["verdict"], job.outputs["exit-code"]) == (Exit.DONE, "split", "0"), job.said
    assert "::warning file=db/migrations/2_a.sql,line=2,endLine=2,title=SPLIT%3A" in job.said
    (body,) = forge.bodies
    assert body.startswith("<!-- gate:plan -->\n\n## SPLIT: 2 pending migrations")
    assert job.summary.startswith("## SPLIT: 2 pending migrations")
    assert json.loads(Path(job.outputs["plan"]).read_text())["verdict"] == "split"
    assert json.loads(Path(job.outputs["sarif"]).read_text())["version"] == "2.1.0"
    assert "updated" in again.said
    assert job.used == []


@newest
@pytest.mark.parametrize(("fail", "code"), [("true", Exit.REFUSED), ("false", Exit.DONE)])
def test_a_refusal_fails_the_job_unless_told_otherwise(fail: str, code: Exit, project: Path, shop: Database) -> None:
    write(project, REFUSED)
    with forge_of("github") as forge:
        job = act(project, forge, shop, fail_on_refuse=fail, upload_sarif="true")
    assert (job.code, job.outputs["verdict"], job.outputs["exit-code"]) == (code, "refuse", "10")
    assert "## REFUSE" in forge.bodies[0]
    assert job.used == [f"github/codeql-action/upload-sarif@v4 {job.outputs['sarif']}"]


@newest
def test_where_nothing_is_pending_nobody_is_told_but_who_was_before(project: Path, shop: Database) -> None:
    with forge_of("github") as forge:
        write(project)
        (project / "db" / "migrations" / "1_a.sql").write_text(f"-- migrate:up\n{PASSES}\n")
        shop.execute("INSERT INTO schema_migrations VALUES ('1')")
        job = act(project, forge, shop)
        assert (job.code, job.outputs["verdict"], forge.bodies) == (Exit.DONE, "pass", []), job.said
        write(project, PASSES, SPLITS)
        assert act(project, forge, shop).code == Exit.DONE
        (project / "db" / "migrations" / "2_a.sql").unlink()
        assert act(project, forge, shop).code == Exit.DONE
        (body,) = forge.bodies
        assert "nothing is pending" in body
        assert act(project, forge, shop, comment="always", key="other").code == Exit.DONE
        assert len(forge.bodies) == 2


@newest
def test_what_cannot_be_judged_does_not_leave_the_comment_of_before(project: Path, shop: Database) -> None:
    with forge_of("github") as forge:
        write(project, PASSES)
        assert act(project, forge, shop).code == Exit.DONE
        write(project, NOT_SQL)
        job = act(project, forge, shop)
    assert (job.code, job.outputs["verdict"]) == (Exit.USAGE, "")
    (body,) = forge.bodies
    assert "## gate plan could not judge this: exit code 2" in body
    assert 'syntax error at or near "TABEL"' in body
    assert "sarif" not in job.outputs


@newest
def test_a_line_of_a_migration_is_no_command_to_the_runner(project: Path, shop: Database) -> None:
    write(project, "SELECT\n::error file=a.rb::all is lost")
    with forge_of("github") as forge:
        job = act(project, forge, shop)
    lines = job.said.splitlines()
    (begin,) = [at for at, line in enumerate(lines) if line.startswith("::stop-commands::")]
    end = lines.index(f"::{lines[begin].removeprefix('::stop-commands::')}::")
    (shown,) = [at for at, line in enumerate(lines) if line.startswith("::error file=a.rb")]
    assert begin < shown < end


def test_without_a_database_it_says_what_is_missing(project: Path) -> None:
    """As a pull request from a fork: no secret, and a token that may only read."""
    write(project, PASSES)
    with forge_of("github") as forge:
        forge.may_write = False
        job = act(project, forge)
    assert job.code == Exit.USAGE
    assert "no database is named" in job.said
    assert "no comment was written: POST" in job.said
    assert "no database is named" in job.summary


@newest
def test_a_stored_catalog_needs_no_database(project: Path, shop: Database) -> None:
    write(project, SPLITS)
    assert gate("snapshot", "-o", "shop.json", at=project, conninfo=shop.conninfo).returncode == Exit.DONE
    with forge_of("github") as forge:
        job = act(project, forge, snapshot="shop.json", comment="never")
    assert (job.code, job.outputs["verdict"], forge.asked) == (Exit.DONE, "split", []), job.said
    assert job.summary.startswith("## SPLIT")


@pytest.mark.parametrize("odd", ['"; touch pwned; "', "$(touch pwned)", "`touch pwned`", "a\ntouch pwned", "-h", "*"])
def test_an_input_is_never_a_command(odd: str, project: Path) -> None:
    write(project, PASSES)
    names = (
        "source",
        "snapshot",
        "config",
        "sample",
        "key",
        "comment",
        "upload_sarif",
        "fail_on_refuse",
        "database_url",
    )
    with forge_of("github") as forge:
        for without in ({}, {"comment": "always"}):
            job = act(project, forge, None, **{**dict.fromkeys(names, odd), **without})
            assert job.code == Exit.USAGE
    assert not list(project.parent.rglob("pwned"))


@newest
def test_the_password_is_nowhere(project: Path, shop: Database) -> None:
    write(project, SPLITS, REFUSED)
    with forge_of("github") as forge:
        job = act(project, forge, database_url=f"{shop.conninfo} password={PASSWORD}")
        broken = act(project, forge, database_url=f"postgresql://u:{PASSWORD}@127.0.0.1:1/shop?connect_timeout=1")
    assert job.code == Exit.REFUSED
    assert broken.code == Exit.UNREACHABLE
    files = [
        path.read_text() for path in project.parent.rglob("temp*/**/*") if path.is_file() and not path.is_symlink()
    ]
    for text in (job.said, broken.said, *forge.bodies, *files):
        assert PASSWORD not in text


def test_an_old_python_is_named(tmp_path: Path) -> None:
    (tmp_path / "python3").write_text("#!/bin/sh\nexit 1\n")
    (tmp_path / "python3").chmod(0o755)
    (script,) = [step["run"] for step in STEPS if step["name"] == "Install gate"]
    done = subprocess.run(
        ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", script],
        env={"PATH": f"{tmp_path}:{os.environ['PATH']}", "RUNNER_TEMP": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert "::error title=gate::Python 3.11 or later" in done.stdout


# --- what gate init writes --------------------------------------------------------------------------------------------


def written(preset: str, *settings: str, **more: Any) -> str:
    (file,) = files_of(InitRequest(preset=preset, settings=settings, **more))
    return file.text


def test_the_workflow_may_do_no_more_than_it_must() -> None:
    workflow = yaml.safe_load(written("github", "action=acme/gate@v1", source="db/migrations"))
    # YAML 1.1 takes the key `on` for a truth.
    assert workflow[True] == "pull_request"
    assert workflow["permissions"] == {"contents": "read", "pull-requests": "write"}
    assert workflow["concurrency"]["cancel-in-progress"] is True
    checkout, plan = workflow["jobs"]["plan"]["steps"]
    assert checkout["with"] == {"persist-credentials": False}
    assert plan["uses"] == "acme/gate@v1"
    assert set(plan["with"]) <= set(ACTION["inputs"])
    assert plan["with"]["source"] == "db/migrations"
    assert "secrets.GATE_DATABASE_URL" in plan["with"]["database-url"]
    assert f"OWNER/NAME@v{VERSION}" in written("github")
    stored = yaml.safe_load(written("github", "snapshot=shop.json"))["jobs"]["plan"]["steps"][1]["with"]
    assert stored == {"snapshot": "shop.json"}


@pytest.mark.parametrize("odd", ["acme", "acme/gate", "acme/gate@v1\nrun: x", "a b/c@d", ""])
def test_an_action_that_is_none_is_refused(odd: str) -> None:
    with pytest.raises(UsageError, match="is no action"):
        written("github", f"action={odd}")


@newest
@pytest.mark.parametrize(("statement", "code"), [(SPLITS, Exit.DONE), (REFUSED, Exit.REFUSED)])
def test_the_job_of_gitlab_runs(statement: str, code: Exit, project: Path, shop: Database) -> None:
    write(project, statement)
    job = yaml.safe_load(written("gitlab", name="My shop"))["gate plan"]
    path = runner.install(project.parent)
    with forge_of("gitlab") as forge:
        variables = {**forge.environment, "GATE_DATABASE_URL": shop.conninfo}
        done = subprocess.run(
            ["bash", "-c", "\n".join(["set -eo pipefail", *job["script"]])],
            cwd=project,
            env={**environment(), **variables, "PATH": f"{path}:{os.environ['PATH']}"},
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
    assert done.returncode == code, done.stderr
    assert "<!-- gate:My-shop -->" in forge.bodies[0]
    assert "https://gitlab.example/acme/shop/-/jobs/5" in forge.bodies[0]
    for name in (*job["artifacts"]["paths"], job["artifacts"]["reports"]["codequality"]):
        assert (project / name).stat().st_size > 0
    (entry,) = json.loads((project / "gate-quality.json").read_text())
    assert entry["location"] == {"path": "db/migrations/1_a.sql", "lines": {"begin": 2}}
    assert entry["severity"] == ("minor" if code is Exit.DONE else "blocker")


HOOKS = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text(encoding="utf-8"))


def commit(project: Path, args: list[str], **environment: str) -> subprocess.CompletedProcess[str]:
    (hook,) = HOOKS
    program, *arguments = hook["entry"].split()
    assert program == "gate"
    return gate(*arguments, *args, at=project, **environment)


def test_without_anything_to_judge_by_the_hook_says_how(project: Path) -> None:
    write(project, PASSES)
    done = commit(project, HOOKS[0]["args"])
    assert done.returncode == Exit.USAGE
    assert "cannot read gate-snapshot.json" in done.stderr
    assert "write it with gate snapshot -o FILE" in done.stderr


@newest
@pytest.mark.parametrize(("statement", "code"), [(PASSES, Exit.DONE), (REFUSED, Exit.REFUSED)])
def test_the_hook_judges_a_commit(statement: str, code: Exit, project: Path, shop: Database) -> None:
    assert gate("snapshot", "-o", "gate-snapshot.json", at=project, conninfo=shop.conninfo).returncode == Exit.DONE
    write(project, statement)
    assert commit(project, HOOKS[0]["args"]).returncode == code
    entry = yaml.safe_load(written("pre-commit", "repo=https://github.com/acme/gate", source="db/migrations"))
    (wanted,) = entry["repos"][0]["hooks"]
    assert wanted["id"] == HOOKS[0]["id"]
    assert commit(project, wanted["args"]).returncode == code
    asked = ["--database-url", "env:SHOP_URL"]
    assert commit(project, asked, SHOP_URL=shop.conninfo).returncode == code


# --- one plan in several formats --------------------------------------------------------------------------------------


@newest
def test_all_formats_are_of_one_plan(project: Path, shop: Database) -> None:
    write(project, SPLITS)
    also = "json=plan.json,markdown=plan.md,gitlab=quality.json"
    done = gate("plan", "--format", "github", "--also", also, at=project, conninfo=shop.conninfo)
    assert done.returncode == Exit.DONE, done.stderr
    taken_at = json.loads((project / "plan.json").read_text())["taken_at"]
    assert taken_at in (project / "plan.md").read_text()
    assert len(json.loads((project / "quality.json").read_text())) == 1
    assert done.stdout.startswith("gate: SPLIT")


@pytest.mark.parametrize(
    ("also", "said"),
    [
        ("markdown", "a format and a file are wanted"),
        ("markdown=", "a format and a file are wanted"),
        ("markdown=-", "a format and a file are wanted"),
        ("pdf=plan.pdf", "a format and a file are wanted"),
        ("markdown=plan.md,", "a format and a file are wanted"),
        ("markdown=no/such/plan.md", "cannot write no/such/plan.md"),
        ("json=plan.md,markdown=./plan.md", "--also markdown=./plan.md: ./plan.md is written already"),
    ],
)
def test_a_format_that_cannot_be_written_is_told_before_anything_is_asked(also: str, said: str, project: Path) -> None:
    done = gate("plan", "--also", also, at=project)
    assert (done.returncode, done.stdout) == (Exit.USAGE, "")
    assert said in done.stderr
    assert "no database is named" not in done.stderr


def test_where_gate_is_off_every_format_says_so(project: Path) -> None:
    done = gate("plan", "--also", "json=plan.json,markdown=plan.md", at=project, GATE_MODE="off")
    assert done.returncode == Exit.DONE
    assert json.loads((project / "plan.json").read_text())["mode"] == "off"
    assert "nothing was judged" in (project / "plan.md").read_text()
