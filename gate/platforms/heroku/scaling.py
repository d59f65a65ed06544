"""`heroku.scale`: a process type to so many dynos, workers to none as a rule, and back."""

from __future__ import annotations

import re
from dataclasses import dataclass

from gate.model.changes import Change
from gate.model.errors import UsageError
from gate.model.units import plural
from gate.platforms.deeds import Said
from gate.platforms.heroku.answers import ONE_OFF, Process
from gate.platforms.heroku.calling import APP_ID, Call, RestoringHook, kept, options
from gate.platforms.making import Around
from gate.policy.policy import HookSetting

KIND = "heroku.scale"
_TYPE = re.compile(r"[-\w]{1,128}", re.ASCII)


@dataclass(frozen=True, kw_only=True)
class Scale:
    """`kind` is the process type."""

    kind: str
    quantity: int

    def needs(self, call: Call) -> str:  # noqa: ARG002 - as every deed
        return "write"

    def problem(self, call: Call) -> str:
        return missing(call, self.kind)

    def do(self, call: Call) -> Said:
        absent = missing(call, self.kind)
        if absent:
            return Said(problem=absent)
        app, now = call.api.app(), call.api.process(self.kind)
        if now.quantity == self.quantity:
            return Said(output=f"{self.kind} of {app.name} has {_dynos(self.quantity)} already")
        if call.is_final:
            call.api.scale(self.kind, self.quantity)
        else:
            change = Change(
                kind=KIND,
                target=f"{self.kind} of {app.name}",
                what=f"{self.kind} of {app.name} was scaled from {now.quantity} to {self.quantity}",
                before=_state(now),
                after={**_state(now), "quantity": self.quantity},
                until=call.until,
                where={APP_ID: app.id, "type": self.kind, "quantity": self.quantity},
            )
            kept(call, change, lambda: call.api.scale(self.kind, self.quantity))
        return Said(output=f"{self.kind} of {app.name} has {_dynos(self.quantity)} now, and had {now.quantity}")

    def undo(self, call: Call, change: Change) -> Said:
        before, after = (int(state["quantity"]) for state in (change.before, change.after))
        absent = missing(call, self.kind)
        if absent:
            return Said(output=f"{change.target} is left alone: {absent}")
        now = call.api.process(self.kind)
        if now.quantity == before:
            return Said(output=f"{change.target} has {_dynos(before)} again already")
        if now.quantity != after:
            return Said(
                output=f"{change.target} is left at {_dynos(now.quantity)}: gate had set {after} instead of {before}, "
                "and somebody has changed that since"
            )
        call.api.scale(self.kind, before)
        size = change.before.get("size")
        said = "" if now.size == size else f"; its dynos' size is {now.size} and was {size}, that is left as it is"
        return Said(output=f"{change.target} has {_dynos(before)} again{said}")


def made(setting: HookSetting, around: Around) -> RestoringHook:
    told = options(setting)
    told.known("type", "quantity")
    kind, quantity = process_type(told.text("type"), KIND), told.number("quantity", what="number of dynos")
    return RestoringHook(setting=setting, around=around, deed=Scale(kind=kind, quantity=quantity))


def process_type(told: str, where: str) -> str:
    """One that a Procfile may have. Raises UsageError for what is none, and for that of one-off dynos."""
    if not _TYPE.fullmatch(told):
        raise UsageError(f"{where}: {told!r} is no process type", remedy='name one of the Procfile: type = "worker"')
    if told in ONE_OFF:
        raise UsageError(f"{where}: {told} dynos run once, and are none of the formation", remedy="name another type")
    return told


def missing(call: Call, kind: str) -> str:
    """What to say where the formation has no such type, else nothing."""
    kinds = [process.kind for process in call.api.formation()]
    if kind in kinds:
        return ""
    return f"the formation has no process type {kind}: it has {', '.join(kinds) or 'none'}"


def _state(process: Process) -> dict[str, object]:
    return {"quantity": process.quantity, "size": process.size}


def _dynos(number: int) -> str:
    return plural(number, "dyno") if number else "no dyno"
