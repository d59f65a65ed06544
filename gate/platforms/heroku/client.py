"""Requests to the Platform API: bounded in time, repeated only where that does no harm.

Each request has a connection of its own: one that was kept open may have been closed by the other side, and then it is
not known whether a change was made.

Source: https://devcenter.heroku.com/articles/platform-api-reference: `Range` and `Next-Range`, `Request-Id`,
`RateLimit-Remaining`, 429.
"""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from gate.model.errors import GateError, Unreachable
from gate.model.units import lasting
from gate.model.version import VERSION
from gate.platforms.asking import CHANGE_S, answered, whole
from gate.platforms.heroku.answers import (
    AppInfo,
    Attachment,
    Dyno,
    Process,
    Release,
    app_info,
    attachment,
    dyno,
    process,
    release,
)
from gate.platforms.heroku.errors import ApiError, Lost, Scopes, refused, scopes
from gate.platforms.heroku.reach import Reach
from gate.run.hooking import Left

if TYPE_CHECKING:
    import httpx

ACCEPT = "application/vnd.heroku+json; version=3"
REQUEST_S = 10.0
"""No part of one request (to connect, to be answered) takes longer, whatever is left."""
TRIES = 5
PAGE = 20
"""Releases are asked for by as many."""
_LEAST_S = 0.05
_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 0.5, 8.0
# A request comes back about each 0.8 s once an account has none left.
_FIRST_LIMIT_PAUSE_S = 2.0
_LONGEST_BYTES = 16 * 1024**2
_MOST_PAGES = 50
_TOO_MANY = 429


class Effect(Enum):
    """What a request does, and so whether it may be repeated where nobody knows what became of it."""

    READS = "reads"
    SETS = "sets a value: twice is as once"
    ACTS = "acts each time"


