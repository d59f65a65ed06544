"""Hooks of Kubernetes as a release makes them, with time that passes only where they wait."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from gate.model.changes import Change
from gate.model.evidence import OldCode
from gate.model.run import HookRun
from gate.platforms.kubernetes import old_code
from gate.platforms.kubernetes.calling import KubernetesHook, RestoringHook
from gate.platforms.making import Around, made
from gate.policy.policy import HookSetting
from gate.run.hooking import ON_WATCH_FAILURE
from tests.platforms.heroku.hooks import Clock, Kept
from tests.platforms.kubernetes.fake import FakeKubernetes
from tests.platforms.kubernetes.objects import NAMESPACE


@dataclass(kw_only=True)
class Hooks:
    """`table` is `[platform.kubernetes]` beside server, token and namespace."""

    cluster: FakeKubernetes
    token_file: Path
    kept: Kept | None = field(default_factory=Kept)
    clock: Clock = field(default_factory=Clock)
    table: dict[str, Any] = field(default_factory=dict)
    environment: dict[str, str] = field(default_factory=dict)

    @property
    def around(self) -> Around:
        if not self.token_file.exists():
            self.token_file.write_text(self.cluster.token)
        told = {"server": self.cluster.url, "token": f"file:{self.token_file}", "namespace": NAMESPACE, **self.table}
        return Around(environment=self.environment, tables={"kubernetes": told}, ledger=self.kept)

    def hook(self, kind: str, **options: object) -> KubernetesHook:
        found = made(HookSetting(kind=f"kubernetes.{kind}", options=options), self.around)
        assert isinstance(found, KubernetesHook)
        return replace(found, pause=self.clock.pause)

    def call(self, kind: str, event: str = "on_begin", document: str = "{}", **options: object) -> HookRun:
        return self.hook(kind, **options).call(event, document, self.clock.left)

    def check(self, kind: str, **options: object) -> str:
        return self.hook(kind, **options).check(self.clock.left)

    def undo(self, failed: str = "2", **options: object) -> HookRun:
        """As `gate watch` calls it."""
        document = json.dumps({"release": failed})
        return self.call("rollout_undo", ON_WATCH_FAILURE, document, **{"deployment": "web", **options})

    def restore(self, change: Change) -> HookRun:
        found = made(HookSetting(kind=change.kind, options=change.where), self.around)
        assert isinstance(found, RestoringHook)
        return replace(found, pause=self.clock.pause).restore(change, self.clock.left)

    def change(self) -> Change:
        """The one that is in the ledger."""
        assert self.kept is not None
        (found,) = self.kept.changes.values()
        return found

    def old_code(self, *deployments: str) -> OldCode | None:
        self.table["deployments"] = list(deployments)
        return old_code(self.around, self.clock.left)
