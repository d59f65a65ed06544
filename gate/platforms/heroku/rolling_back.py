"""`heroku.rollback`: an earlier release is made the current one again, after a deploy that went wrong.

Only `gate watch` calls it to any effect. In a release phase the new release has not become current: that it fails is
the rollback. A rollback is a release of its own, with the slug and the config vars of the earlier one, and runs that
slug's release command; it becomes current when that has ended well.

Sources: https://devcenter.heroku.com/articles/releases, `heroku rollback` of Heroku's command line
(src/commands/releases/rollback.ts), the changelog of 2025-10 (3395) for slugs that expire.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import takewhile
from typing import Any

from gate.model.errors import GateError, UsageError
from gate.model.run import HookRun
from gate.platforms.deeds import Said
from gate.platforms.heroku.answers import Release
from gate.platforms.heroku.calling import Call, HerokuHook, options
from gate.platforms.heroku.errors import Lost
from gate.platforms.making import Around
from gate.platforms.preset import Place
from gate.policy.policy import HookSetting
from gate.run.hooking import ON_WATCH_FAILURE, Left

KIND = "heroku.rollback"
PREVIOUS = "previous"
_HEROKUS_WORDS = "Rollback affects code and config vars; it doesn't add or remove addons."
_WHY_NOT = (
    "does nothing here: a release that fails in its release phase never becomes current, so there is nothing to roll "
    "back; it acts in gate watch, after the deploy"
)
_VERSION = re.compile(r"v?([1-9][0-9]{0,8})", re.ASCII)
_IS_ROLLBACK = re.compile(r"rollback to v([0-9]+)\b", re.IGNORECASE)
_POLL_S = 2.0
_LEAST_S = 1.0
# Heroku's router gives up a request after 30 s: whatever has not shown by then was not done.
_LOOKS_S = (1.0, 2.0, 4.0, 8.0, 15.0)
_LOOKS_AFTER_AN_ERROR_S = _LOOKS_S[:2]
_TRIES = 2


@dataclass(frozen=True, kw_only=True)
class Rollback:
    """`to` is `previous` or the version to go back to; `failed` the one that failed, where the setting says it."""

    to: str
    failed: int | None

    def needs(self, call: Call) -> str:
        """Releases are protected with some tokens: then making one takes as much."""
        takes = call.api.releases_take()
        return "write" if not takes or "read" in takes else "write-protected"

    def problem(self, call: Call) -> str:
        """Whether there would be something to go back to."""
        current = _current(call)
        self._target(call, current)
        return ""

    def do(self, call: Call) -> Said:
        app, failed = call.api.app(), self._failed(call)
        pending = _await_pending(call)
        if pending is not None:
            return Said(
                problem=f"nothing was rolled back: {_told(pending)} of {app.name} is pending, and may be the repair; "
                f"once it has ended: heroku rollback --app {app.name}"
            )
        current = _current(call)
        if current.version != failed:
            return _another(call, app.name, current, failed)
        target = self._target(call, current)
        made = _made_release(call, current, target)
        return _concluded(call, app.name, made, current, target)

    def _failed(self, call: Call) -> int:
        """The release that is held to have failed. All that tell it have to agree."""
        told = {
            "the document": _version_in(call.document),
            "the setting": self.failed,
            "HEROKU_RELEASE_VERSION": _version(call.around.environment.get("HEROKU_RELEASE_VERSION", "")),
        }
        named = {where: version for where, version in told.items() if version is not None}
        if not named:
            raise UsageError(
                "nothing was rolled back: which release has failed is not told",
                remedy='the document names none under "release", and HEROKU_RELEASE_VERSION is not set: '
                "heroku labs:enable runtime-dyno-metadata",
            )
        if len(set(named.values())) > 1:
            said = ", ".join(f"{where} says v{version}" for where, version in named.items())
            raise UsageError(
                f"nothing was rolled back: which release has failed is not clear: {said}",
                remedy="heroku releases shows which one is current",
            )
        return next(iter(named.values()))

    def _target(self, call: Call, current: Release) -> Release:
        """The release to go back to. Raises UsageError where there is none, or it cannot be."""
        if self.to == PREVIOUS:
            return _previous(call, current)
        found = call.api.release(_version_of(self.to))
        why = _why_no_target(found, current)
        if why:
            raise UsageError(f"{_told(found)} cannot be gone back to: {why}", remedy=_see(call))
        return found


@dataclass(frozen=True, kw_only=True)
class RollbackHook(HerokuHook):
    """It asks nobody where it would do nothing."""

    def call(self, event: str, document: str, left_s: Left) -> HookRun:
        if event == ON_WATCH_FAILURE:
            return super().call(event, document, left_s)
        return HookRun(event=event, name=self.name, seconds=0.0, output=_WHY_NOT)

    def check(self, left_s: Left) -> str:
        return "" if self.around.platform.place is Place.BEFORE else super().check(left_s)


def made(setting: HookSetting, around: Around) -> RollbackHook:
    told = options(setting)
    told.known("to", "release")
    to, failed = told.text("to", PREVIOUS), told.text("release")
    if to != PREVIOUS:
        _version_of(to)
    deed = Rollback(to=to, failed=_version_of(failed) if failed else None)
    return RollbackHook(setting=setting, around=around, deed=deed)


# --- which release ----------------------------------------------------------------------------------------------------


def _current(call: Call) -> Release:
    found = next((release for release in call.api.releases() if release.is_current), None)
    if found is None:
        raise GateError("the app has no current release")
    return found


def _previous(call: Call, current: Release) -> Release:
    """The newest one before it that has succeeded, and that Heroku still has."""
    rollback = _IS_ROLLBACK.search(current.description)
    if rollback is not None:
        raise UsageError(
            f"{_told(current)} is a rollback itself: the release before it is the one that was rolled back from",
            remedy=f'name the release to go back to: to = "v41"; {_see(call)}',
        )
    earlier = (release for release in call.api.releases() if release.version < current.version)
    gone = 0
    for release in earlier:
        if not _why_no_target(release, current):
            return release
        gone += release.status == "expired"
    raise UsageError(
        "there is no earlier release that has succeeded and that can be gone back to"
        + (f": {gone} have expired, Heroku has deleted their slugs" if gone else ""),
        remedy="deploy the earlier version of the code",
    )


def _why_no_target(found: Release, current: Release) -> str:
    if found.version == current.version:
        return "it is the current release"
    if found.status == "expired":
        return "it has expired, Heroku has deleted its slug (older than 30 days, and not among the 20 newest releases)"
    if found.status != "succeeded":
        return f"its status is {found.status}"
    return "" if found.is_eligible else "Heroku says that it is not eligible for a rollback"


def _another(call: Call, app: str, current: Release, failed: int) -> Said:
    """Somebody has deployed or rolled back meanwhile; where that has the same code it is no repair."""
    said = f"nothing was rolled back: {_told(current)} is the current release of {app} by now, not v{failed}"
    before = next((release for release in call.api.releases() if release.version == failed), None)
    if before is not None and before.slug and before.slug == current.slug:
        return Said(problem=f"{said}; it has the same slug, so what failed still runs: heroku rollback --app {app}")
    return Said(output=said)


def _version_in(document: str) -> int | None:
    """`release` of the document: `"v42"`, `42`, or an object with its `version`."""
    try:
        told: Any = json.loads(document)
    except ValueError:
        return None
    found = told.get("release") if isinstance(told, dict) else None
    found = found.get("version") if isinstance(found, dict) else found
    return _version(str(found)) if isinstance(found, str | int) and not isinstance(found, bool) else None


def _version(told: str) -> int | None:
    found = _VERSION.fullmatch(told.strip())
    return int(found[1]) if found else None


def _version_of(told: str) -> int:
    found = _version(told)
    if found is None:
        raise UsageError(f"{KIND}: {told!r} is no release", remedy='write "previous" or a version: "v41"')
    return found


# --- the rollback -----------------------------------------------------------------------------------------------------


def _await_pending(call: Call) -> Release | None:
    """A release newer than the current one whose release command runs, if it has not ended in the time that is left."""
    while True:
        newest = next(_newest(call))
        if newest.is_current or newest.status != "pending":
            return None
        if call.api.left_s() <= _POLL_S + _LEAST_S:
            return newest
        call.api.pause(_POLL_S)


def _newest(call: Call) -> Iterator[Release]:
    yield from call.api.releases(1)
    raise GateError("the app has no release")


def _made_release(call: Call, current: Release, target: Release) -> Release:
    """Makes it once. Where Heroku's answer is lost the list of releases tells whether it was made."""
    newest, tries = next(_newest(call)).version, 1
    while True:
        try:
            return call.api.roll_back(target.id)
        except Lost as lost:
            looks_s = _LOOKS_AFTER_AN_ERROR_S if lost.is_answered else _LOOKS_S
            found, is_sure = _appeared(call, newest, target, looks_s)
            if found is not None:
                return found
            # An error of Heroku's own, and nothing came of it: once more. Of a request that was not answered nobody
            # knows when it is dealt with.
            if not (lost.is_answered and is_sure) or tries == _TRIES:
                raise GateError(
                    f"the rollback to {target.named}: {lost.problem}; {current.named} was current until now",
                    remedy=_see(call),
                ) from lost
            tries += 1


