"""Is code of an earlier release still running? What is not known for sure is not said to be safe."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from gate.model.evidence import OldCode
from gate.platforms import heroku as module
from gate.platforms.heroku.evidence import old_code
from tests.platforms.heroku.fake import TOKEN, FakeHeroku, Fault
from tests.platforms.heroku.hooks import Hooks
from tests.platforms.heroku.state import moment


def ask(hooks: Hooks) -> OldCode:
    found = old_code(hooks.around(), hooks.clock.left, pause=hooks.clock.pause)
    assert found is not None
    return found


def test_none_is(hooks: Hooks) -> None:
    assert ask(hooks) == OldCode(is_running=False, current="v3, released 12 min ago")


def test_a_worker_that_was_left_behind(hooks: Hooks, heroku: FakeHeroku) -> None:
    heroku.app.dynos.pop()
    heroku.app.dyno("worker.1", 2)
    heroku.app.dyno("clock.1", 1, state="crashed")
    found = ask(hooks)
    assert (found.is_running, found.who) == (True, ("worker.1 runs v2", "clock.1 runs v1 (crashed)"))


def test_a_one_off_dyno_keeps_its_code(hooks: Hooks, heroku: FakeHeroku) -> None:
    heroku.app.dyno("run.9157", 2)
    heroku.app.dyno("run.9158", 3, state="starting", age_s=1.0)
    assert ask(hooks).who == ("run.9157 runs v2, a one-off dyno, which may do so for 24 h",)
    hooks.more["DYNO"] = "run.9157"
    assert ask(hooks).is_running is False


def test_the_release_phase_itself_is_not_asked_of(hooks: Hooks, heroku: FakeHeroku) -> None:
    """The current release is the one whose code runs, not the one that is being released."""
    heroku.app.release(age_s=10.0, status="pending")
    heroku.app.dyno("release.44", 4, state="up", age_s=5.0)
    heroku.app.dyno("release.43", 1, state="up")
    assert ask(hooks) == OldCode(is_running=False, current="v3, released 12 min ago")


@pytest.mark.parametrize("state", ["starting", "down", "crashed", "idle", "something new"])
def test_a_dyno_that_is_not_up_is_unknown(hooks: Hooks, heroku: FakeHeroku, state: str) -> None:
    heroku.app.dynos[0]["state"] = state
    found = ask(hooks)
    assert found.is_running is None
    assert found.unknown == (f"web.1 of v3 is {state}: the one before it may still run",)


def test_one_that_has_just_begun_may_not_be_alone(hooks: Hooks, heroku: FakeHeroku) -> None:
    heroku.app.dynos[0]["created_at"] = moment(10.0)
    found = ask(hooks)
    assert found.is_running is None
    assert found.unknown[0].startswith("web.1 began 1")
    assert found.unknown[0].endswith("the one before it has 30 s to end")


@pytest.mark.parametrize(("age_s", "is_running"), [(60.0, None), (170.0, None), (240.0, False)])
def test_preboot_hides_dynos_of_the_release_before(
    hooks: Hooks, heroku: FakeHeroku, age_s: float, is_running: object
) -> None:
    heroku.app.has_preboot = True
    heroku.app.current.update(updated_at=moment(age_s))
    found = ask(hooks)
    assert found.is_running is is_running
    assert ("preboot is on" in "".join(found.unknown)) == (is_running is None)


def test_without_preboot_a_young_release_is_none_to_wait_for(hooks: Hooks, heroku: FakeHeroku) -> None:
    heroku.app.current.update(updated_at=moment(60.0))
    found = ask(hooks)
    assert (found.is_running, found.unknown) == (False, ())


def test_a_database_that_another_app_uses_too(hooks: Hooks, heroku: FakeHeroku) -> None:
    heroku.app.attachment("SHOP_DATABASE", app="billing")
    heroku.app.attachment("REDIS", addon="redis-round-1")
    heroku.app.attachment("REDIS", addon="redis-round-1", app="reports")
    found = ask(hooks)
    assert found.is_running is None
    assert found.unknown == (
        "postgresql-round-1234 is attached to the app billing as well: what runs there is not looked at",
    )


def test_the_database_is_known_by_its_address_too(hooks: Hooks, heroku: FakeHeroku) -> None:
    heroku.app.attachment("HEROKU_POSTGRESQL_PINK", addon="postgresql-flat-1")
    heroku.app.attachment("DATABASE", addon="postgresql-flat-1", app="billing")
    assert ask(hooks).is_running is False
    address = "postgres://u:p@h/d"
    hooks.more |= {"GATE_DATABASE_URL": address, "HEROKU_POSTGRESQL_PINK_URL": address, "DATABASE_URL": "postgres://x"}
    assert "postgresql-flat-1 is attached to the app billing" in ask(hooks).unknown[0]


def test_without_a_database_of_that_name_all_add_ons_are_looked_at(hooks: Hooks, heroku: FakeHeroku) -> None:
    heroku.app.attachments.clear()
    heroku.app.attachment("HEROKU_POSTGRESQL_PINK", addon="postgresql-flat-1")
    heroku.app.attachment("DATABASE", addon="postgresql-flat-1", app="billing")
    assert "attached to the app billing" in ask(hooks).unknown[0]
    heroku.app.attachments.clear()
    assert ask(hooks).is_running is False


def test_who_is_known_to_run_it_outweighs_what_is_not_known(hooks: Hooks, heroku: FakeHeroku) -> None:
    heroku.app.dyno("run.9157", 2)
    heroku.app.dynos[0]["state"] = "starting"
    found = ask(hooks)
    assert (found.is_running, len(found.who), len(found.unknown)) == (True, 1, 1)


@pytest.mark.parametrize("path", ["/dynos", "/releases", "/addon-attachments"])
def test_what_cannot_be_asked_is_unknown(hooks: Hooks, heroku: FakeHeroku, path: str) -> None:
    heroku.faults.append(Fault(match=f"GET /apps/shop{path}", status=403, error={"id": "forbidden", "message": "No."}))
    found = ask(hooks)
    assert (found.is_running, found.who) == (None, ())
    assert "forbidden: No." in "".join(found.unknown)


def test_preboot_that_cannot_be_asked_of_is_unknown_and_none_where_there_is_no_such_feature(
    hooks: Hooks, heroku: FakeHeroku
) -> None:
    heroku.app.current.update(updated_at=moment(60.0))
    heroku.faults.append(Fault(match=".*preboot", status=403, error={"id": "forbidden", "message": "No."}))
    assert ask(hooks).unknown[0].startswith("whether preboot is on cannot be asked: Heroku answers 403")
    heroku.faults.append(Fault(match=".*preboot", status=404, error={"id": "not_found", "message": "None."}))
    assert ask(hooks).is_running is False


def test_a_release_that_becomes_current_meanwhile(hooks: Hooks, heroku: FakeHeroku) -> None:
    """The dynos were read beside v3, and v4 is current when they have been: it is looked again."""

    def deploy() -> None:
        heroku.app.release(age_s=0.0)

    heroku.faults.append(Fault(match="GET /apps/shop/dynos", meanwhile=deploy))
    found = ask(hooks)
    assert found.is_running is True
    assert found.who == ("web.1 runs v3", "web.2 runs v3", "worker.1 runs v3")
    assert found.current.startswith("v4, released ")


def test_a_dyno_of_a_release_that_is_not_current_yet(hooks: Hooks, heroku: FakeHeroku) -> None:
    heroku.app.release(age_s=10.0, status="pending")
    heroku.app.dyno("web.3", 4)
    found = ask(hooks)
    assert found.is_running is None
    assert found.unknown == ("web.3 runs v4, which is newer than the current release",)


def test_no_release_is_current(hooks: Hooks, heroku: FakeHeroku) -> None:
    for one in heroku.app.releases:
        one["current"] = False
    assert ask(hooks) == OldCode(
        is_running=None, current="unknown", unknown=("Heroku cannot be asked: the app has no current release",)
    )


@pytest.mark.parametrize("path", ["releases", "dynos", "addon-attachments"])
def test_what_heroku_would_not_answer_is_unknown(hooks: Hooks, heroku: FakeHeroku, path: str) -> None:
    heroku.faults.append(Fault(match=f"GET /apps/shop/{path}", status=200, error={"message": "I am a proxy"}))
    found = ask(hooks)
    assert found.is_running is None
    assert "what was answered is nothing that Heroku would answer" in found.unknown[0]


def test_heroku_is_away(hooks: Hooks) -> None:
    hooks.more["GATE_HEROKU_API_URL"] = "http://127.0.0.1:1"
    assert ask(hooks).unknown[0].startswith("Heroku cannot be asked: cannot reach http://127.0.0.1:1")


def test_where_nothing_is_told_nobody_is_asked(hooks: Hooks, heroku: FakeHeroku) -> None:
    for name in ("GATE_HEROKU_TOKEN", "HEROKU_APP_NAME"):
        hooks.more = {name: ""}
        assert module.old_code(hooks.around(), hooks.clock.left) is None
    hooks.more = {"GATE_HEROKU_APP": "other"}
    found = module.old_code(hooks.around(), hooks.clock.left)
    assert found is not None
    assert found.is_running is None
    assert heroku.asked == []


def test_a_token_that_may_only_read_is_enough(hooks: Hooks, heroku: FakeHeroku) -> None:
    heroku.tokens = {TOKEN: "read"}
    assert ask(hooks).is_running is False


def test_it_is_asked_of_the_time_that_is_told(hooks: Hooks, heroku: FakeHeroku) -> None:
    at = datetime.now(UTC) + timedelta(days=3)
    found = old_code(hooks.around(), hooks.clock.left, now=lambda: at)
    assert found is not None
    assert found.current == "v3, released 3 days ago"
