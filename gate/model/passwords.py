"""Passwords out of connection strings, wherever they stand in a text. Where it is in doubt it masks.

For SQL there is `gate.sql.masking`, which knows what a literal is for; for what hooks were given, `platforms.secrets`.

Source: https://www.postgresql.org/docs/18/libpq-connect.html#LIBPQ-CONNSTRING
"""

from __future__ import annotations

import re

# To the last @ before a blank or a quote; a password that has not been encoded may hold @, / and quotes itself.
_IN_URL = re.compile(r"(://[^\s:/@]*:)(?:[^\s\"']*|[^\s/]*)@")
# In a JSON text the quote at the end is none of it.
_IN_KEYWORDS = re.compile(
    r"(password\s*=\s*)('(?:[^'\\]|\\.)*(?:'|\Z)|(?:[^\s&\"]|\"(?![,}\]:\s]|\Z))+)", re.IGNORECASE
)


def masked(text: str) -> str:
    """The text with every password of a URL or of libpq's keywords replaced by `***`."""
    return _IN_KEYWORDS.sub(r"\1***", _IN_URL.sub(r"\1***@", text))
