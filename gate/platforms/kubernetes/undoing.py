"""`kubernetes.rollout_undo`: a Deployment goes back to its earlier revision, after a deploy that went wrong.

Only `gate watch` calls it to any effect. Before the deploy the new pods do not exist yet: a Job that fails is the
rollback.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any

from gate.model.errors import UsageError
from gate.model.run import HookRun
from gate.platforms.deeds import Said
from gate.platforms.kubernetes.calling import Call, KubernetesHook, options, reread
from gate.platforms.kubernetes.client import DEPLOYMENTS, REPLICASETS, Object
from gate.platforms.kubernetes.errors import Lost, Rule
from gate.platforms.kubernetes.owners import warning_of
from gate.platforms.kubernetes.rollouts import Rollout, goal_of, images_of, named, plain, revision_of, rollout_of, undo
from gate.platforms.making import Around
from gate.policy.policy import HookSetting
from gate.run.hooking import ON_WATCH_FAILURE, Left

KIND = "kubernetes.rollout_undo"
_WHY_NOT = (
    "does nothing here: a Job that fails before the deploy keeps the new pods from being made, so there is nothing to "
    "undo; it acts in gate watch, after the deploy"
)
_REVISION = re.compile(r"[1-9][0-9]{0,8}", re.ASCII)


@dataclass(frozen=True, kw_only=True)
class Undo:
    """`to_revision` is 0 for the one before the current; `failed` the one that failed, where the setting says it."""

    deployment: str
    to_revision: int
    failed: str

    def rules(self) -> tuple[Rule, ...]:
        return (DEPLOYMENTS.rule("get"), DEPLOYMENTS.rule("patch"), REPLICASETS.rule("list"))

    def object_name(self) -> str:
        return self.deployment

    def problem(self, call: Call) -> str:
        rollout_of(call.api, self.deployment)
        return ""

    def do(self, call: Call) -> Said:
        return reread(lambda: self._done(call))

    def _done(self, call: Call) -> Said:
        rollout = rollout_of(call.api, self.deployment)
        failed, current = self._failed(call), rollout.current
        if current is None or not rollout.is_seen:
            return Said(problem=f"nothing was undone: Deployment {rollout.name} is being changed at this moment")
        if not _is(current, failed):
            return Said(
                output=f"nothing was undone: {failed} is held to have failed, and Deployment {rollout.name} is at "
                f"{named(current)} by now"
            )
        goal = goal_of(rollout, self.to_revision)
        if plain(goal["spec"]["template"]) == rollout.template:
            return Said(output=f"nothing was undone: Deployment {rollout.name} is at {named(goal)} already")
        return self._undone(call, rollout, current, goal)

    def _undone(self, call: Call, rollout: Rollout, current: Object, goal: Object) -> Said:
        try:
            undo(call.api, rollout, goal)
        except Lost:
            if rollout_of(call.api, self.deployment).template != plain(goal["spec"]["template"]):
                raise
        said = f"Deployment {rollout.name} goes back from {named(current)} to {named(goal)}"
        warning = warning_of(rollout.deployment)
        return Said(output=f"{said}; {warning}" if warning else said)

    def _failed(self, call: Call) -> str:
        """The revision or the image that is held to have failed. All that tell it have to agree."""
        told = {"the document": _release_in(call.document), "the setting": self.failed}
        found = {where: failed for where, failed in told.items() if failed}
        if not found:
            raise UsageError(
                "nothing was undone: which revision has failed is not told",
                remedy="gate watch --release 7 or --release shop:1.8 tells it: the revision, or the image",
            )
        if len(set(found.values())) > 1:
            said = ", ".join(f"{where} says {failed}" for where, failed in found.items())
            raise UsageError(
                f"nothing was undone: which revision has failed is not clear: {said}",
                remedy=f"kubectl rollout history deployment/{self.deployment} shows them",
            )
        return next(iter(found.values()))


@dataclass(frozen=True, kw_only=True)
class UndoHook(KubernetesHook):
    """It asks nobody where it would do nothing."""

    def call(self, event: str, document: str, left_s: Left) -> HookRun:
        if event == ON_WATCH_FAILURE:
            return super().call(event, document, left_s)
        return HookRun(event=event, name=self.name, seconds=0.0, output=_WHY_NOT)


def made(setting: HookSetting, around: Around) -> UndoHook:
    told = options(setting)
    told.known("deployment", "to_revision", "release")
    deed = Undo(
        deployment=told.named("deployment"), to_revision=told.number("to_revision", 0), failed=told.text("release")
    )
    return UndoHook(setting=setting, around=around, deed=deed)


def _is(current: Object, failed: str) -> bool:
    """A number is a revision and nothing else: a sidecar's `redis:7` is not revision 7.

    Otherwise an image: whole or without its registry, of any container; by its tag alone that of the first one.
    """
    if _REVISION.fullmatch(failed):
        return revision_of(current) == int(failed)
    images = images_of(current)
    shorts = [image.rpartition("/")[2] for image in images]
    return failed in (*images, *shorts, *(short.rpartition(":")[2] for short in shorts[:1] if ":" in short))


def _release_in(document: str) -> str:
    try:
        told: Any = json.loads(document)
    except ValueError:
        return ""
    found = told.get("release") if isinstance(told, dict) else None
    return str(found).strip() if isinstance(found, str | int) else ""
