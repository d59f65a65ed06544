"""`kubernetes.scale`: a Deployment or a StatefulSet to so many pods, workers to none as a rule, and back."""

from __future__ import annotations

from dataclasses import dataclass

from gate.model.changes import Change
from gate.model.errors import UsageError
from gate.model.units import plural
from gate.platforms.deeds import Said
from gate.platforms.kubernetes.calling import UID, Call, RestoringHook, is_another, kept, options, reread, uid_of
from gate.platforms.kubernetes.client import AUTOSCALERS, Object
from gate.platforms.kubernetes.errors import Rule
from gate.platforms.kubernetes.owners import warning_of
from gate.platforms.kubernetes.scaling import KINDS, Scaled, autoscaler_note, scale, size_of
from gate.platforms.making import Around
from gate.policy.policy import HookSetting

KIND = "kubernetes.scale"


@dataclass(frozen=True, kw_only=True)
class Scale:
    """`replicas` is how many pods it is to have."""

    target: Scaled
    replicas: int

    def rules(self) -> tuple[Rule, ...]:
        resource = self.target.resource
        return (resource.rule("get"), resource.rule("patch", "scale"), AUTOSCALERS.rule("list"))

    def object_name(self) -> str:
        return self.target.name

    def problem(self, call: Call) -> str:
        call.api.get(self.target.resource, self.target.name)
        autoscaler_note(call.api, self.target, self.replicas)
        return ""

    def do(self, call: Call) -> Said:
        return reread(lambda: self._done(call))

    def _done(self, call: Call) -> Said:
        found = call.api.get(self.target.resource, self.target.name)
        now = size_of(found)
        if now == self.replicas:
            return Said(output=f"{self.target} has {_pods(now)} already")
        notes = [autoscaler_note(call.api, self.target, self.replicas), warning_of(found)]

        def act() -> None:
            scale(call.api, self.target, self.replicas)

        if call.is_final:
            act()
        else:
            kept(call, self._change(call, found), act)
        done = f"{self.target} is to have {_pods(self.replicas)} now, and had {now}"
        return Said(output="; ".join([done, *(note for note in notes if note)]))

    def undo(self, call: Call, change: Change) -> Said:
        before, after = (int(state["replicas"]) for state in (change.before, change.after))
        found = call.api.find(self.target.resource, self.target.name)
        if found is None:
            return Said(output=f"{change.target} is left alone: it does not exist any more")
        if is_another(found, change):
            return Said(output=f"{change.target} is left alone: it is another one of that name")
        now = size_of(found)
        if now == before:
            return Said(output=f"{change.target} is to have {_pods(before)} again already")
        if now != after:
            return Said(
                output=f"{change.target} is left at {_pods(now)}: gate had set {after} instead of {before}, "
                "and somebody has changed that since"
            )
        scale(call.api, self.target, before)
        return Said(output=f"{change.target} is to have {_pods(before)} again")

    def _change(self, call: Call, found: Object) -> Change:
        now = size_of(found)
        target = f"{self.target} in {call.api.namespace}"
        return Change(
            kind=KIND,
            target=target,
            what=f"{target} was scaled from {now} to {self.replicas}",
            before={"replicas": now, UID: uid_of(found)},
            after={"replicas": self.replicas},
            until=call.until,
            where={**call.where, self.target.option: self.target.name, "replicas": self.replicas},
        )


def made(setting: HookSetting, around: Around) -> RestoringHook:
    told = options(setting)
    told.known(*KINDS, "replicas")
    named = [option for option in KINDS if told.text(option)]
    if len(named) != 1:
        raise UsageError(
            f"{KIND} takes one of {' and '.join(KINDS)}", remedy='write deployment = "worker" beside the hook'
        )
    target = Scaled(option=named[0], name=told.named(named[0]))
    return RestoringHook(setting=setting, around=around, deed=Scale(target=target, replicas=told.number("replicas", 0)))


def _pods(number: int) -> str:
    return plural(number, "pod") if number else "no pod"
