"""One round: accidents, then releases until one is done, and what has to hold then."""

from __future__ import annotations

import shutil
import signal
import time
from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Self

from gate.model.errors import Exit
from gate.sql.script import split_script
from tests.crash.accident import Accident, Happening
from tests.crash.case import CrashCase, Script, write
from tests.crash.proxy import Proxy, Statement
from tests.crash.releasing import Release, Released
from tests.crash.server import Restartable
from tests.laws.ends import End, end_of
from tests.servers import Database
from tests.sources.running import World, world
from tests.sources.tools_at_hand import run, sqitch, url

AFTERWARDS = ("again", "removed", "changed")
"""What is done to the file of what an accident left unfinished, before the next release."""
_GONE_S = 5.0
_AGAIN_S = 60.0
_MOST_AGAIN = 40
_BY_SIGNAL = {-9, -15}
# How a release may end that something happened to: never as a bug, as refused, or as failed.
_ENDS = {
    Exit.DONE,
    Exit.LOCK_NOT_ACQUIRED,
    Exit.ANOTHER_GATE,
    Exit.STOPPED_RESUMABLE,
    Exit.UNREACHABLE,
    *_BY_SIGNAL,
}
_BACKENDS = """
SELECT pid, application_name, state, left(query, 200) FROM pg_stat_activity
WHERE datname = current_database() AND pid <> pg_backend_pid() AND application_name LIKE 'gate%'
"""
_UNFINISHED = "SELECT migration FROM gate.programs WHERE state = 'unfinished'"
_LEFT_OPEN = """
SELECT 'program ' || migration || ' is ' || state FROM gate.programs WHERE state NOT IN ('done', 'undone')
UNION ALL SELECT 'unit ' || p.migration || '/' || u.ordinal || ' is ' || u.state
  FROM gate.units u JOIN gate.programs p ON p.id = u.program WHERE p.state = 'done' AND u.state <> 'done'
UNION ALL SELECT 'run ' || id || ' is ' || outcome FROM gate.runs r WHERE outcome = 'running'
  AND EXISTS (SELECT FROM gate.runs later WHERE later.started_at > r.started_at)
"""
# A release that finds nothing pending writes nothing: the last one that did may never have said how it ended.


@dataclass
class Turn:
    """What is played: the accidents befall one release after the other. `happened` counts those that came to pass."""

    case: CrashCase
    accidents: Sequence[Accident]
    major: int
    afterwards: str = "again"
    happened: int = 0

    def __str__(self) -> str:
        told = " ".join(map(str, self.accidents))
        return f"pg{self.major} {self.case} [{told}] {self.afterwards} ({self.happened} happened)"

    @property
    def command(self) -> str:
        """Plays it again."""
        told = " ".join(map(str, self.accidents))
        return (
            f"python -m tests.crash.sweep --majors {self.major} --case '{self.case}' --afterwards {self.afterwards}"
            f" --accident {told}"
        )


@dataclass(frozen=True, kw_only=True)
class Known:
    """What an undisturbed release of a case does, and how it ends."""

    seen: tuple[Statement, ...]
    end: End


class Wrong(Exception):
    """Something does not hold."""


class Refused(Exception):
    """The case is refused: there is nothing to play."""


