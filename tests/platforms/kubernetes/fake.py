"""An API server for tests: real kubectl works against it, and what it takes and gives is held against the schemas."""

from __future__ import annotations

import json
import re
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from tests.platforms.kubernetes.objects import NAMESPACE, Object, check, copied

TOKEN = "eyJhbGciOiJub25lIn0.eyJzdWIiOiJzeXN0ZW06c2VydmljZWFjY291bnQ6c2hvcDpnYXRlIn0.c2VjcmV0LXRva2Vu"
"""Of the service account shop/gate."""
PLURALS = {
    "deployments": ("apps/v1", "Deployment"),
    "statefulsets": ("apps/v1", "StatefulSet"),
    "replicasets": ("apps/v1", "ReplicaSet"),
    "pods": ("v1", "Pod"),
    "jobs": ("batch/v1", "Job"),
    "horizontalpodautoscalers": ("autoscaling/v2", "HorizontalPodAutoscaler"),
}
_OBJECT = re.compile(r"/(?:api|apis)/(?:[^/]+/)?v\d/namespaces/([^/]+)/([^/]+)(?:/([^/]+))?(?:/(scale))?")
_REVIEW = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"


@dataclass(kw_only=True)
class Fault:
    """What goes wrong with requests that match `METHOD /path`: an answer, or none (after it has `acted`, or not)."""

    match: str
    status: int | None = None
    body: Object | str = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)
    acts: bool = False
    times: int = 1
    meanwhile: Callable[[], None] | None = None


@dataclass(frozen=True, kw_only=True)
class Asked:
    """One request."""

    method: str
    path: str
    query: dict[str, list[str]]
    content_type: str
    body: Any

    def __str__(self) -> str:
        return f"{self.method} {self.path}"


