"""Each platform as a process sees it: its variables, its way to start a command, its signal and its patience.

The command line is the one that `gate init` writes for it, read as the platform reads it. In the midst of an index
build or of a backfill the platform stops it; what does not end in time is killed, and that is a failure here.
"""

from __future__ import annotations

import json
import os
import shlex
import signal
import subprocess
import sys
import time
import tomllib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

from gate.model.errors import Exit, UsageError
from gate.platforms.known import all_presets, platform_of
from gate.platforms.preset import UNKNOWN, File, Place, Preset, Wish
from tests.e2e.commands import ROOT, environment
from tests.e2e.test_container import UNSHARE, first_of, needs_namespaces
from tests.servers import Database

SIGTERM, SIGINT = signal.SIGTERM, signal.SIGINT
MINUTE_S = 60.0
NEVER_S = float("inf")
LONG_S = 30.0


def shell(line: str) -> list[str]:
    """As Heroku starts what stands in a Procfile."""
    return ["bash", "-c", line]


def dokku(line: str) -> list[str]:
    """Source: github.com/dokku/dokku, plugins/app-json/functions.go, constructScript."""
    return ["bash", "-c", f"set -e; set -o pipefail || true; {line} || exit 1;"]


def of_procfile(files: Sequence[File]) -> str:
    return files[0].text.partition(": ")[2].rstrip("\n")


def of_toml(files: Sequence[File]) -> str:
    return str(tomllib.loads(files[0].text)["deploy"]["release_command"])


def of_render(files: Sequence[File]) -> str:
    return str(yaml.safe_load(files[0].text)["preDeployCommand"])


def of_railway(files: Sequence[File]) -> str:
    (line,) = json.loads(files[0].text)["deploy"]["preDeployCommand"]
    return str(line)


def of_app_spec(files: Sequence[File]) -> str:
    (job,) = yaml.safe_load(files[0].text)["jobs"]
    return str(job["run_command"])


def of_cloud_run(files: Sequence[File]) -> str:
    (container,) = yaml.safe_load(files[0].text)["spec"]["template"]["spec"]["template"]["spec"]["containers"]
    return shlex.join([*container["command"], *container["args"]])


def of_ecs(files: Sequence[File]) -> str:
    (override,) = json.loads(files[1].text)["containerOverrides"]
    return shlex.join(override["command"])


@dataclass(frozen=True, kw_only=True)
class Stage:
    """A platform: how it starts a line, what it sends to whom, after how long it kills, and how long it allows."""

    key: str
    variables: dict[str, str]
    line: Callable[[Sequence[File]], str] = of_procfile
    argv: Callable[[str], list[str]] = shlex.split
    signals: tuple[signal.Signals, ...] = (SIGTERM,)
    is_for_all: bool = False
    killed_after_s: float = 30.0
    allows_s: float = NEVER_S
    is_before: bool = False


STAGES = (
    Stage(
        key="heroku",
        variables={"DYNO": "release.5129"},
        argv=shell,
        # To every process, and perhaps more than once.
        signals=(SIGTERM, SIGTERM),
        is_for_all=True,
        allows_s=60 * MINUTE_S,
        is_before=True,
    ),
    Stage(
        key="fly",
        variables={
            "RELEASE_COMMAND": "1",
            "FLY_PROCESS_GROUP": "fly_app_release_command",
            "FLY_APP_NAME": "shop",
            "FLY_MACHINE_ID": "1781",
        },
        line=of_toml,
        signals=(SIGINT,),
        killed_after_s=5.0,
        allows_s=5 * MINUTE_S,
        is_before=True,
    ),
    Stage(
        key="render",
        variables={"RENDER": "true", "RENDER_SERVICE_NAME": "shop"},
        line=of_render,
    ),
    Stage(
        key="railway",
        variables={"RAILWAY_PROJECT_NAME": "shop", "RAILWAY_SERVICE_NAME": "web", "RAILWAY_DEPLOYMENT_ID": "4a"},
        line=of_railway,
        # Nobody says; the least that any platform gives.
        killed_after_s=5.0,
    ),
    Stage(key="dokku", variables={"DOKKU_APP_TYPE": "herokuish", "GIT_REV": "50b80751"}, argv=dokku),
    Stage(
        key="scalingo",
        variables={"SCALINGO_APPLICATION_ID": "5f", "APP": "shop", "CONTAINER": "postdeploy-8437"},
        argv=shell,
        allows_s=20 * MINUTE_S,
        is_before=True,
    ),
    Stage(
        key="digitalocean",
        variables={"DIGITALOCEAN_JOB_KIND": "PRE_DEPLOY", "DIGITALOCEAN_APP_ID": "4f6c"},
        line=of_app_spec,
        is_before=True,
    ),
    Stage(
        key="cloud-run",
        variables={"CLOUD_RUN_JOB": "shop-gate", "CLOUD_RUN_EXECUTION": "shop-gate-1", "CLOUD_RUN_TASK_INDEX": "0"},
        line=of_cloud_run,
        killed_after_s=10.0,
        allows_s=10 * MINUTE_S,
    ),
    Stage(
        key="ecs",
        variables={
            "ECS_CONTAINER_METADATA_URI_V4": "http://169.254.170.2/v4/1",
            "AWS_EXECUTION_ENV": "AWS_ECS_FARGATE",
        },
        line=of_ecs,
    ),
)
of_stage = pytest.mark.parametrize("stage", STAGES, ids=[stage.key for stage in STAGES])

