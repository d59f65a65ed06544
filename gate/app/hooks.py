"""The hooks of one release: made from the policy, tried out, called; and what they have changed is put back."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from gate.db.errors import scrubbed
from gate.model.changes import Change, KeptChange, Until
from gate.model.errors import GateError
from gate.model.run import HookRun, Outcome
from gate.platforms.making import Around, made
from gate.platforms.preset import Platform
from gate.platforms.secrets import Secrets
from gate.policy.policy import HookSetting, Policy
from gate.run.halting import Halt
from gate.run.hooking import ON_BEGIN, Checked, Hook, Ledger, Left, Restoring, call_all, settings_of, shared
from gate.run.hooking_repeats import TellsPeople, quieted
from gate.run.journalling import Journal
from gate.sql.masking import masked

RESTORED = "restore"
"""The event of what was put back, in the report."""
_CHECK_S = 10.0
_RESTORE_S = 30.0
"""One change takes no longer to be put back."""
_EVENTS = (ON_BEGIN, "on_success", "on_refused", "on_failure")
_WELL = frozenset({Outcome.DONE, Outcome.NOTHING_PENDING})


@dataclass(frozen=True, kw_only=True)
class JournalLedger:
    """Changes in the journal of a run that has begun."""

    journal: Journal
    run: str
    database: str
    made: list[Change] = field(default_factory=list)
    """By this run: what is to be said where the journal cannot be asked any more."""

    def keep(self, change: Change) -> str:
        with _as_errors():
            key = self.journal.keep_change(change, run=self.run)
        self.made.append(change)
        return key

    def settle(self, key: str) -> None:
        with _as_errors():
            self.journal.settle_change(key)

    def kept(self) -> tuple[KeptChange, ...]:
        try:
            with _as_errors():
                changes = self.journal.standing().changes
        except GateError as error:
            said = "; ".join((error.problem, *(change.what for change in self.made)))
            raise GateError(said, remedy=error.remedy) from error
        return tuple(kept for kept in changes if kept.database in ("", self.database))


class _as_errors:  # noqa: N801 - reads as a word of the statement
    """A journal that cannot be asked halts a release; to a hook it is an error like others."""

    def __enter__(self) -> None: ...

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        if isinstance(error, Halt):
            raise GateError(error.problem, remedy=error.remedy) from error


@dataclass(kw_only=True)
class Hooks:
    """`ledger` is None until the run is in the journal. `beat` is called while a hook takes its time. `earlier` has the
    documents of the runs in the journal, newest first: people are not told the same refusal again.
    """

    policy: Policy
    platform: Platform
    now_s: Callable[[], float]
    beat: Callable[[], None] = lambda: None
    ledger: Ledger | None = None
    secrets: Secrets = field(default_factory=lambda: Secrets.of(os.environ))
    earlier: Callable[[], Sequence[Mapping[str, Any]]] = tuple

    def masked(self, text: str) -> str:
        """Without passwords of URLs and of SQL, and without what hooks were given."""
        return self.secrets.masked(masked(scrubbed(text)))

    def check(self, left_s: Left) -> tuple[str, ...]:
        """What would keep hooks from working, should they be called. Raises UsageError for settings that are wrong."""
        hooks = dict.fromkeys(setting.kind for event in _EVENTS for setting in settings_of(self.policy.release, event))
        if not hooks:
            return ()
        return tuple(dict.fromkeys(self._checked(self.within(_CHECK_S, left_s))))

    def _checked(self, left_s: Left) -> Iterator[str]:
        for event in _EVENTS:
            yield from self.check_these(settings_of(self.policy.release, event), event, left_s)

    def check_these(self, settings: Iterable[HookSetting], event: str, left_s: Left) -> Iterator[str]:
        """The same of some, whatever they are for."""
        for hook in self._made(settings):
            if isinstance(hook, Checked) and (problem := _problem_of(hook, left_s)):
                yield f"{event}: {hook.name} would not work: {self.masked(problem)}"

    def begin(self, document: str, left_s: Left) -> tuple[HookRun, ...]:
        """Those of `on_begin`, up to the first that has to work and does not."""
        found: list[HookRun] = []
        for setting in self.policy.release.on_begin:
            found += self.call_these((setting,), ON_BEGIN, document, left_s)
            if found[-1].problem and self._has_to_work(setting):
                break
        return tuple(found)

    def has_failed(self, begun: Iterable[HookRun]) -> HookRun | None:
        """The one of `begin` that keeps the release from beginning."""
        pairs = zip(self.policy.release.on_begin, begun, strict=False)
        return next((run for setting, run in pairs if run.problem and self._has_to_work(setting)), None)

    def _has_to_work(self, setting: HookSetting) -> bool:
        """A release is not put off because nobody could be told of it."""
        if setting.is_required is not None:
            return setting.is_required
        return not isinstance(self._made_or_broken(setting), TellsPeople)

    def call(self, event: str, document: str, left_s: Left) -> tuple[HookRun, ...]:
        """Those of the event that a release ended with."""
        hooks = [self._made_or_broken(setting) for setting in settings_of(self.policy.release, event)]
        told = quieted(hooks, event, document, self.earlier)
        return call_all(told, event, document, self._beating(left_s), self.now_s)

    def check_settings(self, settings: Iterable[HookSetting]) -> None:
        """Raises UsageError for what is told wrongly; asks nobody."""
        self._made(settings)

    def call_these(
        self, settings: Iterable[HookSetting], event: str, document: str, left_s: Left
    ) -> tuple[HookRun, ...]:
        """Some, whatever they are for; one that cannot be made is a problem like others."""
        return call_all(
            [self._made_or_broken(setting) for setting in settings], event, document, self._beating(left_s), self.now_s
        )

    def restore(self, outcome: Outcome, left_s: Left, then: Sequence[HookSetting] = ()) -> tuple[HookRun, ...]:
        """Puts back what this run and dead ones have changed, newest first; some of it only after a good end.

        Each has its share of the time, and those that are called `then` keep theirs.
        """
        found: list[HookRun] = []
        tried: set[str] = set()
        try:
            while due := [item for item in self._due(outcome) if item.key not in tried]:
                tried.add(due[-1].key)
                later = (*(_RESTORE_S for _ in due[1:]), *(setting.timeout_s for setting in then))
                found.append(self._restored(due[-1], shared(self._beating(left_s), self.now_s, _RESTORE_S, later)))
        except GateError as error:
            problem = self.masked(f"cannot be read: {error}")
            found.append(HookRun(event=RESTORED, name="changes", seconds=0.0, problem=problem))
        return tuple(found)

    def _due(self, outcome: Outcome) -> Sequence[KeptChange]:
        """Asked anew before each: whoever stood still may not be the one who puts it back any more."""
        kept = self.ledger.kept() if self.ledger is not None else ()
        return [item for item in kept if item.change.until is Until.RUN_ENDS or outcome in _WELL]

    def _restored(self, kept: KeptChange, left_s: Left) -> HookRun:
        begun_s, change = self.now_s(), kept.change
        try:
            done = self._restoring(change).restore(change, left_s)
        except GateError as error:
            problem = self.masked(f"{change.what} is not put back: {error}")
            return HookRun(event=RESTORED, name=change.kind, seconds=self.now_s() - begun_s, problem=problem)
        try:
            if not done.problem and self.ledger is not None:
                self.ledger.settle(kept.key)
        except GateError as error:
            problem = self.masked(f"{change.what}, and is put back, but that cannot be written down: {error}")
            return replace(done, problem=problem)
        return done

    def _restoring(self, change: Change) -> Restoring:
        hook = made(HookSetting(kind=change.kind, options=change.where), self.around())
        if not isinstance(hook, Restoring):
            raise GateError("this gate cannot do that")
        return hook

    def _made(self, settings: Iterable[HookSetting]) -> list[Hook]:
        around = self.around()
        return [made(setting, around) for setting in settings]

    def _made_or_broken(self, setting: HookSetting) -> Hook:
        """When a release ends it is too late to complain of a setting: nothing may hide how it ended."""
        try:
            return made(setting, self.around())
        except GateError as error:
            said = f"{error}; {error.remedy}".rstrip("; ").removeprefix(f"{setting.kind}: ")
            return _Broken(name=setting.kind, problem=self.masked(said))

    def around(self) -> Around:
        """What hooks are made with."""
        return Around(
            environment=os.environ,
            platform=self.platform,
            tables=self.policy.platforms,
            secrets=self.secrets,
            ledger=self.ledger,
            masked=self.masked,
        )

    def within(self, seconds: float, left_s: Left) -> Left:
        """From now on, and while the heartbeat goes on."""
        until_s, beating = self.now_s() + seconds, self._beating(left_s)
        return lambda: min(until_s - self.now_s(), beating())

    def _beating(self, left_s: Left) -> Left:
        """The lock of a run ends with its heartbeat, and a hook may take longer than three of them."""

        def asked() -> float:
            self.beat()
            return left_s()

        return asked


@dataclass(frozen=True, kw_only=True)
class _Broken:
    """A hook that could not be made."""

    name: str
    problem: str
    longest_s: float = 0.1

    def call(self, event: str, document: str, left_s: Left) -> HookRun:  # noqa: ARG002 - as every hook
        return HookRun(event=event, name=self.name, seconds=0.0, problem=self.problem)


def _problem_of(hook: Checked, left_s: Left) -> str:
    try:
        return hook.check(left_s) if left_s() > 0 else ""
    except GateError as error:
        return str(error)
