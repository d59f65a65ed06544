"""What the Platform API answers, as values: only what gate reads of it.

Source: its hyper-schema, https://api.heroku.com/schema.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

from gate.platforms.heroku.errors import ApiError, Scopes, plain

Found = TypeVar("Found")
RELEASE_DYNO = "release"
RUN_DYNO = "run"
ONE_OFF = frozenset({RUN_DYNO, RELEASE_DYNO})


@dataclass(frozen=True, kw_only=True)
class AppInfo:
    """`scopes` are what the token has, and what reading an app takes.

    `requests_left` is how many requests the account still has, None where Heroku does not say.
    """

    id: str
    name: str
    is_in_maintenance: bool
    scopes: Scopes
    requests_left: int | None


@dataclass(frozen=True, kw_only=True)
class Release:
    """`status` is failed, pending, succeeded or expired: whose slug is gone.

    `slug` is its id, on Fir that of its image: two releases with the same one run the same code. Empty without.
    """

    id: str
    version: int
    status: str
    is_current: bool
    is_eligible: bool
    description: str
    slug: str
    created_at: datetime
    updated_at: datetime

    @property
    def named(self) -> str:
        """`v42`."""
        return f"v{self.version}"


@dataclass(frozen=True, kw_only=True)
class Dyno:
    """`kind` is its process type; `state` is crashed, down, idle, starting or up."""

    id: str
    name: str
    kind: str
    state: str
    version: int
    created_at: datetime


@dataclass(frozen=True, kw_only=True)
class Process:
    """A process type of the formation."""

    kind: str
    quantity: int
    size: str


@dataclass(frozen=True, kw_only=True)
class Attachment:
    """An add-on as an app has it: its variable is `{name}_URL`."""

    name: str
    addon_id: str
    addon: str
    app: str


def app_info(told: object, scopes: Scopes, requests_left: int | None) -> AppInfo:
    """Raises ApiError, as all of these, for what is no such resource."""
    return AppInfo(
        id=_of(told, "id", str),
        name=plain(_of(told, "name", str)),
        is_in_maintenance=_of(told, "maintenance", bool),
        scopes=scopes,
        requests_left=requests_left,
    )


def release(told: object) -> Release:
    return Release(
        id=_of(told, "id", str),
        version=_of(told, "version", int),
        status=_of(told, "status", str),
        is_current=_of(told, "current", bool),
        is_eligible=bool(_perhaps(told, "eligible_for_rollback", bool)),
        description=plain(_of(told, "description", str)),
        slug=_code(told),
        created_at=_moment(told, "created_at"),
        updated_at=_moment(told, "updated_at"),
    )


def _code(told: object) -> str:
    slug = _perhaps(told, "slug", dict)
    if slug:
        return _of(slug, "id", str)
    return " ".join(sorted(_of(artifact, "id", str) for artifact in _perhaps(told, "artifacts", list) or ()))


def dyno(told: object) -> Dyno:
    return Dyno(
        id=_of(told, "id", str),
        name=plain(_of(told, "name", str)),
        kind=plain(_of(told, "type", str)),
        state=plain(_of(told, "state", str)),
        version=_of(_of(told, "release", dict), "version", int),
        created_at=_moment(told, "created_at"),
    )


def process(told: object) -> Process:
    return Process(
        kind=plain(_of(told, "type", str)),
        quantity=_of(told, "quantity", int),
        size=plain(_perhaps(told, "size", str) or ""),
    )


def attachment(told: object) -> Attachment:
    addon = _of(told, "addon", dict)
    return Attachment(
        name=_of(told, "name", str),
        addon_id=_of(addon, "id", str),
        addon=plain(_of(addon, "name", str)),
        app=plain(_of(_of(told, "app", dict), "name", str)),
    )


def _moment(told: object, key: str) -> datetime:
    text = _of(told, key, str)
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise _no_such(key) from None
    if found.tzinfo is None:
        raise _no_such(key)
    return found


def _of(told: object, key: str, kind: type[Found]) -> Found:
    found = _perhaps(told, key, kind)
    if found is None:
        raise _no_such(key)
    return found


def _perhaps(told: object, key: str, kind: type[Found]) -> Found | None:
    found = told.get(key) if isinstance(told, Mapping) else None
    # To Python a boolean is a number.
    return found if isinstance(found, kind) and isinstance(found, bool) == (kind is bool) else None


def _no_such(key: str) -> ApiError:
    return ApiError(f"what was answered is nothing that Heroku would answer: it has no {key!r}")
