"""A release in a pod whose hooks act on the cluster, over TLS and with the token that is mounted at the moment."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from gate.model.errors import Exit
from tests.e2e.commands import command, environment, gate
from tests.platforms.kubernetes.conftest import filled
from tests.platforms.kubernetes.fake import FakeKubernetes, serving
from tests.platforms.kubernetes.objects import NAMESPACE, pod
from tests.servers import Database

pytestmark = [
    pytest.mark.majors(newest=True),
    pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl is not on PATH: no certificate"),
]

FEWER = '[[release.on_begin]]\nhook = "kubernetes.scale"\ndeployment = "worker"\n'
UNDO = '[[watch.on_failure]]\nhook = "kubernetes.rollout_undo"\ndeployment = "web"\n'


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Its own authority, with the key in the same file."""
    at = tmp_path_factory.mktemp("tls")
    made = ["-keyout", str(at / "key.pem"), "-out", str(at / "ca.crt"), "-days", "2", "-subj", "/CN=kubernetes"]
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-addext", "subjectAltName=IP:127.0.0.1", *made],
        check=True,
        capture_output=True,
    )
    (at / "both.pem").write_text((at / "key.pem").read_text() + (at / "ca.crt").read_text())
    return at


@pytest.fixture
def cluster(certificate: Path) -> Iterator[FakeKubernetes]:
    with serving(filled(), certificate / "both.pem") as fake:
        yield fake


class Pod:
    """A project in a pod, with a service account."""

    def __init__(self, root: Path, database: Database, cluster: FakeKubernetes, certificate: Path) -> None:
        self.root, self.database, self.cluster = root, database, cluster
        self.account = root / "serviceaccount"
        self.account.mkdir()
        (self.account / "token").write_text(cluster.token)
        (self.account / "namespace").write_text(NAMESPACE)
        shutil.copy(certificate / "ca.crt", self.account)
        (root / "db" / "migrations").mkdir(parents=True)
        database.execute("CREATE TABLE schema_migrations (version varchar PRIMARY KEY)")
        database.execute("CREATE TABLE orders (id bigint PRIMARY KEY, note text); INSERT INTO orders VALUES (1, 'a')")

    @property
    def env(self) -> dict[str, str]:
        at = urlsplit(self.cluster.url)
        return {
            "KUBERNETES_SERVICE_HOST": at.hostname or "",
            "KUBERNETES_SERVICE_PORT_HTTPS": str(at.port),
            "GATE_KUBERNETES_SERVICE_ACCOUNT": str(self.account),
            "POD_NAME": "release-x7",
            "GATE_TERMINATION_LOG": "",
        }

    def write(self, policy: str, text: str) -> None:
        (self.root / "gate.toml").write_text(f"sample = 0\n{policy}")
        (self.root / "db" / "migrations" / "1_a.sql").write_text(f"-- migrate:up\n{text}\n")

    def run(self, *arguments: str) -> tuple[int, dict[str, Any]]:
        done = gate(*arguments, "--format", "json", at=self.root, conninfo=self.database.conninfo, **self.env)
        assert done.stdout, done.stderr
        assert self.cluster.token not in done.stdout + done.stderr
        return done.returncode, json.loads(done.stdout)

    def killed(self) -> None:
        """In the midst of a statement."""
        sleeps = "SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event = 'PgSleep'"
        started = environment(self.database.conninfo, **self.env)
        with subprocess.Popen(command("release"), cwd=self.root, env=started, stderr=subprocess.DEVNULL) as process:
            while not self.database.fetch(sleeps):
                assert process.poll() is None
                time.sleep(0.05)
            process.send_signal(signal.SIGKILL)

    def workers(self) -> int:
        return int(self.cluster.get("deployments", "worker")["spec"]["replicas"])


@pytest.fixture
def inside(tmp_path: Path, database: Database, cluster: FakeKubernetes, certificate: Path) -> Pod:
    return Pod(tmp_path, database, cluster, certificate)


