"""Dynos that are stopped and started anew: those that were meant, once, and never the one that we run in."""

from __future__ import annotations

import pytest

from tests.platforms.heroku.fake import FakeHeroku, Fault
from tests.platforms.heroku.hooks import Hooks

STOP = "POST /apps/shop/dynos/{}/actions/stop"


@pytest.fixture(autouse=True)
def _dynos(heroku: FakeHeroku) -> None:
    """A release phase of v3 that is stuck, one of v4 that we run in, one of v5, and a one-off dyno."""
    heroku.app.release(age_s=60.0, status="pending")
    heroku.app.release(age_s=30.0, status="pending")
    for name, version in (("release.1234", 3), ("release.44", 4), ("release.55", 5), ("run.9157", 3)):
        heroku.app.dyno(name, version)


def stopped(hooks: Hooks, name: str) -> tuple[str, str]:
    """What `gate kill --dyno NAME` reports: what was done, and what is wrong."""
    done = hooks.call("heroku.stop", "kill", dyno=name)
    return done.output, done.problem


def names(heroku: FakeHeroku) -> list[str]:
    return [one["name"] for one in heroku.app.dynos]


# --- gate kill --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["release.1234", "run.9157"])
def test_a_dyno_is_stopped(hooks: Hooks, heroku: FakeHeroku, name: str) -> None:
    assert stopped(hooks, name) == (f"{name} was stopped, and has ended", "")
    assert (name in names(heroku), heroku.changes) == (False, [STOP.format(name)])


@pytest.mark.parametrize(
    ("name", "said", "way_out"),
    [
        ("1234", "1234 is no name of a dyno: its process type belongs to it", "write release.1234"),
        ("9157", "9157 is no name of a dyno", "write run.9157"),
        ("7", "7 is no name of a dyno", "write release.7"),
        ("web.1", "web.1 is a dyno of the formation", "heroku ps:restart --dyno-name web.1"),
        ("release.99", "there is no dyno release.99: it may have ended", "release.1234, release.55, run.9157"),
        ("release.44", "gate runs in release.44 itself", "another"),
    ],
)
def test_a_dyno_that_is_not_stopped(hooks: Hooks, heroku: FakeHeroku, name: str, said: str, way_out: str) -> None:
    hooks.more["DYNO"] = "release.44"
    _, problem = stopped(hooks, name)
    assert said in problem
    assert way_out in problem
    assert heroku.changes == []


def test_no_dyno_is_left_to_stop(hooks: Hooks, heroku: FakeHeroku) -> None:
    heroku.app.dynos.clear()
    assert stopped(hooks, "release.1234")[1].endswith(": no release dyno runs now")


def test_the_end_of_a_dyno_is_awaited(hooks: Hooks, heroku: FakeHeroku) -> None:
    """It has 30 s from SIGTERM."""
    (dyno,) = (one for one in heroku.app.dynos if one["name"] == "release.1234")
    comes_back = Fault(match=STOP.format(".*"), status=202)
    goes = Fault(match="GET /apps/shop/dynos", meanwhile=lambda: heroku.app.stop(dyno))
    heroku.faults += [comes_back, Fault(match="GET /apps/shop/dynos", times=3, meanwhile=lambda: None), goes]
    assert stopped(hooks, "release.1234") == ("release.1234 was stopped, and has ended", "")
    assert hooks.clock.pauses == [2.0, 2.0]


def test_a_dyno_that_takes_longer_than_there_is_time(hooks: Hooks, heroku: FakeHeroku) -> None:
    heroku.faults.append(Fault(match=STOP.format(".*"), status=202))
    hooks.clock.left_s = 10.0
    assert stopped(hooks, "release.1234") == (
        "release.1234 was told to end (SIGTERM), and is killed 30 s after that",
        "",
    )
    assert hooks.clock.left_s > 0


@pytest.mark.parametrize("fault", [{"drops": True}, {"status": 503}])
def test_a_stop_whose_answer_is_lost_is_not_asked_for_again(
    hooks: Hooks, heroku: FakeHeroku, fault: dict[str, int]
) -> None:
    heroku.faults.append(Fault(match=STOP.format(".*"), acts=True, **fault))  # type: ignore[arg-type]
    assert stopped(hooks, "release.1234") == ("release.1234 was stopped, and has ended", "")
    assert len(heroku.changes) == 1


def test_a_stop_of_which_nothing_is_known(hooks: Hooks, heroku: FakeHeroku) -> None:
    heroku.faults.append(Fault(match=STOP.format(".*"), status=500))
    assert "whether it was done is not known" in stopped(hooks, "release.1234")[1]
    assert len(heroku.changes) == 1


def test_a_dyno_that_has_ended_meanwhile(hooks: Hooks, heroku: FakeHeroku) -> None:
    heroku.faults.append(Fault(match=STOP.format(".*"), status=404))
    assert stopped(hooks, "release.1234") == ("release.1234 has ended by itself", "")


