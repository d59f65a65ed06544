"""A program as the JSON that the journal keeps until its migration is done, for this gate or another version of it.

What stands in the migration's file is there by its place only; `Command.sql` is what gate has made.
"""

from __future__ import annotations

import json

from gate.model.program import Program
from gate.model.records import from_record, to_record


def to_json(program: Program) -> str:
    """On one line, in ASCII."""
    return json.dumps(to_record(program), allow_nan=False, separators=(",", ":"))


def from_json(text: str) -> Program:
    """What `to_json` wrote; keys of a newer gate are left out.

    Raises ValueError where that does not do: for a kind of unit, a lock mode or anything else that is not known here.
    """
    document = json.loads(text)
    if not isinstance(document, dict) or not document.get("units"):
        raise ValueError("this is no program")
    return from_record(Program, document)
