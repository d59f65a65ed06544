"""Maintenance and scale: what was there is written down first, and put back where nobody has changed it since."""

from __future__ import annotations

import pytest

from gate.model.changes import Until
from gate.model.errors import UsageError
from tests.platforms.heroku.fake import TOKEN, FakeHeroku, Fault
from tests.platforms.heroku.hooks import Hooks, Kept

MAINTENANCE = "PATCH /apps/shop"
SCALE = "PATCH /apps/shop/formation/worker"
WORKERS = {"type": "worker", "quantity": 0}
SET: list[tuple[str, dict[str, object]]] = [("heroku.maintenance", {}), ("heroku.scale", WORKERS)]


@pytest.fixture
def ledger(hooks: Hooks) -> Kept:
    assert isinstance(hooks.ledger, Kept)
    return hooks.ledger


def workers(heroku: FakeHeroku) -> int:
    return sum(one["type"] == "worker" for one in heroku.app.dynos)


# --- maintenance ------------------------------------------------------------------------------------------------------


def test_maintenance_is_switched_on_and_put_back(hooks: Hooks, heroku: FakeHeroku, ledger: Kept) -> None:
    done = hooks.call("heroku.maintenance", "on_begin")
    assert (done.problem, done.output) == ("", "maintenance of shop is on now")
    (change,) = ledger.changes.values()
    assert (change.kind, change.target, change.until) == ("heroku.maintenance", "shop", Until.RUN_ENDS)
    assert change.what == "maintenance of shop was switched on"
    assert (change.before, change.after) == ({"maintenance": False}, {"maintenance": True})
    assert heroku.app.is_in_maintenance
    (put_back,) = hooks.restore()
    assert (put_back.problem, put_back.output) == ("", "maintenance of shop is off again")
    assert (heroku.app.is_in_maintenance, ledger.changes) == (False, {})


def test_what_is_so_already_is_no_change(hooks: Hooks, heroku: FakeHeroku, ledger: Kept) -> None:
    """And so is not switched off afterwards: it was somebody else's."""
    heroku.app.is_in_maintenance = True
    assert hooks.call("heroku.maintenance", "on_begin").output == "maintenance of shop is on already"
    assert (ledger.changes, heroku.changes) == ({}, [])


@pytest.mark.parametrize(
    ("event", "until"),
    [
        ("on_begin", Until.RUN_ENDS),
        ("on_failure", Until.SUCCESS),
        ("on_refused", Until.SUCCESS),
        ("on_watch_failure", Until.SUCCESS),
    ],
)
def test_until_when(hooks: Hooks, ledger: Kept, event: str, until: Until) -> None:
    hooks.call("heroku.maintenance", event)
    hooks.call("heroku.scale", event, **WORKERS)
    assert [change.until for change in ledger.changes.values()] == [until, until]


def test_what_is_set_at_the_end_stays(hooks: Hooks, heroku: FakeHeroku, ledger: Kept) -> None:
    """Else the next success would switch it on."""
    hooks.call("heroku.maintenance", "on_begin")
    assert hooks.call("heroku.maintenance", "on_success", on=False).output == "maintenance of shop is off now"
    assert hooks.call("heroku.scale", "on_success", type="worker", quantity=3).problem == ""
    assert [change.after for change in ledger.changes.values()] == [{"maintenance": True}]
    (put_back,) = hooks.restore()
    assert put_back.output == "maintenance of shop is off again already"
    assert (heroku.app.is_in_maintenance, workers(heroku)) == (False, 3)


def test_switched_off_after_a_failure_it_does_not_come_back(hooks: Hooks, heroku: FakeHeroku, ledger: Kept) -> None:
    heroku.app.is_in_maintenance = True
    assert hooks.call("heroku.maintenance", "on_failure", on=False).problem == ""
    assert (heroku.app.is_in_maintenance, ledger.changes) == (False, {})


def test_of_another_app_nothing_is_put_back(hooks: Hooks, heroku: FakeHeroku, ledger: Kept) -> None:
    """A copy of the database has the journal too: its app must not act on the one that it was made of."""
    hooks.call("heroku.maintenance", "on_begin")
    for more in ({"HEROKU_APP_NAME": "another"}, {"HEROKU_APP_ID": "01234567-89ab-cdef-0123-456789abcdef"}):
        hooks.more = more
        (put_back,) = hooks.restore()
        assert put_back.problem
        assert heroku.changes == ["PATCH /apps/shop"]
    assert "gate is told of another app now" in put_back.problem
    assert len(ledger.changes) == 1


def test_it_is_put_back_on_the_app_where_it_was_set(hooks: Hooks, heroku: FakeHeroku) -> None:
    """By its id, also where nobody says which app is meant."""
    hooks.call("heroku.maintenance", "on_begin")
    hooks.more["HEROKU_APP_NAME"] = ""
    (put_back,) = hooks.restore()
    assert (put_back.problem, heroku.app.is_in_maintenance) == ("", False)
    assert heroku.changes[-1] == f"PATCH /apps/{heroku.app.id}"