@dataclass(eq=False)
class Stage:
    """A server with its proxy, and what is known of each case on it."""

    server: Restartable
    folder: Path
    known_cases: dict[str, Known] = field(default_factory=dict)
    templates: dict[str, str] = field(default_factory=dict)
    stack: ExitStack = field(default_factory=ExitStack)

    def __enter__(self) -> Self:
        between = self.folder / "socket"
        between.mkdir()
        self.proxy = self.stack.enter_context(Proxy(between, self.server.directory))
        return self

    def __exit__(self, *_: object) -> None:
        self.stack.close()

    def play(self, turn: Turn) -> str:
        """What went wrong; nothing where all is as it should be."""
        known = self.known(turn.case)
        playing = _Playing(self, turn, known, self._database(turn.case), self._project(turn.case))
        try:
            playing.play()
        except Wrong as wrong:
            return f"{wrong}\n  round: {turn}\n  again: {turn.command}\n{playing.trail()}"
        return ""

    def known(self, case: CrashCase) -> Known:
        """From a release that nothing happens to.

        Raises Refused, and Wrong where that alone does not end as the plain way does.
        """
        if case.name not in self.known_cases:
            self.known_cases[case.name] = self._learned(case)
        return self.known_cases[case.name]

    def _learned(self, case: CrashCase) -> Known:
        database, project = self._database(case, "learned"), self._project(case, "learned")
        done = self.undisturbed(project, database)
        if done.code == Exit.REFUSED:
            raise Refused(done.said)
        if done.code != 0:
            raise Wrong(f"{case}: an undisturbed release ended with {done.code}:\n{done.said}")
        seen = tuple(self.proxy.seen)
        end = end_of(database, unlike=case.unlike, reorders=case.reorders)
        plain = self._plain_end(case)
        source = world(project, database).source
        books = (source.default_schema or "public", source.default_table)
        difference = _without(plain, books).differences(_without(end, books))
        if difference:
            raise Wrong(f"{case}: an undisturbed release does not end as the plain statements do:\n{difference}")
        return Known(seen=seen, end=end)

    def _plain_end(self, case: CrashCase) -> End:
        database = self._database(case, "plain")
        for text_of_one in (*(script.sql for script in case.scripts), case.also):
            with database.connect() as connection:
                for item in split_script(text_of_one):
                    connection.execute(item.sql.encode())
        return end_of(database, unlike=case.unlike, reorders=case.reorders)

    # --- what a round begins with -------------------------------------------------------------------------------------

    def _project(self, case: CrashCase, name: str = "project") -> Path:
        root = self.folder / name
        shutil.rmtree(root, ignore_errors=True)
        root.mkdir()
        write(case, root)
        return root

    def _database(self, case: CrashCase, as_name: str = "crash") -> Database:
        key = f"{case.tool} {case.setup}"
        if key not in self.templates:
            name = f"template_{len(self.templates)}"
            made = self.server.create(name)
            made.execute(case.setup)
            made.execute("ANALYZE")
            self._apply_first(case, made)
            self.templates[key] = name
        return self.server.create(as_name, self.templates[key])

    def _apply_first(self, case: CrashCase, database: Database) -> None:
        """The tool's table, with the one migration that was applied long ago."""
        root = self.folder / "first"
        shutil.rmtree(root, ignore_errors=True)
        root.mkdir()
        write(replace(case, scripts=()), root)
        here = world(root, database)
        if case.tool == "sqitch":
            # Only it makes its own registry.
            run([sqitch(), "deploy", url(database, "db:pg")], cwd=root)
            return
        here.apply(here.source.migrations())

    def undisturbed(self, project: Path, database: Database) -> Released:
        """A release that nothing happens to."""
        done = self.release(project, database)
        assert isinstance(done, Released)
        return done

    def release(self, project: Path, database: Database, happening: Happening | None = None) -> Released | Release:
        """One process from its start to its end, or as far as it came before it was suspended."""
        self.proxy.begin([happening.trap()] if happening is not None else [])
        began = Release(project, self.server.conninfo(database.name, self.proxy.directory))
        if happening is None:
            return began.wait() or began
        happening.process = began.process
        done = began.wait(is_left=lambda: happening.is_suspended)
        happening.wait()
        return done or began


