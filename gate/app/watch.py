"""`gate watch`: samples of a release that has just been deployed, and the rollback through the platform if it fails."""

from __future__ import annotations

import json
import os
import shutil
import time
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from gate.app.hooks import Hooks
from gate.app.request import Request
from gate.app.sessions_waiting import WaitingSessions
from gate.app.settings import load
from gate.app.world import Interrupted, World
from gate.model.errors import GateError, UsageError
from gate.model.run import HookRun, Outcome
from gate.model.units import lasting, plural
from gate.model.version import VERSION
from gate.platforms.command import CommandHook
from gate.platforms.health import Asked, probe
from gate.platforms.known import platform_of
from gate.platforms.preset import Place, Platform
from gate.platforms.secrets import Secrets
from gate.policy.addresses import is_named
from gate.policy.policy import Health, HookSetting, Policy
from gate.policy.policy import Watch as Wanted
from gate.policy.quantities import SHORTEST_S
from gate.run.holding import (
    Action,
    Progress,
    Reading,
    Sample,
    Seen,
    Watched,
    advance,
    blind_probes,
    blocked,
    watch_document,
    were_there,
)
from gate.run.hooking import ON_WATCH_FAILURE

TELL_EVERY_S = 30.0
_RELEASES = {
    "heroku.rollback": "--release v42",
    "kubernetes.rollout_undo": "--release 7 or --release shop:1.8, the revision or the image",
}
ROLLBACKS = frozenset(_RELEASES)
"""They act on a release that is named, as it is called there."""
_HOOKS_S = 900.0
"""All hooks together; each has its own timeout besides."""
_CHECKS, _CHECK_AGAIN_S, _CHECK_S = 3, 1.0, 10.0
_BY_HAND = "no rollback is configured: roll back by hand, or name a hook in [[watch.on_failure]] of gate.toml"
_NOT_CALLED = "no hook was called, for --no-hooks was given: roll back by hand"