def _appeared(call: Call, newest: int, target: Release, looks_s: tuple[float, ...]) -> tuple[Release | None, bool]:
    """The release that our request has made, and whether there was time for all looks.

    Raises GateError where somebody else has made one.
    """
    for look_s in looks_s:
        if call.api.left_s() <= look_s + _LEAST_S:
            return None, False
        call.api.pause(look_s)
        since = list(takewhile(lambda release: release.version > newest, call.api.releases()))
        ours = next((release for release in since if _is_rollback_to(release, target)), None)
        if ours is not None:
            return ours, True
        if since:
            raise GateError(f"nothing more is done: {_told(since[0])} was made meanwhile", remedy=_see(call))
    return None, True


def _is_rollback_to(release: Release, target: Release) -> bool:
    found = _IS_ROLLBACK.search(release.description)
    return found is not None and int(found[1]) == target.version


def _concluded(call: Call, app: str, made: Release, current: Release, target: Release) -> Said:
    """Waits for its release command, as far as there is time."""
    while made.status == "pending" and call.api.left_s() > _POLL_S + _LEAST_S:
        call.api.pause(_POLL_S)
        made = call.api.release(made.version)
    asked = f"{app} is rolled back from {current.named} to {target.named}, as {made.named}"
    if made.status == "succeeded":
        is_same = bool(target.slug) and target.slug == current.slug
        same = f"; {target.named} has the same slug as {current.named}, so only config vars differ" if is_same else ""
        return Said(
            output=f"{asked}{same}. {_HEROKUS_WORDS} The database stays as it is. To undo: heroku rollback "
            f"{current.named} --app {app}"
        )
    if made.status == "pending":
        return Said(
            problem=f"{asked}: its release command still runs, and {current.named} stays current until that has ended "
            f"well: heroku releases:output {made.named} --app {app}",
            output=_HEROKUS_WORDS,
        )
    return Said(
        problem=f"{made.named}, the rollback to {target.named}, has {made.status}: {current.named} is still current; "
        f"heroku releases:output {made.named} --app {app}"
    )


def _told(release: Release) -> str:
    """`v42 (Deploy 9e2f6a1b)`."""
    return f"{release.named} ({release.description})" if release.description else release.named


def _see(call: Call) -> str:
    return f"heroku releases --app {call.api.reach.app}"
