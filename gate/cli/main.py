"""From arguments to an exit code: every error ends here, as a sentence with its remedy."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Sequence
from types import FrameType
from typing import NoReturn

from gate.cli import last_words
from gate.cli.quick import read_line, request_of
from gate.cli.stderr import tell
from gate.model.errors import Exit, GateError, InvalidSql, UsageError
from gate.model.version import VERSION


class Stopped(BaseException):
    """A signal: not an error of anybody's."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.name = signal.Signals(number).name


def run(arguments: Sequence[str]) -> int:
    """Runs one command and returns its exit code."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _stop)
    try:
        return _run(arguments)
    except GateError as error:
        _tell(error)
        last_words.failed(error.exit_code, str(error), error.remedy)
        return error.exit_code
    except Stopped as stopped:
        problem = f"stopped by {stopped.name}; nothing was changed"
        tell(f"gate: {problem}")
        last_words.failed(Exit.STOPPED_RESUMABLE, problem)
        return Exit.STOPPED_RESUMABLE
    except BrokenPipeError:
        # Whoever read our output has gone; Python would complain once more while it closes the stream.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return Exit.INTERNAL
    except Exception as error:  # noqa: BLE001 - the last door: a person gets a line, not a traceback
        last_words.failed(Exit.INTERNAL, _tell_bug(error))
        return Exit.INTERNAL


def _run(arguments: Sequence[str]) -> int:
    own, command = _without_command(arguments)
    if command:
        raise UsageError(
            f"gate cannot look into `{' '.join(command)[:60]}` yet: what stands after -- is a framework's command",
            remedy=f"give gate the SQL migrations: gate {'release' if 'release' in own[:1] else 'plan'} DIRECTORY",
        )
    for stream in (sys.stdout, sys.stderr):
        # A name that the terminal's encoding lacks must not end the report.
        stream.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]  # a real stream in a real process
    usual = read_line(own)
    if usual is None:
        return _run_typer(own)
    command, values = usual
    if command == "release":
        from gate.cli.running import run as run_release

        return run_release(*request_of(values))
    if command == "wait":
        from gate.cli.waiting import run as run_wait

        return run_wait(*request_of(values))
    from gate.cli.planning import run as run_plan

    return run_plan(*request_of(values))


def _run_typer(arguments: Sequence[str]) -> int:
    from gate.cli.app import app

    try:
        app(args=list(arguments), prog_name="gate")
    except SystemExit as ended:
        return ended.code if isinstance(ended.code, int) else Exit.DONE
    return Exit.DONE


def _without_command(arguments: Sequence[str]) -> tuple[Sequence[str], Sequence[str]]:
    if "--" not in arguments:
        return arguments, ()
    place = list(arguments).index("--")
    return arguments[:place], arguments[place + 1 :]


def _stop(number: int, _frame: FrameType | None) -> NoReturn:
    raise Stopped(number)


def _tell(error: GateError) -> None:
    problem = str(error)
    if isinstance(error, InvalidSql):
        problem = f"{_place(error)}: {problem}\n{error.caret()}"
    tell(f"gate: {problem}" + (f"\n      {error.remedy}" if error.remedy else ""))


def _place(error: InvalidSql) -> str:
    return f"{error.path}:{error.line}:{error.column}" if error.path else f"line {error.line}, column {error.column}"


def _tell_bug(error: Exception) -> str:
    # Nobody knows what it is about: a library may name the address that it was given.
    from gate.platforms.secrets import Secrets

    without = Secrets.of(os.environ).masked
    frame = error.__traceback__
    while frame is not None and frame.tb_next is not None:
        frame = frame.tb_next
    where = f" ({os.path.basename(frame.tb_frame.f_code.co_filename)}:{frame.tb_lineno})" if frame else ""  # noqa: PTH119
    what = without(" ".join(f"{type(error).__name__}: {error}".split()))
    tell(
        f"gate: internal error: {what}{where}\n      this is a bug in gate {VERSION}: please report this line and the "
        "statement; GATE_TRACEBACK=1 shows more",
    )
    if os.environ.get("GATE_TRACEBACK"):
        import traceback

        tell(without("".join(traceback.format_exception(error))))
    return f"internal error: {what}{where}"