@dataclass(kw_only=True)
class _Watching:
    """`tell` takes a line of what happens. `sessions` is None where no database is looked at."""

    wanted: Wanted
    hooks: Hooks
    world: World
    tell: Callable[[str], None]
    url: str
    where: str
    release: str
    sessions: WaitingSessions | None
    calls_hooks: bool = True
    id: str = field(default_factory=lambda: os.urandom(8).hex())
    began_at: str = field(default_factory=lambda: datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ"))
    notes: list[str] = field(default_factory=list)
    told: tuple[object, ...] = ()
    told_s: float = 0.0

    def run(self) -> Watched:
        """To the end of the time, or to a failure; a signal ends it without a rollback."""
        self.progress = Progress(began_s=self.world.now())
        self.last = Sample(at_s=self.progress.began_s, readings=())
        self.tell(self._begins())
        with self.world.signals():
            try:
                with self.world.interruptible():
                    action = self._loop()
            except Interrupted:
                return self._stopped()
            return self._decided(action)

    def _loop(self) -> Action:
        while True:
            self.last = self._sample()
            action, self.progress = advance(self.wanted, self.progress, self.last)
            self._say()
            if action is not Action.GO_ON:
                return action
            self._rest_until(self.last.at_s + self.wanted.every_s)

    def _rest_until(self, at_s: float) -> None:
        while (rest_s := at_s - self.world.now()) > 0:
            self.world.rest(rest_s)

    # --- one sample ---------------------------------------------------------------------------------------------------

    def _sample(self) -> Sample:
        at_s, found = self.world.now(), []
        if self.wanted.health is not None:
            found.append(probe(Asked(url=self.url, health=self.wanted.health)))
        if self.wanted.command:
            found.append(self._run_command())
        if self.sessions is not None:
            found.append(self._look_at_sessions(self.sessions))
        return Sample(at_s=at_s, readings=tuple(replace(one, said=self.hooks.masked(one.said)) for one in found))

    def _run_command(self) -> Reading:
        program = self.wanted.command[0]
        if shutil.which(program) is None:
            return Reading(probe="command", seen=Seen.UNKNOWN, said=f"{program} is not there any more")
        setting = HookSetting(command=self.wanted.command, timeout_s=self.wanted.command_timeout_s)
        hook = CommandHook(setting=setting, masked=self.hooks.masked)
        document = json.dumps(watch_document(self._ended(Outcome.RUNNING, "")), ensure_ascii=False)
        done = hook.call("watch", document, lambda: self.wanted.command_timeout_s * 2)
        if not done.problem:
            return Reading(probe="command", seen=Seen.GOOD)
        last = done.output.strip().rpartition("\n")[2]
        return Reading(
            probe="command", seen=Seen.BAD, said=f"{hook.name} {done.problem}" + (f": {last[:200]}" if last else "")
        )

    def _look_at_sessions(self, sessions: WaitingSessions) -> Reading:
        try:
            waiting = sessions.now()
        except GateError as error:
            said = f"the database was not reached: {error.problem.partition(chr(10))[0]}"
            return Reading(probe="blocked", seen=Seen.UNKNOWN, said=said)
        watched_s = self.world.now() - self.progress.began_s
        if not self.progress.taken:
            self._note(
                *(
                    f"blocked since before the watch began, and not counted: {one}"
                    for one in were_there(waiting, watched_s)
                )
            )
        return blocked(self.wanted, waiting, watched_s)

    # --- what is said -------------------------------------------------------------------------------------------------

    def _begins(self) -> str:
        wanted = self.wanted
        probes = [
            *(["the health URL"] if wanted.health is not None else []),
            *([f"the command {os.path.basename(wanted.command[0])}"] if wanted.command else []),  # noqa: PTH119 - a name
            *(["blocked sessions"] if self.sessions is not None else []),
        ]
        boots = f", after {lasting(wanted.start_after_s)} to boot" if wanted.start_after_s else ""
        then = ", ".join(item.kind for item in wanted.on_failure) or "nothing is called"
        return (
            f"watching {self._named()} for {lasting(wanted.for_s)}{boots}, from {self.where}: {', '.join(probes)}, "
            f"every {lasting(wanted.every_s)}; {plural(wanted.failures, 'bad sample')} in a row "
            f"{'is' if wanted.failures == 1 else 'are'} a failure: then {then}"
        )

    def _say(self) -> None:
        """Each change at once, and every 30 s how it stands."""
        sample, progress, now_s = self.last, self.progress, self.world.now()
        bad = (*sample.those(Seen.BAD), *sample.those(Seen.UNKNOWN))
        state = tuple((reading.probe, reading.seen) for reading in sample.readings)
        if state == self.told and not sample.those(Seen.BAD) and now_s - self.told_s < TELL_EVERY_S:
            return
        self.told, self.told_s = state, now_s
        booting = sample.at_s - progress.began_s < self.wanted.start_after_s and bad
        never_good = [item for item in sample.those(Seen.BAD) if item.probe not in progress.was_good]
        if never_good and not booting and progress.bad == 1:
            self._note(
                f"{never_good[0].probe} is bad from the first sample that counts: it may have been so before the deploy"
            )
        row = (
            f" ({progress.in_a_row} of {self.wanted.failures} in a row)"
            if sample.those(Seen.BAD) and not booting
            else ""
        )
        said = "; ".join(_told(reading) for reading in bad) or "good"
        self.tell(f"{lasting(self._lasted_s())}: {said}{row}" + (", not counted while it boots" if booting else ""))

    def _note(self, *notes: str) -> None:
        for note in notes:
            self.notes.append(note)
            self.tell(note)

    def _named(self) -> str:
        return f"release {self.release}" if self.release else "the release"

    def _lasted_s(self) -> float:
        return self.world.now() - self.progress.began_s

    # --- how it ends --------------------------------------------------------------------------------------------------

    def _stopped(self) -> Watched:
        return self._ended(
            Outcome.STOPPED,
            f"stopped by {self.world.stop} after {lasting(self._lasted_s())}: how {self._named()} does is not known, "
            "and nothing was rolled back",
            remedy="watch again",
        )

    def _decided(self, action: Action) -> Watched:
        progress, lasted = self.progress, lasting(self._lasted_s())
        if action is Action.PASSED:
            partly = f"; {progress.unknown} not known whole" if progress.unknown else ""
            bad = f", {progress.bad} of them bad" if progress.bad else ""
            return self._ended(
                Outcome.DONE, f"{self._named()} held for {lasted}: {plural(progress.taken, 'sample')}{bad}{partly}"
            )
        if action is Action.NOT_KNOWN:
            blind = blind_probes(self.wanted, progress, self.last) or self.last.those(Seen.UNKNOWN)
            return self._ended(
                Outcome.UNREACHABLE,
                f"after {lasted} it is not known how {self._named()} does: {'; '.join(map(_told, blind))}",
                remedy="nothing was rolled back; look at the app, and watch again from where it can be reached",
            )
        return self._failed(lasted)

    def _failed(self, lasted: str) -> Watched:
        said = "; ".join(map(_told, self.last.those(Seen.BAD)))
        ended = self._ended(
            Outcome.FAILED,
            f"{said}: {plural(self.progress.in_a_row, 'bad sample')} in a row, {self._named()} fails after {lasted}",
        )
        return self._with_hooks(ended)

    def _with_hooks(self, ended: Watched) -> Watched:
        """A signal from now on only shortens what is left: a rollback that was begun is brought to its end."""
        settings = self.wanted.on_failure
        if not settings:
            return replace(ended, remedy=_BY_HAND if self.calls_hooks else _NOT_CALLED)
        for setting in settings:
            self.tell(f"calling {setting.kind}")
        until_s = self.world.now() + _HOOKS_S
        document = json.dumps(watch_document(ended), indent=2, ensure_ascii=False)
        called = self.hooks.call_these(settings, ON_WATCH_FAILURE, document, lambda: self._left_s(until_s))
        outcome, remedy = _after(settings, called)
        return replace(ended, hooks=called, outcome=outcome, remedy=remedy)

    def _left_s(self, until_s: float) -> float:
        now_s, stopped_s = self.world.now(), self.world.stopped_s
        if stopped_s is None:
            return until_s - now_s
        policy, platform = self.hooks.policy, self.hooks.platform
        grace_s = policy.release.grace_s if policy.release.grace_s is not None else platform.grace_s
        return min(until_s, stopped_s + grace_s) - now_s

    def _ended(self, outcome: Outcome, problem: str, remedy: str = "") -> Watched:
        return Watched(
            run=self.id,
            gate=VERSION,
            release=self.release,
            where=self.where,
            database=self.sessions.database if self.sessions is not None else "",
            started_at=self.began_at,
            seconds=self._lasted_s(),
            outcome=outcome,
            progress=self.progress,
            readings=self.last.readings,
            problem=problem,
            remedy=remedy,
            notes=tuple(self.notes),
        )


def _after(settings: tuple[HookSetting, ...], called: tuple[HookRun, ...]) -> tuple[Outcome, str]:
    """A rollback that was due and did not work needs a person; a message that did not arrive does not."""
    pairs = list(zip(settings, called, strict=True))
    failed = [run for setting, run in pairs if run.problem and setting.kind in {*ROLLBACKS, "command"}]
    if failed:
        return Outcome.NEEDS_PERSON, f"{failed[0].name} did not work: roll back by hand, or see why"
    acts = any(setting.kind in {*ROLLBACKS, "command"} for setting in settings)
    return Outcome.FAILED, "" if acts else _BY_HAND


def _told(reading: Reading) -> str:
    lead = reading.probe if reading.seen is Seen.BAD else f"{reading.probe} not known"
    return f"{lead}: {reading.said}" if reading.said else lead


def watch(
    request: Request,
    told: Mapping[str, Any],
    tell: Callable[[str], None],
    environment: Mapping[str, str] = os.environ,
) -> Watched:
    """How it ended. `told` are fields of the policy's Watch that the command line names, those of `health` below it.

    Raises UsageError where nothing is to be watched, in a release phase, and where a hook would not work.
    """
    settings = load(request)
    wanted = _settled(settings.policy, told, environment)
    platform = platform_of(environment)
    _check_place(platform)
    secrets = Secrets.of(environment)
    world = World()
    hooks = Hooks(policy=settings.policy, platform=platform, now_s=time.monotonic, secrets=secrets)
    url = _url(wanted, secrets, environment)
    if not request.calls_hooks:
        wanted = replace(wanted, on_failure=())
    _check_hooks(hooks, wanted)
    with closing(WaitingSessions(request, settings)) as sessions:
        watching = _Watching(
            wanted=wanted,
            hooks=hooks,
            world=world,
            tell=lambda line: tell(hooks.masked(line)),
            url=url,
            where=where(platform, environment),
            release=wanted.release,
            sessions=sessions if wanted.blocked_s is not None else None,
            calls_hooks=request.calls_hooks,
        )
        return watching.run()


def _settled(policy: Policy, told: Mapping[str, Any], environment: Mapping[str, str]) -> Wanted:
    given = {name: value for name, value in told.items() if value is not None and name != "health"}
    wanted = replace(policy.watch, **given, health=_health(policy.watch.health, told.get("health") or {}))
    if wanted.health is None and not wanted.command and wanted.blocked_s is None:
        raise UsageError(
            "there is nothing to watch",
            remedy="give --health URL, --command PROGRAM or --blocked TIME, or write [watch] in gate.toml",
        )
    _check_times(wanted, is_told=bool({"for_s", "every_s", "failures"} & given.keys()))
    if wanted.command and shutil.which(wanted.command[0]) is None:
        raise UsageError(f"the command to watch with, {wanted.command[0]}, is not there", remedy="check its path")
    if wanted.release:
        return wanted
    # Of a one-off dyno with dyno metadata: it runs the release that is current when it begins.
    return replace(wanted, release=environment.get("HEROKU_RELEASE_VERSION", "").strip())


def _check_times(wanted: Wanted, *, is_told: bool) -> None:
    """As for gate.toml: a watch that could not find what it looks for would call any release good."""
    if wanted.every_s < SHORTEST_S:
        raise UsageError(f"--every {lasting(wanted.every_s)} is below 100 ms", remedy="such as --every 5s")
    if wanted.every_s * wanted.failures > wanted.for_s and is_told:
        raise UsageError(
            f"--for {lasting(wanted.for_s)} is too short for {plural(wanted.failures, 'bad sample')} in a row, "
            f"one every {lasting(wanted.every_s)}",
            remedy=f"--for {lasting(wanted.every_s * wanted.failures)} at least, or a shorter --every",
        )
    if wanted.blocked_s is not None and wanted.blocked_s > wanted.for_s:
        raise UsageError(
            f"--blocked {lasting(wanted.blocked_s)} is longer than the watch itself, {lasting(wanted.for_s)}: nobody "
            "could be found to wait for so long",
            remedy="a longer --for, or a shorter --blocked",
        )


def _health(otherwise: Health | None, told: Mapping[str, Any]) -> Health | None:
    given = {name: value for name, value in told.items() if value is not None}
    if otherwise is None and given and "url" not in given:
        raise UsageError("what the app has to answer is told, but not where to ask it", remedy="give --health URL")
    if not given:
        return otherwise
    return Health(**given) if otherwise is None else replace(otherwise, **given)


def _check_place(platform: Platform) -> None:
    if platform.place is Place.BEFORE:
        raise UsageError(
            f"gate watch has nothing to watch in the {platform.place_name} of {platform.name}: the new release is not "
            "the current one yet, and a non-zero exit of this very command is the rollback",
            remedy="run it after the deploy: as a step of CI, in a one-off dyno, or as a Job after the upgrade",
        )


def _url(wanted: Wanted, secrets: Secrets, environment: Mapping[str, str]) -> str:
    if wanted.health is None:
        return ""
    told = wanted.health.url
    url = secrets.read(told, environment, key="watch.health.url") if is_named(told) else told
    if not url.startswith(("http://", "https://")):
        raise UsageError("the health URL begins with neither http:// nor https://", remedy="give the whole URL")
    return url


def _check_hooks(hooks: Hooks, wanted: Wanted) -> None:
    """A rollback that would not work is found out now. Tried again: an API that is away for a moment is no reason."""
    unnamed = [item.kind for item in wanted.on_failure if item.kind in ROLLBACKS and not item.options.get("release")]
    if unnamed and not wanted.release:
        raise UsageError(
            f"{unnamed[0]} rolls back a release that is named, and none is",
            remedy=f"name the one that was deployed: {_RELEASES[unnamed[0]]}; or release under [watch]",
        )
    for attempt in range(1, _CHECKS + 1):
        problems = _problems(hooks, wanted)
        if not problems:
            return
        if attempt < _CHECKS:
            time.sleep(_CHECK_AGAIN_S)
    raise UsageError("; ".join(problems), remedy="put that right and watch again; --no-hooks watches without them")


def _problems(hooks: Hooks, wanted: Wanted) -> list[str]:
    until_s = time.monotonic() + _CHECK_S
    return list(hooks.check_these(wanted.on_failure, ON_WATCH_FAILURE, lambda: until_s - time.monotonic()))


def where(platform: Platform, environment: Mapping[str, str]) -> str:
    """The place that this runs in, for people."""
    for variable, name in (("GITHUB_ACTIONS", "GitHub Actions"), ("GITLAB_CI", "GitLab CI"), ("CIRCLECI", "CircleCI")):
        if environment.get(variable):
            return f"a CI step ({name})"
    if environment.get("DYNO", "").startswith(("run.", "run-")):
        return f"a one-off dyno ({environment['DYNO']})"
    if platform.key == "kubernetes":
        return "a pod (Kubernetes)"
    if platform.key:
        return f"{platform.name}, {platform.place_name}".rstrip(", ")
    return "a CI step" if environment.get("CI") else "this machine"