SHOP = """
CREATE TABLE schema_migrations (version varchar PRIMARY KEY);
CREATE TABLE orders (id bigint PRIMARY KEY, amount bigint NOT NULL, doubled bigint);
INSERT INTO orders SELECT g, g, NULL FROM generate_series(1, 20000) g;
ANALYZE orders;
CREATE FUNCTION slow(n bigint) RETURNS bigint LANGUAGE plpgsql IMMUTABLE AS
    'BEGIN PERFORM pg_sleep(0.05); RETURN n; END';
CREATE FUNCTION slows() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN PERFORM pg_sleep(0.002); RETURN NEW; END';
CREATE TRIGGER slows BEFORE UPDATE ON orders FOR EACH ROW EXECUTE FUNCTION slows();
"""
NO_LONGER_SLOW = """
CREATE OR REPLACE FUNCTION slow(n bigint) RETURNS bigint LANGUAGE plpgsql IMMUTABLE AS 'BEGIN RETURN n; END';
CREATE OR REPLACE FUNCTION slows() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
"""


@dataclass(frozen=True, kw_only=True)
class Work:
    """Something long: how it is seen to be at work, and how it is seen to be done."""

    name: str
    sql: str
    at_work: str
    done: str


WORKS = (
    Work(
        name="index",
        sql="CREATE INDEX orders_slow ON orders (public.slow(id));",
        at_work="SELECT 1 FROM pg_stat_activity WHERE query LIKE 'CREATE INDEX CONC%' AND wait_event = 'PgSleep'"
        " AND datname = current_database()",
        done="SELECT 1 FROM pg_index WHERE indexrelid = 'orders_slow'::regclass AND indisvalid",
    ),
    Work(
        name="backfill",
        sql="UPDATE orders SET doubled = amount * 2 WHERE doubled IS NULL;",
        at_work="SELECT 1 FROM orders WHERE doubled IS NOT NULL LIMIT 1",
        done="SELECT 1 WHERE NOT EXISTS (SELECT FROM orders WHERE doubled IS DISTINCT FROM amount * 2)",
    ),
)


def preset_of(stage: Stage) -> Preset:
    return next(preset for preset in all_presets() if preset.key == stage.key)


def files_of(stage: Stage, budget_s: float | None = None) -> tuple[File, ...]:
    preset = preset_of(stage)
    assert preset.files is not None
    return preset.files(Wish(budget_s=preset.budget_s if budget_s is None else budget_s, name="shop"))


@dataclass(frozen=True, kw_only=True)
class Ended:
    code: int
    log: str


@dataclass(frozen=True, kw_only=True)
class Running:
    """The platform's side of one command."""

    stage: Stage
    process: subprocess.Popen[str]

    def stop(self) -> Ended:
        """Its signals, to those whom it signals; whoever has not ended when it kills fails the test."""
        for number in self.stage.signals:
            if self.stage.is_for_all:
                os.killpg(self.process.pid, number)
            else:
                self.process.send_signal(number)
        return self.end(self.stage.killed_after_s)

    def end(self, within_s: float) -> Ended:
        try:
            said, _ = self.process.communicate(timeout=within_s)
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, signal.SIGKILL)
            said, _ = self.process.communicate()
            pytest.fail(f"{self.stage.key} had to kill it after {within_s} s:\n{said}")
        return Ended(code=self.process.returncode, log=said)


