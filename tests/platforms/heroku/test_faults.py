"""Each request of each hook goes wrong in each way, one at a time: nothing is done twice, all is put back."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest

from gate.model.run import HookRun
from tests.platforms.heroku.fake import FakeHeroku, Fault, serving
from tests.platforms.heroku.hooks import Hooks, Kept

WRONG: dict[str, dict[str, object]] = {
    "an error": {"status": 500},
    "an error, and done": {"status": 502, "acts": True},
    "no answer": {"drops": True},
    "no answer, and done": {"drops": True, "acts": True},
    "too many requests": {"status": 429},
    "refused": {"status": 422},
}
DOCUMENT = '{"release": "v3"}'
BEFORE = (False, 3)


@dataclass
class Nth(Fault):
    """The request of that number alone."""

    place: int = 0

    @property
    def is_due(self) -> bool:
        self.place -= 1
        return self.place == -1


@dataclass(kw_only=True)
class Flaky(FakeHeroku):
    """A fake of which one request goes wrong."""

    nth: Nth | None = None

    def fault(self, asked: object) -> Fault | None:  # noqa: ARG002 - whichever it is
        return self.nth if self.nth is not None and self.nth.is_due else None


def flaky(nth: Nth | None = None) -> Flaky:
    fake = Flaky(nth=nth)
    for age_s in (500_000.0, 90_000.0, 720.0):
        fake.app.release(age_s=age_s)
    fake.app.process("web", 2)
    fake.app.process("worker", 3)
    fake.app.dyno("release.1234", 2)
    return fake


def each_place(how: str, act: Callable[[Hooks], object]) -> Iterator[tuple[int, FakeHeroku]]:
    """A fake that goes wrong at each request that is made where nothing does."""
    with serving(flaky()) as well:
        act(Hooks(heroku=well))
    assert len(well.asked) > 2
    for place in range(len(well.asked)):
        with serving(flaky(Nth(match=".*", place=place, **WRONG[how]))) as heroku:  # type: ignore[arg-type]
            yield place, heroku


def state(heroku: FakeHeroku) -> tuple[bool, int]:
    return heroku.app.is_in_maintenance, heroku.app.formation["worker"]["quantity"]


@pytest.mark.parametrize("how", WRONG)
def test_a_rollback_is_made_once_or_said_not_to_be(how: str) -> None:
    def act(hooks: Hooks) -> HookRun:
        return hooks.call("heroku.rollback", "on_watch_failure", DOCUMENT)

    for place, heroku in each_place(how, act):
        done = act(Hooks(heroku=heroku))
        made = [one["description"] for one in heroku.app.releases[3:]]
        assert made in ([], ["Rollback to v2"]), place
        assert made or done.problem, place
        assert ("rolled back from v3 to v2" in done.output) == (not done.problem), place


@pytest.mark.parametrize("how", WRONG)
@pytest.mark.parametrize(
    ("kind", "options"), [("heroku.maintenance", {}), ("heroku.scale", {"type": "worker", "quantity": 0})]
)
def test_what_was_changed_is_put_back_in_the_end(kind: str, options: dict[str, object], how: str) -> None:
    def act(hooks: Hooks) -> HookRun:
        done = hooks.call(kind, "on_begin", **options)
        assert isinstance(hooks.ledger, Kept)
        assert state(hooks.heroku) == BEFORE or hooks.ledger.changes, "changed and not written down"
        assert state(hooks.heroku) != BEFORE or done.problem, "not changed and not said"
        for _ in range(3):
            hooks.restore()
        assert (state(hooks.heroku), hooks.ledger.changes) == (BEFORE, {})
        return done

    for _, heroku in each_place(how, act):
        act(Hooks(heroku=heroku))


@pytest.mark.parametrize("how", WRONG)
@pytest.mark.parametrize(("kind", "stay"), [("heroku.restart", 1), ("heroku.stop", 5)])
def test_what_acts_is_asked_for_once(kind: str, stay: int, how: str) -> None:
    def act(hooks: Hooks) -> HookRun:
        return hooks.call(kind, "on_failure")

    for place, heroku in each_place(how, act):
        before = {one["id"] for one in heroku.app.dynos}
        done, acts = act(Hooks(heroku=heroku)), heroku.changes
        # After too many requests: that one was certainly not done.
        assert len(acts) == len(set(acts)) or how == "too many requests", place
        if not done.problem:
            assert len({one["id"] for one in heroku.app.dynos} & before) == stay, place
