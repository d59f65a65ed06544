"""Which release has failed is told as a revision or an image; only the one that is meant is undone."""

from __future__ import annotations

import pytest

from gate.platforms.kubernetes.undoing import _is
from tests.platforms.kubernetes.objects import Object, deployment, replica_set


def current(*images: str, revision: int = 8) -> Object:
    found = replica_set(deployment(), image=images[0], revision=revision, replicas=1, number=1)
    containers = [{"name": f"c{place}", "image": image} for place, image in enumerate(images)]
    found["spec"]["template"]["spec"]["containers"] = containers
    return found


@pytest.mark.parametrize("failed", ["8", "shop:1.8", "1.8", "registry.example.com/acme/shop:1.8", "redis:7"])
def test_it_is_the_current_one(failed: str) -> None:
    assert _is(current("registry.example.com/acme/shop:1.8", "redis:7"), failed)


@pytest.mark.parametrize("failed", ["7", "1", "shop", "shop:1", "1.7", "18", "acme/shop:1.8", "", "8.0", "latest"])
def test_it_is_another(failed: str) -> None:
    """Revision 7 is over, though a sidecar is `redis:7`."""
    assert not _is(current("registry.example.com/acme/shop:1.8", "redis:7"), failed)


def test_neither_a_port_nor_the_tag_of_a_sidecar_is_a_release() -> None:
    found = current("registry:5000/shop", "envoy:1.8")
    assert not _is(found, "5000/shop")
    assert not _is(found, "1.8")
    assert _is(found, "shop")
