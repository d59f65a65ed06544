"""Which app is meant, where the Platform API is, and by whose token it is asked.

The app: dyno metadata (`HEROKU_APP_NAME`, `HEROKU_APP_ID`), `app` of `[platform.heroku]`, `GATE_HEROKU_APP`. All that
are told have to agree: with one gate.toml for staging and production the wrong app would be rolled back.

Source: https://devcenter.heroku.com/articles/dyno-metadata (2024-05)
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Any
from urllib.parse import urlsplit

from gate.model.errors import UsageError
from gate.platforms.making import Around
from gate.platforms.secrets import Secrets

KEY = "heroku"
URL = "https://api.heroku.com"
KEYS = ("app", "token")
"""What `[platform.heroku]` may hold."""
TOKENS = ("GATE_HEROKU_TOKEN", "HEROKU_API_KEY")
"""Variables that are looked at where `token` is not set; the second is the one of Heroku's own command line."""
AUTHORIZE = "heroku authorizations:create --scope write"
_APP = re.compile(r"[a-z][a-z0-9-]{1,28}[a-z0-9]", re.ASCII)
_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.ASCII)
_TOKEN = re.compile(r"[!-~]+", re.ASCII)
_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})


class NotTold(UsageError):
    """Neither the environment nor gate.toml names an app, or a token: Heroku is not to be asked."""


@dataclass(frozen=True, kw_only=True)
class Reach:
    """`app` is the name or the id by which it is asked for, `app_id` what its id has to be, empty where nobody says.

    `token_at` is where the token is read, anew for each request; `token_key` names that place for people.
    """

    url: str
    app: str
    app_id: str
    token_at: str
    token_key: str
    environment: Mapping[str, str] = field(default_factory=dict, repr=False)
    secrets: Secrets = field(default_factory=Secrets, repr=False)

    def token(self) -> str:
        """As it is now. Raises UsageError where there is none, or what is no token: its text is never told."""
        found = self.secrets.read(self.token_at, self.environment, key=self.token_key)
        if not _TOKEN.fullmatch(found):
            raise UsageError(f"{self.token_key} holds what is no token of Heroku", remedy=f"make one: {AUTHORIZE}")
        return found


def reach(around: Around, *, app_id: str = "") -> Reach:
    """From `[platform.heroku]` and the environment; reaches nobody. `app_id` goes before all that they say.

    Raises NotTold where no app or no token is told, UsageError where two apps are, and for a key that is not known.
    """
    table = around.tables.get(KEY, {})
    known_keys(table, KEYS, f"platform.{KEY}")
    app, expected = (app_id, app_id) if app_id else _app(around.environment, table)
    token_at, token_key = _token_at(around.environment, table)
    return Reach(
        url=_url(around.environment),
        app=_checked(app),
        app_id=expected,
        token_at=token_at,
        token_key=token_key,
        environment=around.environment,
        secrets=around.secrets,
    )


def known_keys(table: Mapping[str, Any], keys: tuple[str, ...], where: str) -> None:
    """Raises UsageError for a key that is none of these."""
    for key in table:
        if key not in keys:
            near = get_close_matches(key, keys, 1)
            raise UsageError(
                f"{where} has no key {key!r}" + (f", did you mean {near[0]}" if near else ""),
                remedy=f"it may have {', '.join(keys)}" if keys else "it has none",
            )


def _app(environment: Mapping[str, str], table: Mapping[str, Any]) -> tuple[str, str]:
    """The app and its id, where that is known."""
    app_id = environment.get("HEROKU_APP_ID", "").strip()
    told = {
        "HEROKU_APP_NAME": environment.get("HEROKU_APP_NAME", "").strip(),
        "app of [platform.heroku]": _text(table, "app"),
        "GATE_HEROKU_APP": environment.get("GATE_HEROKU_APP", "").strip(),
    }
    named = {where: app for where, app in told.items() if app}
    if len(set(named.values())) > 1:
        (first, app), (second, other) = _two_that_differ(named)
        raise UsageError(
            f"two apps are told: {first} is {app}, {second} is {other}; gate acts on neither",
            remedy="take one of them out: where dyno metadata is on (heroku labs:enable runtime-dyno-metadata), "
            "no other is needed",
        )
    if not named and not app_id:
        raise NotTold(
            "which app of Heroku is meant is not told",
            remedy="heroku labs:enable runtime-dyno-metadata, or set app in [platform.heroku], or GATE_HEROKU_APP",
        )
    return next(iter(named.values()), app_id), app_id


def _two_that_differ(named: Mapping[str, str]) -> tuple[tuple[str, str], tuple[str, str]]:
    (first, app), *rest = named.items()
    return (first, app), next((where, other) for where, other in rest if other != app)


def _checked(app: str) -> str:
    """It becomes a part of a path."""
    if _APP.fullmatch(app) or _ID.fullmatch(app):
        return app
    raise UsageError(
        f"{app!r} is no name of an app of Heroku", remedy="a name has lower-case letters, digits and -, 3 to 30 of them"
    )


def _token_at(environment: Mapping[str, str], table: Mapping[str, Any]) -> tuple[str, str]:
    told = _text(table, "token")
    if told:
        return told, "platform.heroku.token"
    variable = next((name for name in TOKENS if environment.get(name, "").strip()), "")
    if variable:
        return f"env:{variable}", variable
    raise NotTold(
        f"there is no token for Heroku's API: neither token of [platform.heroku] nor {' nor '.join(TOKENS)} is set",
        remedy=f"{AUTHORIZE}, and heroku config:set {TOKENS[0]}=TOKEN",
    )


def _url(environment: Mapping[str, str]) -> str:
    """Nobody else is handed the token: https alone, but for this very machine."""
    told = environment.get("GATE_HEROKU_API_URL", "").strip() or URL
    try:
        parts = urlsplit(told)
    except ValueError:
        parts = urlsplit("")
    is_plain = parts.scheme == "http" and (parts.hostname or "") in _LOOPBACK
    is_bare = not (parts.username or parts.password or parts.query or parts.fragment)
    if is_bare and parts.hostname and (parts.scheme == "https" or is_plain):
        return told.rstrip("/")
    raise UsageError(
        "GATE_HEROKU_API_URL is no https:// address without a user, a password and a query",
        remedy=f"leave it unset: {URL} is asked then",
    )


def _text(table: Mapping[str, Any], key: str) -> str:
    found = table.get(key, "")
    if isinstance(found, str):
        return found.strip()
    raise UsageError(f"platform.{KEY}.{key} is no text", remedy=f'write {key} = "..."')