def said(document: dict[str, Any]) -> list[tuple[str, str, str | None]]:
    return [(hook["event"], hook["name"], hook["problem"]) for hook in document["hooks"]]


def test_workers_are_away_while_it_runs_and_back_afterwards(inside: Pod) -> None:
    inside.write(FEWER, "SELECT 1;")
    code, document = inside.run("release")
    assert code == Exit.DONE, document
    assert said(document) == [("on_begin", "kubernetes.scale", None), ("restore", "kubernetes.scale", None)]
    assert [asked.body for asked in inside.cluster.changes] == [{"spec": {"replicas": 0}}, {"spec": {"replicas": 3}}]


def test_after_a_crash_gate_kill_deletes_the_job_and_brings_the_workers_back(inside: Pod) -> None:
    inside.write(FEWER, "SELECT pg_sleep(300);")
    inside.killed()
    assert inside.workers() == 0
    inside.cluster.add(pod("migrate-a1", {"batch.kubernetes.io/job-name": "migrate"}))
    code, document = inside.run("kill", "--job", "migrate")
    assert code == Exit.DONE, document
    assert said(document) == [("kill", "kubernetes.delete_job", None), ("restore", "kubernetes.scale", None)]
    assert (inside.workers(), inside.cluster.objects["jobs"]) == (3, {})
    assert inside.database.fetch("SELECT FROM pg_stat_activity WHERE application_name LIKE 'gate/%'") == []


def test_the_next_release_takes_it_up_with_a_token_that_was_rotated(inside: Pod) -> None:
    inside.write(FEWER, "SELECT pg_sleep(300);")
    inside.killed()
    inside.cluster.token = "rotated-token-of-the-next-hour"
    (inside.account / "token").write_text(inside.cluster.token)
    inside.write(FEWER, "SELECT 1;")
    code, document = inside.run("release")
    assert code == Exit.DONE, document
    assert inside.workers() == 3
    assert inside.database.fetch("SELECT count(*) FROM gate.changes WHERE settled_at IS NULL") == [(0,)]


def test_a_missing_rule_keeps_it_from_beginning(inside: Pod) -> None:
    inside.cluster.forbidden = {"patch deployments/scale"}
    inside.write(FEWER, "CREATE TABLE made (id int);")
    code, document = inside.run("release")
    assert code == Exit.REFUSED
    assert 'resources: ["deployments/scale"], verbs: ["patch"]' in document["problem"]
    assert inside.database.fetch("SELECT to_regclass('made')") == [(None,)]


def test_pods_of_the_revision_before_keep_what_they_use(inside: Pod) -> None:
    drops = "-- gate: allow drops-column because no code reads it any more\nALTER TABLE orders DROP COLUMN note;"
    inside.write('[platform.kubernetes]\ndeployments = ["web"]\n', drops)
    inside.cluster.add(pod("web-hash1-z", {"app": "web", "pod-template-hash": "hash1"}))
    code, document = inside.run("release")
    assert code == Exit.REFUSED
    assert "pod web-hash1-z runs revision 1 (shop:1)" in document["problem"]
    del inside.cluster.objects["pods"]["web-hash1-z"]
    assert inside.run("release")[0] == Exit.DONE


def test_a_watch_that_fails_goes_back_to_the_revision_before(inside: Pod) -> None:
    inside.write(UNDO, "SELECT 1;")
    fails = "[watch]\nfor = '30s'\nevery = '200ms'\nfailures = 2\ncommand = ['false']\n"
    (inside.root / "gate.toml").write_text(f"{fails}{UNDO}")
    code, document = inside.run("watch", "--release", "2")
    assert code != Exit.DONE, document
    image = inside.cluster.get("deployments", "web")["spec"]["template"]["spec"]["containers"][0]["image"]
    assert image == "shop:1", document
