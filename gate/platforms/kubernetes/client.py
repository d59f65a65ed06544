"""Requests to the API server: bounded in time, repeated only where that does no harm.

Each request has a connection of its own: one that was kept open may have been closed by the other side, and then it is
not known whether a change was made.
"""

from __future__ import annotations

import json
import ssl
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias
from urllib.parse import quote

from gate.model.errors import GateError, Unreachable, UsageError
from gate.model.units import lasting
from gate.model.version import VERSION
from gate.platforms.asking import CHANGE_S, answered, whole
from gate.platforms.kubernetes.errors import ApiError, Asked, Lost, Rule, refused
from gate.platforms.kubernetes.reach import Reach
from gate.run.hooking import Left

if TYPE_CHECKING:
    import httpx

Object: TypeAlias = dict[str, Any]
"""An object of the API, as JSON has it."""

REQUEST_S = 10.0
"""One request takes no longer, whatever is left."""
TRIES = 5
_LEAST_S = 0.05
_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 0.2, 5.0
_TOO_MANY = 429
_LONGEST_BYTES = 64 * 1024**2


@dataclass(frozen=True, kw_only=True)
class Resource:
    """A kind of object: its group and version, and its name in paths."""

    group: str
    version: str
    plural: str

    def path(self, namespace: str | None, name: str = "", sub: str = "") -> str:
        """`/apis/apps/v1/namespaces/shop/deployments/web/scale`."""
        root = f"/apis/{self.group}/{self.version}" if self.group else f"/api/{self.version}"
        parts = [*(["namespaces", namespace] if namespace else []), self.plural, *([name] if name else [])]
        parts += [sub] if sub else []
        return "/".join([root, *(quote(part, safe="") for part in parts)])

    def rule(self, verb: str, sub: str = "") -> Rule:
        """What has to be allowed for it."""
        return Rule(group=self.group, resource=f"{self.plural}/{sub}" if sub else self.plural, verb=verb)


DEPLOYMENTS = Resource(group="apps", version="v1", plural="deployments")
STATEFULSETS = Resource(group="apps", version="v1", plural="statefulsets")
REPLICASETS = Resource(group="apps", version="v1", plural="replicasets")
PODS = Resource(group="", version="v1", plural="pods")
JOBS = Resource(group="batch", version="v1", plural="jobs")
AUTOSCALERS = Resource(group="autoscaling", version="v2", plural="horizontalpodautoscalers")
REVIEWS = Resource(group="authorization.k8s.io", version="v1", plural="selfsubjectaccessreviews")