@dataclass(frozen=True, kw_only=True)
class Host:
    """Where the platform runs the app's image: `gate` is on its path, the project is its directory."""

    at: Path
    path: Path
    database: Database

    def start(self, stage: Stage, lead: Sequence[str] = ()) -> Running:
        path = f"{self.path}:{os.environ['PATH']}"
        named = {**stage.variables, "DATABASE_URL": self.database.conninfo, "PATH": path}
        process = subprocess.Popen(
            [*lead, *stage.argv(stage.line(files_of(stage)))],
            cwd=self.at,
            env={**environment(), **named},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        return Running(stage=stage, process=process)

    def until(self, query: str, running: Running) -> None:
        until_s = time.monotonic() + LONG_S
        while not self.database.fetch(query):
            if running.process.poll() is not None or time.monotonic() > until_s:
                os.killpg(running.process.pid, signal.SIGKILL)
                pytest.fail(f"never got to work:\n{running.process.communicate()[0]}")
            time.sleep(0.05)

    def backends(self) -> int:
        ((count,),) = self.database.fetch(
            "SELECT count(*) FROM pg_stat_activity"
            " WHERE application_name LIKE 'gate/%' AND datname = current_database()"
        )
        return int(count)


@pytest.fixture
def host(tmp_path: Path, clone: Callable[[str], Database]) -> Host:
    project, path = tmp_path / "app", tmp_path / "bin"
    (project / "db" / "migrations").mkdir(parents=True)
    (project / "gate.toml").write_text("sample = 0\n")
    path.mkdir()
    program = f"#!{sys.executable} -P\nimport sys\nsys.path.insert(0, {str(ROOT)!r})\n"
    (path / "gate").write_text(f"{program}from gate.__main__ import main\nmain()\n")
    (path / "gate").chmod(0o755)
    return Host(at=project, path=path, database=clone(SHOP))


@pytest.mark.majors(newest=True)
@pytest.mark.parametrize(
    ("stage", "work"),
    [pytest.param(stage, WORKS[at % 2], id=f"{stage.key}-{WORKS[at % 2].name}") for at, stage in enumerate(STAGES)],
)
def test_it_is_gone_before_the_platform_kills_and_the_next_one_finishes_it(
    stage: Stage, work: Work, host: Host
) -> None:
    (host.at / "db" / "migrations" / "1_long.sql").write_text(f"-- migrate:up\n{work.sql}\n")
    running = host.start(stage)
    host.until(work.at_work, running)
    stopped = running.stop()
    assert stopped.code == Exit.STOPPED_RESUMABLE, stopped.log
    assert host.backends() == 0
    said = " ".join(stopped.log.split())
    assert f"STOPPED by {stage.signals[0].name}" in said
    assert "taken up by the next gate release" in said
    assert host.database.fetch("SELECT 1 FROM schema_migrations") == []

    host.database.execute(NO_LONGER_SLOW)
    finished = host.start(stage).end(LONG_S)
    assert finished.code == Exit.DONE, finished.log
    assert host.database.fetch(work.done)
    assert host.database.fetch("SELECT version FROM schema_migrations") == [("1",)]

    again = host.start(stage).end(LONG_S)
    assert (again.code, len(again.log.splitlines())) == (Exit.DONE, 1), again.log


def long_release(host: Host, key: str, work: Work = WORKS[0], lead: Sequence[str] = ()) -> Running:
    """Such work on that platform, in its midst."""
    (stage,) = [stage for stage in STAGES if stage.key == key]
    (host.at / "db" / "migrations" / "1_long.sql").write_text(f"-- migrate:up\n{work.sql}\n")
    running = host.start(stage, lead)
    host.until(work.at_work, running)
    return running


@needs_namespaces
@pytest.mark.majors(newest=True)
@pytest.mark.parametrize("key", ["dokku", "ecs", "cloud-run"])
def test_process_1_of_a_container_hears_it(key: str, host: Host) -> None:
    """The kernel gives process 1 no signal that it has no handler for; on Dokku it would be a shell, but for exec."""
    running = long_release(host, key, lead=UNSHARE)
    os.kill(first_of(running.process.pid), SIGTERM)
    stopped = running.end(running.stage.killed_after_s)
    assert stopped.code == Exit.STOPPED_RESUMABLE, stopped.log
    assert "STOPPED by SIGTERM" in " ".join(stopped.log.split())
    assert host.backends() == 0


@pytest.mark.majors(newest=True)
def test_a_task_that_cloud_run_moves_goes_on(host: Host) -> None:
    """SIGTSTP comes before, and the connections may be cut."""
    running = long_release(host, "cloud-run", WORKS[1])
    os.killpg(running.process.pid, signal.SIGTSTP)
    host.database.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        " WHERE application_name LIKE 'gate/%' AND datname = current_database()"
    )
    host.database.execute(NO_LONGER_SLOW)
    moved = running.end(LONG_S)
    assert moved.code == Exit.DONE, moved.log
    assert host.database.fetch(WORKS[1].done)


