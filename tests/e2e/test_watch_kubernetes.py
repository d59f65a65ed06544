"""gate watch rolls a Deployment back, and nothing else."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from gate.model.errors import Exit
from tests.e2e.commands import gate
from tests.e2e.test_watch import QUICK, app, first
from tests.platforms.kubernetes.fake import TOKEN, FakeKubernetes, serving
from tests.platforms.kubernetes.objects import deployment, replica_set


@pytest.fixture
def kubernetes() -> Iterator[FakeKubernetes]:
    fake, web = FakeKubernetes(), deployment(image="shop:2", revision=2)
    fake.add(
        web,
        replica_set(web, image="shop:1", revision=1, replicas=0, number=1),
        replica_set(web, image="shop:2", revision=2, replicas=3, number=2),
    )
    with serving(fake):
        yield fake


def watched(kubernetes: FakeKubernetes, at: Path, release: str) -> subprocess.CompletedProcess[str]:
    (at / "gate.toml").write_text(
        f'[platform.kubernetes]\nserver = "{kubernetes.url}"\ntoken = "env:TOKEN"\nnamespace = "shop"\n'
        '[[watch.on_failure]]\nhook = "kubernetes.rollout_undo"\ndeployment = "web"\n'
    )
    with app(good=1) as shop:
        told = ("--for", "1min", *QUICK, "--health", shop.url, "--release", release)
        return gate("watch", *told, at=at, TOKEN=TOKEN)


def image(kubernetes: FakeKubernetes) -> str:
    found: str = kubernetes.get("deployments", "web")["spec"]["template"]["spec"]["containers"][0]["image"]
    return found


@pytest.mark.parametrize("release", ["2", "shop:2"])
def test_a_failure_is_undone_once(release: str, kubernetes: FakeKubernetes, tmp_path: Path) -> None:
    done = watched(kubernetes, tmp_path, release)
    assert done.returncode == Exit.MIGRATION_FAILED, done.stderr
    assert image(kubernetes) == "shop:1"
    assert [asked.method for asked in kubernetes.changes] == ["PATCH"]
    assert "Deployment web goes back from revision 2 (shop:2) to revision 1 (shop:1)" in first(done)
    assert TOKEN not in done.stdout + done.stderr


def test_another_revision_is_left_alone(kubernetes: FakeKubernetes, tmp_path: Path) -> None:
    done = watched(kubernetes, tmp_path, "1")
    assert (done.returncode, image(kubernetes), kubernetes.changes) == (Exit.MIGRATION_FAILED, "shop:2", [])
    assert "nothing was undone: 1 is held to have failed" in first(done)


def test_who_may_not_change_it_is_told_before_anything_is_watched(kubernetes: FakeKubernetes, tmp_path: Path) -> None:
    kubernetes.forbidden = {"patch deployments"}
    done = watched(kubernetes, tmp_path, "2")
    assert (done.returncode, kubernetes.changes) == (Exit.USAGE, [])
    assert 'resources: ["deployments"], verbs: ["patch"]' in " ".join(done.stderr.split())
