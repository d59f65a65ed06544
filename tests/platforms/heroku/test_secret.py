"""The token is in the requests and nowhere else, whatever goes wrong, and whoever says it."""

from __future__ import annotations

import subprocess
import sys
import traceback
from collections.abc import Callable, Iterator

import pytest

from gate.model.errors import GateError
from gate.platforms.heroku.client import Api
from gate.platforms.heroku.evidence import old_code
from gate.platforms.heroku.reach import reach
from tests.platforms.heroku.fake import TOKEN, FakeHeroku, Fault
from tests.platforms.heroku.hooks import Hooks

ECHO = {"id": "bad_request", "message": f"what is Bearer {TOKEN}?"}
FAULTS = [
    Fault(match=".*", status=401, error=ECHO, times=99),
    Fault(match=".*", status=403, error=ECHO, times=99),
    Fault(match=".*", status=422, error=ECHO, times=99),
    Fault(match=".*", status=429, error=ECHO, headers={"Retry-After": "999"}, times=99),
    Fault(match=".*", status=500, error=ECHO, times=99),
    Fault(match=".*", status=302, headers={"Location": "http://127.0.0.1:1/"}, times=99),
    Fault(match=".*", status=200, error=ECHO, times=99),
    Fault(match=".*", drops=True, times=99),
    Fault(match="(POST|PATCH|DELETE) .*", status=500, error=ECHO, times=99),
]
KINDS: dict[str, dict[str, object]] = {
    "heroku.maintenance": {},
    "heroku.restart": {},
    "heroku.rollback": {},
    "heroku.scale": {"type": "worker", "quantity": 0},
    "heroku.stop": {"dyno": "release.1234"},
}
DOCUMENT = '{"release": "v3"}'


def all_that_is_said(hooks: Hooks) -> Iterator[str]:
    """Whatever a person or a log could see of every call."""
    for kind, options in KINDS.items():
        hook = hooks.made(kind, **options)
        yield repr(hook)
        yield hooks.check(kind, **options)
        yield repr(hooks.call(kind, "on_watch_failure", DOCUMENT, **options))
    yield from map(repr, hooks.restore())
    yield repr(hooks.ledger)
    yield repr(old_code(hooks.around(), hooks.clock.left, pause=hooks.clock.pause))


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: f"{fault.match} {fault.status}")
def test_hooks_never_tell_it(hooks: Hooks, heroku: FakeHeroku, fault: Fault) -> None:
    heroku.app.dyno("release.1234", 3)
    heroku.faults.append(fault)
    hooks.clock.left_s = 1000.0
    said = list(all_that_is_said(hooks))
    assert any(heroku.asked)
    assert [text for text in said if TOKEN in text] == []


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: f"{fault.match} {fault.status}")
def test_errors_never_tell_it(hooks: Hooks, heroku: FakeHeroku, fault: Fault) -> None:
    heroku.faults.append(fault)
    api = Api(reach=reach(hooks.around()), left_s=hooks.clock.left, pause=hooks.clock.pause)
    assert TOKEN not in repr(api)
    target = heroku.app.version(2)["id"]
    asks: tuple[Callable[[], object], ...] = (
        api.app,
        lambda: api.roll_back(target),
        lambda: api.set_maintenance(is_on=True),
        lambda: api.stop_dyno("web.1"),
    )
    errors = list(map(error_of, asks))
    assert any(errors)
    told = [f"{''.join(traceback.format_exception(error))} {error.remedy}" for error in errors if error is not None]
    assert [text for text in told if TOKEN in text] == []


def error_of(ask: Callable[[], object]) -> GateError | None:
    try:
        ask()
    except GateError as error:
        return error
    return None


def test_it_is_sent_nowhere_else(hooks: Hooks, heroku: FakeHeroku) -> None:
    """A redirection is not followed."""
    heroku.faults.append(Fault(match=".*", status=302, headers={"Location": f"{heroku.url}/apps/other"}))
    assert "Heroku answers 302 to GET /apps/shop" in hooks.check("heroku.maintenance")
    assert [str(one) for one in heroku.asked] == ["GET /apps/shop"]


def test_nothing_heavy_is_imported_before_something_is_asked() -> None:
    code = (
        "import sys\n"
        "from gate.platforms.making import Around, kinds, made\n"
        "from gate.policy.policy import HookSetting\n"
        "assert 'heroku.rollback' in kinds()\n"
        "made(HookSetting(kind='heroku.rollback'), Around(environment={}))\n"
        "print(sorted({'httpx', 'pydantic', 'stamina'} & set(sys.modules)))\n"
    )
    ran = subprocess.run([sys.executable, "-P", "-c", code], capture_output=True, text=True, check=False, timeout=60)
    assert (ran.stderr, ran.stdout) == ("", "[]\n")
