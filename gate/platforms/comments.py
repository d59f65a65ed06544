"""The comment on a pull request or merge request: one for each key, found by its hidden first line, changed in place.

Source: https://docs.github.com/en/rest/issues/comments and https://docs.gitlab.com/api/notes/. Whoever may not write
into the project may write comments all the same: one that only looks like ours is left alone.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import quote

from gate.model.errors import UsageError
from gate.model.version import VERSION
from gate.platforms.secrets import Secrets

LIMIT_S = 30.0
"""For all requests together."""
_TRY_S = 10.0
_MOST_TRIES = 3
_PAUSE_S = 0.5
_LONGEST_PAUSE_S = 5.0
_PAGE = 100
_MOST_PAGES = 100
_MOST_SAID = 300
# No two hyphens in a row: the key stands in a comment of HTML.
_KEY = re.compile(r"[A-Za-z0-9_./:]+(-[A-Za-z0-9_./:]+)*", re.ASCII)
_REF = re.compile(r"refs/pull/(\d+)/", re.ASCII)
_TRUSTED = frozenset({"OWNER", "MEMBER", "COLLABORATOR"})


class CannotComment(Exception):
    """Why not, in words for people."""


class _Unsure(CannotComment):
    """Nobody answered: it may have been written."""


@dataclass(frozen=True, kw_only=True)
class Note:
    """A comment that is there. `is_ours` is whether somebody wrote it who may be taken for us."""

    id: int
    body: str
    url: str
    is_ours: bool


class Forge(Protocol):
    """Where a comment goes. All raise CannotComment."""

    @property
    def longest(self) -> int:
        """Of a comment, in letters."""
        ...

    @property
    def shown_at(self) -> str:
        """The job that runs now, empty where it has no address."""
        ...

    @property
    def commit(self) -> str:
        """The one that was judged, empty where nobody says."""
        ...

    def notes(self) -> Iterator[Note]:
        """All that are there, the oldest first."""
        ...

    def create(self, body: str) -> Note:
        """A new one."""
        ...

    def change(self, note: Note, body: str) -> Note:
        """That one."""
        ...


@dataclass(frozen=True, kw_only=True)
class Put:
    """What was done: `written`, `updated`, `unchanged`, or `none`, where there was none and none was wanted."""

    done: str
    url: str = ""


def mark(key: str) -> str:
    """The first line of our comment. Raises UsageError for a key that cannot stand there."""
    if not _KEY.fullmatch(key):
        raise UsageError(
            f"{key!r} is no key of a comment", remedy="letters, digits and . _ / : - such as --key billing"
        )
    return f"<!-- gate:{key} -->"


def put(forge: Forge, key: str, body: str, *, only_there: bool = False) -> Put:
    """Changes the comment of that key, or writes it. Raises CannotComment."""
    first = mark(key)
    text = f"{first}\n\n{body}"
    there = _find(forge, first)
    if there is not None:
        if there.body.replace("\r\n", "\n").rstrip() == text.rstrip():
            return Put(done="unchanged", url=there.url)
        return Put(done="updated", url=forge.change(there, text).url)
    if only_there:
        return Put(done="none")
    try:
        return Put(done="written", url=forge.create(text).url)
    except _Unsure:
        # Nobody answered: a second one must not be written beside a first.
        there = _find(forge, first)
        return Put(done="written", url=(there or forge.create(text)).url)


def _find(forge: Forge, first: str) -> Note | None:
    return next((note for note in forge.notes() if note.is_ours and note.body.startswith(first)), None)


# --- who is asked -----------------------------------------------------------------------------------------------------


@dataclass
class Api:
    """Requests to one address, with one token; what is idempotent is tried again for a while."""

    address: str
    token: str = field(repr=False)
    headers: Mapping[str, str]
    masked: Callable[[str], str]
    ends_s: float = field(default_factory=lambda: time.monotonic() + LIMIT_S)

    def pages(
        self, path: str, has_more: Callable[[Mapping[str, str]], bool], *, order: str = ""
    ) -> Iterator[dict[str, Any]]:
        """All items of a list."""
        for page in range(1, _MOST_PAGES + 1):
            items, headers = self._asked("GET", f"{path}?per_page={_PAGE}&page={page}{order}", None)
            if not isinstance(items, list):
                raise CannotComment(f"GET {path} answered with something else than a list")
            yield from items
            if not has_more(headers):
                return

    def send(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """What came back."""
        answer, _ = self._asked(method, path, body)
        if not isinstance(answer, dict):
            raise CannotComment(f"{method} {path} answered with something else than an object")
        return answer

    def _asked(self, method: str, path: str, body: Mapping[str, Any] | None) -> tuple[Any, Mapping[str, str]]:
        tries = 0
        while True:
            tries += 1
            try:
                return self._once(method, path, body)
            except _Unsure:
                pause_s = min(_PAUSE_S * 2 ** (tries - 1), _LONGEST_PAUSE_S)
                is_over = tries >= _MOST_TRIES or time.monotonic() + pause_s >= self.ends_s
                if method == "POST" or is_over:
                    raise
                time.sleep(pause_s)

    def _once(self, method: str, path: str, body: Mapping[str, Any] | None) -> tuple[Any, Mapping[str, str]]:
        import httpx

        left_s = self.ends_s - time.monotonic()
        if left_s <= 0:
            raise CannotComment(f"{method} {path}: the time is over ({LIMIT_S:.0f} s)")
        headers = {
            "User-Agent": f"gate/{VERSION}",
            **self.headers,
            # Not followed to another host by a redirect: none is followed.
            "Authorization": f"Bearer {self.token}",
        }
        try:
            response = httpx.request(
                method, f"{self.address}{path}", headers=headers, json=body, timeout=min(_TRY_S, left_s)
            )
        except (httpx.HTTPError, httpx.InvalidURL, ValueError, OSError) as error:
            raise _Unsure(self.masked(f"{method} {path}: {str(error) or type(error).__name__}")) from None
        return self._answered(method, path, response), response.headers

    def _answered(self, method: str, path: str, response: Any) -> Any:
        if not response.is_success:
            text = self.masked(f"{method} {path} answered {response.status_code}: {_said(response.text)}")
            raise (_Unsure if response.status_code >= 500 or response.status_code == 429 else CannotComment)(text)
        try:
            return response.json()
        except ValueError:
            raise CannotComment(f"{method} {path} answered {response.status_code} with no JSON") from None


def _said(text: str) -> str:
    """The message of an error, else the beginning of what came."""
    try:
        document = json.loads(text)
    except ValueError:
        document = None
    told = document.get("message") or document.get("error") if isinstance(document, dict) else None
    line = " ".join(str(told or text).split())
    return line if len(line) <= _MOST_SAID else line[: _MOST_SAID - 3] + "..."


# --- GitHub -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class GitHub:
    """Comments of one pull request."""

    api: Api
    issue: str
    comments: str
    shown_at: str
    commit: str
    longest: int = 65_536

    def notes(self) -> Iterator[Note]:
        """Of all who wrote there."""
        items = self.api.pages(f"{self.issue}/comments", lambda headers: 'rel="next"' in headers.get("link", ""))
        return map(_of_github, items)

    def create(self, body: str) -> Note:
        """A new one."""
        return _of_github(self.api.send("POST", f"{self.issue}/comments", {"body": body}))

    def change(self, note: Note, body: str) -> Note:
        """That one."""
        return _of_github(self.api.send("PATCH", f"{self.comments}/{note.id}", {"body": body}))


def _of_github(item: Mapping[str, Any]) -> Note:
    user = item.get("user") or {}
    return Note(
        id=int(item["id"]),
        body=item.get("body") or "",
        url=item.get("html_url") or "",
        is_ours=user.get("type") == "Bot" or item.get("author_association") in _TRUSTED,
    )


def _github(environment: Mapping[str, str], secrets: Secrets, number: int | None) -> GitHub | None:
    event = _event(environment.get("GITHUB_EVENT_PATH", ""))
    number = number or _number(event) or _number_of_ref(environment.get("GITHUB_REF", ""))
    if number is None:
        return None
    repository = environment.get("GITHUB_REPOSITORY", "")
    token = _token("GITHUB_TOKEN", environment, secrets, "give the step GITHUB_TOKEN: ${{ github.token }} in its env")
    server = environment.get("GITHUB_SERVER_URL", "https://github.com")
    run = environment.get("GITHUB_RUN_ID", "")
    head = (event.get("pull_request") or {}).get("head") or {}
    repos = f"/repos/{quote(repository, safe='/')}"
    return GitHub(
        api=Api(
            address=environment.get("GITHUB_API_URL", "https://api.github.com").rstrip("/"),
            token=token,
            headers={"Accept": "application/vnd.github+json", "X-GitHub-Api-Version": "2022-11-28"},
            masked=secrets.masked,
        ),
        issue=f"{repos}/issues/{number}",
        comments=f"{repos}/issues/comments",
        shown_at=f"{server}/{repository}/actions/runs/{run}" if run else "",
        commit=str(head.get("sha") or ""),
    )


def _event(path: str) -> Mapping[str, Any]:
    try:
        found = json.loads(Path(path).read_text(encoding="utf-8")) if path else {}
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _number(event: Mapping[str, Any]) -> int | None:
    """A comment on a pull request comes as one on an issue that has a pull request."""
    issue = event.get("issue") or {}
    number = (event.get("pull_request") or {}).get("number") or (issue.get("number") if "pull_request" in issue else 0)
    return int(number) if number else None


def _number_of_ref(ref: str) -> int | None:
    found = _REF.match(ref)
    return int(found.group(1)) if found else None


# --- GitLab -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class GitLab:
    """Notes of one merge request; ours are those that the owner of the token wrote."""

    api: Api
    path: str
    shown_at: str
    commit: str
    longest: int = 1_000_000

    def notes(self) -> Iterator[Note]:
        """The oldest first, and who wrote them."""
        me = self.api.send("GET", "/user").get("id")
        for item in self._items():
            is_ours = me is not None and (item.get("author") or {}).get("id") == me and not item.get("system")
            yield self._note(item, is_ours=is_ours)

    def create(self, body: str) -> Note:
        """A new one."""
        return self._note(self.api.send("POST", self.path, {"body": body}), is_ours=True)

    def change(self, note: Note, body: str) -> Note:
        """That one."""
        return self._note(self.api.send("PUT", f"{self.path}/{note.id}", {"body": body}), is_ours=True)

    def _items(self) -> Iterator[dict[str, Any]]:
        order = "&sort=asc&order_by=created_at"
        return self.api.pages(self.path, lambda headers: bool(headers.get("x-next-page", "").strip()), order=order)

    def _note(self, item: Mapping[str, Any], *, is_ours: bool) -> Note:
        return Note(id=int(item["id"]), body=item.get("body") or "", url="", is_ours=is_ours)


def _gitlab(environment: Mapping[str, str], secrets: Secrets, number: int | None) -> GitLab | None:
    told = environment.get("CI_MERGE_REQUEST_IID", "")
    number = number or (int(told) if told.isascii() and told.isdigit() else None)
    if number is None:
        return None
    # Of a fork's pipeline the project is the fork, and the merge request is not there.
    project = environment.get("CI_MERGE_REQUEST_PROJECT_ID") or environment.get("CI_PROJECT_ID", "")
    token = _token(
        "GATE_GITLAB_TOKEN", environment, secrets, "a project access token with scope api, as a masked CI/CD variable"
    )
    return GitLab(
        api=Api(
            address=environment.get("CI_API_V4_URL", "https://gitlab.com/api/v4").rstrip("/"),
            token=token,
            headers={"Accept": "application/json"},
            masked=secrets.masked,
        ),
        path=f"/projects/{quote(project, safe='')}/merge_requests/{number}/notes",
        shown_at=environment.get("CI_JOB_URL", ""),
        commit=environment.get("CI_MERGE_REQUEST_SOURCE_BRANCH_SHA") or environment.get("CI_COMMIT_SHA", ""),
    )


# --- where we are -----------------------------------------------------------------------------------------------------


def forge_of(environment: Mapping[str, str], secrets: Secrets, number: int | None = None) -> Forge | None:
    """Where the comment goes; None if this is about no pull request.

    Raises UsageError outside of both, CannotComment without a token.
    """
    if environment.get("GITHUB_REPOSITORY"):
        return _github(environment, secrets, number)
    if environment.get("CI_PROJECT_ID"):
        return _gitlab(environment, secrets, number)
    raise UsageError(
        "neither GitHub Actions nor GitLab CI: GITHUB_REPOSITORY and CI_PROJECT_ID are not set",
        remedy="gate comment runs in a job of one of them",
    )


def _token(name: str, environment: Mapping[str, str], secrets: Secrets, way_out: str) -> str:
    try:
        return secrets.read(f"env:{name}", environment, key=name)
    except UsageError:
        raise CannotComment(f"{name} is not set: {way_out}") from None
