"""What all hooks of Heroku have in common: their options, their time, their errors as words, the check beforehand."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

from gate.model.changes import Change, Until
from gate.model.errors import GateError, UsageError
from gate.model.run import HookRun
from gate.platforms.heroku.answers import AppInfo
from gate.platforms.heroku.client import Api
from gate.platforms.heroku.errors import ApiError, Lost, Scopes, narrowest
from gate.platforms.heroku.reach import NotTold, known_keys, reach
from gate.platforms.making import Around
from gate.policy.policy import HookSetting
from gate.run.hooking import ON_BEGIN, Ledger, Left

RESTORE = "restore"
APP_ID = "app_id"
"""An option that gate writes into its ledger: on no other app is the change put back."""
_LAST = "on_success"
_GLOBAL = "global"
# A rollback with its looks takes so many.
_FEW_REQUESTS = 30


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
    def is_begin(self) -> bool:
        return self.event == ON_BEGIN

    @property
    def is_final(self) -> bool:
        """What is set now is how it shall stay."""
        return self.event == _LAST

    @property
    def until(self) -> Until:
        """When what is changed now is put back."""
        return Until.RUN_ENDS if self.is_begin else Until.SUCCESS


class Deed(Protocol):
    """What a hook does. All of it may raise errors of gate."""

    def do(self, call: Call) -> Said: ...
    def problem(self, call: Call) -> str:
        """What would keep it from being done, beside the app and the scope."""

    def needs(self, call: Call) -> str:
        """The scope that it takes."""


class Undoable(Deed, Protocol):
    """One that can be put back."""

    def undo(self, call: Call, change: Change) -> Said: ...


@dataclass(frozen=True, kw_only=True)
class HerokuHook:
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
        """Whether there is a token, the app is to be seen with it, and its scope does."""
        found = self._run("check", "", left_s, lambda call: Said(problem=_problem(call, self.deed)))
        return found.problem

    def _run(self, event: str, document: str, left_s: Left, act: Callable[[Call], Said]) -> HookRun:
        begun_s = time.monotonic()

        def remaining_s() -> float:
            return min(left_s(), self.longest_s - (time.monotonic() - begun_s))

        try:
            where = reach(self.around, app_id=str(self.setting.options.get(APP_ID, "")))
            api = Api(reach=where, left_s=remaining_s, pause=self.pause)
            said = act(Call(api=api, event=event, document=document, around=self.around))
        except GateError as error:
            said = Said(problem=in_words(error))
        return HookRun(
            event=event,
            name=self.name,
            seconds=time.monotonic() - begun_s,
            problem=self._masked(said.problem),
            output=self._masked(said.output),
        )

    def _masked(self, text: str) -> str:
        """The token too, whoever has said it."""
        return self.around.secrets.masked(self.around.masked(text))


@dataclass(frozen=True, kw_only=True)
class RestoringHook(HerokuHook):
    """One whose change is put back by whoever ends the run."""

    deed: Undoable

    def restore(self, change: Change, left_s: Left) -> HookRun:
        """Puts it back where it is still as gate has set it."""
        setting = replace(self.setting, options={**self.setting.options, **change.where})

        def act(call: Call) -> Said:
            _check_meant(call, change)
            return self.deed.undo(call, change)

        return replace(self, setting=setting)._run(RESTORE, "", left_s, act)  # noqa: SLF001 - our own


def _check_meant(call: Call, change: Change) -> None:
    """A copy of the database, in another app, has the journal of the one that it was made of.

    Raises UsageError where another app is told by now; where none is told there is nothing to go by.
    """
    try:
        told = reach(call.around)
    except NotTold:
        return
    changed = change.where.get(APP_ID)
    meant = told.app_id or replace(call.api, reach=told).app().id
    if meant != changed:
        raise UsageError(
            f"{change.what}, and gate is told of another app now ({told.app})",
            remedy=f"GATE_HEROKU_APP={changed} gate kill puts it back from elsewhere; where this database is a copy of "
            "that app's, set settled_at of the change in gate's journal",
        )


def in_words(error: GateError) -> str:
    """The problem and the way out; a hook's report has no other place for that."""
    return f"{error.problem}: {error.remedy}" if error.remedy else error.problem


def kept(call: Call, change: Change, act: Callable[[], object]) -> None:
    """Does what changes something, once it is written down; a change that was certainly not made is struck out."""
    ledger = _ledger(call)
    key = ledger.keep(change)
    try:
        act()
    except GateError as error:
        if _was_not_done(error):
            # Where that cannot be written whoever puts it back will find nothing to be done.
            with suppress(GateError):
                ledger.settle(key)
        raise


def _was_not_done(error: GateError) -> bool:
    """Heroku has refused it, or has not heard of it."""
    return error.status > 0 if isinstance(error, ApiError) else not isinstance(error, Lost)


def _ledger(call: Call) -> Ledger:
    ledger = call.around.ledger
    if ledger is None:
        raise GateError(
            "nothing was changed: there is no journal in which it could be written down, so nobody could put it back",
            remedy="it works in gate release, with a journal",
        )
    return ledger


# --- beforehand -------------------------------------------------------------------------------------------------------


def _problem(call: Call, deed: Deed) -> str:
    app = call.api.app()
    if app.requests_left is not None and app.requests_left < _FEW_REQUESTS:
        return (
            f"the account of the token has {app.requests_left} requests left at Heroku's API, of 4,500: about 75 come "
            "back each minute"
        )
    return _scope_problem(call, app, deed.needs(call)) or deed.problem(call)


def _scope_problem(call: Call, app: AppInfo, needed: str) -> str:
    """Heroku tells with each answer what the token may; else its authorization does. Where neither does, nothing is
    known against it.
    """
    has = app.scopes.has or call.api.scopes_of_token()
    takes = (needed, f"{needed.removesuffix('-protected')}-protected", _GLOBAL)
    if not Scopes(has=has, takes=takes).is_missing:
        return ""
    return (
        f"the token of {call.api.reach.token_key} has the scope {' '.join(has)}, and this takes {narrowest(takes)}: "
        f"heroku authorizations:create --scope {narrowest(takes)}"
    )


# --- options ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Options:
    """Those that stand beside `hook` in gate.toml. All that is read raises UsageError for what does not do."""

    kind: str
    told: Mapping[str, Any]

    def known(self, *names: str) -> None:
        known_keys({key: value for key, value in self.told.items() if key != APP_ID}, names, self.kind)

    def text(self, name: str, default: str = "") -> str:
        found = self.told.get(name, default)
        if isinstance(found, str):
            return found.strip()
        raise UsageError(f"{self.kind}: {name} is no text", remedy=f'write {name} = "..."')

    def flag(self, name: str, *, default: bool) -> bool:
        found = self.told.get(name, default)
        if isinstance(found, bool):
            return found
        raise UsageError(f"{self.kind}: {name} is neither true nor false", remedy=f"write {name} = true")

    def number(self, name: str) -> int:
        """A whole one that is not negative."""
        found = self.told.get(name)
        if isinstance(found, int) and not isinstance(found, bool) and found >= 0:
            return found
        raise UsageError(f"{self.kind}: {name} is no number of dynos", remedy=f"write {name} = 0")


def options(setting: HookSetting) -> Options:
    return Options(kind=setting.kind, told=setting.options)
