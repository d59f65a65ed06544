"""One request to the app's health URL: what it answers, or whose fault it is that it does not.

An answer that is not the expected one is bad; so are a refused connection, one that is cut, and an answer that does not
come in time: all that is the app's, or of what stands before it. A name that is not known, a network that is not
reached, a certificate that we do not trust, a proxy of ours, and 429, are no word about the app: unknown.
"""

from __future__ import annotations

import errno
import queue
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

from gate.model.units import lasting
from gate.model.version import VERSION
from gate.policy.policy import Health
from gate.run.holding import Reading, Seen

if TYPE_CHECKING:
    import httpx

_PROBE = "health"
_POLL_S = 0.05
_MOST_BYTES = 262_144
# Of a proxy of ours, or of a limit that we have run into ourselves.
_NOT_THE_APP = frozenset({407, 429, 511})
_REFUSED = frozenset({errno.ECONNREFUSED, errno.ECONNRESET, errno.EPIPE, errno.ECONNABORTED})


@dataclass(frozen=True, kw_only=True)
class Asked:
    """The URL itself, which no message repeats: it may hold a secret. `is_stopped` ends the waiting for an answer."""

    url: str
    health: Health
    is_stopped: Callable[[], bool] = lambda: False


def probe(asked: Asked) -> Reading:
    """Within the timeout whatever happens: a name that is looked up keeps to none."""
    answers: queue.SimpleQueue[Reading] = queue.SimpleQueue()
    thread = threading.Thread(target=lambda: answers.put(_asked(asked)), name="health", daemon=True)
    until_s = time.monotonic() + 2 * asked.health.timeout_s + 1.0
    thread.start()
    while time.monotonic() < until_s and not asked.is_stopped():
        try:
            return answers.get(timeout=_POLL_S)
        except queue.Empty:
            continue
    return _unknown(f"it is not known whether {_host(asked.url)} answers: its name was not found out in time")


def _asked(asked: Asked) -> Reading:
    import httpx

    timeout_s = asked.health.timeout_s
    begun_s = time.monotonic()
    # Each time anew: a connection that was kept would go on to an instance that no new client is sent to.
    try:
        with (
            httpx.Client(timeout=timeout_s, follow_redirects=False) as client,
            client.stream("GET", asked.url, headers={"User-Agent": f"gate/{VERSION}"}) as answer,
        ):
            return _answered(asked.health, answer, begun_s + timeout_s)
    except httpx.HTTPError as error:
        return _failed(error, asked, time.monotonic() - begun_s)
    except (httpx.InvalidURL, ValueError) as error:
        return _unknown(f"the URL cannot be asked: {type(error).__name__}")


def _answered(health: Health, answer: httpx.Response, until_s: float) -> Reading:
    status = answer.status_code
    said = f"answered {status}"
    if not any(first <= status <= last for first, last in health.statuses):
        return _unknown(f"{said}, which is no word of the app's") if status in _NOT_THE_APP else _bad(said)
    if not health.text:
        return Reading(probe=_PROBE, seen=Seen.GOOD, said=said)
    body = bytearray()
    for part in answer.iter_bytes():
        body += part
        if len(body) > _MOST_BYTES:
            break
        if time.monotonic() > until_s:
            return _bad(f"{said}, and did not come to an end within {lasting(health.timeout_s)}")
    if health.text in body[:_MOST_BYTES].decode(answer.encoding or "utf-8", "replace"):
        return Reading(probe=_PROBE, seen=Seen.GOOD, said=said)
    return _bad(f"{said} without {health.text!r}")


def _failed(error: httpx.HTTPError, asked: Asked, took_s: float) -> Reading:
    import httpx

    host, cause = _host(asked.url), _os_error(error)
    code = cause.errno if cause is not None else None
    if _goes_through_a_proxy(asked.url) and isinstance(error, httpx.ConnectError | httpx.ConnectTimeout):
        return _unknown(f"the proxy before {host} was not reached")
    match error:
        case httpx.ProxyError():
            return _unknown(f"the proxy before {host} did not let us through")
        case httpx.ConnectTimeout() | httpx.PoolTimeout():
            return _unknown(f"no connection to {host} within {lasting(took_s)}: the network may be ours")
        case httpx.TimeoutException():
            return _bad(f"no answer within {lasting(took_s)}")
        case httpx.ConnectError() if code == errno.ECONNREFUSED:
            return _bad(f"{host} refused the connection")
        case httpx.ConnectError():
            return _unknown(f"no connection to {host}: {_said(error, cause)}")
        case httpx.RemoteProtocolError():
            return _bad("the connection was closed without a whole answer")
        case httpx.ReadError() | httpx.WriteError() | httpx.CloseError() if code is None or code in _REFUSED:
            return _bad("the connection was cut before the answer")
        case _:
            return _unknown(f"{host} could not be asked: {_said(error, cause)}")


def _os_error(error: BaseException) -> OSError | None:
    found: BaseException | None = error
    while found is not None:
        if isinstance(found, OSError):
            return found
        found = found.__cause__ or found.__context__
    return None


def _said(error: Exception, cause: OSError | None) -> str:
    text = str(cause.strerror or cause) if cause is not None else str(error)
    return " ".join(text.split())[:200]


def _host(url: str) -> str:
    try:
        return urlsplit(url).hostname or "the host"
    except ValueError:
        return "the host"


def _goes_through_a_proxy(url: str) -> bool:
    parts = urlsplit(url)
    proxies = getproxies()
    return bool((parts.scheme in proxies or "all" in proxies) and not proxy_bypass(parts.hostname or ""))


def _bad(said: str) -> Reading:
    return Reading(probe=_PROBE, seen=Seen.BAD, said=said)


def _unknown(said: str) -> Reading:
    return Reading(probe=_PROBE, seen=Seen.UNKNOWN, said=said)
