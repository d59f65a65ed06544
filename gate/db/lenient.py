"""Text as it comes: what other sessions do is shown in the letters of their own databases, which need not be ours.

`pg_stat_activity.query` and the names of roles and prepared transactions are handed out byte by byte, whatever the
encoding of the database in which they were written; in a database of SQL_ASCII everything is. A watchdog that cannot
read a letter must not stumble over it.

Source: https://www.postgresql.org/docs/18/multibyte.html.
"""

from __future__ import annotations

import json
from typing import Any

import psycopg
from psycopg.abc import Buffer
from psycopg.adapt import Loader

_TEXTS = ("text", "name", "varchar", "bpchar")
_DOCUMENTS = ("json", "jsonb")


def reads_any_letter(connection: psycopg.Connection) -> None:
    """From here on a byte that is no UTF-8 is a replacement character."""
    for name in _TEXTS:
        connection.adapters.register_loader(name, _Text)
    for name in _DOCUMENTS:
        connection.adapters.register_loader(name, _Document)


class _Text(Loader):
    def load(self, data: Buffer) -> str:
        return bytes(data).decode(errors="replace")


class _Document(Loader):
    def load(self, data: Buffer) -> Any:
        return json.loads(bytes(data).decode(errors="replace"))
