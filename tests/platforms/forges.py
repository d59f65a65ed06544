"""GitHub and GitLab as far as comments go: real servers on 127.0.0.1, with pages, read-only tokens and outages.

Shapes: https://docs.github.com/en/rest/issues/comments, https://docs.gitlab.com/api/notes/.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

TOKEN = "ghs_PlantedSecretOfTheJob0123456789"
MOST = {"github": 65_536, "gitlab": 1_000_000}
ME = 4711


@dataclass
class Forge:
    """What is there, and how it behaves. `fails` answers that many requests with 503 before it works again.

    With `loses_answers` what is written is kept, and the connection closed instead of an answer.
    """

    kind: str = "github"
    address: str = ""
    comments: list[dict[str, Any]] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    may_write: bool = True
    fails: int = 0
    loses_answers: int = 0
    next_id: int = 100

    def comment(self, body: str, *, user: str = "Bot", association: str = "NONE", author: int = ME) -> dict[str, Any]:
        self.next_id += 1
        made = {
            "id": self.next_id,
            "body": body,
            "html_url": f"{self.address}/c/{self.next_id}",
            "user": {"login": "somebody", "type": user},
            "author_association": association,
            "author": {"id": author},
            "system": False,
        }
        self.comments.append(made)
        return made

    @property
    def bodies(self) -> list[str]:
        return [str(each["body"]) for each in self.comments]

    @property
    def environment(self) -> dict[str, str]:
        if self.kind == "github":
            return {
                "GITHUB_ACTIONS": "true",
                "GITHUB_API_URL": self.address,
                "GITHUB_SERVER_URL": "https://github.example",
                "GITHUB_REPOSITORY": "acme/shop",
                "GITHUB_REF": "refs/pull/7/merge",
                "GITHUB_RUN_ID": "991",
                "GITHUB_TOKEN": TOKEN,
            }
        return {
            "GITLAB_CI": "true",
            "CI_API_V4_URL": f"{self.address}/api/v4",
            "CI_PROJECT_ID": "12",
            "CI_MERGE_REQUEST_IID": "7",
            "CI_COMMIT_SHA": "0123456789abcdef",
            "CI_JOB_URL": "https://gitlab.example/acme/shop/-/jobs/5",
            "GATE_GITLAB_TOKEN": TOKEN,
        }


_PATHS = {
    "github": ("/repos/acme/shop/issues/7/comments", "/repos/acme/shop/issues/comments/", "PATCH"),
    "gitlab": (
        "/api/v4/projects/12/merge_requests/7/notes",
        "/api/v4/projects/12/merge_requests/7/notes/",
        "PUT",
    ),
}


class _Handler(BaseHTTPRequestHandler):
    forge: Forge
    protocol_version = "HTTP/1.1"

    def log_message(self, *_: object) -> None:
        return

    def _answer(self, status: int, document: Any, **headers: str) -> None:
        text = json.dumps(document).encode()
        self.send_response(status)
        for name, value in {**headers, "Content-Type": "application/json", "Content-Length": str(len(text))}.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(text)

    def _handle(self) -> None:
        forge, parts = self.forge, urlsplit(self.path)
        length = int(self.headers.get("Content-Length") or 0)
        body = json.loads(self.rfile.read(length)) if length else {}
        forge.asked.append(f"{self.command} {self.path}")
        every, one, change = _PATHS[forge.kind]
        if self.headers.get("Authorization") != f"Bearer {TOKEN}":
            self._answer(401, {"message": "Bad credentials"})
        elif forge.fails:
            forge.fails -= 1
            self._answer(503, {"message": "No server is currently available"})
        elif self.command == "GET" and parts.path == "/api/v4/user" and forge.kind == "gitlab":
            self._answer(200, {"id": ME})
        elif self.command == "GET" and parts.path == every:
            self._list(parse_qs(parts.query))
        elif self.command == "GET":
            self._answer(404, {"message": "Not Found"})
        elif not forge.may_write:
            # A proxy may repeat what it was given.
            self._answer(403, {"message": f"Resource not accessible by integration ({TOKEN})"})
        elif len(body["body"]) > MOST[forge.kind]:
            self._answer(422, {"message": "body is too long"})
        elif self.command == "POST" and parts.path == every:
            self._made(forge.comment(body["body"]), 201)
        elif self.command == change and parts.path.startswith(one):
            (found,) = [each for each in forge.comments if str(each["id"]) == parts.path.removeprefix(one)]
            found["body"] = body["body"]
            self._made(found, 200)
        else:
            self._answer(404, {"message": "Not Found"})

    def _made(self, document: dict[str, Any], status: int) -> None:
        if self.forge.loses_answers:
            self.forge.loses_answers -= 1
            self.close_connection = True
            return
        self._answer(status, document)

    def _list(self, query: dict[str, list[str]]) -> None:
        size, page = int(query["per_page"][0]), int(query["page"][0])
        found = self.forge.comments[(page - 1) * size : page * size]
        has_more = len(self.forge.comments) > page * size
        link = {"Link": f'<{self.forge.address}/elsewhere?page={page + 1}>; rel="next"'} if has_more else {}
        self._answer(200, found, X_Next_Page=str(page + 1) if has_more else "", **link)

    do_GET = do_POST = do_PATCH = do_PUT = _handle  # noqa: N815 - as http.server names them


@contextmanager
def forge_of(kind: str) -> Iterator[Forge]:
    """A server, as long as it is wanted."""
    forge = Forge(kind=kind)
    handler = type("Handler", (_Handler,), {"forge": forge})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        forge.address = f"http://127.0.0.1:{server.server_address[1]}"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        try:
            yield forge
        finally:
            server.shutdown()
            thread.join()
