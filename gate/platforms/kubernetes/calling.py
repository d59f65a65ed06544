"""What all hooks of Kubernetes have in common: options, time, errors as words, the check beforehand."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

from gate.model.changes import Change, Until
from gate.model.errors import GateError, UsageError
from gate.model.run import HookRun
from gate.platforms.kubernetes.client import Api, Object
from gate.platforms.kubernetes.errors import ApiError, Lost, Rule, role_of
from gate.platforms.kubernetes.reach import KEY, known_keys, name, reach
from gate.platforms.making import Around
from gate.policy.policy import HookSetting
from gate.run.hooking import ON_BEGIN, Left

RESTORE = "restore"
SERVER = "server"
"""An option that gate writes into its ledger: of another cluster nothing is put back."""
UID = "uid"
"""Of the object that was changed, in `Change.before`."""
_LAST = "on_success"
# A controller that is at work on an object writes to it several times a second.
_CONFLICTS = 3


@dataclass(frozen=True, kw_only=True)
class Said:
    """What became of it, for people; `problem` is empty where all is well."""

    output: str = ""
    problem: str = ""


@dataclass(frozen=True, kw_only=True)
class Call:
    """One call of a hook, while its time lasts."""

    api: Api
    event: str
    document: str
    around: Around

    @property
    def is_final(self) -> bool:
        """What is set now is how it shall stay."""
        return self.event == _LAST

    @property
    def until(self) -> Until:
        """When what is changed now is put back."""
        return Until.RUN_ENDS if self.event == ON_BEGIN else Until.SUCCESS

    @property
    def where(self) -> dict[str, str]:
        """What a change needs to be found again, beside its name."""
        return {"namespace": self.api.namespace, SERVER: self.api.reach.server}


class Deed(Protocol):
    """What a hook does. All of it may raise errors of gate."""

    def do(self, call: Call) -> Said: ...
    def rules(self) -> tuple[Rule, ...]:
        """What has to be allowed for it."""

    def object_name(self) -> str:
        """Of the one object that it is about: a Role may allow that one alone, by `resourceNames`."""

    def problem(self, call: Call) -> str:
        """What would keep it from being done, beside a right that is missing."""


class Undoable(Deed, Protocol):
    """One that can be put back."""

    def undo(self, call: Call, change: Change) -> Said: ...


@dataclass(frozen=True, kw_only=True)
class KubernetesHook:
    """`pause` waits between two requests, in seconds."""

    setting: HookSetting
    around: Around = field(repr=False)
    deed: Deed
    pause: Callable[[float], None] = time.sleep

    @property
    def name(self) -> str:
        return self.setting.kind

    @property
    def longest_s(self) -> float:
        return self.setting.timeout_s

    def call(self, event: str, document: str, left_s: Left) -> HookRun:
        """Does it; what goes wrong is the problem of what is returned."""
        return self._run(event, document, left_s, self.deed.do)

    def check(self, left_s: Left) -> str:
        """Whether the API server can be asked, and lets us do all that it takes."""
        return self._run("check", "", left_s, lambda call: Said(problem=_problem(call, self.deed))).problem

    def _run(self, event: str, document: str, left_s: Left, act: Callable[[Call], Said]) -> HookRun:
        begun_s = time.monotonic()

        def remaining_s() -> float:
            return min(left_s(), self.longest_s - (time.monotonic() - begun_s))

        try:
            said = act(Call(api=self._api(remaining_s), event=event, document=document, around=self.around))
        except GateError as error:
            said = Said(problem=in_words(error))
        return HookRun(
            event=event,
            name=self.name,
            seconds=time.monotonic() - begun_s,
            problem=self._masked(said.problem),
            output=self._masked(said.output),
        )

    def _api(self, left_s: Left) -> Api:
        where = reach(
            self.around.environment,
            self.around.tables.get(KEY, {}),
            self.around.secrets,
            namespace=options(self.setting).text("namespace") or None,
        )
        return Api(reach=where, left_s=left_s, pause=self.pause)

    def _masked(self, text: str) -> str:
        """The token too, whoever has said it."""
        return self.around.secrets.masked(self.around.masked(text))


@dataclass(frozen=True, kw_only=True)
class RestoringHook(KubernetesHook):
    """One whose change is put back by whoever ends the run."""

    deed: Undoable

    def restore(self, change: Change, left_s: Left) -> HookRun:
        """Puts it back where it is still as gate has set it."""
        setting = replace(self.setting, options={**self.setting.options, **change.where})

        def act(call: Call) -> Said:
            if call.api.reach.server != change.where.get(SERVER):
                raise UsageError(
                    f"{change.what}, in the cluster at {change.where.get(SERVER)}, and this one is another",
                    remedy="release from there, or put it back by hand",
                )
            return self.deed.undo(call, change)

        return replace(self, setting=setting)._run(RESTORE, "", left_s, act)  # noqa: SLF001 - our own


def in_words(error: GateError) -> str:
    """The problem and the way out; a hook's report has no other place for that."""
    return f"{error.problem}: {error.remedy}" if error.remedy else error.problem


