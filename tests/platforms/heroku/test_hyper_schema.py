"""The judge of the other tests: it knows what Heroku's API is, and says no to everything else."""

from __future__ import annotations

import pytest

from tests.platforms.heroku.hyper_schema import check_answer, link_of
from tests.platforms.heroku.state import App, identity

RELEASES = "/apps/shop/releases"


@pytest.mark.parametrize(
    ("method", "path", "body", "title"),
    [
        ("GET", "/apps/shop", None, "app Info"),
        ("GET", f"/apps/{identity(1)}", None, "app Info"),
        ("PATCH", "/apps/shop", {"maintenance": True}, "app Update"),
        ("GET", RELEASES, None, "release List"),
        ("GET", f"{RELEASES}/41", None, "release Info"),
        ("POST", RELEASES, {"release": identity(1)}, "release Rollback"),
        ("POST", RELEASES, {"slug": identity(1)}, "release Create"),
        ("POST", "/apps/shop/dynos/release.12/actions/stop", None, "dyno Stop"),
        ("POST", "/apps/shop/formations/release/actions/stop", None, "dyno Stop formation"),
        ("PATCH", "/apps/shop/formation/worker", {"quantity": 0}, "formation Update"),
        ("DELETE", "/apps/shop/formations/worker", None, "dyno Restart formation"),
    ],
)
def test_what_heroku_takes(method: str, path: str, body: object, title: str) -> None:
    assert link_of(method, path, body).title == title


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", "/apps/Shop_", None),
        ("GET", "/apps/shop/release", None),
        ("GET", f"{RELEASES}/v41", None),
        ("POST", RELEASES, {"release": "v41"}),
        ("POST", RELEASES, {"release": identity(1), "description": "back"}),
        ("POST", RELEASES, None),
        ("PATCH", "/apps/shop", {"maintenence": True}),
        ("PATCH", "/apps/shop", {"maintenance": "on"}),
        ("PATCH", "/apps/shop/formations/worker", {"quantity": 0}),
        ("PATCH", "/apps/shop/formation/worker", {"quantity": "0"}),
        ("POST", "/apps/shop/formation/release/actions/stop", None),
        ("DELETE", "/apps/shop/dynos", {"type": "web"}),
    ],
)
def test_what_heroku_does_not_take(method: str, path: str, body: object) -> None:
    with pytest.raises(AssertionError):
        link_of(method, path, body)


def test_what_heroku_would_not_answer() -> None:
    link, app = link_of("GET", "/apps/shop", None), App().shown()
    check_answer(link, app)
    less = {key: value for key, value in app.items() if key != "region"}
    for wrong in (less, app | {"colour": "red"}, app | {"id": "shop"}, app | {"created_at": "yesterday"}, [app]):
        with pytest.raises(AssertionError):
            check_answer(link, wrong)
