"""Whether an address may stand in gate.toml: a file is read by many, and kept for ever."""

from __future__ import annotations

import re
from urllib.parse import parse_qsl, urlsplit

_SCHEMES = ("http", "https")
_SECRET_KEY = re.compile(
    r"(?:.*[_-])?(?:token|secret|key|sig|signature|password|passwd|auth|code|credential)s?", re.IGNORECASE
)
# Hosts whose incoming webhooks are known to whoever has the address, and to nobody else.
_BY_ADDRESS = ("hooks.slack.com", "discord.com", "discordapp.com", "webhook.office.com", "chat.googleapis.com")
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
_LONG = re.compile(r"[A-Za-z0-9]{16,}")


def is_named(told: str) -> bool:
    """Whether it says where the address stands: `env:NAME` or `file:PATH`."""
    return told.startswith(("env:", "file:"))


def address_problem(told: str) -> str:
    """What is wrong with an address that stands in the file itself; empty where it may. The address is not repeated."""
    if is_named(told):
        return ""
    try:
        parts = urlsplit(told)
        host, has_user = parts.hostname or "", parts.username is not None or parts.password is not None
    except ValueError:
        return "is no URL that can be read"
    if parts.scheme not in _SCHEMES or not host:
        return "is neither an http(s) URL, nor env:NAME or file:PATH"
    if has_user:
        return "holds a user or a password"
    if any(host == known or host.endswith(f".{known}") for known in _BY_ADDRESS):
        return "is itself the secret: whoever has this address may post there"
    words = [*parts.path.split("/"), *parts.fragment.split("/")]
    for key, value in parse_qsl(parts.query, keep_blank_values=True):
        if value and _SECRET_KEY.fullmatch(key):
            return f"holds what looks like a secret, {key}="
        words.append(value)
    if any(map(_looks_made_up, words)):
        return "holds what looks like a token"
    return ""


def _looks_made_up(word: str) -> bool:
    """No word that a person would choose: long, with letters and digits mixed."""
    runs = _LONG.findall(word)
    return bool(_UUID.search(word)) or any(not run.isalpha() and not run.isdigit() for run in runs)
