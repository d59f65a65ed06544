"""A shop whose database is in use."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.contention.scene import SHOP, Scene, scene_of
from tests.servers import Database


@pytest.fixture
def scene(clone: Callable[[str], Database], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Scene]:
    """Its own database, and the project as the working directory."""
    monkeypatch.chdir(tmp_path)
    with scene_of(clone(SHOP), tmp_path) as made:
        yield made