@dataclass(frozen=True, kw_only=True)
class Api:
    """One app at the Platform API, as long as `left_s` lasts. Nothing is connected before something is asked.

    Every call raises Unreachable, ApiError, UsageError (no token), and Lost where something may have been done.
    """

    reach: Reach
    left_s: Left
    pause: Callable[[float], None] = time.sleep

    # --- what is there ------------------------------------------------------------------------------------------------

    def app(self) -> AppInfo:
        """The app. Raises ApiError where it is another one than the dyno says it is of."""
        answer = self._ask("GET", self._path(), Effect.READS)
        found = app_info(answer.body(), answer.scopes, answer.requests_left)
        if self.reach.app_id not in ("", found.id):
            raise ApiError(
                f"the app {found.name} has the id {found.id}, and HEROKU_APP_ID is {self.reach.app_id}: "
                "these are two apps, gate acts on neither",
                status=404,
                remedy="take app out of [platform.heroku], and GATE_HEROKU_APP out of the environment",
            )
        return found

    def releases(self, most: int = PAGE) -> Iterator[Release]:
        """The newest first, page by page, as far as they are asked for.

        Whoever is in between may take `Range` away: all of them in any order would do, and pages in another would not.
        """
        last: int | None = None
        for answer in self._pages(self._path("releases"), f"version ..; max={most}, order=desc"):
            for found in sorted(map(release, answer.items()), key=lambda one: one.version, reverse=True):
                if found.version == last:
                    continue
                if last is not None and found.version > last:
                    raise ApiError("releases do not come in the order in which they are asked for")
                last = found.version
                yield found

    def release(self, version: int) -> Release:
        """One of them."""
        return release(self._ask("GET", self._path("releases", str(version)), Effect.READS).body())

    def releases_take(self) -> tuple[str, ...]:
        """The scopes that reading releases takes, empty where Heroku does not say."""
        first = next(self._pages(self._path("releases"), "version ..; max=1, order=desc"))
        return first.scopes.takes

    def dynos(self) -> tuple[Dyno, ...]:
        return tuple(map(dyno, self._items("dynos")))

    def formation(self) -> tuple[Process, ...]:
        return tuple(map(process, self._items("formation")))

    def process(self, kind: str) -> Process:
        """One process type of the formation."""
        return process(self._ask("GET", self._path("formation", kind), Effect.READS).body())

    def has_preboot(self) -> bool:
        """Whether web dynos of the release before go on for minutes; not where there is no such feature (Fir)."""
        try:
            found = self._ask("GET", self._path("features", "preboot"), Effect.READS).body()
        except ApiError as error:
            if error.is_missing:
                return False
            raise
        return isinstance(found, Mapping) and bool(found.get("enabled"))

    def attachments(self) -> tuple[Attachment, ...]:
        """Add-ons of the app."""
        return tuple(map(attachment, self._items("addon-attachments")))

    def attachments_of(self, addon_id: str) -> tuple[Attachment, ...]:
        """All apps that have this add-on, as far as the account may see them."""
        pages = self._pages(f"/addons/{quote(addon_id, safe='')}/addon-attachments")
        return tuple(attachment(item) for page in pages for item in page.items())

    def scopes_of_token(self) -> tuple[str, ...]:
        """Those of the authorization that our token belongs to; empty where that cannot be found out."""
        token = self.reach.token()
        try:
            pages = list(self._pages("/oauth/authorizations"))
        except ApiError:
            return ()
        for item in (item for page in pages for item in page.items() if isinstance(item, dict)):
            if (item.get("access_token") or {}).get("token") == token:
                return tuple(map(str, item.get("scope") or ()))
        return ()

    # --- what is changed ----------------------------------------------------------------------------------------------

    def set_maintenance(self, *, is_on: bool) -> AppInfo:
        answer = self._ask("PATCH", self._path(), Effect.SETS, {"maintenance": is_on})
        return app_info(answer.body(), answer.scopes, answer.requests_left)

    def scale(self, kind: str, quantity: int) -> Process:
        """A process type of the formation to so many dynos; their size stays."""
        answer = self._ask("PATCH", self._path("formation", kind), Effect.SETS, {"quantity": quantity})
        return process(answer.body())

    def roll_back(self, release_id: str) -> Release:
        """Makes a new release of that one's slug and config vars; each call makes one more."""
        answer = self._ask("POST", self._path("releases"), Effect.ACTS, {"release": release_id})
        try:
            return release(answer.body())
        except ApiError as error:
            raise Lost(error.problem, is_answered=False) from error

    def stop_dyno(self, name: str) -> None:
        self._ask("POST", self._path("dynos", name, "actions", "stop"), Effect.ACTS)

    def restart_type(self, kind: str) -> None:
        """All dynos of a process type."""
        self._ask("DELETE", self._path("formations", kind), Effect.ACTS)

    # --- requests -----------------------------------------------------------------------------------------------------

    def _path(self, *parts: str) -> str:
        return "/".join(("/apps", *(quote(part, safe="") for part in (self.reach.app, *parts))))

    def _items(self, *parts: str) -> list[Any]:
        return [item for page in self._pages(self._path(*parts)) for item in page.items()]

    def _pages(self, path: str, wanted: str = "") -> Iterator[_Answer]:
        """206 says that there is more, and `Next-Range` what to ask for then."""
        for _ in range(_MOST_PAGES):
            answer = self._ask("GET", path, Effect.READS, wanted=wanted)
            yield answer
            following = answer.headers.get("Next-Range", "") if answer.status == 206 else ""
            if not following:
                return
            wanted = following
        raise ApiError(f"Heroku has more of {path} than {_MOST_PAGES} answers hold")

    def _ask(self, method: str, path: str, effect: Effect, body: object = None, *, wanted: str = "") -> _Answer:
        content = None if body is None else json.dumps(body, separators=(",", ":")).encode()
        request = _Request(method=method, path=path, content=content, effect=effect, wanted=wanted)
        count, unclear = 1, None
        while True:
            try:
                return self._once(request)
            except _AgainError as again:
                unclear = again.problem if isinstance(again.problem, Lost) else unclear
                pause_s = _pause_s(count, again)
                if count >= TRIES and not again.is_limit:
                    raise unclear or again.problem from again
                if pause_s + _LEAST_S >= self.left_s():
                    raise unclear or again.for_want_of_time() from again
            except GateError as error:
                # What an earlier try has done is not known any better by this one.
                raise unclear or error from error
            self.pause(pause_s)
            count += 1

    def _once(self, request: _Request) -> _Answer:
        try:
            answer = self._send(request)
        except _NoAnswerError as error:
            raise self._unclear(request, Unreachable(error.problem), is_answered=False) from error
        if answer.status < 300:
            return answer
        # Who answers may repeat what it was sent.
        said = self.reach.secrets.masked(answer.content.decode("utf-8", "replace"))
        problem = refused(answer.status, said, answer.headers, method=request.method, path=request.path)
        if answer.status == _TOO_MANY:
            raise _AgainError(problem, pause_s=answer.retry_after_s, is_limit=True)
        if answer.status >= 500:
            raise self._unclear(request, problem, is_answered=True, pause_s=answer.retry_after_s)
        raise problem

    def _unclear(
        self, request: _Request, problem: GateError, *, is_answered: bool, pause_s: float | None = None
    ) -> Exception:
        if request.effect is Effect.ACTS:
            return Lost(problem.problem, is_answered=is_answered)
        if request.effect is Effect.SETS:
            return _AgainError(Lost(problem.problem, is_answered=is_answered), pause_s=pause_s)
        return _AgainError(problem, pause_s=pause_s)

    def _send(self, request: _Request) -> _Answer:
        import httpx

        left_s = self.left_s()
        if left_s < _LEAST_S:
            raise Unreachable(f"no time is left to ask {self.reach.url}")
        # To connect, to agree on a cipher, to be answered: each has a third.
        phase_s = min(REQUEST_S, left_s / 3)
        until_s = time.monotonic() + min(3 * REQUEST_S, left_s)
        # A proxy of the environment is handed nothing in the clear.
        is_secret = self.reach.url.startswith("https://")
        headers = self._headers(request)

        def ask() -> _Answer:
            with (
                httpx.Client(verify=is_secret, trust_env=is_secret, timeout=phase_s) as client,
                client.stream(
                    request.method, f"{self.reach.url}{request.path}", content=request.content, headers=headers
                ) as answer,
            ):
                return _read(answer, until_s)

        try:
            longer_s = 0.0 if request.effect is Effect.READS else CHANGE_S
            return answered(ask, lambda: min(self.left_s(), until_s - time.monotonic()), longer_s=longer_s)
        except (httpx.ConnectError, httpx.ConnectTimeout) as error:
            said = f"no connection within {lasting(phase_s)}" if isinstance(error, httpx.TimeoutException) else error
            raise _AgainError(Unreachable(f"cannot reach {self.reach.url}: {said}")) from error
        except (httpx.InvalidURL, httpx.UnsupportedProtocol, httpx.ProxyError) as error:
            raise Unreachable(f"cannot ask {self.reach.url}: {error}") from error
        except (httpx.TimeoutException, TimeoutError) as error:
            raise _NoAnswerError(f"{self.reach.url} has not answered in time") from error
        except httpx.HTTPError as error:
            raise _NoAnswerError(f"the connection to {self.reach.url} was lost: {error}") from error

    def _headers(self, request: _Request) -> dict[str, str]:
        named = {
            "Accept": ACCEPT,
            "Authorization": f"Bearer {self.reach.token()}",
            "User-Agent": f"gate/{VERSION}",
            "Request-Id": str(uuid.uuid4()),
        }
        named |= {"Content-Type": "application/json"} if request.content is not None else {}
        return named | ({"Range": request.wanted} if request.wanted else {})


