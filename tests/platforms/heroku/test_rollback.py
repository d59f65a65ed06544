"""`heroku.rollback`: only after a deploy, only of the release that failed, and once."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from gate.model.errors import UsageError
from gate.platforms.preset import Place, Platform
from tests.platforms.heroku.fake import TOKEN, FakeHeroku, Fault
from tests.platforms.heroku.hooks import Hooks
from tests.platforms.heroku.state import identity

FAILED = "on_watch_failure"
ROLLBACK = "POST /apps/shop/releases"
LIST = "GET /apps/shop/releases"
DOCUMENT = json.dumps({"command": "watch", "release": "v3"})
WORDS = "Rollback affects code and config vars; it doesn't add or remove addons."


def versions(heroku: FakeHeroku) -> list[str]:
    return [f"{one['version']} {one['status']} {one['description']}" for one in heroku.app.releases[3:]]


def test_the_release_before_becomes_current_again(hooks: Hooks, heroku: FakeHeroku) -> None:
    done = hooks.call("heroku.rollback", FAILED, DOCUMENT)
    assert done.problem == ""
    assert done.output == (
        f"shop is rolled back from v3 to v2, as v4. {WORDS} The database stays as it is. "
        "To undo: heroku rollback v3 --app shop"
    )
    assert (heroku.app.current["version"], versions(heroku)) == (4, ["4 succeeded Rollback to v2"])
    assert [one.body for one in heroku.asked if one.method == "POST"] == [{"release": heroku.app.version(2)["id"]}]


@pytest.mark.parametrize("event", ["on_begin", "on_failure", "on_refused", "on_success"])
def test_it_does_nothing_at_any_other_event_and_asks_nobody(hooks: Hooks, heroku: FakeHeroku, event: str) -> None:
    hooks.more["GATE_HEROKU_TOKEN"] = ""
    done = hooks.call("heroku.rollback", event, DOCUMENT)
    assert done.problem == ""
    assert "never becomes current" in done.output
    assert heroku.asked == []


@pytest.mark.parametrize(
    ("document", "options", "environment"),
    [
        ({"release": 3}, {}, {}),
        ({"release": "3"}, {}, {}),
        ({"release": {"version": 3}}, {}, {}),
        ({"release": None}, {"release": "v3"}, {}),
        ({}, {}, {"HEROKU_RELEASE_VERSION": "v3"}),
        ({"release": "v3"}, {"release": "v3"}, {"HEROKU_RELEASE_VERSION": "v3"}),
    ],
)
def test_the_failed_release_is_told_by_any_of_three(
    hooks: Hooks, heroku: FakeHeroku, document: object, options: dict[str, str], environment: dict[str, str]
) -> None:
    hooks.more |= environment
    assert hooks.call("heroku.rollback", FAILED, json.dumps(document), **options).problem == ""
    assert heroku.app.current["version"] == 4


@pytest.mark.parametrize(
    ("document", "environment", "said"),
    [
        ("{}", {}, "which release has failed is not told"),
        ("no JSON", {}, "which release has failed is not told"),
        ('{"release": true}', {}, "which release has failed is not told"),
        (DOCUMENT, {"HEROKU_RELEASE_VERSION": "v2"}, "not clear: the document says v3, HEROKU_RELEASE_VERSION says v2"),
    ],
)
def test_without_a_release_that_is_named_nothing_is_done(
    hooks: Hooks, heroku: FakeHeroku, document: str, environment: dict[str, str], said: str
) -> None:
    hooks.more |= environment
    done = hooks.call("heroku.rollback", FAILED, document)
    assert said in done.problem
    assert heroku.changes == []


def test_another_release_is_current_by_now(hooks: Hooks, heroku: FakeHeroku) -> None:
    heroku.app.release(age_s=5.0, description="Deploy of the repair")
    done = hooks.call("heroku.rollback", FAILED, DOCUMENT)
    assert done.problem == ""
    assert done.output == (
        "nothing was rolled back: v4 (Deploy of the repair) is the current release of shop by now, not v3"
    )
    assert heroku.changes == []


def test_another_release_of_the_same_slug_is_no_repair(hooks: Hooks, heroku: FakeHeroku) -> None:
    heroku.app.release(age_s=5.0, slug=heroku.app.version(3)["slug"]["id"], description="Set A config vars")
    done = hooks.call("heroku.rollback", FAILED, DOCUMENT)
    assert "v4 (Set A config vars) is the current release" in done.problem
    assert "it has the same slug, so what failed still runs" in done.problem
    assert heroku.changes == []


def test_a_release_that_becomes_current_while_it_is_looked_for(hooks: Hooks, heroku: FakeHeroku) -> None:
    heroku.faults.append(Fault(match=LIST, meanwhile=lambda: heroku.app.release(age_s=0.0)))
    assert "v4 (Deploy 9e2f6a1b) is the current release" in hooks.call("heroku.rollback", FAILED, DOCUMENT).output
    assert heroku.changes == []


def test_a_pending_release_may_be_the_repair(hooks: Hooks, heroku: FakeHeroku) -> None:
    heroku.app.release(age_s=5.0, status="pending", description="Deploy of the repair")
    done = hooks.call("heroku.rollback", FAILED, DOCUMENT)
    assert "v4 (Deploy of the repair) of shop is pending, and may be the repair" in done.problem
    assert heroku.changes == []


def test_a_pending_release_is_awaited(hooks: Hooks, heroku: FakeHeroku) -> None:
    heroku.app.release(age_s=5.0, status="pending", description="Deploy of the repair")
    pending = heroku.app.releases[-1]
    heroku.faults += [
        Fault(match=LIST, times=3, meanwhile=lambda: None),
        Fault(match=LIST, meanwhile=lambda: pending.update(status="failed")),
    ]
    assert hooks.call("heroku.rollback", FAILED, DOCUMENT).problem == ""
    assert versions(heroku) == ["4 failed Deploy of the repair", "5 succeeded Rollback to v2"]


@pytest.mark.parametrize("change", [{"status": "failed"}, {"status": "expired"}, {"eligible_for_rollback": False}])
def test_what_cannot_be_gone_back_to_is_passed_over(
    hooks: Hooks, heroku: FakeHeroku, change: dict[str, object]
) -> None:
    heroku.app.version(2).update(change)
    assert "from v3 to v1, as v4" in hooks.call("heroku.rollback", FAILED, DOCUMENT).output


def test_a_release_pages_back_is_found(hooks: Hooks, heroku: FakeHeroku) -> None:
    for _ in range(30):
        heroku.app.release(status="failed")
    heroku.app.release(age_s=5.0)
    assert "from v34 to v3, as v35" in hooks.call("heroku.rollback", FAILED, '{"release": "v34"}').output


def test_there_is_nothing_to_go_back_to(hooks: Hooks, heroku: FakeHeroku) -> None:
    for version in (1, 2):
        heroku.app.version(version).update(status="expired", eligible_for_rollback=False)
    done = hooks.call("heroku.rollback", FAILED, DOCUMENT)
    assert "no earlier release" in done.problem
    assert "2 have expired, Heroku has deleted their slugs" in done.problem
    assert heroku.changes == []


def test_a_named_release(hooks: Hooks, heroku: FakeHeroku) -> None:
    assert "from v3 to v1, as v4" in hooks.call("heroku.rollback", FAILED, DOCUMENT, to="v1").output
    assert heroku.app.current["slug"] == heroku.app.version(1)["slug"]


@pytest.mark.parametrize(
    ("to", "change", "said"),
    [
        ("v3", {}, "v3 (Deploy 9e2f6a1b) cannot be gone back to: it is the current release"),
        ("v1", {"status": "expired"}, "it has expired, Heroku has deleted its slug"),
        ("v1", {"status": "failed"}, "its status is failed"),
        ("v1", {"eligible_for_rollback": False}, "not eligible for a rollback"),
        ("v9", {}, "404 to GET /apps/shop/releases/9: not_found: Couldn't find that release."),
    ],
)
def test_a_named_release_that_does_not_do(
    hooks: Hooks, heroku: FakeHeroku, to: str, change: dict[str, object], said: str
) -> None:
    heroku.app.version(1).update(change)
    assert said in hooks.call("heroku.rollback", FAILED, DOCUMENT, to=to).problem
    assert said in hooks.check("heroku.rollback", to=to)
    assert heroku.changes == []


def test_a_rollback_is_not_rolled_back_to_what_failed_before_it(hooks: Hooks, heroku: FakeHeroku) -> None:
    assert hooks.call("heroku.rollback", FAILED, DOCUMENT).problem == ""
    done = hooks.call("heroku.rollback", FAILED, '{"release": "v4"}')
    assert "v4 (Rollback to v2) is a rollback itself" in done.problem
    assert len(heroku.changes) == 1


def test_heroku_has_a_better_reason_to_refuse(hooks: Hooks, heroku: FakeHeroku) -> None:
    said = {"id": "invalid_params", "message": "The slug is gone."}
    heroku.faults.append(Fault(match=ROLLBACK, status=422, error=said))
    problem = hooks.call("heroku.rollback", FAILED, DOCUMENT).problem
    assert "Heroku answers 422 to POST /apps/shop/releases: invalid_params: The slug is gone." in problem
    assert len(heroku.changes) == 1


def test_config_vars_alone(hooks: Hooks, heroku: FakeHeroku) -> None:
    heroku.app.version(2)["slug"] = heroku.app.version(3)["slug"]
    done = hooks.call("heroku.rollback", FAILED, DOCUMENT)
    assert "; v2 has the same slug as v3, so only config vars differ. Rollback affects" in done.output


def test_an_app_that_was_never_deployed(hooks: Hooks, heroku: FakeHeroku) -> None:
    for one in heroku.app.releases:
        one["current"] = False
    assert hooks.call("heroku.rollback", FAILED, DOCUMENT).problem == "the app has no current release"
    heroku.app.releases.clear()
    assert hooks.call("heroku.rollback", FAILED, DOCUMENT).problem == "the app has no release"
    assert heroku.changes == []


def test_on_fir_a_release_has_an_image_and_no_slug(hooks: Hooks, heroku: FakeHeroku) -> None:
    for version, number in ((1, 31), (2, 32), (3, 32)):
        image = {"type": "oci-image", "id": identity(number)}
        heroku.app.version(version).update(slug=None, artifacts=[image])
    heroku.app.release(slug=identity(5), description="Deploy of the repair")
    done = hooks.call("heroku.rollback", FAILED, DOCUMENT)
    assert (done.problem, heroku.changes) == ("", [])
    heroku.app.releases[-1].update(slug=None, artifacts=[{"type": "oci-image", "id": identity(32)}])
    assert "it has the same slug, so what failed still runs" in hooks.call("heroku.rollback", FAILED, DOCUMENT).problem


# --- Heroku's answer is lost ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("fault", [{"drops": True}, {"status": 503}])
def test_what_was_done_is_not_done_twice(hooks: Hooks, heroku: FakeHeroku, fault: dict[str, int]) -> None:
    heroku.faults.append(Fault(match=ROLLBACK, acts=True, **fault))  # type: ignore[arg-type]
    done = hooks.call("heroku.rollback", FAILED, DOCUMENT)
    assert "from v3 to v2, as v4" in done.output
    assert (done.problem, heroku.changes) == ("", [ROLLBACK])


def test_an_error_after_which_nothing_has_appeared_is_tried_once_more(hooks: Hooks, heroku: FakeHeroku) -> None:
    heroku.faults.append(Fault(match=ROLLBACK, status=500))
    assert "as v4" in hooks.call("heroku.rollback", FAILED, DOCUMENT).output
    assert (heroku.changes, versions(heroku)) == ([ROLLBACK] * 2, ["4 succeeded Rollback to v2"])


def test_and_not_for_ever(hooks: Hooks, heroku: FakeHeroku) -> None:
    heroku.faults.append(Fault(match=ROLLBACK, status=500, error={"id": "internal", "message": "Oops."}, times=99))
    problem = hooks.call("heroku.rollback", FAILED, DOCUMENT).problem
    assert "internal: Oops. (Request-Id" in problem
    assert "whether it was done is not known; v3 was current until now: heroku releases --app shop" in problem
    assert heroku.changes == [ROLLBACK] * 2


def test_a_request_that_was_not_answered_is_never_sent_again(hooks: Hooks, heroku: FakeHeroku) -> None:
    heroku.faults.append(Fault(match=ROLLBACK, drops=True))
    problem = hooks.call("heroku.rollback", FAILED, DOCUMENT).problem
    assert "whether it was done is not known" in problem
    assert (heroku.changes, sum(hooks.clock.pauses)) == ([ROLLBACK], 30.0)


def test_where_there_was_no_time_to_look_it_is_not_tried_again(hooks: Hooks, heroku: FakeHeroku) -> None:
    hooks.clock.left_s = 1.5
    heroku.faults.append(Fault(match=ROLLBACK, status=500, acts=True))
    assert "whether it was done is not known" in hooks.call("heroku.rollback", FAILED, DOCUMENT).problem
    assert heroku.changes == [ROLLBACK]


def test_a_release_of_somebody_else_meanwhile(hooks: Hooks, heroku: FakeHeroku) -> None:
    heroku.faults.append(Fault(match=ROLLBACK, status=500, meanwhile=lambda: heroku.app.release(age_s=0.0)))
    problem = hooks.call("heroku.rollback", FAILED, DOCUMENT).problem
    assert "nothing more is done: v4 (Deploy 9e2f6a1b) was made meanwhile" in problem
    assert heroku.changes == [ROLLBACK]


# --- the release command of the earlier slug --------------------------------------------------------------------------


def test_the_release_command_is_awaited(hooks: Hooks, heroku: FakeHeroku) -> None:
    heroku.app.has_release_command, heroku.app.pending_polls = True, 3
    done = hooks.call("heroku.rollback", FAILED, DOCUMENT)
    assert (done.problem, heroku.app.current["version"]) == ("", 4)
    assert hooks.clock.pauses == [2.0] * 4


def test_a_release_command_that_fails_leaves_the_failed_release_current(hooks: Hooks, heroku: FakeHeroku) -> None:
    heroku.app.has_release_command, heroku.app.command_ends = True, "failed"
    assert hooks.call("heroku.rollback", FAILED, DOCUMENT).problem == (
        "v4, the rollback to v2, has failed: v3 is still current; heroku releases:output v4 --app shop"
    )


def test_a_release_command_that_takes_longer_than_there_is_time(hooks: Hooks, heroku: FakeHeroku) -> None:
    heroku.app.has_release_command, heroku.app.pending_polls = True, 99
    problem = hooks.call("heroku.rollback", FAILED, DOCUMENT).problem
    assert "its release command still runs, and v3 stays current until that has ended well" in problem
    assert hooks.clock.left_s > 0


# --- beforehand -------------------------------------------------------------------------------------------------------


def test_a_check_changes_nothing(hooks: Hooks, heroku: FakeHeroku) -> None:
    assert hooks.check("heroku.rollback") == ""
    assert heroku.changes == []


@pytest.mark.parametrize(
    ("scope", "protected", "said"),
    [
        ("read", "", "has the scope read, and this takes write: heroku authorizations:create --scope write"),
        ("write", "", ""),
        ("write-protected", "releases", ""),
        ("read-protected", "releases", "has the scope read-protected, and this takes write-protected"),
        ("write", "releases", "403 to GET /apps/shop/releases"),
    ],
)
def test_the_scope_is_found_out_beforehand(
    hooks: Hooks, heroku: FakeHeroku, scope: str, protected: str, said: str
) -> None:
    heroku.tokens, heroku.protects_releases = {TOKEN: scope}, bool(protected)
    found = hooks.check("heroku.rollback")
    assert said in found
    assert bool(found) == bool(said)


def test_in_a_release_phase_nothing_is_checked_for_it(hooks: Hooks, heroku: FakeHeroku) -> None:
    hook = hooks.made("heroku.rollback")
    platform = Platform(key="heroku", name="Heroku", place=Place.BEFORE)
    before = replace(hook, around=replace(hook.around, platform=platform))
    assert before.check(hooks.clock.left) == ""
    assert heroku.asked == []


@pytest.mark.parametrize("options", [{"to": "latest"}, {"to": identity(1)}, {"too": "v1"}, {"to": 41}, {"to": "v0"}])
def test_options_that_cannot_be_meant(hooks: Hooks, options: dict[str, object]) -> None:
    with pytest.raises(UsageError):
        hooks.made("heroku.rollback", **options)
