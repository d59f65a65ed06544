"""Posting over HTTP for the hooks that tell people, and for the push gateway: bounded tries, and answers to be shown.

Each try has a thread of its own, for a name that is looked up, and an answer that comes byte by byte, keep to no
timeout of any library. A try that is given up ends with the process at the latest.
"""

from __future__ import annotations

import base64
import queue
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import parse_qsl, unquote, urljoin, urlsplit

from gate.model.errors import UsageError
from gate.model.units import lasting
from gate.platforms.making import Around
from gate.policy.addresses import address_problem, is_named
from gate.run.hooking import Left

_TRY_S = 10.0
_POLL_S = 0.05
_LEAST_S = 0.05
_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 0.5, 8.0
_MOST_ANSWER = 4096
_MOST_SAID = 300
_MOST_MOVES = 3
_MOVED = (307, 308)
"""The redirects that say: the same again, there. Behind the others stands a page, which answers 200 to anything."""
_TOO_MANY = 429
_LONG_PART = 8


# --- where to, and with which secrets ---------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Reference:
    """What an option says of an address or a secret, and where it stands: `release.on_failure: hook webhook, url`."""

    told: str
    key: str

    @property
    def where(self) -> str:
        """For people: the host, or the name of the variable."""
        return self.told if is_named(self.told) else urlsplit(self.told).hostname or ""

    def address(self, around: Around) -> str:
        """The URL. Raises UsageError where there is none, without a word of what is there instead."""
        if not is_named(self.told):
            return self.told
        url = around.secrets.read(self.told, around.environment, key=self.key)
        if not url.isprintable() or not _is_http(url):
            raise UsageError(f"{self.key}: {self.told} holds no http(s) URL", remedy="put the whole URL there")
        around.secrets.known.update(_parts(url))
        return url

    def secret(self, around: Around) -> str:
        """What it names. Raises UsageError where there is nothing."""
        return around.secrets.read(self.told, around.environment, key=self.key)


def address_of(value: object, key: str) -> Reference:
    """For an option that is an address. Raises UsageError for one that may not stand in a file."""
    if not isinstance(value, str) or not value.strip():
        raise UsageError(f"{key} is missing", remedy="write env:NAME, the variable that holds the URL, or file:PATH")
    problem = address_problem(value)
    if problem:
        raise UsageError(f"{key} {problem}", remedy="put it into a variable, and write env:NAME, or file:PATH")
    return Reference(told=value, key=key)


def secret_of(value: object, key: str) -> Reference:
    """For an option that is a secret. Raises UsageError for one that stands in the file itself."""
    if not isinstance(value, str) or not is_named(value):
        raise UsageError(
            f"{key} holds a secret itself, or neither env:NAME nor file:PATH",
            remedy="write env:NAME, the variable that holds it, or file:PATH",
        )
    return Reference(told=value, key=key)


def only_known(options: Mapping[str, Any], known: tuple[str, ...], key: str) -> None:
    """Raises UsageError for an option that the hook does not have."""
    for name in options:
        if name not in known:
            there_are = ", ".join((*known, "timeout"))
            raise UsageError(f"{key}: unknown option {name!r}", remedy=f"its options are {there_are}")


def _is_http(url: str) -> bool:
    try:
        parts = urlsplit(url)
        return parts.scheme in ("http", "https") and bool(parts.hostname)
    except ValueError:
        return False


def _parts(url: str) -> set[str]:
    """What an error or a proxy may repeat of a secret address: its path, a token in it, a password."""
    parts = urlsplit(url)
    found = {parts.path, f"{parts.path}?{parts.query}", *parts.path.split("/"), parts.query}
    found |= {value for _, value in parse_qsl(parts.query)} | {
        value.partition("=")[2] for value in parts.query.split("&")
    }
    own = {text for text in (parts.password, unquote(parts.password or "")) if text}
    if own:
        # As it stands in the header of the request.
        pair = f"{unquote(parts.username or '')}:{unquote(parts.password or '')}"
        own.add(base64.b64encode(pair.encode()).decode())
    return {text for text in found if len(text) >= _LONG_PART} | own