@dataclass(frozen=True, kw_only=True)
class Api:
    """The API server, as long as `left_s` lasts. Nothing is connected before something is asked.

    Every call raises Unreachable, ApiError, UsageError (no token), and Lost where a change may have been made.
    """

    reach: Reach
    left_s: Left
    pause: Callable[[float], None] = time.sleep

    @property
    def namespace(self) -> str:
        """The one in which everything is done."""
        return self.reach.namespace

    def get(self, resource: Resource, name: str) -> Object:
        """One object."""
        return self._ask("GET", resource.path(self.namespace, name), resource.rule("get"))

    def find(self, resource: Resource, name: str) -> Object | None:
        """One object, None where there is none of that name."""
        try:
            return self.get(resource, name)
        except ApiError as error:
            if error.is_missing:
                return None
            raise

    def list(self, resource: Resource, selector: str = "") -> tuple[Object, ...]:
        """Those whose labels match; all of the namespace without a selector."""
        query = {"labelSelector": selector} if selector else {}
        found = self._ask("GET", resource.path(self.namespace), resource.rule("list"), query=query)
        return tuple(found.get("items") or ())

    def patch(
        self, resource: Resource, name: str, body: object, kind: str, *, sub: str = "", manager: str = ""
    ) -> Object:
        """`kind` is the patch's, as `merge-patch`; `manager` is who is written down as having set the fields."""
        query = {"fieldManager": manager} if manager else {}
        path, rule = resource.path(self.namespace, name, sub), resource.rule("patch", sub)
        return self._ask("PATCH", path, rule, query=query, body=body, content_type=f"application/{kind}+json")

    def delete(self, resource: Resource, name: str, *, uid: str) -> Object:
        """That very object, and in the background what belongs to it: without being told so, pods of a Job stay."""
        body = {"propagationPolicy": "Background", "preconditions": {"uid": uid}}
        return self._ask("DELETE", resource.path(self.namespace, name), resource.rule("delete"), body=body)

    def review(self, rule: Rule, name: str = "") -> bool:
        """Whether we may do that here. Changes nothing: every account may ask this of itself."""
        plural, _, sub = rule.resource.partition("/")
        told = {"namespace": self.namespace, "verb": rule.verb, "group": rule.group, "resource": plural}
        told |= {"subresource": sub} if sub else {}
        told |= {"name": name} if name else {}
        body = {
            "apiVersion": "authorization.k8s.io/v1",
            "kind": "SelfSubjectAccessReview",
            "spec": {"resourceAttributes": told},
        }
        found = self._ask("POST", REVIEWS.path(None), REVIEWS.rule("create"), body=body, is_reading=True)
        return bool((found.get("status") or {}).get("allowed"))

    # --- one request --------------------------------------------------------------------------------------------------

    def _ask(
        self,
        method: str,
        path: str,
        rule: Rule,
        *,
        query: Mapping[str, str] | None = None,
        body: object = None,
        content_type: str = "application/json",
        is_reading: bool = False,
    ) -> Object:
        content = None if body is None else json.dumps(body, separators=(",", ":")).encode()
        request = _Request(
            method=method,
            path=path,
            rule=rule,
            query=query or {},
            content=content,
            content_type=content_type,
            only_reads=is_reading or method == "GET",
        )
        count = 1
        while True:
            try:
                return self._once(request)
            except _AgainError as again:
                pause_s = _pause_s(count) if again.pause_s is None else again.pause_s
                if count == TRIES or pause_s + _LEAST_S >= self.left_s():
                    raise again.problem from again
            self.pause(pause_s)
            count += 1

    def _once(self, request: _Request) -> Object:
        """Asks to be tried again what only reads, and of what changes something what was certainly not done."""
        token = self.reach.token()
        try:
            response = self._send(request, token)
        except _NoAnswerError as error:
            raise self._lost(request, Unreachable(error.problem)) from error
        if response.code < 300:
            return self._object(response, request.rule)
        problem = refused(response.code, response.status(), self._asked(request.rule))
        if response.code == 401 and self.reach.token() != token:
            # It was rotated between our reading it and theirs.
            raise _AgainError(problem, pause_s=0.0)
        if response.code == _TOO_MANY:
            raise _AgainError(problem, pause_s=response.retry_after_s)
        if response.code >= 500:
            raise self._lost(request, problem, response.retry_after_s)
        raise problem

    def _lost(self, request: _Request, problem: GateError, pause_s: float | None = None) -> Exception:
        if request.only_reads:
            return _AgainError(problem, pause_s=pause_s)
        return Lost(f"{problem.problem}: whether that was done is not known")

    def _asked(self, rule: Rule) -> Asked:
        return Asked(rule=rule, namespace=self.namespace, account=self.reach.account())

    def _object(self, response: _Response, rule: Rule) -> Object:
        found = response.json()
        if found is None:
            raise ApiError(
                f"{self.reach.server} answers {response.code} to {rule.named} with what is no object of Kubernetes",
                code=response.code,
                remedy="is that the address of the API server?",
            )
        return found

    def _send(self, request: _Request, token: str) -> _Response:
        import httpx

        timeout_s = min(REQUEST_S, self.left_s())
        if timeout_s < _LEAST_S:
            raise Unreachable(f"no time is left to ask {self.reach.server}")
        headers = {"Accept": "application/json", "Authorization": f"Bearer {token}", "User-Agent": f"gate/{VERSION}"}
        if request.content is not None:
            headers["Content-Type"] = request.content_type
        url, params = f"{self.reach.server}{request.path}", dict(request.query)
        until_s = time.monotonic() + timeout_s
        tls = self._tls()

        def ask() -> _Response:
            # Neither a proxy nor a .netrc of the environment has a say in who gets the token.
            with (
                httpx.Client(verify=tls, trust_env=False, timeout=timeout_s) as client,
                client.stream(request.method, url, params=params, content=request.content, headers=headers) as answer,
            ):
                return _read(answer, until_s)

        try:
            longer_s = 0.0 if request.only_reads else CHANGE_S
            return answered(ask, lambda: min(self.left_s(), until_s - time.monotonic()), longer_s=longer_s)
        except (httpx.ConnectError, httpx.ConnectTimeout) as error:
            raise self._not_connected(error, timeout_s) from error
        except (httpx.InvalidURL, httpx.UnsupportedProtocol) as error:
            raise Unreachable(f"cannot ask {self.reach.server}: {error}") from error
        except (httpx.TimeoutException, TimeoutError) as error:
            raise _NoAnswerError(f"{self.reach.server} has not answered within {lasting(timeout_s)}") from error
        except httpx.HTTPError as error:
            raise _NoAnswerError(f"the connection to {self.reach.server} was lost: {error}") from error

    def _not_connected(self, error: Exception, timeout_s: float) -> Exception:
        """The server has not seen the request: any may be tried again, but for a certificate that does not do."""
        import httpx

        is_late = isinstance(error, httpx.ConnectTimeout)
        said = f"no connection within {lasting(timeout_s)}" if is_late else str(error)
        if "CERTIFICATE" not in said.upper():
            return _AgainError(Unreachable(f"cannot reach {self.reach.server}: {said}"))
        remedy = f"its certificate has to be signed by {self.reach.ca or 'an authority that this system knows'}"
        return Unreachable(f"cannot reach {self.reach.server}: {said}", remedy=remedy)

    def _tls(self) -> ssl.SSLContext | bool:
        """Read anew as the token is: certificates are renewed as well."""
        if self.reach.server.startswith("http://"):
            return False
        try:
            context = ssl.create_default_context(cafile=self.reach.ca)
        except (OSError, ssl.SSLError) as error:
            raise UsageError(
                f"cannot read the certificate authority {self.reach.ca}: {error}",
                remedy="in a pod it is mounted with the token; elsewhere it is `ca` of [platform.kubernetes]",
            ) from error
        # Since Python 3.13 certificates of many clusters, which lack an authority key identifier, would not do.
        context.verify_flags &= ~ssl.VERIFY_X509_STRICT
        return context


