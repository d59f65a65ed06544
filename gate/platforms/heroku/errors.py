"""What Heroku says when it does not do something: its own words, with its id, and the scope that is missing.

Source: https://devcenter.heroku.com/articles/platform-api-reference#errors; the headers `Oauth-Scope` (what the token
has) and `Oauth-Scope-Accepted` (what the call takes) come with each answer.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from gate.model.errors import Exit, GateError
from gate.platforms.heroku.reach import AUTHORIZE

_SHOWN = 300
_CODES = {401: Exit.MISSING_PRIVILEGE, 403: Exit.MISSING_PRIVILEGE, 404: Exit.USAGE, 429: Exit.UNREACHABLE}


class ApiError(GateError):
    """An answer that is no success; `status` is HTTP's, 0 where what came is nothing that Heroku would answer."""

    def __init__(self, problem: str, *, status: int = 0, remedy: str = "") -> None:
        super().__init__(problem, remedy=remedy)
        self.status = status
        self.exit_code = Exit.UNREACHABLE if status >= 500 else _CODES.get(status, Exit.INTERNAL)

    @property
    def is_missing(self) -> bool:
        """There is nothing of that name, or the token's account may not see it."""
        return self.status == 404


class Lost(GateError):
    """Whether it was done is not known. `is_answered`: Heroku has answered, with an error of its own."""

    exit_code = Exit.UNREACHABLE

    def __init__(self, problem: str, *, is_answered: bool) -> None:
        super().__init__(f"{problem}; whether it was done is not known")
        self.is_answered = is_answered


@dataclass(frozen=True, kw_only=True)
class Scopes:
    """What a token has and what a call takes, as the answer's headers tell; empty where they do not."""

    has: tuple[str, ...] = ()
    takes: tuple[str, ...] = ()

    @property
    def is_missing(self) -> bool:
        """Whether that is what it was refused for."""
        return bool(self.has and self.takes) and not set(self.has) & set(self.takes)


def scopes(headers: Mapping[str, str]) -> Scopes:
    """`headers` are found by any case of their names, as those of httpx are."""
    has, takes = (_words(headers.get(name, "")) for name in ("Oauth-Scope", "Oauth-Scope-Accepted"))
    return Scopes(has=has, takes=takes)


def refused(status: int, content: str, headers: Mapping[str, str], *, method: str, path: str) -> ApiError:
    """From an answer that is no success."""
    request = headers.get("Request-Id", "").split(",")[0].strip()
    said = _said(content)
    return ApiError(
        f"Heroku answers {status} to {method} {path}: {said}" + (f" (Request-Id {request})" if request else ""),
        status=status,
        remedy=_remedy(status, scopes(headers), "read" if method == "GET" else "write"),
    )


def _said(content: str) -> str:
    """`forbidden: You do not have access`; of what is not Heroku's own (a proxy's) the beginning."""
    try:
        found = json.loads(content)
    except ValueError:
        found = None
    if not isinstance(found, dict):
        return plain(content[:_SHOWN]) or "nothing more"
    words = [plain(str(found[key])) for key in ("id", "message") if found.get(key)]
    return ": ".join(words) or "nothing more"


def _remedy(status: int, told: Scopes, needed: str) -> str:
    if status == 401:
        return f"the token is not valid (any more): {AUTHORIZE}"
    if status == 403 and told.is_missing:
        return f"{_missing(told)}: heroku authorizations:create --scope {narrowest(told.takes)}"
    if status == 403:
        has = f"the token has the scope {' '.join(told.has)}; " if told.has else f"it takes the scope {needed}; "
        return f"{has}its account has to be a collaborator of the app who may do that"
    if status == 404:
        return "check the name, and that the account of the token may see the app"
    return {429: "the account has no requests left: about 75 come back each minute"}.get(status, "")


def _missing(told: Scopes) -> str:
    return f"the token has the scope {' '.join(told.has)}, it takes {' or '.join(told.takes)}"


def narrowest(taken: tuple[str, ...]) -> str:
    """Of the scopes that a call takes the one that allows the least."""
    order = ("identity", "read", "write", "read-protected", "write-protected", "global")
    return min(taken, key=lambda scope: order.index(scope) if scope in order else len(order))


def plain(text: str) -> str:
    """One line without anything that a terminal would obey."""
    return " ".join("".join(char if char.isprintable() else " " for char in text).split())


def _words(told: Any) -> tuple[str, ...]:
    return tuple(word for word in re.split(r"[\s,]+", str(told)) if word)