# --- the tries --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Letter:
    """What is sent; `headers` are made anew for each try, for one of them may hold the time."""

    url: str
    body: bytes
    headers: Callable[[], Mapping[str, str]]
    method: str = "POST"


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What became of it: no `problem` where a 2xx came back. `status` is None where nobody answered.

    `text` is the beginning of the answer, as it came: it is masked before anybody sees it.
    """

    status: int | None = None
    text: str = ""
    problem: str = ""
    tries: int = 1
    is_retried: bool = False
    pause_s: float | None = None
    moved_to: str = field(default="", repr=False)


def post(letter: Letter, left_s: Left) -> Answer:
    """Sends until it is taken, refused, or `left_s` is over; nobody is asked twice who has said no."""
    tries, moves = 0, 0
    while True:
        tries += 1
        answer = replace(_tried(letter, left_s), tries=tries)
        if answer.moved_to and moves < _MOST_MOVES:
            moves += 1
            letter = replace(letter, url=answer.moved_to)
            continue
        if not answer.is_retried:
            return answer
        pause_s = answer.pause_s
        if pause_s is None:
            pause_s = min(_FIRST_PAUSE_S * 2 ** (tries - 1), _LONGEST_PAUSE_S)
        if pause_s + _LEAST_S >= left_s():
            return _given_up(answer)
        _rest(pause_s, left_s)
        if left_s() < _LEAST_S:
            # A signal has shortened it meanwhile.
            return _given_up(answer)


def said(text: str) -> str:
    """The first line of an answer, for people."""
    line = next((line.strip() for line in text.splitlines() if line.strip()), "")
    plain = "".join(letter if letter.isprintable() else " " for letter in line)
    return plain if len(plain) <= _MOST_SAID else plain[: _MOST_SAID - 3] + "..."


def _given_up(answer: Answer) -> Answer:
    later = f", and asks to wait for {lasting(answer.pause_s)}" if answer.pause_s else ""
    times = f" ({answer.tries} tries)" if answer.tries > 1 else ""
    return replace(answer, problem=f"{answer.problem}{later}{times}")


def _rest(pause_s: float, left_s: Left) -> None:
    until_s = time.monotonic() + pause_s
    while (rest_s := min(until_s - time.monotonic(), left_s())) > 0:
        time.sleep(min(_POLL_S, rest_s))


def _tried(letter: Letter, left_s: Left) -> Answer:
    """One try, given up in time whatever the other side and the resolver do."""
    limit_s = max(_LEAST_S, min(_TRY_S, left_s()))
    begun_s = time.monotonic()
    box: queue.SimpleQueue[Answer | BaseException] = queue.SimpleQueue()
    threading.Thread(target=_into, args=(box, letter, limit_s), name="posting", daemon=True).start()
    while min(limit_s - (time.monotonic() - begun_s), left_s()) > 0:
        try:
            found = box.get(timeout=_POLL_S)
        except queue.Empty:
            continue
        if isinstance(found, BaseException):
            raise found
        return found
    return Answer(problem=f"no answer within {lasting(time.monotonic() - begun_s)}", is_retried=True)


def _into(box: queue.SimpleQueue[Answer | BaseException], letter: Letter, limit_s: float) -> None:
    try:
        box.put(_sent(letter, limit_s))
    except BaseException as error:  # noqa: BLE001 - raised again by whoever waits
        box.put(error)


def _sent(letter: Letter, limit_s: float) -> Answer:
    import httpx

    begun_s = time.monotonic()
    try:
        with (
            httpx.Client(timeout=limit_s, follow_redirects=False) as client,
            client.stream(letter.method, letter.url, content=letter.body, headers=dict(letter.headers())) as response,
        ):
            text = _beginning(response, begun_s + limit_s)
            return _answered(letter, response.status_code, response.headers, text)
    except httpx.TimeoutException:
        return Answer(problem=f"no answer within {lasting(limit_s)}", is_retried=True)
    except (httpx.NetworkError, httpx.RemoteProtocolError, httpx.ProxyError) as error:
        text = str(error) or type(error).__name__
        # The same certificate comes back.
        return Answer(problem=f"cannot be reached: {text}", is_retried="CERTIFICATE_VERIFY_FAILED" not in text)
    except (httpx.HTTPError, httpx.InvalidURL, OSError, ValueError, ImportError) as error:
        # The address, a header, the proxy or the certificates of the environment: nothing that a second try mends.
        return Answer(problem=f"cannot be sent: {str(error) or type(error).__name__}")


def _beginning(response: Any, until_s: float) -> str:
    found = b""
    for chunk in response.iter_bytes(_MOST_ANSWER):
        found += chunk
        if len(found) >= _MOST_ANSWER or time.monotonic() >= until_s:
            break
    return found[:_MOST_ANSWER].decode("utf-8", "replace")


def _answered(letter: Letter, status: int, headers: Mapping[str, str], text: str) -> Answer:
    if 200 <= status < 300:
        return Answer(status=status, text=text)
    if 300 <= status < 400:
        return _moved(letter.url, status, headers.get("location", ""))
    line = said(text)
    problem = f"answered {status}" + (f": {line}" if line else "")
    is_retried = status >= 500 or status == _TOO_MANY
    pause_s = _pause_s(headers.get("retry-after", "")) if is_retried else None
    return Answer(status=status, text=text, problem=problem, is_retried=is_retried, pause_s=pause_s)


def _moved(url: str, status: int, location: str) -> Answer:
    """Another host would get what is meant for this one, with its signature."""
    try:
        there, here = urlsplit(urljoin(url, location)), urlsplit(url)
        is_here = (there.scheme, there.hostname, there.port) == (here.scheme, here.hostname, here.port)
        host = there.hostname or "nowhere"
    except ValueError:
        is_here, host = False, "nowhere"
    problem = f"answered {status}, a redirect to {host}, which is not followed: name the address that answers"
    moved_to = there.geturl() if is_here and location and status in _MOVED else ""
    return Answer(status=status, problem=problem, moved_to=moved_to)


def _pause_s(told: str) -> float | None:
    """Retry-After: seconds, or a date. Source: RFC 9110, 10.2.3."""
    if told.strip().isdigit():
        return float(told)
    try:
        at = parsedate_to_datetime(told)
    except ValueError:
        return None
    return max(0.0, (at.astimezone(UTC) - datetime.now(UTC)).total_seconds())