class RefusedError(Exception):
    """A Status object instead of what was asked for."""

    def __init__(self, code: int, reason: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.status = {
            "kind": "Status",
            "apiVersion": "v1",
            "metadata": {},
            "status": "Failure",
            "reason": reason,
            "code": code,
            "message": message,
        }


@dataclass(kw_only=True)
class FakeKubernetes:
    """`objects` by plural and name. `forbidden` are rules, as `patch deployments/scale`, that the account lacks."""

    objects: dict[str, dict[str, Object]] = field(default_factory=lambda: {plural: {} for plural in PLURALS})
    token: str = TOKEN
    wants_token: bool = True
    forbidden: set[str] = field(default_factory=set)
    faults: list[Fault] = field(default_factory=list)
    asked: list[Asked] = field(default_factory=list)
    url: str = ""

    def add(self, *found: Object) -> None:
        for item in found:
            check(item)
            plural = next(name for name, (_, kind) in PLURALS.items() if kind == item["kind"])
            self.objects[plural][item["metadata"]["name"]] = copied(item)

    def get(self, plural: str, name: str) -> Object:
        return self.objects[plural][name]

    @property
    def changes(self) -> list[Asked]:
        """All that was asked for but reads and reviews."""
        return [asked for asked in self.asked if asked.method != "GET" and asked.path != _REVIEW]

    def fault(self, asked: Asked) -> Fault | None:
        found = (item for item in self.faults if item.times > 0 and re.fullmatch(item.match, str(asked)))
        return next(found, None)

    # --- answers ------------------------------------------------------------------------------------------------------

    def admit(self, authorization: str) -> None:
        """Kubectl sends a token over TLS only."""
        if self.wants_token and authorization != f"Bearer {self.token}":
            raise RefusedError(401, "Unauthorized", "Unauthorized")

    def answer(self, asked: Asked) -> Object:
        if asked.path == _REVIEW:
            return self._reviewed(asked.body)
        if asked.path in DISCOVERY:
            return DISCOVERY[asked.path]
        found = _OBJECT.fullmatch(asked.path)
        if found is None or found[2] not in PLURALS:
            raise RefusedError(404, "NotFound", "the server could not find the requested resource")
        namespace, plural, name, sub = found.groups()
        self._permit(asked, plural, sub or "")
        if namespace != NAMESPACE:
            raise RefusedError(404, "NotFound", f'namespaces "{namespace}" not found')
        if name is None:
            return self._listed(plural, asked)
        if name not in self.objects[plural]:
            raise RefusedError(404, "NotFound", f'{plural} "{name}" not found')
        return {"GET": self._got, "PATCH": self._patched, "DELETE": self._deleted}[asked.method](
            plural, name, sub or "", asked
        )

    def _permit(self, asked: Asked, plural: str, sub: str) -> None:
        verb = {"GET": "get", "PATCH": "patch", "DELETE": "delete"}[asked.method]
        verb = "list" if verb == "get" and asked.path.endswith(f"/{plural}") else verb
        rule = f"{verb} {plural}{f'/{sub}' if sub else ''}"
        if rule in self.forbidden:
            group = PLURALS[plural][0].rpartition("/")[0]
            raise RefusedError(
                403,
                "Forbidden",
                f'{plural} is forbidden: User "system:serviceaccount:shop:gate" cannot {verb} resource "{plural}" '
                f'in API group "{group}" in the namespace "{NAMESPACE}"',
            )

    def _reviewed(self, review: Object) -> Object:
        check(review)
        told = review["spec"]["resourceAttributes"]
        sub = f"/{told['subresource']}" if told.get("subresource") else ""
        is_allowed = f"{told['verb']} {told['resource']}{sub}" not in self.forbidden
        return {**review, "metadata": {}, "status": {"allowed": is_allowed}}

    def _listed(self, plural: str, asked: Asked) -> Object:
        version, kind = PLURALS[plural]
        (selector,) = asked.query.get("labelSelector") or [""]
        wanted = dict(term.split("=") for term in selector.split(",") if term)
        names = asked.query.get("fieldSelector")
        items = [
            item
            for item in self.objects[plural].values()
            if wanted.items() <= (item["metadata"].get("labels") or {}).items()
            and (names is None or names[0] == f"metadata.name={item['metadata']['name']}")
        ]
        return {"kind": f"{kind}List", "apiVersion": version, "metadata": {"resourceVersion": "9"}, "items": items}

    def _got(self, plural: str, name: str, sub: str, _asked: Asked) -> Object:
        found = self.objects[plural][name]
        return _scale_of(found) if sub else found

    def _patched(self, plural: str, name: str, sub: str, asked: Asked) -> Object:
        found = copied(self.objects[plural][name])
        match asked.content_type:
            case "application/json-patch+json":
                for step in asked.body:
                    _replace(found, step)
            case "application/merge-patch+json" | "application/strategic-merge-patch+json":
                _merge(found, asked.body)
            case other:
                raise RefusedError(415, "UnsupportedMediaType", f"the body of the request was in {other}")
        if found != self.objects[plural][name]:
            found["metadata"]["generation"] = found["metadata"].get("generation", 1) + 1
        check(found)
        self.objects[plural][name] = found
        return _scale_of(found) if sub else found

    def _deleted(self, plural: str, name: str, _sub: str, asked: Asked) -> Object:
        wanted = ((asked.body or {}).get("preconditions") or {}).get("uid")
        found = self.objects[plural][name]
        if wanted is not None and wanted != found["metadata"]["uid"]:
            raise RefusedError(409, "Conflict", f"the UID in the precondition ({wanted}) does not match")
        del self.objects[plural][name]
        return {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success"}


def _replace(found: Object, step: Object) -> None:
    assert step["op"] == "replace"
    *way, last = step["path"].strip("/").split("/")
    for part in way:
        found = found[part]
    found[last] = step["value"]


def _merge(found: Object, patch: Object) -> None:
    for key, value in patch.items():
        if value is None:
            found.pop(key, None)
        elif isinstance(value, dict):
            _merge(found.setdefault(key, {}), value)
        else:
            found[key] = value


def _scale_of(found: Object) -> Object:
    metadata = {key: found["metadata"][key] for key in ("name", "namespace", "uid")}
    replicas = found["spec"].get("replicas", 1)
    return {
        "kind": "Scale",
        "apiVersion": "autoscaling/v1",
        "metadata": metadata,
        "spec": {"replicas": replicas},
        "status": {"replicas": replicas},
    }


def _resources(version: str) -> Object:
    found = [
        {"name": plural, "singularName": kind.lower(), "namespaced": True, "kind": kind, "verbs": _VERBS}
        for plural, (group, kind) in PLURALS.items()
        if group == version
    ]
    if version == "apps/v1":
        scale = {"kind": "Scale", "group": "autoscaling", "version": "v1", "singularName": "", "namespaced": True}
        found += [{**scale, "name": "deployments/scale", "verbs": ["get", "patch", "update"]}]
    return {"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": version, "resources": found}


def _group(version: str) -> Object:
    group = {"groupVersion": version, "version": version.rpartition("/")[2]}
    return {"name": version.partition("/")[0], "versions": [group], "preferredVersion": group}


_VERBS = ["get", "list", "patch", "update", "delete", "watch", "create"]
_GROUPS = ("apps/v1", "batch/v1", "autoscaling/v2")
DISCOVERY: dict[str, Object] = {
    "/version": {"major": "1", "minor": "32", "gitVersion": "v1.32.0"},
    "/api": {"kind": "APIVersions", "versions": ["v1"], "serverAddressByClientCIDRs": []},
    "/apis": {"kind": "APIGroupList", "apiVersion": "v1", "groups": [_group(version) for version in _GROUPS]},
    "/api/v1": _resources("v1"),
    **{f"/apis/{version}": _resources(version) for version in _GROUPS},
}


class _Handler(BaseHTTPRequestHandler):
    fake: FakeKubernetes
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self._handle()

    do_POST = do_PATCH = do_DELETE = do_GET  # noqa: N815 - names of http.server

    def log_message(self, *_: object) -> None:
        """Tests say enough."""

    def _handle(self) -> None:
        asked = self._asked()
        self.fake.asked.append(asked)
        fault = self.fake.fault(asked)
        if fault is not None:
            fault.times -= 1
            if fault.meanwhile is not None:
                fault.meanwhile()
            if fault.acts:
                self._answered(asked)
            if fault.status is None:
                self.close_connection = True
                return
            self._send(fault.status, fault.body, fault.headers)
            return
        self._send(*self._answered(asked))

    def _answered(self, asked: Asked) -> tuple[int, Object]:
        try:
            if asked.path not in DISCOVERY:
                self.fake.admit(self.headers.get("Authorization", ""))
            return 201 if asked.method == "POST" else 200, self.fake.answer(asked)
        except RefusedError as refused:
            return refused.code, refused.status

    def _asked(self) -> Asked:
        length = int(self.headers.get("Content-Length") or 0)
        text = self.rfile.read(length) if length else b""
        parts = urlsplit(self.path)
        return Asked(
            method=self.command,
            path=parts.path,
            query=parse_qs(parts.query),
            content_type=self.headers.get("Content-Type", ""),
            body=json.loads(text) if text else None,
        )

    def _send(self, status: int, body: Object | str, headers: dict[str, str] | None = None) -> None:
        content = (body if isinstance(body, str) else json.dumps(body)).encode()
        self.send_response(status)
        told = {"Content-Type": "application/json", "Content-Length": str(len(content)), **(headers or {})}
        for name, value in told.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)


@contextmanager
def serving(fake: FakeKubernetes, certificate: Path | None = None) -> Iterator[FakeKubernetes]:
    """The fake at its `url`, until the end of the `with`; with TLS where a certificate with its key is given."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"fake": fake}))
    server.daemon_threads = True
    if certificate is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
        server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    scheme = "https" if certificate else "http"
    fake.url = f"{scheme}://127.0.0.1:{server.server_address[1]}"
    try:
        yield fake
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