@of_stage
def test_its_variables_tell_it_and_its_time(stage: Stage) -> None:
    found, preset = platform_of(stage.variables), preset_of(stage)
    assert (found.key, found.name) == (stage.key, preset.name)
    assert (found.place is Place.BEFORE) is stage.is_before
    assert found.budget_s == preset.budget_s
    # What has to start and to end has its time as well.
    assert found.budget_s + MINUTE_S <= stage.allows_s
    assert found.grace_s < stage.killed_after_s


@of_stage
def test_a_long_release_is_told_in_words_that_need_no_shell(stage: Stage) -> None:
    told = platform_of(stage.variables).detached("20h")
    words = shlex.split(told.partition(", ")[0] if told.startswith("gate ") else told)
    assert "20h" in told
    assert not {"&&", "|", ";", ">"} & set(words)
    assert all(word.isprintable() for word in words)


@pytest.mark.parametrize(
    ("variables", "key"),
    [
        ({}, ""),
        # What anybody's machine may have.
        ({"APP": "shop", "CONTAINER": "postdeploy-1"}, ""),
        ({"GIT_REV": "50b80751"}, ""),
        ({"RENDER": "1"}, ""),
        ({"AWS_EXECUTION_ENV": "AWS_Lambda_python3.12"}, ""),
        ({"RELEASE_COMMAND": "1"}, ""),
        ({"KAMAL_VERSION": "1"}, ""),
        # A one-off dyno, and what `dokku run` names the same way.
        ({"DYNO": "run.9157"}, ""),
        ({"DYNO": "run.9157", "DOKKU_APP_RESTORE": "1"}, "dokku"),
        ({"DYNO": "release.9157", "DOKKU_APP_TYPE": "herokuish"}, "dokku"),
        # An app on Heroku that keeps its commit as Dokku does.
        ({"DYNO": "release.9157", "GIT_REV": "50b80751"}, "heroku"),
        # They run on Kubernetes themselves, and say more than it does.
        ({"KUBERNETES_SERVICE_HOST": "10.0.0.1", "RENDER": "true"}, "render"),
        ({"KUBERNETES_SERVICE_HOST": "10.0.0.1", "DIGITALOCEAN_JOB_KIND": "PRE_DEPLOY"}, "digitalocean"),
        ({"AWS_EXECUTION_ENV": "AWS_ECS_EC2"}, "ecs"),
        ({"KAMAL_VERSION": "1", "KAMAL_COMMAND": "deploy"}, "kamal"),
    ],
    ids=str,
)
def test_one_platform_is_not_taken_for_another(variables: dict[str, str], key: str) -> None:
    assert platform_of(variables).key == key


@pytest.mark.parametrize(
    "variables",
    [
        {"FLY_APP_NAME": "shop"},
        {"SCALINGO_APPLICATION_ID": "5f", "CONTAINER": "web-1"},
        {"DIGITALOCEAN_APP_ID": "4f6c", "DIGITALOCEAN_JOB_KIND": "POST_DEPLOY"},
        {"RENDER": "true"},
        {"RAILWAY_PROJECT_NAME": "shop"},
        {"DOKKU_APP_TYPE": "herokuish"},
    ],
    ids=str,
)
def test_where_nothing_says_that_it_is_before_the_deploy_it_is_not_said(variables: dict[str, str]) -> None:
    found = platform_of(variables)
    assert found != UNKNOWN
    assert found.place is Place.UNKNOWN