@dataclass(frozen=True, kw_only=True)
class _Request:
    method: str
    path: str
    rule: Rule
    query: Mapping[str, str]
    content: bytes | None
    content_type: str
    only_reads: bool


@dataclass(frozen=True, kw_only=True)
class _Response:
    code: int
    content: bytes
    retry_after_s: float | None

    def json(self) -> Object | None:
        try:
            found = json.loads(self.content)
        except ValueError:
            return None
        return found if isinstance(found, dict) else None

    def status(self) -> Object:
        """The Status object; of an answer that is none (a proxy's) the beginning of its text."""
        found = self.json()
        if found is not None:
            return found
        words = " ".join(self.content[:300].decode("utf-8", "replace").split())
        return {"message": words}


class _AgainError(Exception):
    """Nothing was done, and a further try does no harm; `problem` is raised where there is none."""

    def __init__(self, problem: GateError, *, pause_s: float | None = None) -> None:
        super().__init__(problem.problem)
        self.problem = problem
        self.pause_s = pause_s


class _NoAnswerError(Exception):
    """The server may have seen it."""

    def __init__(self, problem: str) -> None:
        super().__init__(problem)
        self.problem = problem


def _read(answer: httpx.Response, until_s: float) -> _Response:
    content = whole(answer.iter_bytes(), until_s, _LONGEST_BYTES)
    retry_after_s = _seconds(answer.headers.get("Retry-After", ""))
    return _Response(code=answer.status_code, content=content, retry_after_s=retry_after_s)


def _seconds(told: str) -> float | None:
    return float(told) if told.isascii() and told.isdigit() else None


def _pause_s(count: int) -> float:
    pause_s: float = min(_FIRST_PAUSE_S * 2 ** (count - 1), _LONGEST_PAUSE_S)
    return pause_s
