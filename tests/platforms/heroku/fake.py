"""A Platform API on 127.0.0.1: every request and every answer is held against the hyper-schema of Heroku.

What a client does wrong is in `violations`, and fails the test at the end of the `with`. `faults` make it misbehave.
"""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import unquote
from uuid import UUID

from tests.platforms.heroku.hyper_schema import check_answer, link_of
from tests.platforms.heroku.state import App, Resource, descending, identity

TOKEN = "HRKU-0f5e8c1d-5d1e-4c3a-9a57-planted-secret"
SCOPES = ("global", "read", "read-protected", "write", "write-protected")
_RANGE = re.compile(r"version (?:\]?(\d+))?\.\.; ?max=(\d+), ?order=desc")
_PAGE = 200


@dataclass(kw_only=True)
class Fault:
    """What becomes of the next `times` requests whose `METHOD /path` matches.

    Without a status the connection is closed without an answer. `acts`: it is done all the same. `meanwhile` is what
    somebody else does at that moment; with it alone the answer is the usual one. `hangs`: no answer, ever. `text` is
    what somebody in between answers, that is no JSON.
    """

    match: str
    status: int | None = None
    error: Mapping[str, str] = field(default_factory=dict)
    text: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    times: int = 1
    acts: bool = False
    drops: bool = False
    hangs: bool = False
    meanwhile: Callable[[], object] | None = None

    @property
    def answers(self) -> bool:
        """Whether the client gets what it would have got without."""
        return self.status is None and not self.drops and not self.hangs