@dataclass
class _Playing:
    stage: Stage
    turn: Turn
    known: Known
    database: Database
    project: Path
    told: list[str] = field(default_factory=list)
    suspended: list[Release] = field(default_factory=list)

    def play(self) -> None:
        try:
            self._play()
        finally:
            for each in self.suspended:
                each.process.kill()
                each.process.wait()
            self.stage.proxy.drop_all()

    def _play(self) -> None:
        is_done = self._suffer()
        if not is_done and self.turn.afterwards == "removed":
            self._without_its_file()
        if not is_done and self.turn.afterwards == "changed" and self.turn.case.changed:
            self._with_another_file()
        self._until_done()
        self._hold_all(self.known.end)
        if self.suspended:
            self._wake()
            self._hold_all(self.known.end)

    def _wake(self) -> None:
        """Those that stood still find out that others have done it."""
        while self.suspended:
            each = self.suspended.pop()
            each.process.send_signal(signal.SIGCONT)
            done = each.wait()
            assert done is not None
            self._note("suspended, and woken", done)
            self._check(done, _ENDS)

    def trail(self) -> str:
        """What every release of this round said, the last statements of the last one, and the server's log."""
        last = [f"    {item.role} {item.number}: {' '.join(item.sql.split())[:160]}" for item in self.stage.proxy.seen]
        log = (self.stage.server.directory.parent / "server.log").read_text(errors="replace").splitlines()[-40:]
        return "\n".join([*self.told, "  statements of the last release:", *last[-25:], "  server:", *log])

    def _note(self, what: str, done: Released) -> None:
        self.told.append(f"  -- {what}: ended with {done.code} after {done.seconds:.1f} s\n{done.said.rstrip()}")

    # --- what happens -------------------------------------------------------------------------------------------------

    def _suffer(self) -> bool:
        """True if a release was done nevertheless."""
        for accident in self.turn.accidents:
            happening = Happening(accident, self.stage.server, self.stage.proxy)
            done = self.stage.release(self.project, self.database, happening)
            happened = happening.has_happened.is_set()
            self.turn.happened += happened
            if isinstance(done, Release):
                self.suspended.append(done)
                continue
            self._note(f"{accident} {'happened' if happened else 'never came'}", done)
            self._check(done, _ENDS if self.turn.happened else {Exit.DONE})
            if done.code == Exit.DONE:
                return True
        return False

    def _check(self, done: Released, allowed: AbstractSet[int]) -> None:
        if done.hung:
            raise Wrong(f"a release did not end within {done.seconds:.0f} s")
        if done.code not in allowed or "Traceback" in done.said:
            raise Wrong(f"a release ended with {done.code}")

    def _until_done(self) -> None:
        """Again, with nothing in the way; another gate is believed only for as long as a half-open one may live."""
        until_s = time.monotonic() + _AGAIN_S
        while True:
            done = self.stage.undisturbed(self.project, self.database)
            self._note("undisturbed", done)
            if done.code == Exit.DONE:
                return
            was_half_open = any(accident.leaves_half_open for accident in self.turn.accidents)
            self._check(done, {Exit.ANOTHER_GATE} if was_half_open else {Exit.DONE})
            if time.monotonic() > until_s:
                raise Wrong("no release came to its end")
            time.sleep(1.0)

    def _without_its_file(self) -> None:
        """Another release, a rollback, does not have the migration."""
        unfinished = self._unfinished()
        if not unfinished:
            return
        self._await_gone()
        before = self._end()
        own = self._file(unfinished[0])
        kept = own.read_text()
        own.unlink()
        done = self._believing("without its file")
        if unfinished[0] not in done.said:
            raise Wrong(f"{unfinished[0]} was unfinished without a file, and nobody said so")
        if self._unfinished() != unfinished:
            raise Wrong(f"{unfinished[0]} was not left as it was in the journal")
        difference = before.differences(self._end())
        if difference:
            raise Wrong(f"{unfinished[0]} was not left as it was:\n{difference}")
        own.write_text(kept)

    def _with_another_file(self) -> None:
        unfinished = self._unfinished()
        case = self.turn.case
        if not unfinished:
            return
        own = self._file(unfinished[0])
        kept = own.read_text()
        write(replace(case, scripts=(Script(sql=case.changed),)), self.project)
        done = self._believing("with another file", {Exit.DONE, Exit.REFUSED})
        if done.code == Exit.DONE:
            other = replace(case, name=f"{case.name}, changed", scripts=(Script(sql=case.changed),))
            self.known = self.stage.known(other)
            return
        if "restore the file" not in done.said:
            raise Wrong("a changed file was refused without a way out")
        own.write_text(kept)

    def _believing(self, what: str, allowed: AbstractSet[int] = frozenset({Exit.DONE})) -> Released:
        until_s = time.monotonic() + _AGAIN_S
        while True:
            done = self.stage.undisturbed(self.project, self.database)
            self._note(what, done)
            if done.code != Exit.ANOTHER_GATE or time.monotonic() > until_s:
                self._check(done, allowed)
                return done
            time.sleep(1.0)

    # --- what has to hold ---------------------------------------------------------------------------------------------

    def _hold_all(self, end: End) -> None:
        self._await_gone()
        difference = _numbered(end, self.turn.case).differences(_numbered(self._end(), self.turn.case))
        if difference:
            raise Wrong(f"the end is another one (- is that of an undisturbed release):\n{difference}")
        left = [row[0] for row in self.database.fetch(_LEFT_OPEN)]
        if left:
            raise Wrong(f"the journal does not end: {left}")
        waiting = self._world().state()
        if waiting.migrations or waiting.findings:
            raise Wrong(f"the tool finds: {waiting}")

    def _end(self) -> End:
        return end_of(self.database, unlike=self.turn.case.unlike, reorders=self.turn.case.reorders)

    def _await_gone(self) -> None:
        """Of a release that stands still sessions that hold nothing may be there yet."""
        until_s = time.monotonic() + _GONE_S
        while left := [row for row in self.database.fetch(_BACKENDS) if not (self.suspended and row[2] == "idle")]:
            if time.monotonic() > until_s:
                raise Wrong(f"backends of gate are still there: {left}")
            time.sleep(0.05)

    def _unfinished(self) -> list[str]:
        if not self.database.fetch("SELECT WHERE to_regclass('gate.programs') IS NOT NULL"):
            return []
        return [row[0] for row in self.database.fetch(_UNFINISHED)]

    def _file(self, migration: str) -> Path:
        found = next(item for item in self._world().source.migrations() if migration in (item.id, item.name))
        return Path(found.path or "")

    def _world(self) -> World:
        return world(self.project, self.database)


def _without(end: End, books: tuple[str, str]) -> End:
    """Without the rows of the tool's own table and of all others in a schema of its own, and without its sequence."""
    schema, table = books
    left_out = f"{schema}." if schema != "public" else f"public.{table}"
    own = {name: rows for name, rows in end.rows.items() if not name.startswith(left_out)}
    return replace(end, rows={**own, "sequences": [row for row in own["sequences"] if not row[1].startswith(table)]})


def _numbered(end: End, case: CrashCase) -> End:
    return replace(end, rows={**end.rows, "sequences": []}) if case.numbers else end
