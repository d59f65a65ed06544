"""What the API server says when it does not do what it was asked, and the RBAC rule that would have let it.

Source: https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/status/ and
https://kubernetes.io/docs/reference/access-authn-authz/rbac/
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from typing import Any

from gate.model.errors import Exit, GateError

_USER = re.compile(r'User "([^"]+)"')
_ACCOUNT = re.compile(r"system:serviceaccount:([^:]+):([^:]+)")
_EXITS = {400: Exit.USAGE, 401: Exit.MISSING_PRIVILEGE, 403: Exit.MISSING_PRIVILEGE, 404: Exit.USAGE, 422: Exit.USAGE}


@dataclass(frozen=True, kw_only=True, order=True)
class Rule:
    """What is to be allowed: `verb` on `resource` (with its subresource, as `deployments/scale`) of an API group."""

    group: str
    resource: str
    verb: str

    @property
    def named(self) -> str:
        """`patch deployments.apps`, as the server says it."""
        resource, slash, sub = self.resource.partition("/")
        return f"{self.verb} {resource}{f'.{self.group}' if self.group else ''}{slash}{sub}"


def role_of(rules: Sequence[Rule], *, namespace: str, account: str) -> str:
    """The rules as they stand in a Role, one line each, and where that Role has to be bound."""
    merged = [
        f'- {{apiGroups: ["{group}"], resources: ["{resource}"], verbs: [{", ".join(_quoted(found))}]}}'
        for (group, resource), found in groupby(sorted(set(rules)), key=lambda rule: (rule.group, rule.resource))
    ]
    whose = _ACCOUNT.fullmatch(account)
    bound = f"service account {whose[1]}/{whose[2]}" if whose else account or "the service account of this pod"
    lines = "\n".join(f"  {line}" for line in merged)
    return f"add to `rules` of a Role in namespace {namespace}, bound to {bound}:\n{lines}"


def _quoted(rules: Sequence[Rule] | Any) -> list[str]:
    return [f'"{rule.verb}"' for rule in rules]


class ApiError(GateError):
    """An answer that is no success: `code` is HTTP's, `reason` and `said` are the server's own words.

    `retry_after_s` is what it asks for. `missing` is the rule that it wants, of a 403.
    """

    def __init__(
        self,
        problem: str,
        *,
        code: int,
        reason: str = "",
        said: str = "",
        missing: Rule | None = None,
        remedy: str = "",
    ) -> None:
        super().__init__(problem, remedy=remedy)
        self.exit_code = _EXITS.get(code, Exit.UNREACHABLE)
        self.code = code
        self.reason = reason
        self.said = said
        self.missing = missing

    @property
    def is_missing(self) -> bool:
        """The object does not exist."""
        return self.code == 404

    @property
    def is_conflict(self) -> bool:
        """Somebody else has changed the object meanwhile: it has to be read again."""
        return self.code == 409


class Lost(GateError):
    """The answer to a request that changes something did not come: it may have been done, or not."""

    exit_code = Exit.UNREACHABLE


@dataclass(frozen=True, kw_only=True)
class Asked:
    """What was asked for, to be named where it is not answered. `account` is whose token it was, if that is known."""

    rule: Rule
    namespace: str
    account: str = ""

    def by(self, user: str) -> Asked:
        """The same, asked by whom the server has named."""
        return replace(self, account=user or self.account)


def refused(code: int, status: Mapping[str, Any], asked: Asked) -> ApiError:
    """From a Status object, or what there is of one."""
    reason, said = str(status.get("reason") or ""), str(status.get("message") or "")
    words = ": ".join(part for part in (reason, said) if part) or "it does not say why"
    problem = f"the API server answers {code} to {asked.rule.named}: {words}"
    if code == 401:
        remedy = (
            "the token is refused: it has expired, or is not of this cluster; in a pod it is mounted anew by itself"
        )
        return ApiError(problem, code=code, reason=reason, said=said, remedy=remedy)
    if code == 403:
        named = _USER.search(said)
        by = asked.by(named[1] if named else "")
        remedy = role_of([asked.rule], namespace=asked.namespace, account=by.account)
        return ApiError(problem, code=code, reason=reason, said=said, missing=asked.rule, remedy=remedy)
    return ApiError(problem, code=code, reason=reason, said=said)
