"""Passwords are never printed, whatever message they are in."""

from __future__ import annotations

import re

_IN_URL = re.compile(r"(://[^\s:/@]*:)[^\s/]*@")
_IN_KEYWORDS = re.compile(r"(password\s*=\s*)('(?:[^'\\]|\\.)*'|[^\s&'\"]+)", re.IGNORECASE)


def masked(text: str) -> str:
    """The text with every password of a URL or of libpq's keywords replaced."""
    return _IN_KEYWORDS.sub(r"\1***", _IN_URL.sub(r"\1***@", text))
