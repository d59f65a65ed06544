"""`kubernetes.pause`: a Deployment's rollout stands still while migrations run, and goes on afterwards."""

from __future__ import annotations

from dataclasses import dataclass

from gate.model.changes import Change
from gate.platforms.deeds import Said
from gate.platforms.kubernetes.calling import UID, Call, RestoringHook, is_another, kept, options, reread, uid_of
from gate.platforms.kubernetes.client import DEPLOYMENTS, Object
from gate.platforms.kubernetes.errors import Rule
from gate.platforms.kubernetes.owners import warning_of
from gate.platforms.kubernetes.rollouts import pause
from gate.platforms.making import Around
from gate.policy.policy import HookSetting

KIND = "kubernetes.pause"
_PAUSED = "paused"


@dataclass(frozen=True, kw_only=True)
class Pause:
    """Of one Deployment."""

    deployment: str

    def rules(self) -> tuple[Rule, ...]:
        return (DEPLOYMENTS.rule("get"), DEPLOYMENTS.rule("patch"))

    def object_name(self) -> str:
        return self.deployment

    def problem(self, call: Call) -> str:
        call.api.get(DEPLOYMENTS, self.deployment)
        return ""

    def do(self, call: Call) -> Said:
        return reread(lambda: self._done(call))

    def _done(self, call: Call) -> Said:
        found = call.api.get(DEPLOYMENTS, self.deployment)
        if _is_paused(found):
            return Said(output=f"Deployment {self.deployment} is paused already")
        target = f"Deployment {self.deployment} in {call.api.namespace}"
        change = Change(
            kind=KIND,
            target=target,
            what=f"{target} was paused",
            before={_PAUSED: False, UID: uid_of(found)},
            after={_PAUSED: True},
            until=call.until,
            where={**call.where, "deployment": self.deployment},
        )
        kept(call, change, lambda: pause(call.api, self.deployment, is_paused=True))
        warning = warning_of(found)
        return Said(output=f"Deployment {self.deployment} is paused" + (f"; {warning}" if warning else ""))

    def undo(self, call: Call, change: Change) -> Said:
        found = call.api.find(DEPLOYMENTS, self.deployment)
        if found is None:
            return Said(output=f"{change.target} is left alone: it does not exist any more")
        if is_another(found, change):
            return Said(output=f"{change.target} is left alone: it is another one of that name")
        if not _is_paused(found):
            return Said(output=f"{change.target} goes on already")
        pause(call.api, self.deployment, is_paused=False)
        return Said(output=f"{change.target} goes on again")


def made(setting: HookSetting, around: Around) -> RestoringHook:
    told = options(setting)
    told.known("deployment")
    return RestoringHook(setting=setting, around=around, deed=Pause(deployment=told.named("deployment")))


def _is_paused(found: Object) -> bool:
    return bool(found["spec"].get("paused"))