@dataclass(frozen=True, kw_only=True)
class _Request:
    method: str
    path: str
    content: bytes | None
    effect: Effect
    wanted: str


@dataclass(frozen=True, kw_only=True)
class _Answer:
    status: int
    content: bytes
    headers: Mapping[str, str]

    @property
    def retry_after_s(self) -> float | None:
        told = _number(self.headers.get("Retry-After", ""))
        return None if told is None else float(told)

    @property
    def requests_left(self) -> int | None:
        return _number(self.headers.get("RateLimit-Remaining", ""))

    @property
    def scopes(self) -> Scopes:
        return scopes(self.headers)

    def body(self) -> Any:
        try:
            return json.loads(self.content)
        except ValueError:
            raise ApiError("what was answered is no JSON: is that the address of Heroku's API?") from None

    def items(self) -> list[Any]:
        found = self.body()
        if not isinstance(found, list):
            raise ApiError("what was answered is nothing that Heroku would answer: it is no list")
        return found


class _AgainError(Exception):
    """Nothing was done, or twice is as once; `problem` is raised where there is no further try."""

    def __init__(self, problem: GateError, *, pause_s: float | None = None, is_limit: bool = False) -> None:
        super().__init__(problem.problem)
        self.problem = problem
        self.pause_s = pause_s
        self.is_limit = is_limit

    def for_want_of_time(self) -> GateError:
        """With when Heroku wants to be asked again, which would be too late."""
        if self.pause_s is None or not isinstance(self.problem, ApiError):
            return self.problem
        said = f"{self.problem.problem}; it wants to be asked again in {lasting(self.pause_s)}, which is too late"
        return ApiError(said, status=self.problem.status, remedy=self.problem.remedy)


class _NoAnswerError(Exception):
    """Heroku may have seen it."""

    def __init__(self, problem: str) -> None:
        super().__init__(problem)
        self.problem = problem


def _read(answer: httpx.Response, until_s: float) -> _Answer:
    content = whole(answer.iter_bytes(), until_s, _LONGEST_BYTES)
    if len(content) > _LONGEST_BYTES:
        raise _NoAnswerError("what comes is more than can be an answer of Heroku")
    return _Answer(status=answer.status_code, content=content, headers=answer.headers)


def _number(told: str) -> int | None:
    return int(told) if told.isascii() and told.isdigit() else None


def _pause_s(count: int, again: _AgainError) -> float:
    if again.pause_s is not None:
        return again.pause_s
    first_s = _FIRST_LIMIT_PAUSE_S if again.is_limit else _FIRST_PAUSE_S
    pause_s: float = min(first_s * 2 ** (count - 1), _LONGEST_PAUSE_S)
    return pause_s
