"""A table or a key that nothing reads is named before anything is done."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from gate.app.request import Request
from gate.app.settings import load
from gate.model.errors import UsageError


@pytest.mark.parametrize(
    ("written", "said", "remedy"),
    [
        ('[platform.herku]\napp = "shop"', "unknown key 'platform.herku', did you mean heroku?", "heroku, kubernetes"),
        ('[platform.fly]\napp = "shop"', "unknown key 'platform.fly'", "heroku, kubernetes"),
        ('[platform.heroku]\nap = "shop"', "unknown key 'platform.heroku.ap', did you mean app?", "app, token"),
        (
            '[platform.kubernetes]\ndeployment = "web"',
            "unknown key 'platform.kubernetes.deployment', did you mean deployments?",
            "namespace, server, token, ca, deployments, statefulsets",
        ),
    ],
)
def test_what_nothing_reads_is_named(written: str, said: str, remedy: str, tmp_path: Path) -> None:
    path = tmp_path / "gate.toml"
    path.write_text(written)
    with pytest.raises(UsageError, match=re.escape(said)) as caught:
        load(Request(config=str(path)), {})
    assert caught.value.remedy.endswith(f" are {remedy}")


def test_what_a_platform_has_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "gate.toml"
    path.write_text('[platform.heroku]\napp = "shop"\n[platform.kubernetes]\ndeployments = ["web"]')
    platforms = load(Request(config=str(path)), {}).policy.platforms
    assert platforms == {"heroku": {"app": "shop"}, "kubernetes": {"deployments": ["web"]}}
