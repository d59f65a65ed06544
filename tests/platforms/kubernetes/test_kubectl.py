"""What gate sends to change something is what kubectl sends for the same, and so the same comes of it."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.platforms.kubernetes.conftest import filled
from tests.platforms.kubernetes.fake import Asked, FakeKubernetes, serving
from tests.platforms.kubernetes.hooks import Hooks

KUBECTL = shutil.which("kubectl")
pytestmark = pytest.mark.skipif(KUBECTL is None, reason="kubectl is not on PATH: nothing to hold gate against")


def kubectl(fake: FakeKubernetes, home: Path, *arguments: str) -> None:
    assert KUBECTL is not None
    # Without TLS kubectl sends no token.
    fake.wants_token = False
    done = subprocess.run(
        [KUBECTL, f"--server={fake.url}", "--namespace=shop", *arguments],
        env={"PATH": os.environ["PATH"], "HOME": str(home), "KUBECONFIG": str(home / "none")},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr


def sent(fake: FakeKubernetes) -> list[tuple[str, str, dict[str, list[str]], str, Any]]:
    return [(item.method, item.path, item.query, item.content_type, _body(item)) for item in fake.changes]


def _body(asked: Asked) -> Any:
    """Gate deletes a Job by its uid as well; kubectl takes whatever has the name by then."""
    if asked.method == "DELETE":
        return {key: value for key, value in asked.body.items() if key != "preconditions"}
    return asked.body


def _paused(hooks: Hooks) -> None:
    hooks.call("pause", deployment="web")


def _resumed(hooks: Hooks) -> None:
    hooks.call("pause", deployment="web")
    hooks.cluster.asked.clear()
    hooks.restore(hooks.change())


@pytest.mark.parametrize(
    ("arguments", "act"),
    [
        (("rollout", "undo", "deployment/web"), lambda hooks: hooks.undo()),
        (("rollout", "undo", "deployment/web", "--to-revision=1"), lambda hooks: hooks.undo(to_revision=1)),
        (("rollout", "pause", "deployment/web"), _paused),
        (("rollout", "resume", "deployment/web"), _resumed),
        (("scale", "deployment/worker", "--replicas=0"), lambda hooks: hooks.call("scale", deployment="worker")),
        (("patch", "job", "migrate", "--type=merge", '-p={"spec":{"suspend":true}}'),
         lambda hooks: hooks.call("suspend_job", job="migrate")),
        (("delete", "job", "migrate", "--wait=false"), lambda hooks: hooks.call("delete_job", job="migrate")),
    ],
    ids=["undo", "undo-to", "pause", "resume", "scale", "suspend", "delete"],
)  # fmt: skip
def test_gate_sends_what_kubectl_sends(
    arguments: tuple[str, ...], act: Callable[[Hooks], None], hooks: Hooks, tmp_path: Path
) -> None:
    with serving(filled()) as theirs:
        if "resume" in arguments:
            kubectl(theirs, tmp_path, "rollout", "pause", "deployment/web")
            theirs.asked.clear()
        kubectl(theirs, tmp_path, *arguments)
        act(hooks)
        assert sent(hooks.cluster) == sent(theirs)
        assert sent(theirs)
        assert hooks.cluster.objects == theirs.objects


def test_the_fake_shows_what_was_done(hooks: Hooks, tmp_path: Path) -> None:
    """Kubectl reads what gate has written."""
    hooks.call("scale", deployment="worker")
    kubectl(hooks.cluster, tmp_path, "get", "deployment", "worker", "-o", "jsonpath={.spec.replicas}")
    kubectl(hooks.cluster, tmp_path, "rollout", "history", "deployment/web")
