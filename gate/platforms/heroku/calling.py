"""What all hooks of Heroku have in common: the app that is meant, the check beforehand, their options."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Protocol, TypeAlias

from gate.model.changes import Change
from gate.model.errors import GateError, UsageError
from gate.platforms import deeds
from gate.platforms.deeds import ApiCall, ApiHook, ToldOptions, Undoable, UndoableHook
from gate.platforms.deeds import Deed as Does
from gate.platforms.heroku.answers import AppInfo
from gate.platforms.heroku.client import Api
from gate.platforms.heroku.errors import ApiError, Lost, Scopes, narrowest
from gate.platforms.heroku.reach import NotTold, known_keys, reach
from gate.policy.policy import HookSetting
from gate.run.hooking import Left

APP_ID = "app_id"
"""An option that gate writes into its ledger: on no other app is the change put back."""
_GLOBAL = "global"
# A rollback with its looks takes so many.
_FEW_REQUESTS = 30


Call: TypeAlias = ApiCall[Api]


class Deed(Does[Call], Protocol):
    """What a hook does."""

    def problem(self, call: Call) -> str:
        """What would keep it from being done, beside the app and the scope."""

    def needs(self, call: Call) -> str:
        """The scope that it takes."""


class UndoableDeed(Deed, Undoable[Call], Protocol):
    """One that can be put back."""


@dataclass(frozen=True, kw_only=True)
class HerokuHook(ApiHook[Call]):
    """The check beforehand: whether there is a token, the app is to be seen with it, and its scope does."""

    deed: Deed

    def opened(self, event: str, document: str, left_s: Left) -> Call:
        where = reach(self.around, app_id=str(self.setting.options.get(APP_ID, "")))
        api = Api(reach=where, left_s=left_s, pause=self.pause)
        return Call(api=api, event=event, document=document, around=self.around)

    def problem(self, call: Call) -> str:
        return _problem(call, self.deed)


@dataclass(frozen=True, kw_only=True)
class RestoringHook(HerokuHook, UndoableHook[Call]):
    """One whose change is put back, in the app that was changed and in no other."""

    deed: UndoableDeed

    def check_meant(self, call: Call, change: Change) -> None:
        _check_meant(call, change)


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


def kept(call: Call, change: Change, act: Callable[[], object]) -> None:
    """Does what changes something, once it is written down."""
    deeds.kept(call.around.ledger, change, act, _was_not_done)


def _was_not_done(error: GateError) -> bool:
    """Heroku has refused it, or has not heard of it."""
    return error.status > 0 if isinstance(error, ApiError) else not isinstance(error, Lost)


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
class Options(ToldOptions):
    """Those that hooks of Heroku have."""

    def known(self, *names: str) -> None:
        known_keys({key: value for key, value in self.told.items() if key != APP_ID}, names, self.kind)

    def flag(self, name: str, *, default: bool) -> bool:
        found = self.told.get(name, default)
        if isinstance(found, bool):
            return found
        raise UsageError(f"{self.kind}: {name} is neither true nor false", remedy=f"write {name} = true")


def options(setting: HookSetting) -> Options:
    return Options(kind=setting.kind, told=setting.options)
