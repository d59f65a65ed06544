"""An app with three releases, two web dynos and a worker."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.platforms.heroku.fake import FakeHeroku, serving
from tests.platforms.heroku.hooks import Hooks

DAY_S = 86400.0


@pytest.fixture
def heroku() -> Iterator[FakeHeroku]:
    fake = FakeHeroku()
    for age_s in (5 * DAY_S, DAY_S, 720.0):
        fake.app.release(age_s=age_s)
    fake.app.process("web", 2)
    fake.app.process("worker", 1)
    fake.app.attachment("DATABASE")
    with serving(fake):
        yield fake


@pytest.fixture
def hooks(heroku: FakeHeroku) -> Hooks:
    return Hooks(heroku=heroku)