@pytest.mark.parametrize("name", ["APP", "CLOUD_RUN_JOB", "RENDER_SERVICE_NAME", "RAILWAY_SERVICE_NAME"])
@of_stage
def test_a_name_that_a_shell_would_take_for_more_is_not_used(stage: Stage, name: str) -> None:
    odd = platform_of({**stage.variables, name: "$(reboot)"})
    assert "reboot" not in f"{odd.detached()}{odd.app}"


@of_stage
@pytest.mark.parametrize("minutes", [3, 12, 19])
def test_every_deadline_is_made_from_the_budget(stage: Stage, minutes: int) -> None:
    budget_s = minutes * MINUTE_S
    files = files_of(stage, budget_s)
    assert f"--budget {minutes}min" in stage.line(files)
    around_s = {
        "fly": lambda: float(tomllib.loads(files[0].text)["deploy"]["release_command_timeout"].rstrip("m")) * MINUTE_S,
        "cloud-run": lambda: float(
            yaml.safe_load(files[0].text)["spec"]["template"]["spec"]["template"]["spec"]["timeoutSeconds"]
        ),
    }
    if stage.key in around_s:
        assert budget_s + MINUTE_S <= around_s[stage.key]() <= budget_s + 2 * MINUTE_S


@pytest.mark.parametrize(("key", "hours"), [("scalingo", 0.33), ("heroku", 1.0), ("cloud-run", 168.0)])
def test_a_budget_that_the_platform_does_not_allow_is_refused_with_the_longest(key: str, hours: float) -> None:
    (stage,) = [stage for stage in STAGES if stage.key == key]
    with pytest.raises(UsageError, match="too long") as refused:
        files_of(stage, hours * 3600)
    assert "at most" in refused.value.remedy


def test_the_files_say_what_they_must() -> None:
    by_key = {stage.key: files_of(stage) for stage in STAGES}
    task = yaml.safe_load(by_key["cloud-run"][0].text)["spec"]["template"]["spec"]
    assert (task["taskCount"], task["template"]["spec"]["maxRetries"]) == (1, 0)
    (job,) = yaml.safe_load(by_key["digitalocean"][0].text)["jobs"]
    assert (job["kind"], job["termination"]["grace_period_seconds"]) == ("PRE_DEPLOY", 30)
    assert {each["key"]: each["value"] for each in job["envs"]}.items() >= {
        "DIGITALOCEAN_JOB_KIND": "PRE_DEPLOY"
    }.items()
    (container,) = json.loads(by_key["ecs"][0].text)["containerDefinitions"]
    assert (container["stopTimeout"], container["name"]) == (30, "gate")
    # No file of the user's own bears such a name; the Procfile is added to.
    for files in by_key.values():
        assert all(".gate." in file.path or file.into for file in files)


@of_stage
def test_a_source_with_a_blank_stays_one_word(stage: Stage) -> None:
    preset = preset_of(stage)
    assert preset.files is not None
    files = preset.files(Wish(budget_s=preset.budget_s, name="shop", source="db/my migrations"))
    assert "db/my migrations" in shlex.split(stage.line(files))


@pytest.mark.majors(newest=True)
@pytest.mark.parametrize("key", ["dokku", "railway"])
def test_a_kill_without_a_warning_leaves_nobody_behind(key: str, host: Host) -> None:
    """A shell as process 1 passes no signal on: then SIGKILL is the first that gate gets."""
    running = long_release(host, key)
    os.killpg(running.process.pid, signal.SIGKILL)
    running.process.communicate()
    until_s = time.monotonic() + LONG_S
    while host.backends() and time.monotonic() < until_s:
        time.sleep(0.05)
    assert host.backends() == 0
    host.database.execute(NO_LONGER_SLOW)
    finished = host.start(running.stage).end(LONG_S)
    assert finished.code == Exit.DONE, finished.log
    assert host.database.fetch(WORKS[0].done)
