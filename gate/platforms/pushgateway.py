"""A Prometheus push gateway: the metrics of a release, which has ended before anybody could ask for them.

They are posted, not put: what this run does not have, the time of the last success, stays from the last one.

Source: https://github.com/prometheus/pushgateway/blob/master/README.md#url
"""

from __future__ import annotations

import base64
from urllib.parse import quote

from gate.model.version import VERSION
from gate.platforms.making import Around
from gate.platforms.posting import Letter, address_of, post
from gate.run.hooking import Left

_KEY = "metrics.pushgateway"


def push(text: str, told: str, groups: tuple[tuple[str, str], ...], around: Around, left_s: Left) -> str:
    """Posts the text to the address that `told` names; what went wrong, without secrets, empty where nothing did.

    `groups` are the labels by which the gateway keeps it, `job` the first. Raises UsageError where there is no address.
    """
    url = address_of(told, _KEY).address(around).rstrip("/")
    headers = {"Content-Type": "text/plain; version=0.0.4; charset=utf-8", "User-Agent": f"gate/{VERSION}"}
    letter = Letter(url=f"{url}/metrics{path_of(groups)}", body=text.encode(), headers=lambda: headers)
    return around.secrets.masked(post(letter, left_s).problem)


def path_of(groups: tuple[tuple[str, str], ...]) -> str:
    """`/job/gate/database/shop`; a value that is empty or has a slash goes as base64."""
    return "".join(_part(name, value) for name, value in groups)


def _part(name: str, value: str) -> str:
    if value and "/" not in value and value not in (".", ".."):
        return f"/{name}/{quote(value, safe='')}"
    encoded = base64.urlsafe_b64encode(value.encode()).decode().rstrip("=")
    return f"/{name}@base64/{encoded or '='}"
