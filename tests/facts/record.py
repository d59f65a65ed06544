"""Write `oracle/expected.json` anew from the servers at hand: `python -m tests.facts.record [MAJOR ...]`."""

from __future__ import annotations

import json
import sys
from contextlib import ExitStack
from typing import Any

from tests.facts.cases import BASE, ORACLE, Case, as_json, cases
from tests.facts.watching import see
from tests.servers import MAJORS, Farm, LiveServer

Entry = dict[str, Any]


def record(majors: tuple[int, ...]) -> dict[str, Entry]:
    """What each case did: the newest major's answer, and what was different in others."""
    with ExitStack() as stack:
        farm = Farm(wanted=majors, stack=stack)
        newest_first = sorted(farm.binaries, reverse=True)
        return {
            case.id: _compact({major: _run(farm.server(major), case) for major in newest_first if major >= case.since})
            for case in cases()
        }


def _run(server: LiveServer, case: Case) -> Entry:
    database = server.clone(BASE)
    if case.setup:
        database.execute(case.setup)
    seen = see(database, case.statement, local=case.local, is_alone=case.is_alone)
    server.drop(database)
    return as_json(seen)


def _compact(answers: dict[int, Entry]) -> Entry:
    newest = answers[max(answers)]
    majors = {
        str(major): {name: value for name, value in answer.items() if value != newest[name]}
        for major, answer in sorted(answers.items())
        if answer != newest
    }
    entry = {name: value for name, value in newest.items() if value or (name == "scanned" and value is None)}
    return {**entry, "majors": majors} if majors else entry


if __name__ == "__main__":
    found = record(tuple(int(argument) for argument in sys.argv[1:]) or MAJORS)
    lines = (f" {json.dumps(id_)}: {json.dumps(entry, sort_keys=True)}" for id_, entry in found.items())
    (ORACLE / "expected.json").write_text("{\n" + ",\n".join(lines) + "\n}\n")
