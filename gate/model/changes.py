"""What a run changes outside the database (maintenance, the size of a formation), so that it can be put back.

A change is written down before it is made, with what was there before; whoever ends the run puts it back, the next run
included.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from gate.model.records import from_record


class Until(Enum):
    """When a change is put back: when the run that made it ends, or when a release has ended well again."""

    RUN_ENDS = "run ends"
    SUCCESS = "success"


@dataclass(frozen=True, kw_only=True)
class Change:
    """`kind` is the hook's, as `kubernetes.scale`; `target` names what was changed, for people and for that hook.

    `before` is what was there, `after` what was set, both as that hook needs them, in values that JSON has. `what` is
    a sentence for people: `worker of shop scaled from 3 to 0`. `where` is all that the hook needs to reach it again but
    secrets: its own options.
    """

    kind: str
    target: str
    what: str
    before: Mapping[str, Any]
    after: Mapping[str, Any]
    until: Until
    where: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class KeptChange:
    """A change that the journal has and that nobody has put back yet; `made_at` is ISO 8601 in UTC.

    `database` is empty for a journal that is in the database itself.
    """

    key: str
    run: str
    made_at: str
    change: Change
    database: str = ""


def change_of(record: Mapping[str, Any]) -> Change:
    """What `gate.model.records.to_record` made of one; of a record that only a newer gate understands what it says.

    No hook is of that kind, so that nobody acts on it, and everybody hears of it.
    """
    try:
        return from_record(Change, record)
    except ValueError:
        what = str(record.get("what") or "a change")
        return Change(kind="unknown", target="", what=what, before={}, after={}, until=Until.RUN_ENDS)
