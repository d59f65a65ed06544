"""Requests: what is repeated and what never is, how long, over how many pages, and Heroku's own words."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from gate.model.errors import Exit, GateError, Unreachable, UsageError
from gate.platforms.heroku.client import Api
from gate.platforms.heroku.errors import ApiError, Lost
from gate.platforms.heroku.reach import reach
from tests.platforms.heroku.fake import TOKEN, FakeHeroku, Fault
from tests.platforms.heroku.hooks import Hooks

APP = "GET /apps/shop"
LIST = "GET /apps/shop/releases"
POST = "POST /apps/shop/releases"


@pytest.fixture
def api(hooks: Hooks) -> Api:
    return Api(reach=reach(hooks.around()), left_s=hooks.clock.left, pause=hooks.clock.pause)


def asked(heroku: FakeHeroku) -> list[str]:
    return [str(one) for one in heroku.asked]


def test_what_there_is(api: Api, heroku: FakeHeroku) -> None:
    assert (api.app().name, api.app().id, api.app().is_in_maintenance) == ("shop", heroku.app.id, False)
    assert [(one.version, one.is_current) for one in api.releases()] == [(3, True), (2, False), (1, False)]
    assert [one.name for one in api.dynos()] == ["web.1", "web.2", "worker.1"]
    assert [(one.kind, one.quantity, one.size) for one in api.formation()] == [
        ("web", 2, "Standard-1X"),
        ("worker", 1, "Standard-1X"),
    ]
    assert (api.has_preboot(), api.app().requests_left, api.release(2).version) == (False, 4321, 2)
    assert api.scopes_of_token() == ("global",)


def test_each_change_is_what_the_schema_has_for_it(api: Api, heroku: FakeHeroku) -> None:
    heroku.app.dyno("release.1234", 3)
    assert api.set_maintenance(is_on=True).is_in_maintenance
    assert api.scale("worker", 3).quantity == 3
    api.restart_type("worker")
    api.stop_dyno("release.1234")
    assert [one.name for one in api.dynos()] == ["web.1", "web.2", "worker.1", "worker.2", "worker.3"]


def test_the_pages_of_a_long_list_are_followed(api: Api, heroku: FakeHeroku) -> None:
    for _ in range(9):
        heroku.app.release()
    assert [one.version for one in api.releases(5)] == list(range(12, 0, -1))
    ranges = [one.headers["range"] for one in heroku.asked]
    assert ranges == [f"version {start}..; max=5, order=desc" for start in ("", "]8", "]3")]


def test_releases_in_another_order_are_put_right_or_not_taken(api: Api, heroku: FakeHeroku) -> None:
    """Whoever is in between may take the header away."""
    oldest_first = json.dumps(heroku.app.releases)
    heroku.faults.append(Fault(match=LIST, status=200, text=oldest_first))
    assert [one.version for one in api.releases()] == [3, 2, 1]
    pages = (json.dumps(heroku.app.releases[:2]), json.dumps(heroku.app.releases[2:]))
    heroku.faults += [
        Fault(match=LIST, status=206, text=pages[0], headers={"Next-Range": "version ]2..; max=2, order=desc"}),
        Fault(match=LIST, status=200, text=pages[1]),
    ]
    with pytest.raises(ApiError, match="do not come in the order"):
        list(api.releases())


def test_no_more_pages_are_asked_for_than_are_looked_at(api: Api, heroku: FakeHeroku) -> None:
    for _ in range(9):
        heroku.app.release()
    assert next(api.releases(5)).version == 12
    assert len(heroku.asked) == 1


@pytest.mark.parametrize("fault", [{"status": 500}, {"status": 503}, {"drops": True}])
def test_a_read_is_repeated(api: Api, heroku: FakeHeroku, hooks: Hooks, fault: dict[str, int]) -> None:
    heroku.faults.append(Fault(match=APP, times=2, **fault))  # type: ignore[arg-type]
    assert api.app().name == "shop"
    assert (asked(heroku), hooks.clock.pauses) == ([APP] * 3, [0.5, 1.0])


def test_a_read_is_given_up_in_the_end(api: Api, heroku: FakeHeroku) -> None:
    heroku.faults.append(Fault(match=APP, status=500, error={"id": "internal", "message": "Oops."}, times=99))
    with pytest.raises(
        ApiError, match=r"Heroku answers 500 to GET /apps/shop: internal: Oops\. \(Request-Id "
    ) as caught:
        api.app()
    assert (len(heroku.asked), caught.value.exit_code) == (5, Exit.UNREACHABLE)


def test_what_sets_a_value_is_repeated_and_what_acts_is_not(api: Api, heroku: FakeHeroku) -> None:
    heroku.faults += [
        Fault(match="PATCH /apps/shop", drops=True, acts=True),
        Fault(match="DELETE .*", drops=True, acts=True),
        Fault(match="POST .*/stop", status=503),
    ]
    assert api.set_maintenance(is_on=True).is_in_maintenance
    with pytest.raises(Lost, match="whether it was done is not known"):
        api.restart_type("worker")
    with pytest.raises(Lost, match=r"Heroku answers 503 to POST /apps/shop/dynos/web\.1/actions/stop"):
        api.stop_dyno("web.1")
    assert heroku.changes.count("PATCH /apps/shop") == 2
    assert len(heroku.changes) == 4


def test_a_value_that_may_have_been_set_is_not_said_to_be_refused(api: Api, heroku: FakeHeroku) -> None:
    heroku.faults += [
        Fault(match="PATCH .*", drops=True, acts=True),
        Fault(match="PATCH .*", status=403, error={"id": "forbidden", "message": "No."}),
    ]
    with pytest.raises(Lost):
        api.set_maintenance(is_on=True)
    assert heroku.app.is_in_maintenance


@pytest.mark.parametrize(("headers", "pauses"), [({"Retry-After": "7"}, [7.0, 7.0]), ({}, [2.0, 4.0])])
def test_the_rate_limit_is_waited_for(
    api: Api, heroku: FakeHeroku, hooks: Hooks, headers: dict[str, str], pauses: list[float]
) -> None:
    """Even before what acts: that was not done."""
    target = heroku.app.version(2)["id"]
    heroku.faults.append(Fault(match=POST, status=429, error={"id": "rate_limit"}, headers=headers, times=2))
    assert api.roll_back(target).version == 4
    assert hooks.clock.pauses == pauses


def test_the_rate_limit_is_told_where_no_time_is_left(api: Api, heroku: FakeHeroku, hooks: Hooks) -> None:
    said = {"id": "rate_limit", "message": "Your account reached the API rate limit"}
    heroku.faults.append(Fault(match=APP, status=429, error=said, headers={"Retry-After": "90"}, times=99))
    with pytest.raises(ApiError) as caught:
        api.app()
    assert "429 to GET /apps/shop: rate_limit: Your account reached the API rate limit" in caught.value.problem
    assert "it wants to be asked again in 90 s, which is too late" in caught.value.problem
    assert (hooks.clock.pauses, len(heroku.asked)) == ([], 1)


def test_an_answer_that_never_comes_is_not_awaited_for_longer_than_there_is_time(api: Api, hooks: Hooks) -> None:
    hooks.heroku.faults.append(Fault(match="POST .*", hangs=True))
    hooks.clock.left_s = 1.5
    with pytest.raises(Lost, match="has not answered in time; whether it was done is not known"):
        api.stop_dyno("web.1")
    hooks.clock.left_s = 0.01
    with pytest.raises(Unreachable, match="no time is left"):
        api.app()


def test_nobody_is_there(hooks: Hooks) -> None:
    hooks.more["GATE_HEROKU_API_URL"] = "http://127.0.0.1:1"
    api = Api(reach=reach(hooks.around()), left_s=hooks.clock.left, pause=hooks.clock.pause)
    for ask in (api.app, lambda: api.stop_dyno("web.1")):
        with pytest.raises(Unreachable, match=r"cannot reach http://127\.0\.0\.1:1"):
            ask()


@pytest.mark.parametrize(
    ("scope", "tells", "said", "way_out"),
    [
        ("read", "in a header", "403 to PATCH /apps/shop: forbidden: The scope", "--scope write"),
        ("read", "", "403 to PATCH /apps/shop: forbidden: The scope", "it takes the scope write"),
        (
            "identity",
            "in a header",
            "403",
            "the token has the scope identity, it takes global or write or write-protected",
        ),
    ],
)
def test_a_scope_that_is_missing_is_named(
    api: Api,
    heroku: FakeHeroku,
    scope: str,
    tells: str,
    said: str,
    way_out: str,
) -> None:
    heroku.tokens, heroku.tells_scope = {TOKEN: scope}, bool(tells)
    with pytest.raises(ApiError) as caught:
        api.set_maintenance(is_on=True)
    assert said in caught.value.problem
    assert way_out in caught.value.remedy
    assert caught.value.exit_code == Exit.MISSING_PRIVILEGE
    assert len(heroku.asked) == 1


def test_a_collaborator_without_a_permission_is_not_told_of_scopes(api: Api, heroku: FakeHeroku) -> None:
    said = {"id": "forbidden", "message": "You do not have access to the app shop."}
    heroku.faults.append(Fault(match=APP, status=403, error=said))
    with pytest.raises(ApiError, match="forbidden: You do not have access to the app shop") as caught:
        api.app()
    assert "collaborator" in caught.value.remedy


def test_a_token_that_does_not_do(api: Api, heroku: FakeHeroku) -> None:
    heroku.tokens = {}
    with pytest.raises(ApiError, match="401 to GET /apps/shop: unauthorized: Invalid credentials provided") as caught:
        api.app()
    assert "heroku authorizations:create --scope write" in caught.value.remedy


def test_an_error_of_somebody_in_between_is_one_line_without_control_characters(api: Api, heroku: FakeHeroku) -> None:
    heroku.faults.append(Fault(match=APP, status=418, error={"message": "\x1b[31mI am\na teapot"}))
    with pytest.raises(ApiError, match=re.escape("418 to GET /apps/shop: [31mI am a teapot (Request-Id")):
        api.app()


def test_what_is_no_answer_of_heroku(api: Api, heroku: FakeHeroku) -> None:
    page = "<html><body>Bad\nGateway</body></html>"
    heroku.faults.append(Fault(match=APP, status=403, text=page))
    with pytest.raises(ApiError, match="403 to GET /apps/shop: <html><body>Bad Gateway</body></html> "):
        api.app()
    heroku.faults.append(Fault(match=APP, status=200, text=page))
    with pytest.raises(ApiError, match="is that the address of Heroku's API"):
        api.app()
    heroku.faults.append(Fault(match="POST .*", status=200, text=page, acts=True))
    with pytest.raises(Lost):
        api.roll_back(heroku.app.version(2)["id"])


@pytest.mark.parametrize("told", ["yesterday", "2026-01-01T00:00:00", 1767225600])
def test_a_moment_that_is_none(api: Api, heroku: FakeHeroku, told: object) -> None:
    heroku.app.dynos[0]["created_at"] = told
    answer = json.dumps(heroku.app.dynos)
    heroku.faults.append(Fault(match="GET /apps/shop/dynos", status=200, text=answer))
    with pytest.raises(ApiError, match="it has no 'created_at'"):
        api.dynos()


def test_an_answer_without_an_end_is_not_read(api: Api, heroku: FakeHeroku) -> None:
    heroku.faults.append(Fault(match="POST .*", status=200, text=" " * (17 * 1024**2)))
    with pytest.raises(Lost, match="more than can be an answer"):
        api.stop_dyno("web.1")


def test_pages_without_an_end_are_not_followed(api: Api, heroku: FakeHeroku) -> None:
    again = Fault(match=".*", status=206, text="[]", headers={"Next-Range": "version ..; max=1, order=desc"}, times=99)
    heroku.faults.append(again)
    with pytest.raises(ApiError, match="more of /apps/shop/releases than 50 answers hold"):
        list(api.releases())


def test_an_address_that_is_none(hooks: Hooks) -> None:
    hooks.more["GATE_HEROKU_API_URL"] = "https://exa mple.com:99x"
    with pytest.raises(GateError):
        Api(reach=reach(hooks.around()), left_s=hooks.clock.left, pause=hooks.clock.pause).app()


def test_the_app_of_the_dyno_has_to_be_the_one_that_is_named(hooks: Hooks, heroku: FakeHeroku) -> None:
    hooks.more["HEROKU_APP_ID"] = "01234567-89ab-cdef-0123-456789abcdef"
    api = Api(reach=reach(hooks.around()), left_s=hooks.clock.left)
    with pytest.raises(ApiError, match=f"shop has the id {heroku.app.id}, and HEROKU_APP_ID is 01234567"):
        api.app()


def test_the_token_is_read_anew_for_each_request(hooks: Hooks, heroku: FakeHeroku, tmp_path: Path) -> None:
    file = tmp_path / "token"
    hooks.table = {"token": f"file:{file}"}
    api = Api(reach=reach(hooks.around()), left_s=hooks.clock.left)
    heroku.tokens = {"first-token": "global", "second-token": "global"}
    for token in heroku.tokens:
        file.write_text(f"{token}\n")
        api.app()
    assert [one.headers["authorization"] for one in heroku.asked] == ["Bearer first-token", "Bearer second-token"]
    file.unlink()
    with pytest.raises(UsageError, match="cannot read"):
        api.app()
    with pytest.raises(GateError):
        list(api.releases())