# --- scale ------------------------------------------------------------------------------------------------------------


def test_workers_are_scaled_down_and_put_back(hooks: Hooks, heroku: FakeHeroku, ledger: Kept) -> None:
    heroku.app.scale("worker", 3)
    done = hooks.call("heroku.scale", "on_begin", **WORKERS)
    assert (done.problem, done.output) == ("", "worker of shop has no dyno now, and had 3")
    (change,) = ledger.changes.values()
    assert (change.target, change.what) == ("worker of shop", "worker of shop was scaled from 3 to 0")
    assert change.before == {"quantity": 3, "size": "Standard-1X"}
    assert change.after == {"quantity": 0, "size": "Standard-1X"}
    assert workers(heroku) == 0
    (put_back,) = hooks.restore()
    assert put_back.output == "worker of shop has 3 dynos again"
    assert (workers(heroku), ledger.changes) == (3, {})


def test_so_many_there_are(hooks: Hooks, heroku: FakeHeroku, ledger: Kept) -> None:
    assert hooks.call("heroku.scale", "on_begin", type="worker", quantity=1).output == (
        "worker of shop has 1 dyno already"
    )
    assert (ledger.changes, heroku.changes) == ({}, [])


def test_what_somebody_has_scaled_since_is_left(hooks: Hooks, heroku: FakeHeroku, ledger: Kept) -> None:
    hooks.call("heroku.scale", "on_begin", **WORKERS)
    heroku.app.scale("worker", 5)
    (put_back,) = hooks.restore()
    assert put_back.output == (
        "worker of shop is left at 5 dynos: gate had set 0 instead of 1, and somebody has changed that since"
    )
    assert (put_back.problem, workers(heroku), ledger.changes) == ("", 5, {})


def test_a_process_that_is_gone_by_then(hooks: Hooks, heroku: FakeHeroku) -> None:
    hooks.call("heroku.scale", "on_begin", **WORKERS)
    del heroku.app.formation["worker"]
    (put_back,) = hooks.restore()
    assert put_back.problem == ""
    assert put_back.output == "worker of shop is left alone: the formation has no process type worker: it has web"


def test_a_size_that_was_changed_since_is_said(hooks: Hooks, heroku: FakeHeroku) -> None:
    hooks.call("heroku.scale", "on_begin", **WORKERS)
    heroku.app.formation["worker"]["size"] = "Performance-M"
    (put_back,) = hooks.restore()
    assert "its dynos' size is Performance-M and was Standard-1X, that is left as it is" in put_back.output


def test_a_process_that_there_is_not(hooks: Hooks, heroku: FakeHeroku, ledger: Kept) -> None:
    said = "the formation has no process type clock: it has web, worker"
    assert hooks.check("heroku.scale", type="clock", quantity=0) == said
    assert hooks.call("heroku.scale", "on_begin", type="clock", quantity=0).problem == said
    assert (ledger.changes, heroku.changes) == ({}, [])


# --- both -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("kind", "options"), SET)
def test_without_a_ledger_nothing_is_changed(
    hooks: Hooks, heroku: FakeHeroku, kind: str, options: dict[str, object]
) -> None:
    hooks.ledger = None
    assert "nothing was changed: there is no journal" in hooks.call(kind, "on_begin", **options).problem
    assert heroku.changes == []


@pytest.mark.parametrize(("kind", "options"), SET)
def test_what_cannot_be_written_down_is_not_done(
    hooks: Hooks, heroku: FakeHeroku, ledger: Kept, kind: str, options: dict[str, object]
) -> None:
    ledger.is_full = True
    assert "disk full" in hooks.call(kind, "on_begin", **options).problem
    assert heroku.changes == []


@pytest.mark.parametrize(("kind", "options"), SET)
def test_what_was_refused_is_not_put_back(
    hooks: Hooks, heroku: FakeHeroku, ledger: Kept, kind: str, options: dict[str, object]
) -> None:
    heroku.tokens = {TOKEN: "read"}
    problem = hooks.call(kind, "on_begin", **options).problem
    assert "403" in problem
    assert "--scope write" in problem
    assert (ledger.changes, ledger.settled) == ({}, ["change-0"])


@pytest.mark.parametrize(("kind", "options"), SET)
def test_what_may_have_been_done_is_put_back(
    hooks: Hooks, heroku: FakeHeroku, ledger: Kept, kind: str, options: dict[str, object]
) -> None:
    heroku.faults.append(Fault(match="PATCH .*", drops=True, acts=True, times=5))
    assert "whether it was done is not known" in hooks.call(kind, "on_begin", **options).problem
    assert len(ledger.changes) == 1
    (put_back,) = hooks.restore()
    assert put_back.problem == ""
    assert (heroku.app.is_in_maintenance, workers(heroku)) == (False, 1)


