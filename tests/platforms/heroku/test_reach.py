"""Which app, whose token, which address: what is told has to agree, and nothing else gets into a path."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from gate.model.errors import UsageError
from gate.platforms.heroku.reach import NotTold, reach
from gate.platforms.making import Around

TOKEN = {"GATE_HEROKU_TOKEN": "HRKU-1234"}
ID = "01234567-89ab-cdef-0123-456789abcdef"


def around(environment: Mapping[str, str], **table: object) -> Around:
    return Around(environment=environment, tables={"heroku": table})


@pytest.mark.parametrize(
    ("environment", "table", "app", "app_id"),
    [
        ({"HEROKU_APP_NAME": "shop"}, {}, "shop", ""),
        ({"HEROKU_APP_NAME": "shop", "HEROKU_APP_ID": ID}, {}, "shop", ID),
        ({"HEROKU_APP_ID": ID}, {}, ID, ID),
        ({}, {"app": "shop"}, "shop", ""),
        ({"GATE_HEROKU_APP": "shop"}, {}, "shop", ""),
        ({"GATE_HEROKU_APP": "shop", "HEROKU_APP_NAME": "shop"}, {"app": " shop"}, "shop", ""),
        ({"GATE_HEROKU_APP": ID}, {}, ID, ""),
    ],
)
def test_the_app(environment: dict[str, str], table: dict[str, object], app: str, app_id: str) -> None:
    found = reach(around(TOKEN | environment, **table))
    assert (found.app, found.app_id, found.url) == (app, app_id, "https://api.heroku.com")


@pytest.mark.parametrize(
    ("environment", "table", "said"),
    [
        ({"HEROKU_APP_NAME": "shop-staging"}, {"app": "shop"}, "HEROKU_APP_NAME is shop-staging, app of .* is shop;"),
        (
            {"GATE_HEROKU_APP": "other"},
            {"app": "shop"},
            r"app of \[platform.heroku\] is shop, GATE_HEROKU_APP is other",
        ),
        ({"GATE_HEROKU_APP": "other", "HEROKU_APP_NAME": "shop"}, {"app": "shop"}, "HEROKU_APP_NAME is shop, GATE_"),
    ],
)
def test_two_apps_are_none(environment: dict[str, str], table: dict[str, object], said: str) -> None:
    with pytest.raises(UsageError, match=said):
        reach(around(TOKEN | environment, **table))


@pytest.mark.parametrize("app", ["Shop", "shop/../other", "shop?x", "s", "-shop", "shop-", "shop\n", "a" * 31, "schön"])
def test_what_is_no_name_gets_into_no_path(app: str) -> None:
    with pytest.raises(UsageError, match="is no name of an app") as caught:
        reach(around(TOKEN, app=f"{app}/" if app != app.strip() else app))
    assert not isinstance(caught.value, NotTold)


@pytest.mark.parametrize(
    ("environment", "table", "header"),
    [
        ({"GATE_HEROKU_TOKEN": "first", "HEROKU_API_KEY": "second"}, {}, "first"),
        ({"HEROKU_API_KEY": "second"}, {}, "second"),
        ({"GATE_HEROKU_TOKEN": "first", "MINE": "third"}, {"token": "env:MINE"}, "third"),
    ],
)
def test_the_token(environment: dict[str, str], table: dict[str, object], header: str) -> None:
    assert reach(around(environment, app="shop", **table)).token() == header


def test_nothing_is_told() -> None:
    with pytest.raises(NotTold, match="which app of Heroku is meant is not told"):
        reach(around(TOKEN))
    with pytest.raises(NotTold, match="nor GATE_HEROKU_TOKEN nor HEROKU_API_KEY is set"):
        reach(around({"HEROKU_APP_NAME": "shop", "HEROKU_API_KEY": " "}))


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ({"ap": "shop"}, "has no key 'ap', did you mean app"),
        ({"app": 3}, "platform.heroku.app is no text"),
        ({"app": "shop", "token": "HRKU-in-the-file"}, "holds a secret itself"),
        ({"app": "shop", "token": "env:MISSING"}, "the variable MISSING is not set"),
        ({"app": "shop", "token": "env:SPLIT"}, "holds what is no token of Heroku"),
    ],
)
def test_a_table_that_cannot_be_meant(table: dict[str, object], said: str) -> None:
    with pytest.raises(UsageError) as caught:
        reach(around({**TOKEN, "SPLIT": "two\r\nX-Header: words"}, **table)).token()
    assert said in caught.value.problem
    assert "HRKU-in-the-file" not in str(caught.value) + caught.value.remedy
    assert "X-Header" not in str(caught.value) + caught.value.remedy


@pytest.mark.parametrize(
    "url",
    [
        "http://api.heroku.com",
        "http://127.0.0.1.example.com",
        "https://user:hunter2@api.example.com",
        "https://api.example.com?to=me",
        "ftp://localhost",
        "api.heroku.com",
        "http://[::1",
    ],
)
def test_the_token_is_sent_to_no_such_address(url: str) -> None:
    with pytest.raises(UsageError, match="GATE_HEROKU_API_URL is no https:// address") as caught:
        reach(around(TOKEN | {"GATE_HEROKU_API_URL": url}, app="shop"))
    assert "hunter2" not in str(caught.value)


def test_a_proxy_of_ones_own_may_be_asked() -> None:
    found = reach(around(TOKEN | {"GATE_HEROKU_API_URL": "https://heroku.example.com/api/"}, app="shop"))
    assert found.url == "https://heroku.example.com/api"
