"""The journal as a file of JSON lines, for a database in which nothing may be made: runs only, no programs.

Each line is written at once and flushed to the disk; a line that a crash has torn is the last one, and is left out.
"""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from gate.journal.writing import ending
from gate.model.changes import Change, KeptChange, change_of
from gate.model.errors import UsageError
from gate.model.migration import Query
from gate.model.plan import Finding
from gate.model.program import Program
from gate.model.rates import PastRun
from gate.model.records import to_record
from gate.model.run import Outcome, Run, UnitRun
from gate.run.journalling import Kept, KnownRun, Mark, ProgramState, Standing, Start
from gate.run.world import Row

VERSION = 1
LINES_KEPT = 400
_RUNS = 20
_OUTCOMES = {outcome.value: outcome for outcome in Outcome}

Line = Mapping[str, Any]


@dataclass(frozen=True)
class FileJournal:
    """Meets `gate.run.journalling.Journal` for programs that are whole. UsageError where the file cannot be used."""

    path: Path

    @property
    def keeps_programs(self) -> bool:
        return False

    def standing(self) -> Standing:
        place = f"file {self.path}"
        lines = _lines(self._text())
        if not lines:
            return Standing(place=place)
        newest = max(line.get("journal", 0) for line in lines)
        return Standing(
            place=place, version=newest, is_newer=newest > VERSION, runs=_runs(lines), changes=_changes(lines)
        )

    def needs_acceptance(self) -> Finding | None:
        return None

    def prepare(self) -> None:
        if self.standing().is_newer:
            raise UsageError(
                f"a newer gate has written to {self.path}, and this one writes nothing to a newer journal",
                remedy="release with that gate, or name another file: --journal file:PATH",
            )
        with self._locked():
            pass

    def begin_run(self, start: Start) -> None:
        self._append({"begins": start.id, "at": _now(), **to_record(start), "pid": os.getpid()})

    def heartbeat(self, run: str) -> None:  # noqa: ARG002 - the file is this run's own while it lasts
        # For display only: a run does not end because its journal's time cannot be set.
        with suppress(OSError):
            os.utime(self.path)

    def is_current(self, run: str) -> bool:  # noqa: ARG002 - the runner's lock is all there is to go by
        return True

    def end_run(self, run: Run) -> None:
        self._append({"ends": run.id, "at": _now(), "run": ending(run)})

    def keep(self, program: Program, *, run: str) -> int:  # noqa: ARG002 - nothing of a whole program can be left
        return 0

    def take_up(self, key: int, *, run: str) -> None:
        """Nothing was kept."""

    def record(self, key: int, mark: Mark, *, run: str) -> None:
        """Nothing was kept."""

    def measure(self, key: int, unit: UnitRun, *, run: str) -> None:
        """It is in the run, when that ends."""

    def mark(self, key: int, mark: Mark, *, run: str) -> tuple[Query, ...]:  # noqa: ARG002 - as `keep`
        return ()

    def finish(self, key: int, state: ProgramState) -> tuple[Query, ...]:  # noqa: ARG002 - as `keep`
        return ()

    def asks(self, key: int, ordinal: int) -> tuple[Query, ...]:  # noqa: ARG002 - as `keep`
        return ()

    def read(self, rows: Sequence[Row]) -> Mark | None:  # noqa: ARG002 - as `keep`
        return None

    def keep_change(self, change: Change, *, run: str) -> str:
        key = f"{run}/{len(_lines(self._text()))}"
        self._append({"changes": key, "run": run, "at": _now(), "change": change})
        return key

    def settle_change(self, key: str) -> None:
        self._append({"settles": key, "at": _now()})

    def settled(self) -> tuple[Kept, ...]:
        return ()

    def past_runs(self) -> tuple[PastRun, ...]:
        return ()

    def _text(self) -> str:
        try:
            return self.path.read_text(encoding="utf-8", errors="replace")
        except FileNotFoundError:
            return ""
        except OSError as error:
            raise self._unusable(error) from error

    def _append(self, line: Line) -> None:
        written = json.dumps({"journal": VERSION, **to_record(line)}, allow_nan=False)
        with self._locked() as handle:
            try:
                # What a crash has torn off must not swallow this line.
                end = os.lseek(handle, 0, os.SEEK_END)
                is_torn = end > 0 and os.pread(handle, 1, end - 1) != b"\n"
                _write(handle, ("\n" if is_torn else "") + written + "\n")
                self._prune()
            except OSError as error:
                raise self._unusable(error) from error

    def _prune(self) -> None:
        """The newest lines into a new file that takes the place of the old one, all or nothing."""
        lines = self._text().split("\n")
        if len(lines) <= LINES_KEPT:
            return
        new = self.path.with_name(self.path.name + ".new")
        handle = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        try:
            _write(handle, "\n".join(_without_old(lines, LINES_KEPT // 2)))
        finally:
            os.close(handle)
        new.replace(self.path)

    @contextmanager
    def _locked(self) -> Iterator[int]:
        """The file, made if it is missing, for one writer at a time: releases of several databases may share it."""
        try:
            handle = self._open()
        except OSError as error:
            raise self._unusable(error) from error
        try:
            yield handle
        finally:
            os.close(handle)

    def _open(self) -> int:
        while True:
            handle = os.open(self.path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o600)
            fcntl.flock(handle, fcntl.LOCK_EX)
            # Whoever had it before may have put another file in its place.
            if self.path.exists() and os.path.samestat(os.fstat(handle), self.path.stat()):
                return handle
            os.close(handle)

    def _unusable(self, error: OSError) -> UsageError:
        return UsageError(
            f"the journal {self.path} cannot be used: {error.strerror}", remedy="check the path of --journal file:PATH"
        )


def _write(handle: int, text: str) -> None:
    left = text.encode("utf-8", "backslashreplace")
    while left:
        left = left[os.write(handle, left) :]
    os.fsync(handle)


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _lines(text: str) -> list[Line]:
    found: list[Line] = []
    for line in text.split("\n"):
        try:
            document = json.loads(line)
        except ValueError:
            continue
        if isinstance(document, dict):
            found.append(document)
    return found


def _without_old(texts: Sequence[str], most: int) -> list[str]:
    """The newest, and of the others the changes that nobody has put back, with the runs that made them."""
    due = _changes(_lines("\n".join(texts)))
    keys, runs = {kept.key for kept in due}, {kept.run for kept in due}
    old = [
        text
        for text in texts[:-most]
        for line in _lines(text)
        if line.get("changes") in keys or line.get("begins") in runs
    ]
    return [*old, *texts[-most:]]


def _changes(lines: Sequence[Line]) -> tuple[KeptChange, ...]:
    settled = {line["settles"] for line in lines if "settles" in line}
    databases = {line["begins"]: line["database"] for line in lines if "begins" in line}
    return tuple(
        KeptChange(
            key=line["changes"],
            run=line["run"],
            made_at=line["at"],
            change=change_of(line["change"]),
            database=databases.get(line["run"], ""),
        )
        for line in lines
        if "changes" in line and line["changes"] not in settled
    )


def _runs(lines: Sequence[Line]) -> tuple[KnownRun, ...]:
    """Newest first."""
    ends = {line["ends"]: line for line in lines if "ends" in line}
    found: list[KnownRun] = []
    seen: set[str] = set()
    for line in reversed([line for line in lines if "begins" in line]):
        found.append(_run(line, ends.get(line["begins"]), is_last=line["database"] not in seen))
        seen.add(line["database"])
    return tuple(found[:_RUNS])


def _run(line: Line, end: Line | None, *, is_last: bool) -> KnownRun:
    """One without an end was alive at its last word, and is dead if another has begun since on that database."""
    unknown = Outcome.RUNNING if is_last else Outcome.ABANDONED
    return KnownRun(
        id=line["begins"],
        gate=line["gate"],
        source=line["source"],
        started_at=line["at"],
        outcome=_OUTCOMES.get(end["run"]["outcome"]) if end else unknown,
        ended_at=end["at"] if end else None,
        took_up=line.get("took_up"),
        document=end["run"] if end else {},
    )