@pytest.mark.parametrize(("kind", "options"), SET)
def test_what_cannot_be_put_back_is_tried_again_by_the_next_run(
    hooks: Hooks, heroku: FakeHeroku, ledger: Kept, kind: str, options: dict[str, object]
) -> None:
    hooks.call(kind, "on_begin", **options)
    heroku.faults.append(Fault(match="GET .*", status=500, times=5))
    (put_back,) = hooks.restore()
    assert "Heroku answers 500" in put_back.problem
    assert len(ledger.changes) == 1
    (put_back,) = hooks.restore()
    assert (put_back.problem, ledger.changes) == ("", {})
    assert (heroku.app.is_in_maintenance, workers(heroku)) == (False, 1)


def test_a_run_that_was_killed_before_it_acted_leaves_nothing_to_put_back(hooks: Hooks, heroku: FakeHeroku) -> None:
    hooks.call("heroku.maintenance", "on_begin")
    heroku.app.is_in_maintenance = False
    (put_back,) = hooks.restore()
    assert put_back.output == "maintenance of shop is off again already"
    assert heroku.changes == [MAINTENANCE]


@pytest.mark.parametrize(
    ("kind", "options"), [*SET, ("heroku.restart", {}), ("heroku.stop", {}), ("heroku.rollback", {})]
)
class TestBeforehand:
    """All hooks ask for the token, the app and the scope, and change nothing by it."""

    def test_all_is_well(self, hooks: Hooks, heroku: FakeHeroku, kind: str, options: dict[str, object]) -> None:
        assert hooks.check(kind, **options) == ""
        assert heroku.changes == []

    @pytest.mark.parametrize("tells", ["in a header", "as its authorization"])
    def test_a_scope_that_is_missing(
        self, hooks: Hooks, heroku: FakeHeroku, kind: str, options: dict[str, object], tells: str
    ) -> None:
        heroku.tokens, heroku.tells_scope = {TOKEN: "read"}, tells == "in a header"
        if tells != "in a header":
            heroku.tells_authorizations = True
        assert "has the scope read, and this takes write" in hooks.check(kind, **options)

    def test_an_account_that_has_hardly_a_request_left(
        self, hooks: Hooks, heroku: FakeHeroku, kind: str, options: dict[str, object]
    ) -> None:
        heroku.requests_left = 12
        assert hooks.check(kind, **options).startswith("the account of the token has 12 requests left")

    def test_a_scope_that_nobody_tells(
        self, hooks: Hooks, heroku: FakeHeroku, kind: str, options: dict[str, object]
    ) -> None:
        heroku.tokens, heroku.tells_scope = {TOKEN: "write"}, False
        assert hooks.check(kind, **options) == ""

    def test_a_token_that_does_not_do(
        self, hooks: Hooks, heroku: FakeHeroku, kind: str, options: dict[str, object]
    ) -> None:
        heroku.tokens = {}
        assert "401 to GET /apps/shop: unauthorized" in hooks.check(kind, **options)

    def test_an_app_that_is_not_to_be_seen(self, hooks: Hooks, kind: str, options: dict[str, object]) -> None:
        hooks.more["HEROKU_APP_NAME"] = "shopp"
        assert "404 to GET /apps/shopp: not_found: Couldn't find that app." in hooks.check(kind, **options)

    def test_what_is_not_told(self, hooks: Hooks, kind: str, options: dict[str, object]) -> None:
        hooks.more["GATE_HEROKU_TOKEN"] = ""
        assert "there is no token" in hooks.check(kind, **options)
        hooks.more["HEROKU_APP_NAME"] = ""
        assert "which app of Heroku is meant is not told" in hooks.check(kind, **options)


@pytest.mark.parametrize(
    ("kind", "options"),
    [
        ("heroku.maintenance", {"on": "yes"}),
        ("heroku.maintenance", {"off": True}),
        ("heroku.scale", {}),
        ("heroku.scale", {"type": "worker"}),
        ("heroku.scale", {"quantity": 0}),
        ("heroku.scale", {"type": "worker", "quantity": -1}),
        ("heroku.scale", {"type": "worker", "quantity": True}),
        ("heroku.scale", {"type": "worker", "quantity": "0"}),
        ("heroku.scale", {"type": "worker/1", "quantity": 0}),
        ("heroku.scale", {"type": "release", "quantity": 0}),
        ("heroku.restart", {"type": "run"}),
        ("heroku.restart", {"dyno": "web.1"}),
        ("heroku.stop", {"dyno": "release"}),
        ("heroku.stop", {"dyno": ".."}),
        ("heroku.stop", {"type": "release"}),
    ],
)
def test_options_that_cannot_be_meant(hooks: Hooks, kind: str, options: dict[str, object]) -> None:
    with pytest.raises(UsageError, match=kind):
        hooks.made(kind, **options)
