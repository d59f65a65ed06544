"""`heroku.maintenance`: Heroku answers in the app's place, until it is put back.

It keeps visitors out, not workers: these are scaled down for that.
"""

from __future__ import annotations

from dataclasses import dataclass

from gate.model.changes import Change
from gate.platforms.deeds import Said
from gate.platforms.heroku.answers import AppInfo
from gate.platforms.heroku.calling import APP_ID, Call, RestoringHook, kept, options
from gate.platforms.making import Around
from gate.policy.policy import HookSetting

KIND = "heroku.maintenance"
_KEY = "maintenance"


@dataclass(frozen=True, kw_only=True)
class Maintenance:
    """`is_on` is what it is set to."""

    is_on: bool

    def needs(self, call: Call) -> str:  # noqa: ARG002 - as every deed
        return "write"

    def problem(self, call: Call) -> str:  # noqa: ARG002 - nothing but the app is asked for
        return ""

    def do(self, call: Call) -> Said:
        app = call.api.app()
        if app.is_in_maintenance == self.is_on:
            return Said(output=f"maintenance of {app.name} is {_word(is_on=self.is_on)} already")
        # Taking it away after a run is no change for a time: nobody wants it back at the next success.
        if call.is_final or not (call.is_begin or self.is_on):
            call.api.set_maintenance(is_on=self.is_on)
        else:
            kept(call, self._change(app, call), lambda: call.api.set_maintenance(is_on=self.is_on))
        return Said(output=f"maintenance of {app.name} is {_word(is_on=self.is_on)} now")

    def undo(self, call: Call, change: Change) -> Said:
        app, before = call.api.app(), change.before.get(_KEY) is True
        if app.is_in_maintenance == before:
            return Said(output=f"maintenance of {app.name} is {_word(is_on=before)} again already")
        call.api.set_maintenance(is_on=before)
        return Said(output=f"maintenance of {app.name} is {_word(is_on=before)} again")

    def _change(self, app: AppInfo, call: Call) -> Change:
        return Change(
            kind=KIND,
            target=app.name,
            what=f"maintenance of {app.name} was switched {_word(is_on=self.is_on)}",
            before={_KEY: app.is_in_maintenance},
            after={_KEY: self.is_on},
            until=call.until,
            where={APP_ID: app.id, "on": self.is_on},
        )


def made(setting: HookSetting, around: Around) -> RestoringHook:
    told = options(setting)
    told.known("on")
    return RestoringHook(setting=setting, around=around, deed=Maintenance(is_on=told.flag("on", default=True)))


def _word(*, is_on: bool) -> str:
    return "on" if is_on else "off"
