"""The containers of what `gate init` writes, run as processes: their very words and variables, and nothing else.

No home, a directory in which nothing can be written, and the termination log of a pod.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from gate.app.init import InitRequest, files_of
from gate.model.errors import Exit
from tests.e2e.commands import ROOT, command
from tests.e2e.test_container import UNSHARE, first_of, needs_namespaces
from tests.platforms.kubernetes.fake import FakeKubernetes, serving
from tests.platforms.kubernetes.objects import NAMESPACE
from tests.platforms.kubernetes.objects import job as job_object
from tests.platforms.kubernetes.objects import pod as pod_object
from tests.platforms.manifests.test_manifests import KUBECTL, canary_of, job_of, rendered
from tests.servers import Database

pytestmark = pytest.mark.majors(newest=True)
Container = dict[str, Any]
TABLE = "CREATE TABLE t (a int);"


@dataclass
class Node:
    """Where containers run: the app's image is a directory, and `said` is what the kubelet finds of the last one."""

    root: Path
    said: str = ""
    out: str = ""

    def write(self, text: str) -> str:
        """A migration; the directory."""
        at = self.root / "app" / "db" / "migrations"
        at.mkdir(parents=True, exist_ok=True)
        (at / "20260101000000_t.sql").write_text(f"-- migrate:up\n{text}\n")
        return str(at)

    @property
    def log(self) -> Path:
        return self.root / "termination-log"

    def start(
        self, container: Container, secret: Mapping[str, str], *, lead: Sequence[str] = (), **variables: str
    ) -> subprocess.Popen[str]:
        """With the kubelet's variables, and an empty termination log."""
        self.log.write_text("")
        words: list[str] = container["command"]
        assert words[0] == "gate"
        told = {each["name"]: _value(each, secret) for each in container["env"]}
        kept = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "GATE_TERMINATION_LOG": str(self.log)}
        return subprocess.Popen(
            [*lead, *command(*words[1:])],
            cwd="/proc",
            env={**kept, "KUBERNETES_SERVICE_HOST": "127.0.0.1", **told, **variables},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def run(self, container: Container, secret: Mapping[str, str], **variables: str) -> int:
        """The exit code."""
        with self.start(container, secret, **variables) as process:
            self.out, _ = process.communicate(timeout=60)
        self.said = self.log.read_text()
        assert len(self.said.encode()) < 4096
        assert not any(url in self.out + self.said for url in secret.values())
        return process.returncode


def _value(variable: Mapping[str, Any], secret: Mapping[str, str]) -> str:
    """As the kubelet fills it in."""
    if "value" in variable:
        return str(variable["value"])
    source = variable["valueFrom"]
    if "secretKeyRef" in source:
        return secret[source["secretKeyRef"]["key"]]
    return {"metadata.name": "shop-gate-x7", "metadata.namespace": NAMESPACE}[source["fieldRef"]["fieldPath"]]


@pytest.fixture
def node(tmp_path: Path) -> Node:
    return Node(tmp_path)


def container_of(job: Mapping[str, Any]) -> Container:
    (found,) = job["spec"]["template"]["spec"]["containers"]
    return dict(found)


def action_on(code: int, job: Mapping[str, Any]) -> str:
    """What Kubernetes does with a pod that ends so, by the first rule that matches."""
    for rule in job["spec"]["podFailurePolicy"]["rules"]:
        on = rule.get("onExitCodes")
        if on and (code in on["values"]) is (on["operator"] == "In"):
            return str(rule["action"])
    raise AssertionError(code)


@pytest.mark.parametrize(
    ("text", "code", "says"),
    [
        ("ALTER TABLE orders ALTER COLUMN id TYPE text;", Exit.REFUSED, "public.orders"),
        ("ALTER TABLE orders ADD COLUMN a int; SELECT 1 / 0;", Exit.MIGRATION_FAILED, "division by zero"),
        ("SELEC 1;", Exit.USAGE, "SELEC"),
    ],
)
def test_a_job_that_failed_leaves_its_reason(node: Node, database: Database, text: str, code: Exit, says: str) -> None:
    database.execute("CREATE TABLE schema_migrations (version varchar PRIMARY KEY)")
    database.execute("CREATE TABLE orders (id int PRIMARY KEY); INSERT INTO orders SELECT generate_series(1, 10)")
    job = job_of("kubernetes", source=node.write(text), budget_s=60.0)
    assert node.run(container_of(job), {"DATABASE_URL": database.conninfo}) == code, node.out
    said = json.loads(node.said)
    assert said["exit_code"] == code
    assert says in said["problem"]
    assert action_on(code, job) == "FailJob"


def test_a_database_that_is_away_is_asked_again_by_the_next_pod(node: Node) -> None:
    job = job_of("kubernetes", source=node.write(TABLE), budget_s=3.0)
    url = "postgresql://u:hunter2secret@127.0.0.1:1/none"
    assert node.run(container_of(job), {"DATABASE_URL": url}) == Exit.UNREACHABLE
    assert json.loads(node.said)["exit_code"] == Exit.UNREACHABLE
    assert "hunter2secret" not in node.said + node.out
    assert action_on(Exit.UNREACHABLE, job) == "Count"


@needs_namespaces
def test_a_pod_that_is_drained_ends_within_its_grace(node: Node, database: Database) -> None:
    """Process 1 of its container gets SIGTERM; nothing is left at work, and the next pod takes it up."""
    job = job_of("kubernetes", source=node.write("SELECT pg_sleep(300);"))
    sleeps = "SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event = 'PgSleep'"
    with node.start(container_of(job), {"DATABASE_URL": database.conninfo}, lead=UNSHARE) as process:
        while not database.fetch(sleeps):
            assert process.poll() is None
            time.sleep(0.05)
        os.kill(first_of(process.pid), signal.SIGTERM)
        out, _ = process.communicate(timeout=job["spec"]["template"]["spec"]["terminationGracePeriodSeconds"])
    assert process.returncode == Exit.STOPPED_RESUMABLE, out
    assert "STOPPED  by SIGTERM" in out
    said = json.loads(node.log.read_text())
    assert (said["outcome"], said["left"]) == ("stopped", ["20260101000000"])
    assert not database.fetch(sleeps)
    assert action_on(Exit.STOPPED_RESUMABLE, job) == "Count"


def test_the_clean_up_of_argo_cd_runs_where_nothing_is_left(node: Node, database: Database) -> None:
    files = files_of(InitRequest(preset="argocd"))
    (failed,) = [each for each in yaml.safe_load_all(files[0].text) if each["metadata"]["name"].endswith("-failed")]
    assert node.run(container_of(failed), {"DATABASE_URL": database.conninfo}) == Exit.DONE, node.out


# --- the app's own pods -----------------------------------------------------------------------------------------------


def waiting(preset: str, source: str) -> Container:
    """The initContainer, out of what each preset gives for it."""
    request = InitRequest(preset=preset, source=source, image="shop:1")
    by_path = {file.path: rendered(file.text) for file in files_of(request)}
    if preset == "helm":
        (found,) = yaml.safe_load(by_path["templates/_gate.tpl"].partition("-}}\n")[2].partition("{{- end }}")[0])
        return dict(found)
    if preset == "argocd":
        commented = by_path["gate.yaml"].rpartition("in its Deployment:\n")[2]
        patch = "\n".join(line.removeprefix("#") for line in commented.splitlines())
    elif preset == "kustomize":
        patch = yaml.safe_load(by_path["wait/kustomization.yaml"])["patches"][0]["patch"]
    else:
        patch = by_path["wait/patch.yaml"]
    (found,) = yaml.safe_load(patch)["spec"]["template"]["spec"]["initContainers"]
    return dict(found)


@pytest.fixture
def cluster() -> Iterator[FakeKubernetes]:
    with serving(FakeKubernetes()) as fake:
        yield fake


def settings(node: Node, cluster: FakeKubernetes) -> str:
    """A project that knows the API server; where TLS is, tests/e2e/test_on_kubernetes.py tells."""
    (node.root / "token").write_text(cluster.token)
    text = f'sample = 0\n[platform.kubernetes]\nserver = "{cluster.url}"\ntoken = "file:{node.root / "token"}"\n'
    (node.root / "gate.toml").write_text(text)
    return str(node.root / "gate.toml")


def test_a_pod_starts_once_the_job_has_released(node: Node, database: Database, cluster: FakeKubernetes) -> None:
    """Before that it says that the Job has failed, with what its pod has said, and does not start."""
    source, secret = node.write(TABLE), {"DATABASE_URL": database.conninfo}
    container = waiting("kubernetes", source)
    name = container["command"][container["command"].index("--job") + 1]
    failed = job_object(name)
    labels = failed["spec"]["selector"]["matchLabels"]
    failed["status"] = {"failed": 1, "conditions": [{"type": "Failed", "status": "True", "reason": "PodFailurePolicy"}]}
    ended = pod_object(f"{name}-x7", labels, phase="Failed")
    cluster.add(failed, ended)
    container["command"] += ["--config", settings(node, cluster)]
    assert node.run(container, secret) == Exit.MIGRATION_FAILED, node.out
    assert f"Job {name} has failed: PodFailurePolicy" in node.out
    assert not database.fetch("SELECT FROM pg_class WHERE relname = 't'")
    assert node.run(container_of(job_of("kubernetes", source=source)), secret) == Exit.DONE, node.out
    assert node.run(container, secret) == Exit.DONE, node.out


@pytest.mark.parametrize("preset", ["kubernetes", "helm", "argocd", "kustomize"])
def test_the_container_that_waits_is_the_same_everywhere(preset: str) -> None:
    found, job = waiting(preset, "db/migrations"), job_of(preset, source="db/migrations")
    words = ["gate", "wait", "--schema-at-least", "latest", "--job", job["metadata"]["name"], "--timeout", "20min"]
    assert found["command"] == [*words, "db/migrations"]
    assert found["env"] == container_of(job)["env"]
    assert found["securityContext"] == {
        "runAsNonRoot": True,
        "runAsUser": 65532,
        "runAsGroup": 65532,
        "seccompProfile": {"type": "RuntimeDefault"},
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }


# --- a fleet ----------------------------------------------------------------------------------------------------------


def test_the_canary_and_the_shares_release_a_fleet(node: Node, clone: Callable[[str], Database]) -> None:
    names = [f"tenant-{number}" for number in range(5)]
    databases = {name: clone("") for name in names}
    mounted = node.root / "fleet"
    mounted.mkdir()
    for name, database in databases.items():
        (mounted / name).write_text(database.conninfo)
        (mounted / name).chmod(0o440)
    source = node.write(TABLE)

    def released(job: Mapping[str, Any], **variables: str) -> set[str]:
        container = container_of(job)
        words = [word.replace("/etc/gate/fleet", str(mounted)) for word in container["command"]]
        assert node.run({**container, "command": words}, {}, **variables) == Exit.DONE, node.out
        there = "SELECT FROM pg_class WHERE relname = 't'"
        return {name for name, database in databases.items() if database.fetch(there)}

    assert released(canary_of("kubernetes", "canary=tenant-3", fleet=3, source=source)) == {"tenant-3"}
    first = released(canary_of("kubernetes", fleet=3, source=source))
    shares = job_of("kubernetes", fleet=3, source=source)
    assert released(shares, JOB_COMPLETION_INDEX="0") == first
    assert released(shares, JOB_COMPLETION_INDEX="1") >= first
    assert released(shares, JOB_COMPLETION_INDEX="2") == set(names)


# --- kubectl ----------------------------------------------------------------------------------------------------------


def kubectl(home: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    assert KUBECTL is not None
    return subprocess.run(
        [KUBECTL, *arguments],
        env={"PATH": os.environ["PATH"], "HOME": str(home), "KUBECONFIG": str(home / "none")},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


@pytest.mark.skipif(KUBECTL is None, reason="kubectl is not on PATH")
def test_kubectl_puts_the_container_into_a_deployment(tmp_path: Path) -> None:
    (patch,) = [file for file in files_of(InitRequest(preset="kubernetes")) if file.path == "wait/patch.yaml"]
    (tmp_path / "patch.yaml").write_text(patch.text)
    app = {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "app"},
        "spec": {
            "selector": {"matchLabels": {"app": "app"}},
            "template": {
                "metadata": {"labels": {"app": "app"}},
                "spec": {
                    "initContainers": [{"name": "assets", "image": "app"}],
                    "containers": [{"name": "web", "image": "app"}],
                },
            },
        },
    }
    (tmp_path / "app.yaml").write_text(yaml.safe_dump(app))
    done = kubectl(
        tmp_path,
        *("patch", "--local", "-o", "yaml", "--server=http://127.0.0.1:1"),
        *("-f", str(tmp_path / "app.yaml"), "--patch-file", str(tmp_path / "patch.yaml")),
    )
    assert done.returncode == 0, done.stderr
    pod = yaml.safe_load(done.stdout)["spec"]["template"]["spec"]
    assert [each["name"] for each in pod["initContainers"]] == ["gate-wait", "assets"]
    assert [each["name"] for each in pod["containers"]] == ["web"]


@pytest.mark.skipif(KUBECTL is None, reason="kubectl is not on PATH")
@pytest.mark.parametrize(
    ("conditions", "code"),
    [(("FailureTarget", "Failed"), 1), (("SuccessCriteriaMet", "Complete"), 0), (("Complete",), 0), (("Failed",), 1)],
)
def test_the_printed_commands_wait_for_the_end_and_tell_it(
    tmp_path: Path, cluster: FakeKubernetes, conditions: tuple[str, ...], code: int
) -> None:
    """Whichever way a Job has ended the first wait is over; the second one's exit code says which."""
    (then,) = {file.then for file in files_of(InitRequest(preset="kubernetes", namespace=NAMESPACE)) if file.then}
    waits = [line.partition("#")[0].strip() for line in then.splitlines() if " wait job/" in line]
    ended = job_object("app-gate")
    ended["status"] = {"conditions": [{"type": kind, "status": "True"} for kind in conditions]}
    cluster.add(ended)
    cluster.wants_token = False
    codes = []
    for line in waits:
        words = [word.replace("'", "") for word in line.replace("--timeout=2m", "--timeout=1s").split()[1:]]
        codes.append(kubectl(tmp_path, f"--server={cluster.url}", *words).returncode)
    assert codes == [0, code]
