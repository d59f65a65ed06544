"""Stopping release dynos that are stuck: by `heroku.stop`, and by `gate kill --dyno release.1234`.

A dyno that is stopped gets SIGTERM, and SIGKILL 30 s later; its backends in PostgreSQL go on, and are ended after that.
`heroku ps:stop 1234`, without the process type, says that it has worked and does nothing: here that is refused.

Source: https://devcenter.heroku.com/articles/dyno-shutdown-behavior (2024-12)
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from gate.model.errors import GateError, UsageError
from gate.platforms.heroku.answers import ONE_OFF, RELEASE_DYNO, Dyno
from gate.platforms.heroku.calling import Call, HerokuHook, Said, in_words, options
from gate.platforms.heroku.client import Api
from gate.platforms.heroku.errors import ApiError, Lost
from gate.platforms.heroku.reach import reach
from gate.platforms.heroku.restarting import own_dyno
from gate.platforms.making import Around
from gate.policy.policy import HookSetting
from gate.run.hooking import Left

KIND = "heroku.stop"
KILLED_AFTER_S = 30.0
"""So long after SIGTERM."""
_POLL_S = 2.0
_LEAST_S = 1.0
_BARE = re.compile(r"[0-9]+", re.ASCII)
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*[.-][A-Za-z0-9-]+", re.ASCII)


# --- for gate kill ----------------------------------------------------------------------------------------------------


def release_dynos(around: Around, left_s: Left) -> tuple[Dyno, ...]:
    """Those that run a release command now, but for our own. Raises errors of gate."""
    return _of_releases(_api(around, left_s).dynos(), own_dyno(around))


def stop(around: Around, name: str, left_s: Left, pause: Callable[[float], None] = time.sleep) -> str:
    """Stops one dyno, and waits until it is gone; what became of it, in a sentence. Raises errors of gate.

    Only a release dyno, or a one-off dyno, by its whole name; never the one that we run in.
    """
    api = _api(around, left_s, pause)
    return _stopped(api, _wanted(name, api.dynos(), own_dyno(around)))


def _api(around: Around, left_s: Left, pause: Callable[[float], None] = time.sleep) -> Api:
    return Api(reach=reach(around), left_s=left_s, pause=pause)


def _wanted(name: str, dynos: Sequence[Dyno], own: str) -> Dyno:
    """The dyno of that name. Raises UsageError where it may not be stopped, or there is none."""
    if _BARE.fullmatch(name):
        like = [dyno.name for dyno in dynos if dyno.name.endswith((f".{name}", f"-{name}"))]
        raise UsageError(
            f"{name} is no name of a dyno: its process type belongs to it",
            remedy=f"write {' or '.join(like) or f'release.{name}'}",
        )
    if own and name == own:
        raise UsageError(f"gate runs in {own} itself", remedy="name another dyno")
    found = next((dyno for dyno in dynos if dyno.name == name), None)
    if found is None:
        known = [dyno.name for dyno in dynos if dyno.kind in ONE_OFF and dyno.name != own]
        raise UsageError(
            f"there is no dyno {name}" + (": it may have ended by itself" if _NAME.fullmatch(name) else ""),
            remedy=f"these could be stopped: {', '.join(known)}" if known else "no release dyno runs now",
        )
    if found.kind not in ONE_OFF:
        raise UsageError(
            f"{name} is a dyno of the formation: gate stops release dynos and one-off dynos, which do not come back",
            remedy=f"heroku ps:restart --dyno-name {name}",
        )
    return found


def _stopped(api: Api, dyno: Dyno) -> str:
    lost = None
    try:
        api.stop_dyno(dyno.name)
    except Lost as error:
        # A look tells; to ask once more could hit another one of that name.
        lost = error
    except ApiError as error:
        if error.is_missing:
            return f"{dyno.name} has ended by itself"
        raise
    while _is_there(api, dyno):
        if api.left_s() <= _POLL_S + _LEAST_S:
            if lost is not None:
                raise lost
            return f"{dyno.name} was told to end (SIGTERM), and is killed {KILLED_AFTER_S:g} s after that"
        api.pause(_POLL_S)
    return f"{dyno.name} was stopped, and has ended"


def _is_there(api: Api, dyno: Dyno) -> bool:
    return any(other.id == dyno.id for other in api.dynos())


def _of_releases(dynos: Sequence[Dyno], own: str) -> tuple[Dyno, ...]:
    return tuple(dyno for dyno in dynos if dyno.kind == RELEASE_DYNO and dyno.name != own)


# --- the hook ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Stop:
    """`name` is one dyno, empty for all release dynos of releases before ours.

    A newer release is somebody's deploy, and none of ours to stop.
    """

    name: str

    def needs(self, call: Call) -> str:  # noqa: ARG002 - as every deed
        return "write"

    def problem(self, call: Call) -> str:
        """Which dynos there are is known when it is called."""
        call.api.dynos()
        return ""

    def do(self, call: Call) -> Said:
        own, dynos = own_dyno(call.around), call.api.dynos()
        if self.name:
            return Said(output=_stopped(call.api, _wanted(self.name, dynos, own)))
        ours = next((dyno.version for dyno in dynos if own and dyno.name == own), None)
        before = ours if ours is not None else next(call.api.releases()).version
        stuck = [dyno for dyno in _of_releases(dynos, own) if dyno.version < before]
        left = [dyno for dyno in _of_releases(dynos, own) if dyno.version >= before]
        done, problems = _all(call.api, stuck)
        said = done or ["no release dyno of an earlier release is there"]
        said += [f"{dyno.name} runs v{dyno.version}, which is no earlier release: it is let be" for dyno in left]
        return Said(output="; ".join(said), problem="; ".join(problems))


def _all(api: Api, stuck: Sequence[Dyno]) -> tuple[list[str], list[str]]:
    done, problems = [], []
    for dyno in stuck:
        try:
            done.append(_stopped(api, dyno))
        except GateError as error:
            problems.append(f"{dyno.name} was not stopped: {in_words(error)}")
    return done, problems


def made(setting: HookSetting, around: Around) -> HerokuHook:
    told = options(setting)
    told.known("dyno")
    name = told.text("dyno")
    if name and not _NAME.fullmatch(name):
        raise UsageError(
            f"{KIND}: {name!r} is no name of a dyno", remedy='its process type belongs to it: dyno = "release.1234"'
        )
    return HerokuHook(setting=setting, around=around, deed=Stop(name=name))
