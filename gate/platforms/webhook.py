"""The webhook: the run as JSON to an address of the team's own, signed, and with one key over all tries.

The body is the document of the run with two keys more, `event` and `dedupe`. docs/hooks.md shows how a receiver checks
the signature.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from gate.model.errors import UsageError
from gate.model.repeats import dedupe_of
from gate.model.run import HookRun
from gate.model.version import VERSION
from gate.platforms.making import Around, Factory
from gate.platforms.posting import Answer, Letter, Reference, address_of, only_known, post, said, secret_of
from gate.policy.addresses import is_named
from gate.policy.policy import HookSetting
from gate.policy.quantities import seconds
from gate.run.hooking import Left
from gate.run.hooking_repeats import REPEAT_AFTER_S

MOST_BYTES = 900_000
"""A little less than the megabyte that many servers take of a body; what is longer goes without its plan, then more."""
_LISTS = ("units", "acts", "notes", "in_the_way", "still_waiting", "leftovers", "hooks")
_MOST_ITEMS, _MOST_TEXT = 50, 2000
_OPTIONS = ("url", "secret", "headers", "repeat_after")
# They are gate's own; a proxy in between must not be told otherwise.
_OWN_HEADERS = frozenset(
    (
        "content-type",
        "content-length",
        "host",
        "idempotency-key",
        "x-gate-event",
        "x-gate-signature",
        "x-gate-timestamp",
    )
)


@dataclass(frozen=True, kw_only=True)
class WebhookHook:
    """Meets `Hook`, `Checked` and `TellsPeople`. `clock` is the time of day in seconds, for the signature."""

    setting: HookSetting
    around: Around
    url: Reference
    key: Reference | None
    headers: Mapping[str, str | Reference]
    repeat_after_s: float = REPEAT_AFTER_S
    clock: Callable[[], float] = time.time

    @property
    def name(self) -> str:
        """With the host, or the variable that holds the address."""
        return f"webhook {self.url.where}"

    @property
    def longest_s(self) -> float:
        return self.setting.timeout_s

    def check(self, left_s: Left) -> str:  # noqa: ARG002 - nobody is asked
        """Whether the address and the secrets are there; nothing is sent, for a message is no question."""
        try:
            self.url.address(self.around)
            self._secret()
            self._own_headers()
        except UsageError as error:
            return f"{error}: {error.remedy}"
        return ""

    def call(self, event: str, document: str, left_s: Left) -> HookRun:
        begun_s = time.monotonic()

        def rest_s() -> float:
            return min(left_s(), self.setting.timeout_s - (time.monotonic() - begun_s))

        # Read before anything is masked: only what is known is found again.
        url, secret, own = self.url.address(self.around), self._secret(), self._own_headers()
        told = without_secrets(json.loads(document), self.around)
        body = body_of({"event": event, "dedupe": dedupe_of(told), **told})
        fixed = {**own, "Idempotency-Key": idempotency_key(told, event, body), "X-Gate-Event": event}

        def headers() -> Mapping[str, str]:
            return {**fixed, **_always(), **_signed(secret, f"{self.clock():.0f}", body)}

        answer = post(Letter(url=url, body=body, headers=headers), rest_s)
        return told_of(self.name, event, answer, time.monotonic() - begun_s, self.around)

    def _secret(self) -> str | None:
        return self.key.secret(self.around) if self.key is not None else None

    def _own_headers(self) -> dict[str, str]:
        read = {
            name: value if isinstance(value, str) else value.secret(self.around) for name, value in self.headers.items()
        }
        for name, value in read.items():
            if not (value.isascii() and value.isprintable()):
                raise UsageError(f"{_KEY}, headers.{name} is no header: it has line breaks or letters beyond ASCII")
        return read


def signature(secret: str, timestamp: str, body: bytes) -> str:
    """What a receiver compares with `X-Gate-Signature`: HMAC-SHA256 of the timestamp, a point, and the body."""
    digest = hmac.new(secret.encode(), timestamp.encode() + b"." + body, hashlib.sha256).hexdigest()
    return f"sha256={digest}"


def idempotency_key(document: Mapping[str, Any], event: str, body: bytes) -> str:
    """One for a run and an event, whatever the try; a document without a run is known by what it says."""
    run = document.get("run")
    return f"gate-{run}-{event}" if run else f"gate-{hashlib.sha256(body).hexdigest()[:32]}-{event}"


def body_of(document: Mapping[str, Any], most_bytes: int = MOST_BYTES) -> bytes:
    """The JSON, and of one that is too long so much that it fits; `trimmed` names then what is not whole."""
    body = _json(document)
    for trim in (_without_plan, _with_short_lists, _with_short_texts):
        if len(body) <= most_bytes:
            break
        document = trim(document)
        body = _json(document)
    return body


def without_secrets(value: Any, around: Around) -> Any:
    """The document without any secret in a text of it."""
    match value:
        case str():
            return around.masked(around.secrets.masked(value))
        case list():
            return [without_secrets(item, around) for item in value]
        case dict():
            return {key: without_secrets(item, around) for key, item in value.items()}
        case _:
            return value


def told_of(name: str, event: str, answer: Answer, took_s: float, around: Around) -> HookRun:
    """What became of a message, in words without secrets."""
    output = "" if answer.problem else f"answered {answer.status} {said(answer.text)}".strip()
    if answer.tries > 1 and not answer.problem:
        output += f" at try {answer.tries}"
    return HookRun(
        event=event,
        name=name,
        seconds=took_s,
        problem=around.masked(around.secrets.masked(answer.problem)),
        output=around.masked(around.secrets.masked(output)),
    )


def _json(document: Mapping[str, Any]) -> bytes:
    return json.dumps(document, ensure_ascii=False).encode("utf-8", "backslashreplace")


def _trimmed(document: Mapping[str, Any], *names: str, **instead: Any) -> dict[str, Any]:
    return {**document, **instead, "trimmed": sorted({*document.get("trimmed", ()), *names})}


def _without_plan(document: Mapping[str, Any]) -> dict[str, Any]:
    return _trimmed(document, "plan", plan=None)


def _with_short_lists(document: Mapping[str, Any]) -> dict[str, Any]:
    """Of each the last ones, where what went wrong stands."""
    long = {name: document[name][-_MOST_ITEMS:] for name in _LISTS if len(document.get(name) or ()) > _MOST_ITEMS}
    return _trimmed(document, *long, **long)


def _with_short_texts(document: Mapping[str, Any]) -> dict[str, Any]:
    def short(value: Any) -> Any:
        match value:
            case str() if len(value) > _MOST_TEXT:
                return value[:_MOST_TEXT] + "..."
            case list():
                return [short(item) for item in value]
            case dict():
                return {key: short(item) for key, item in value.items()}
            case _:
                return value

    return _trimmed({key: short(value) for key, value in document.items()}, "texts")


def _always() -> dict[str, str]:
    return {"Content-Type": "application/json", "User-Agent": f"gate/{VERSION}"}


def _signed(secret: str | None, timestamp: str, body: bytes) -> dict[str, str]:
    told = {"X-Gate-Timestamp": timestamp}
    return told if secret is None else {**told, "X-Gate-Signature": signature(secret, timestamp, body)}


_KEY = "hook webhook"


def _made(setting: HookSetting, around: Around) -> WebhookHook:
    options = setting.options
    only_known(options, _OPTIONS, _KEY)
    key = options.get("secret")
    return WebhookHook(
        setting=setting,
        around=around,
        url=address_of(options.get("url"), f"{_KEY}, url"),
        key=None if key is None else secret_of(key, f"{_KEY}, secret"),
        headers=_headers(options.get("headers", {})),
        repeat_after_s=repeat_after(options, _KEY),
    )


def repeat_after(options: Mapping[str, Any], key: str) -> float:
    """When the same refusal is told again; 0 for each time."""
    try:
        return seconds(options.get("repeat_after", REPEAT_AFTER_S))
    except ValueError as error:
        raise UsageError(f"{key}, repeat_after: {error}", remedy='write repeat_after = "1h", or 0') from error


def _headers(told: object) -> dict[str, str | Reference]:
    if not isinstance(told, dict):
        raise UsageError(f"{_KEY}, headers is no table", remedy='write headers = { Authorization = "env:NAME" }')
    found: dict[str, str | Reference] = {}
    for name, value in told.items():
        where = f"{_KEY}, headers.{name}"
        if name.lower() in _OWN_HEADERS:
            raise UsageError(f"{where} is gate's own", remedy="take it out")
        if not isinstance(value, str):
            raise UsageError(f"{where} is no text", remedy="write it in quotes")
        if not is_named(value) and _is_secret(name):
            secret_of(value, where)
        found[name] = Reference(told=value, key=where) if is_named(value) else value
    return found


def _is_secret(header: str) -> bool:
    return any(word in header.lower() for word in ("auth", "token", "key", "secret", "cookie", "signature"))


HOOKS: Mapping[str, Factory] = {"": _made}
