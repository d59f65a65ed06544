"""How long, how much and which, as people write them: `200ms`, `2s`, `5min`, `8kB`, `200GB`, `200-399`."""

from __future__ import annotations

import math
import re

_SECONDS = {"us": 1e-6, "ms": 1e-3, "s": 1.0, "min": 60.0, "h": 3600.0, "d": 86400.0}
# As PostgreSQL's settings count them: a kilobyte is 1024 bytes.
_BYTES = {"B": 1, "kB": 1024, "MB": 1024**2, "GB": 1024**3, "TB": 1024**4}
_NUMBER_AND_UNIT = re.compile(r"\s*([0-9]+(?:\.[0-9]+)?|\.[0-9]+)\s*([a-zA-Z]*)\s*", re.ASCII)

SHORTEST_S = 0.1
"""Between two looks at anybody."""
_STATUSES = re.compile(r"([1-5][0-9]{2})(?:\s*-\s*([1-5][0-9]{2}))?", re.ASCII)


def seconds(value: object) -> float:
    """From `"200ms"` or a number of seconds. Raises ValueError."""
    return _amount(value, _SECONDS, "s", "a time such as 200ms, 2s or 5min")


def size_bytes(value: object) -> int:
    """From `"200GB"` or a number of bytes. Raises ValueError."""
    return round(_amount(value, _BYTES, "B", "a size such as 512MB or 200GB"))


def statuses(value: object) -> tuple[tuple[int, int], ...]:
    """HTTP statuses, from 200, `"200-399"` or `"200, 204"`: each the ends of a range. Raises ValueError."""
    parts = str(value).split(",") if isinstance(value, int | str) and not isinstance(value, bool) else []
    found = tuple(_range(part.strip()) for part in parts)
    if not found:
        raise ValueError('write the statuses as "200-399", or "200, 204"')
    return found


def _range(part: str) -> tuple[int, int]:
    match = _STATUSES.fullmatch(part)
    if match is None or int(match.group(1)) > int(match.group(2) or match.group(1)):
        raise ValueError(f'{part!r} is no HTTP status: write "200-399", or "200, 204"')
    return int(match.group(1)), int(match.group(2) or match.group(1))


def _amount(value: object, units: dict[str, float] | dict[str, int], bare: str, wanted: str) -> float:
    number, unit = _parts(value, wanted)
    scale = units.get(unit or bare, {name.lower(): scale for name, scale in units.items()}.get(unit.lower()))
    if scale is None:
        raise ValueError(f"{unit} is no unit here: write {wanted}")
    if number < 0 or not math.isfinite(number):
        raise ValueError(f"must not be less than nothing: write {wanted}")
    return number * scale


def _parts(value: object, wanted: str) -> tuple[float, str]:
    if isinstance(value, int | float) and not isinstance(value, bool):
        return float(value), ""
    found = _NUMBER_AND_UNIT.fullmatch(value) if isinstance(value, str) else None
    if found is None:
        raise ValueError(f"write {wanted}")
    return float(found.group(1)), found.group(2)
