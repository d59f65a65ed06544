"""Stopping release dynos that are stuck: by `heroku.stop`, and by `gate kill --dyno release.1234`.

A dyno that is stopped gets SIGTERM, and SIGKILL 30 s later; its backends in PostgreSQL go on, and are ended after that.
`heroku ps:stop 1234`, without the process type, says that it has worked and does nothing: here that is refused.

Source: https://devcenter.heroku.com/articles/dyno-shutdown-behavior (2024-12)
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice

from gate.model.errors import GateError, UsageError
from gate.platforms.deeds import Said, in_words
from gate.platforms.heroku.answers import ONE_OFF, RELEASE_DYNO, Dyno, Release
from gate.platforms.heroku.calling import Call, HerokuHook, options
from gate.platforms.heroku.client import Api
from gate.platforms.heroku.errors import ApiError, Lost
from gate.platforms.heroku.restarting import own_dyno
from gate.platforms.making import Around
from gate.policy.policy import HookSetting

KIND = "heroku.stop"
KILLED_AFTER_S = 30.0
"""So long after SIGTERM."""
_POLL_S = 2.0
_LEAST_S = 1.0
_BARE = re.compile(r"[0-9]+", re.ASCII)
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*[.-][A-Za-z0-9-]+", re.ASCII)


@dataclass(frozen=True, kw_only=True)
class Stop:
    """`name` is one dyno, empty for all release dynos of releases before ours.

    A newer release is somebody's deploy, and none of ours to stop.
    """

    name: str

    def needs(self, call: Call) -> str:  # noqa: ARG002 - as every deed
        return "write"

    def problem(self, call: Call) -> str:
        """Which dynos there are will be known when it is called."""
        call.api.dynos()
        return f'{_bare(self.name)}: dyno = "release.{self.name}"' if _BARE.fullmatch(self.name) else ""

    def do(self, call: Call) -> Said:
        own, dynos = own_dyno(call.around), call.api.dynos()
        if self.name:
            return Said(output=_stopped(call.api, _wanted(self.name, dynos, own)))
        ours = next((dyno.version for dyno in dynos if own and dyno.name == own), None)
        before = ours if ours is not None else max((release.version for release in _first(call.api)), default=0)
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
    if name and not _NAME.fullmatch(name) and not _BARE.fullmatch(name):
        raise UsageError(f"{KIND}: {name!r} is no name of a dyno", remedy="write release.1234, as heroku ps shows it")
    return HerokuHook(setting=setting, around=around, deed=Stop(name=name))


def _wanted(name: str, dynos: Sequence[Dyno], own: str) -> Dyno:
    """The dyno of that name. Raises UsageError where it may not be stopped, or there is none."""
    if _BARE.fullmatch(name):
        like = [dyno.name for dyno in dynos if dyno.name.endswith((f".{name}", f"-{name}"))]
        raise UsageError(_bare(name), remedy=f"write {' or '.join(like) or f'release.{name}'}")
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


def _first(api: Api) -> list[Release]:
    """The newest release; none of an app that was never deployed."""
    return list(islice(api.releases(1), 1))


def _bare(number: str) -> str:
    return f"{number} is no name of a dyno: its process type belongs to it"


def _is_there(api: Api, dyno: Dyno) -> bool:
    return any(other.id == dyno.id for other in api.dynos())


def _of_releases(dynos: Sequence[Dyno], own: str) -> tuple[Dyno, ...]:
    return tuple(dyno for dyno in dynos if dyno.kind == RELEASE_DYNO and dyno.name != own)