def kept(call: Call, change: Change, act: Callable[[], object]) -> None:
    """Does what changes something, once it is written down; a change that was certainly not made is struck out."""
    ledger = call.around.ledger
    if ledger is None:
        raise GateError(
            "nothing was changed: there is no journal in which it could be written down, so nobody could put it back",
            remedy="it works in gate release, with a journal",
        )
    key = ledger.keep(change)
    try:
        act()
    except GateError as error:
        if not isinstance(error, Lost):
            # Where that cannot be written whoever puts it back will find nothing to be done.
            with suppress(GateError):
                ledger.settle(key)
        raise


def uid_of(found: Object) -> str:
    """No other object has it, in this cluster or another."""
    return str(found["metadata"].get("uid", ""))


def is_another(found: Object, change: Change) -> bool:
    """Whether it only has the name: a copy of the database, in another cluster, has the journal too, and most API
    servers are at the same address of their cluster.
    """
    return uid_of(found) != str(change.before.get(UID, uid_of(found)))


def reread(act: Callable[[], Said]) -> Said:
    """Does it again where somebody has changed the object meanwhile: `act` begins with reading it."""
    for _ in range(_CONFLICTS):
        try:
            return act()
        except ApiError as error:
            if not error.is_conflict:
                raise
    return act()


def _problem(call: Call, deed: Deed) -> str:
    # A list is of all objects, and has no name.
    names = {rule: "" if rule.verb == "list" else deed.object_name() for rule in deed.rules()}
    missing = [rule for rule, name_of in names.items() if not call.api.review(rule, name_of)]
    if missing:
        named = ", ".join(rule.named for rule in missing)
        role = role_of(missing, namespace=call.api.namespace, account=call.api.reach.account())
        return f"this account may not {named} in namespace {call.api.namespace}: {role}"
    return deed.problem(call)


# --- options ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Options:
    """Those that stand beside `hook` in gate.toml. All that is read raises UsageError for what does not do."""

    kind: str
    told: Mapping[str, Any]

    def known(self, *names: str) -> None:
        """`namespace` always is."""
        told = {key: value for key, value in self.told.items() if key != SERVER}
        known_keys(told, (*names, "namespace"), self.kind)

    def text(self, key: str) -> str:
        found = self.told.get(key, "")
        if isinstance(found, str):
            return found.strip()
        raise UsageError(f"{self.kind}: {key} is no text", remedy=f'write {key} = "..."')

    def named(self, key: str) -> str:
        """The name of an object, which has to be told."""
        found = self.text(key)
        if not found:
            raise UsageError(f"{self.kind}: {key} is not told", remedy=f'write {key} = "NAME" beside the hook')
        return name(found, f"{self.kind}: the {key}")

    def number(self, key: str, default: int) -> int:
        """A whole one that is not negative."""
        found = self.told.get(key, default)
        if isinstance(found, int) and not isinstance(found, bool) and found >= 0:
            return found
        raise UsageError(f"{self.kind}: {key} is no whole number", remedy=f"write {key} = {default}")


def options(setting: HookSetting) -> Options:
    return Options(kind=setting.kind, told=setting.options)