class Refused(Exception):
    """An answer that is no success."""

    def __init__(self, status: int, name: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.error = {"id": name, "message": message}


@dataclass(kw_only=True)
class Answer:
    """A success."""

    body: Any
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Asked:
    """A request, as it came in."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: Any

    def __str__(self) -> str:
        return f"{self.method} {self.path}"


@dataclass(kw_only=True)
class FakeHeroku:
    """`tokens` has the scope of each token. `tells_scope`: whether answers name it in a header, as Heroku's do.

    `tells_authorizations`: any token may read them, not only one that may do everything. `protects_releases`: they are
    read and made with a scope that says so.
    """

    app: App = field(default_factory=App)
    tokens: dict[str, str] = field(default_factory=lambda: {TOKEN: "global"})
    tells_scope: bool = True
    tells_authorizations: bool = False
    protects_releases: bool = False
    requests_left: int = 4321
    faults: list[Fault] = field(default_factory=list)
    asked: list[Asked] = field(default_factory=list)
    violations: list[str] = field(default_factory=list)
    url: str = ""
    has_ended: threading.Event = field(default_factory=threading.Event)

    @property
    def environment(self) -> dict[str, str]:
        """What leads a client here."""
        return {"GATE_HEROKU_API_URL": self.url, "GATE_HEROKU_TOKEN": TOKEN, "HEROKU_APP_NAME": self.app.name}

    @property
    def changes(self) -> list[str]:
        """What was asked for but reads, as `METHOD /path`."""
        return [str(asked) for asked in self.asked if asked.method != "GET"]

    def fault(self, asked: Asked) -> Fault | None:
        for fault in self.faults:
            if fault.times > 0 and re.fullmatch(fault.match, str(asked)):
                fault.times -= 1
                return fault
        return None

    def answer(self, asked: Asked) -> Answer:
        """Raises Refused for what is no success, AssertionError where somebody breaks the contract."""
        link = link_of(asked.method, asked.path, asked.body)
        self._admit(asked)
        found = self._routed(asked)
        check_answer(link, found.body)
        return found

    def accepted(self, method: str, path: str) -> tuple[str, ...]:
        """The scopes that a call takes."""
        if path.startswith("/oauth"):
            return ("global", *(SCOPES if self.tells_authorizations else ()))
        is_protected = self.protects_releases and "/releases" in path
        kinds = ["write", "read"] if method == "GET" else ["write"]
        plain = [] if is_protected else kinds
        return ("global", *plain, *(f"{kind}-protected" for kind in kinds))

    def _admit(self, asked: Asked) -> None:
        token = asked.headers.get("authorization", "").removeprefix("Bearer ")
        if token not in self.tokens:
            raise Refused(401, "unauthorized", "Invalid credentials provided.")
        if self.tokens[token] not in self.accepted(asked.method, asked.path):
            raise Refused(403, "forbidden", "The scope for this OAuth authorization is not sufficient.")

    def _routed(self, asked: Asked) -> Answer:
        parts = [unquote(part) for part in asked.path.strip("/").split("/")]
        match parts:
            case ["account", "rate-limits"]:
                return Answer(body={"remaining": self.requests_left})
            case ["oauth", "authorizations"]:
                return Answer(body=[_authorization(token, scope) for token, scope in self.tokens.items()])
            case ["addons", addon, "addon-attachments"]:
                return Answer(body=[one for one in self.app.attachments if one["addon"]["id"] == addon])
            case ["apps", app, *rest] if app in (self.app.name, self.app.id):
                return self._of_app(asked, rest)
        raise Refused(404, "not_found", "Couldn't find that app.")

    def _of_app(self, asked: Asked, rest: list[str]) -> Answer:
        app = self.app
        match asked.method, rest:
            case "GET", []:
                return Answer(body=app.shown())
            case "PATCH", []:
                app.is_in_maintenance = asked.body.get("maintenance", app.is_in_maintenance)
                return Answer(body=app.shown())
            case "GET", ["features", "preboot"]:
                return Answer(body=app.feature())
            case "GET", ["addon-attachments"]:
                return Answer(body=[one for one in app.attachments if one["app"]["id"] == app.id])
            case _, ["releases", *version]:
                return self._releases(asked, version)
            case _, ["formation", *kind]:
                return self._formation(asked, kind)
            case _:
                return self._dynos(asked, rest)

    def _releases(self, asked: Asked, version: list[str]) -> Answer:
        if asked.method == "POST":
            target = _or_missing(self.app.found(asked.body["release"]), "release")
            if target["status"] == "expired" or not target["eligible_for_rollback"]:
                raise Refused(422, "invalid_params", f"Cannot roll back to v{target['version']}.")
            return Answer(body=self.app.roll_back(target), status=201)
        if version:
            return Answer(body=_or_missing(self.app.found(version[0]), "release"))
        told = _RANGE.fullmatch(asked.headers.get("range", f"version ..; max={_PAGE}, order=desc"))
        assert told is not None, f"no range: {asked.headers['range']}"
        most = int(told[2])
        found = list(descending(self.app.releases, int(told[1]) if told[1] else None))
        if len(found) <= most:
            return Answer(body=found)
        following = f"version ]{found[most - 1]['version']}..; max={most}, order=desc"
        return Answer(body=found[:most], status=206, headers={"Next-Range": following})

    def _formation(self, asked: Asked, kind: list[str]) -> Answer:
        if not kind:
            return Answer(body=list(self.app.formation.values()))
        found = _or_missing(self.app.formation.get(kind[0]), "formation")
        if asked.method == "PATCH":
            return Answer(body=self.app.scale(kind[0], asked.body.get("quantity", found["quantity"])))
        return Answer(body=found)

    def _dynos(self, asked: Asked, rest: list[str]) -> Answer:
        app = self.app
        match asked.method, rest:
            case "GET", ["dynos"]:
                return Answer(body=app.dynos)
            case "DELETE", ["dynos"]:
                app.restart(list(app.dynos))
            case "DELETE", ["dynos", name]:
                app.restart([self._dyno(name)])
            case "DELETE", ["formations", kind]:
                app.restart([dyno for dyno in app.dynos if dyno["type"] == kind])
            case "POST", ["dynos", name, "actions", "stop"]:
                app.stop(self._dyno(name))
            case "POST", ["formations", kind, "actions", "stop"]:
                for dyno in [dyno for dyno in app.dynos if dyno["type"] == kind]:
                    app.stop(dyno)
            case _:
                raise Refused(404, "not_found", "The requested API endpoint was not found.")
        return Answer(body={}, status=202)

    def _dyno(self, told: str) -> Resource:
        return _or_missing(next((one for one in self.app.dynos if told in (one["id"], one["name"])), None), "dyno")


def _or_missing(found: Resource | None, noun: str) -> Resource:
    if found is None:
        raise Refused(404, "not_found", f"Couldn't find that {noun}.")
    return found


def _authorization(token: str, scope: str) -> Resource:
    return {
        "access_token": {"expires_in": None, "id": identity(21), "token": token},
        "client": None,
        "created_at": "2026-01-01T00:00:00Z",
        "description": "gate",
        "grant": None,
        "id": identity(22),
        "refresh_token": None,
        "scope": [scope],
        "session": None,
        "updated_at": "2026-01-01T00:00:00Z",
        "user": {"id": identity(2), "email": "ops@example.com", "full_name": None},
    }


class _Handler(BaseHTTPRequestHandler):
    fake: FakeHeroku
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self._handle()

    do_POST = do_PATCH = do_DELETE = do_GET  # noqa: N815 - names of http.server

    def log_message(self, *_: object) -> None:
        """Tests say enough."""

    def _handle(self) -> None:
        asked = self._asked()
        self.fake.asked.append(asked)
        self.fake.violations += _violations(asked)
        fault = self.fake.fault(asked)
        if fault is not None and fault.meanwhile is not None:
            fault.meanwhile()
        if fault is None or fault.answers or fault.acts:
            answer = self._answered(asked)
            if fault is None or fault.answers:
                self._send(answer.status, answer.body, answer.headers)
                return
        if fault.hangs:
            self.fake.has_ended.wait()
        if fault.status is None:
            self.close_connection = True
            return
        self._send(fault.status, fault.text or dict(fault.error), fault.headers)

    def _answered(self, asked: Asked) -> Answer:
        try:
            return self.fake.answer(asked)
        except Refused as refused:
            return Answer(body=refused.error, status=refused.status)
        except AssertionError as error:
            self.fake.violations.append(str(error))
            return Answer(body={"id": "bad_request", "message": "see violations"}, status=400)

    def _asked(self) -> Asked:
        length = int(self.headers.get("Content-Length", "0"))
        text = self.rfile.read(length) if length else b""
        return Asked(
            method=self.command,
            path=self.path,
            headers={name.lower(): value for name, value in self.headers.items()},
            body=json.loads(text) if text else None,
        )

    def _send(self, status: int, body: Any, headers: Mapping[str, str]) -> None:
        content = (body if isinstance(body, str) else json.dumps(body)).encode()
        self.send_response(status)
        sent = self.headers.get("Request-Id", "")
        told = {"Content-Type": "application/json", "Content-Length": str(len(content))}
        told |= {"Request-Id": f"{sent},{identity(99)}", "RateLimit-Remaining": str(self.fake.requests_left)}
        scope = self.fake.tokens.get(self.headers.get("Authorization", "").removeprefix("Bearer "))
        if self.fake.tells_scope and scope is not None:
            accepted = " ".join(self.fake.accepted(self.command, self.path))
            told |= {"Oauth-Scope": scope, "Oauth-Scope-Accepted": accepted}
        for name, value in {**told, **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)


def _violations(asked: Asked) -> Iterator[str]:
    """What each request has to bring along."""
    told = asked.headers
    if told.get("accept") != "application/vnd.heroku+json; version=3":
        yield f"{asked}: Accept is {told.get('accept')}"
    if not told.get("authorization", "").startswith("Bearer "):
        yield f"{asked}: no token"
    if not told.get("user-agent", "").startswith("gate/"):
        yield f"{asked}: User-Agent is {told.get('user-agent')}"
    if asked.body is not None and told.get("content-type") != "application/json":
        yield f"{asked}: Content-Type is {told.get('content-type')}"
    try:
        UUID(told.get("request-id", ""))
    except ValueError:
        yield f"{asked}: Request-Id is {told.get('request-id')}"


@contextmanager
def serving(fake: FakeHeroku) -> Iterator[FakeHeroku]:
    """The fake at its `url`, until the end of the `with`; then what broke the contract is an error."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"fake": fake}))
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.005})
    thread.start()
    fake.url = f"http://127.0.0.1:{server.server_address[1]}"
    try:
        yield fake
    finally:
        fake.has_ended.set()
        server.shutdown()
        thread.join()
        server.server_close()
    assert fake.violations == []
