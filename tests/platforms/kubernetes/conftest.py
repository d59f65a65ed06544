"""A namespace with a Deployment of two revisions, workers, and a Job; and the hooks as a release makes them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.platforms.kubernetes.fake import FakeKubernetes, serving
from tests.platforms.kubernetes.hooks import Hooks
from tests.platforms.kubernetes.objects import deployment, job, pod, replica_set


def filled() -> FakeKubernetes:
    fake = FakeKubernetes()
    web = deployment("web")
    fake.add(web, deployment("worker"), job())
    fake.add(replica_set(web, image="shop:1", revision=1, replicas=0, number=1))
    fake.add(replica_set(web, image="shop:2", revision=2, replicas=3, number=2))
    fake.add(pod("web-hash2-a", {"app": "web", "pod-template-hash": "hash2"}))
    return fake


@pytest.fixture
def cluster() -> Iterator[FakeKubernetes]:
    with serving(filled()) as fake:
        yield fake


@pytest.fixture
def hooks(cluster: FakeKubernetes, tmp_path: Path) -> Hooks:
    return Hooks(cluster=cluster, token_file=tmp_path / "token")
