"""What all hooks of Kubernetes have in common: the cluster that is meant, the check beforehand, their options."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from gate.model.changes import Change
from gate.model.errors import UsageError
from gate.platforms import deeds
from gate.platforms.deeds import ApiCall, ApiHook, Said, ToldOptions, Undoable, UndoableHook
from gate.platforms.deeds import Deed as Does
from gate.platforms.kubernetes.client import Api, Object
from gate.platforms.kubernetes.errors import ApiError, Lost, Rule, role_of
from gate.platforms.kubernetes.reach import KEY, known_keys, name, reach
from gate.policy.policy import HookSetting
from gate.run.hooking import Left

SERVER = "server"
"""An option that gate writes into its ledger: of another cluster nothing is put back."""
UID = "uid"
"""Of the object that was changed, in `Change.before`."""
# A controller that is at work on an object writes to it several times a second.
_CONFLICTS = 3


@dataclass(frozen=True, kw_only=True)
class Call(ApiCall[Api]):
    """One call of a hook, in one namespace of one cluster."""

    @property
    def where(self) -> dict[str, str]:
        """What a change needs to be found again, beside its name."""
        return {"namespace": self.api.namespace, SERVER: self.api.reach.server}


class Deed(Does[Call], Protocol):
    """What a hook does."""

    def rules(self) -> tuple[Rule, ...]:
        """What has to be allowed for it."""

    def object_name(self) -> str:
        """Of the one object that it is about: a Role may allow that one alone, by `resourceNames`."""

    def problem(self, call: Call) -> str:
        """What would keep it from being done, beside a right that is missing."""


class UndoableDeed(Deed, Undoable[Call], Protocol):
    """One that can be put back."""


@dataclass(frozen=True, kw_only=True)
class KubernetesHook(ApiHook[Call]):
    """The check beforehand: whether the API server can be asked, and lets us do all that it takes."""

    deed: Deed

    def opened(self, event: str, document: str, left_s: Left) -> Call:
        where = reach(
            self.around.environment,
            self.around.tables.get(KEY, {}),
            self.around.secrets,
            namespace=options(self.setting).text("namespace") or None,
        )
        api = Api(reach=where, left_s=left_s, pause=self.pause)
        return Call(api=api, event=event, document=document, around=self.around)

    def problem(self, call: Call) -> str:
        return _problem(call, self.deed)


@dataclass(frozen=True, kw_only=True)
class RestoringHook(KubernetesHook, UndoableHook[Call]):
    """One whose change is put back, in the cluster that was changed and in no other."""

    deed: UndoableDeed

    def check_meant(self, call: Call, change: Change) -> None:
        if call.api.reach.server != change.where.get(SERVER):
            raise UsageError(
                f"{change.what}, in the cluster at {change.where.get(SERVER)}, and this one is another",
                remedy="release from there, or put it back by hand",
            )


def kept(call: Call, change: Change, act: Callable[[], object]) -> None:
    """Does what changes something, once it is written down."""
    deeds.kept(call.around.ledger, change, act, lambda error: not isinstance(error, Lost))


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
class Options(ToldOptions):
    """Those that hooks of Kubernetes have."""

    def known(self, *names: str) -> None:
        """`namespace` always is."""
        told = {key: value for key, value in self.told.items() if key != SERVER}
        known_keys(told, (*names, "namespace"), self.kind)

    def named(self, key: str) -> str:
        """The name of an object, which has to be told."""
        found = self.text(key)
        if not found:
            raise UsageError(f"{self.kind}: {key} is not told", remedy=f'write {key} = "NAME" beside the hook')
        return name(found, f"{self.kind}: the {key}")


def options(setting: HookSetting) -> Options:
    return Options(kind=setting.kind, told=setting.options)
