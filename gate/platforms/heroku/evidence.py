"""Is code of an earlier release still running? What the Platform API tells, and what it cannot.

Sources: `heroku ps:wait` of Heroku's command line (src/commands/ps/wait.ts): dynos' releases, release dynos apart;
https://devcenter.heroku.com/articles/preboot (2024-10): with preboot dynos of the release before serve for about three
minutes more and are not listed; dyno-shutdown-behavior (2024-12): 30 s from SIGTERM to SIGKILL; one-off-dynos: up to
24 h.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime

from gate.model.errors import GateError
from gate.model.evidence import OldCode
from gate.model.units import age
from gate.platforms.deeds import in_words
from gate.platforms.heroku.answers import RELEASE_DYNO, RUN_DYNO, Dyno, Release
from gate.platforms.heroku.client import Api
from gate.platforms.heroku.reach import NotTold, reach
from gate.platforms.heroku.restarting import own_dyno
from gate.platforms.making import Around
from gate.run.hooking import Left

SHUTDOWN_S = 30.0
"""A dyno that is replaced may go on for as long."""
PREBOOT_S = 180.0
"""With preboot the one before it goes on for as long until it is told to end."""
_DATABASE = "DATABASE"
_ADDRESSES = ("GATE_DATABASE_URL", "DATABASE_URL")


def old_code(
    around: Around,
    left_s: Left,
    *,
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
    pause: Callable[[float], None] = time.sleep,
) -> OldCode | None:
    """Whether any process runs a release before the current one. What cannot be asked is unknown; raises nothing.

    None where no app or no token is told.
    """
    try:
        api = Api(reach=reach(around), left_s=left_s, pause=pause)
        current, dynos = _consistent(api)
    except NotTold:
        return None
    except GateError as error:
        why = around.secrets.masked(around.masked(in_words(error)))
        return OldCode(is_running=None, current="unknown", unknown=(f"Heroku cannot be asked: {why}",))
    since_s = _since_s(current, now())
    own = own_dyno(around)
    others = [dyno for dyno in dynos if dyno.kind != RELEASE_DYNO and not (dyno.kind == RUN_DYNO and dyno.name == own)]
    who = tuple(_older(others, current))
    unknown = (
        *_unsure(others, current, now()),
        *_asked(around, "whether preboot is on", lambda: _hidden(api, since_s)),
        *_asked(around, "which apps use the database", lambda: _elsewhere(around, api)),
    )
    return OldCode(
        is_running=True if who else None if unknown else False,
        current=f"{current.named}, released {age(since_s)} ago",
        who=who,
        unknown=unknown,
    )


def _consistent(api: Api) -> tuple[Release, Sequence[Dyno]]:
    """The current release and the dynos, both of the same moment: a release may become current in between."""
    current = _current(api)
    while True:
        dynos, again = api.dynos(), _current(api)
        if again.version == current.version:
            return current, dynos
        current = again


def _current(api: Api) -> Release:
    found = next((release for release in api.releases() if release.is_current), None)
    if found is None:
        raise GateError("the app has no current release")
    return found


def _since_s(current: Release, at: datetime) -> float:
    """Since when it is current: it was made when its release command began, and changed when that had ended."""
    return max(0.0, (at - max(current.created_at, current.updated_at)).total_seconds())


def _older(dynos: Sequence[Dyno], current: Release) -> Iterator[str]:
    for dyno in dynos:
        if dyno.version < current.version:
            state = "" if dyno.state == "up" else f" ({dyno.state})"
            once = ", a one-off dyno, which may do so for 24 h" if dyno.kind == RUN_DYNO else ""
            yield f"{dyno.name} runs v{dyno.version}{state}{once}"


def _unsure(dynos: Sequence[Dyno], current: Release, at: datetime) -> Iterator[str]:
    for dyno in dynos:
        began_s = max(0.0, (at - dyno.created_at).total_seconds())
        if dyno.version > current.version:
            yield f"{dyno.name} runs v{dyno.version}, which is newer than the current release"
        elif dyno.version < current.version or dyno.kind == RUN_DYNO:
            continue
        elif dyno.state != "up":
            yield f"{dyno.name} of {current.named} is {dyno.state}: the one before it may still run"
        elif began_s < SHUTDOWN_S:
            yield f"{dyno.name} began {age(began_s)} ago: the one before it has {SHUTDOWN_S:g} s to end"


def _hidden(api: Api, since_s: float) -> Iterator[str]:
    if since_s < PREBOOT_S + SHUTDOWN_S and api.has_preboot():
        yield (
            f"preboot is on, and the current release is {age(since_s)} old: web dynos of the one before it go on for "
            f"about {age(PREBOOT_S)} without being listed"
        )


def _elsewhere(around: Around, api: Api) -> Iterator[str]:
    """Other apps that have this app's database: what runs there this app's releases do not tell."""
    own = api.attachments()
    # Where none is known for the database all are looked at.
    addons = {one.addon_id for one in own if _is_the_database(around, one.name)} or {one.addon_id for one in own}
    apps = {one.app for one in own}
    found = {(other.app, other.addon) for addon in addons for other in api.attachments_of(addon)}
    for app, addon in sorted(found):
        if app not in apps:
            yield f"{addon} is attached to the app {app} as well: what runs there is not looked at"


def _is_the_database(around: Around, name: str) -> bool:
    """By its name, or because its variable holds the address that gate is given."""
    environment = around.environment
    address = next((environment[key] for key in _ADDRESSES if environment.get(key)), None)
    return name == _DATABASE or (address is not None and environment.get(f"{name}_URL") == address)


def _asked(around: Around, what: str, ask: Callable[[], Iterator[str]]) -> tuple[str, ...]:
    """What is found, or that it could not be asked."""
    try:
        return tuple(ask())
    except GateError as error:
        return (f"{what} cannot be asked: {around.secrets.masked(around.masked(in_words(error)))}",)