def test_what_keeps_it_from_being_stopped(hooks: Hooks, heroku: FakeHeroku) -> None:
    heroku.tokens = {}
    assert "Heroku answers 401" in stopped(hooks, "release.1234")[1]


# --- the hooks --------------------------------------------------------------------------------------------------------


def test_release_dynos_of_earlier_releases_are_stopped(hooks: Hooks, heroku: FakeHeroku) -> None:
    hooks.more["DYNO"] = "release.44"
    done = hooks.call("heroku.stop", "on_begin")
    assert done.problem == ""
    assert done.output == (
        "release.1234 was stopped, and has ended; release.55 runs v5, which is no earlier release: it is let be"
    )
    assert heroku.changes == [STOP.format("release.1234")]


def test_outside_of_heroku_that_of_the_newest_release_is_let_be(hooks: Hooks, heroku: FakeHeroku) -> None:
    assert hooks.call("heroku.stop", "on_begin").problem == ""
    assert [name for name in names(heroku) if "release" in name] == ["release.55"]


def test_there_is_none(hooks: Hooks, heroku: FakeHeroku) -> None:
    heroku.app.dynos.clear()
    assert hooks.call("heroku.stop", "on_begin").output == "no release dyno of an earlier release is there"
    heroku.app.releases.clear()
    assert hooks.call("heroku.stop", "on_begin").output == "no release dyno of an earlier release is there"


def test_one_that_is_named(hooks: Hooks, heroku: FakeHeroku) -> None:
    assert hooks.call("heroku.stop", "on_failure", dyno="release.55").problem == ""
    assert heroku.changes == [STOP.format("release.55")]
    assert "there is no dyno release.55" in hooks.call("heroku.stop", "on_failure", dyno="release.55").problem


def test_a_number_in_the_settings_is_found_out_beforehand(hooks: Hooks) -> None:
    assert hooks.check("heroku.stop", dyno="1234") == (
        '1234 is no name of a dyno: its process type belongs to it: dyno = "release.1234"'
    )


def test_one_that_cannot_be_stopped_does_not_keep_the_others(hooks: Hooks, heroku: FakeHeroku) -> None:
    heroku.faults.append(Fault(match=STOP.format("release.1234"), status=422, error={"id": "x", "message": "No."}))
    done = hooks.call("heroku.stop", "on_begin")
    assert "release.1234 was not stopped: Heroku answers 422" in done.problem
    assert "release.44 was stopped, and has ended" in done.output


def test_dynos_of_the_formation_are_restarted_and_no_others(hooks: Hooks, heroku: FakeHeroku) -> None:
    heroku.app.process("clock", 0)
    before = names(heroku)
    ids = {one["name"]: one["id"] for one in heroku.app.dynos}
    done = hooks.call("heroku.restart", "on_failure")
    assert (done.problem, done.output) == ("", "restarted of shop: web (2 dynos), worker (1 dyno)")
    assert heroku.changes == [f"DELETE /apps/shop/formations/{kind}" for kind in ("web", "worker")]
    assert sorted(names(heroku)) == sorted(before)
    same = {one["name"] for one in heroku.app.dynos if ids[one["name"]] == one["id"]}
    assert same == {"release.1234", "release.44", "release.55", "run.9157"}


def test_one_type_is_restarted(hooks: Hooks, heroku: FakeHeroku) -> None:
    assert hooks.call("heroku.restart", "on_success", type="worker").output == "restarted of shop: worker (1 dyno)"
    assert heroku.changes == ["DELETE /apps/shop/formations/worker"]
    assert "no process type clock: it has web, worker" in hooks.call("heroku.restart", "x", type="clock").problem
    assert "no process type clock" in hooks.check("heroku.restart", type="clock")


def test_the_dyno_that_we_run_in_is_not_restarted(hooks: Hooks, heroku: FakeHeroku) -> None:
    hooks.more["DYNO"] = "worker.1"
    done = hooks.call("heroku.restart", "on_failure")
    assert (done.problem, done.output) == (
        "worker was not restarted: gate runs in worker.1",
        "restarted of shop: web (2 dynos)",
    )
    assert heroku.changes == ["DELETE /apps/shop/formations/web"]


def test_a_restart_whose_answer_is_lost_is_seen_by_the_dynos(hooks: Hooks, heroku: FakeHeroku) -> None:
    heroku.faults += [Fault(match="DELETE .*/web", drops=True, acts=True), Fault(match="DELETE .*", status=500)]
    done = hooks.call("heroku.restart", "on_failure")
    assert done.output == "restarted of shop: web (2 dynos)"
    assert done.problem.startswith("worker: Heroku answers 500 to DELETE /apps/shop/formations/worker")
    assert len(heroku.changes) == 2
