"""The release of one database of a fleet: a `gate release` of its own, with its own signals, budget and journal."""

from __future__ import annotations

import json
import os
import selectors
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import IO, Any

from gate.app.fleet_members import Fleet
from gate.app.request import Request
from gate.model.errors import Exit
from gate.model.fleet import PARENT, Member, Released

DATABASE = "GATE_FLEET_DATABASE"
"""The database's name in the fleet, for hooks."""
_URL = "GATE_DATABASE_URL"
_CHUNK = 65536
_MOST_KEPT_LINES = 20
_PREFIX, _OF_REMEDY = "gate: ", "      "
_VALUES = {
    "--source": "tool",
    "--database": "database",
    "--config": "config",
    "--sample": "sample_s",
    "--bookkeeping-table": "bookkeeping_table",
    "--bookkeeping-schema": "bookkeeping_schema",
    "--search-path": "search_path",
    "--pooler": "pooler",
    "--budget": "budget_s",
    "--grace": "grace_s",
    "--journal": "journal",
    "--journal-schema": "journal_schema",
}
_SECONDS = frozenset({"--budget", "--grace"})
# None of these is for a child: it has one database, and is no pod.
_TAKEN_OUT = ("GATE_FLEET_SHARDS", "JOB_COMPLETION_INDEX", "GATE_REPLICA_URL")


def arguments(request: Request, member: Member) -> list[str]:
    """What the child is started with. No URL is among them; a file is named, for what it holds may change meanwhile."""
    told = ["release", "--format", "json"]
    for option, name in _VALUES.items():
        value = getattr(request, name)
        if value is not None:
            told.append(f"{option}={value:f}s" if option in _SECONDS else f"{option}={value}")
    told += ["--first-run"] * request.is_first_run + ["--no-hooks"] * (not request.calls_hooks)
    # Said in any case: where gate.toml names databases, theirs would go before the variables.
    told.append(f"--database-url={member.given if member.given.startswith('file:') else f'env:{_URL}'}")
    return [*told, *([request.source] if request.source is not None else [])]


def environment(fleet: Fleet, member: Member, around: Mapping[str, str]) -> dict[str, str]:
    """Ours, with this database's URL under both names: a hook must not meet another's."""
    kept = {name: value for name, value in around.items() if name not in _TAKEN_OUT}
    url = fleet.conninfos[member.name]
    own = {_URL: url, "DATABASE_URL": url, DATABASE: member.name, PARENT: "1", "GATE_TERMINATION_LOG": ""}
    return {**kept, **own}


@dataclass
class Child:
    """One that is at work. `tell` is given each line that it says, without passwords, with the database's name."""

    member: Member
    wave: int
    process: subprocess.Popen[bytes]
    hidden: Callable[[str], str]
    tell: Callable[[str], None]
    begun_s: float = field(default_factory=time.monotonic)
    printed: bytearray = field(default_factory=bytearray)
    said: bytearray = field(default_factory=bytearray)
    last: list[str] = field(default_factory=list)
    open: int = 2

    def register(self, selector: selectors.BaseSelector) -> None:
        """Both of its outputs are read as they come."""
        for stream in (self.process.stdout, self.process.stderr):
            assert stream is not None
            os.set_blocking(stream.fileno(), False)
            selector.register(stream, selectors.EVENT_READ, self)

    def read(self, stream: IO[bytes], selector: selectors.BaseSelector) -> None:
        """What there is; a stream that has ended is not asked again."""
        data = os.read(stream.fileno(), _CHUNK)
        if stream is self.process.stdout:
            self.printed += data
        else:
            self.said += data
            *lines, rest = self.said.split(b"\n")
            self.said = bytearray(rest)
            for line in lines:
                self._say(bytes(line))
        if not data:
            selector.unregister(stream)
            self.open -= 1

    def _say(self, line: bytes) -> None:
        text = self.hidden(line.decode("utf-8", "replace")).rstrip()
        self.last = [*self.last, text][-_MOST_KEPT_LINES:]
        self.tell(f"{_PREFIX}{self.member.name}: {text.removeprefix(_PREFIX)}")

    def signal(self, number: signal.Signals) -> None:
        """To it and all that it started."""
        try:
            os.killpg(self.process.pid, number)
        except (ProcessLookupError, PermissionError):
            return

    def close(self, selector: selectors.BaseSelector) -> None:
        """What somebody whom it started still holds open is let be."""
        if self.said:
            self._say(bytes(self.said))
        for stream in (self.process.stdout, self.process.stderr, self.process.stdin):
            assert stream is not None
            if stream in selector.get_map():
                selector.unregister(stream)
            stream.close()

    def released(self) -> Released:
        """How it ended, from its document, else from what it said last."""
        code, document = self.process.returncode, self._document()
        if document is not None:
            problem, remedy = self.hidden(document.get("problem") or ""), self.hidden(document.get("remedy") or "")
            return replace(self._made(str(document["outcome"]), problem, remedy), document=document)
        if code < 0:
            problem = f"its release was ended by {signal.Signals(-code).name}"
            return self._made("killed", problem, "what it did is in the journal: the next release goes on there")
        return self._made("not begun", *self._last_words())

    def _made(self, outcome: str, problem: str, remedy: str) -> Released:
        return Released(
            name=self.member.name,
            wave=self.wave,
            exit=_exit(self.process.returncode),
            outcome=outcome,
            seconds=time.monotonic() - self.begun_s,
            problem=problem,
            remedy=remedy,
        )

    def _document(self) -> dict[str, Any] | None:
        try:
            found = json.loads(self.printed)
        except ValueError:
            return None
        return found if isinstance(found, dict) and "outcome" in found else None

    def _last_words(self) -> tuple[str, str]:
        """An error is a line or several, and its remedy the indented ones below."""
        begins = [place for place, line in enumerate(self.last) if line.startswith(_PREFIX)]
        if not begins:
            return " ".join(self.last) or "it said nothing", ""
        first, *more = self.last[begins[-1] :]
        problem = [first.removeprefix(_PREFIX), *(line.strip() for line in more if not line.startswith(_OF_REMEDY))]
        return " ".join(problem), " ".join(line.strip() for line in more if line.startswith(_OF_REMEDY))


def begin(request: Request, fleet: Fleet, member: Member, wave: int, tell: Callable[[str], None]) -> Child:
    """Starts it in a process group of its own, so that a signal reaches it through us alone."""
    process = subprocess.Popen(
        [sys.executable, "-P", "-m", "gate", *arguments(request, member)],
        # Nothing is written there: it ends when we are gone, however that came.
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environment(fleet, member, os.environ),
        start_new_session=True,
    )
    return Child(member=member, wave=wave, process=process, hidden=fleet.hidden, tell=tell)


def _exit(code: int) -> Exit:
    if code < 0:
        return Exit.STOPPED_RESUMABLE
    try:
        return Exit(code)
    except ValueError:
        return Exit.INTERNAL
