"""What the journal's queries answer: one row with one JSON document as text, whatever the driver makes of types."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from gate.run.world import Row


def document(rows: Sequence[Row]) -> Any:
    """The document; None where there is no row, or nothing in it."""
    if not rows or rows[0]["answer"] is None:
        return None
    return json.loads(rows[0]["answer"])


def utc(written: str | None, timespec: str = "milliseconds") -> str | None:
    """A time as JSON has it, in whatever zone the session was: ISO 8601 in UTC."""
    if written is None:
        return None
    at = datetime.fromisoformat(written).astimezone(UTC)
    return at.isoformat(timespec=timespec).replace("+00:00", "Z")
