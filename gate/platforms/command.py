"""The command hook: a program of the team's own, which gets the run as JSON on its standard input.

No shell is between, and nothing is added to its environment. It leads a process group of its own, so that it can be
ended with all that it started.
"""

from __future__ import annotations

import os
import selectors
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import IO, Self

from gate.model.run import HookRun
from gate.model.units import lasting
from gate.platforms.making import Around, Factory
from gate.policy.policy import HookSetting
from gate.run.hooking import Left

OUTPUT_BYTES = 8192
"""So much is kept of what it prints, from the end."""
_KILL_AFTER_S = 1.0
_LEFT_TO_KILL = 0.25
_POLL_S = 0.05
_CHUNK = 65536
# After the program has ended somebody whom it started may hold its output open: what is there is read, no more.
_DRAIN_S = 0.2


@dataclass(frozen=True, kw_only=True)
class CommandHook:
    """`masked` takes the secrets out of what the program prints."""

    setting: HookSetting
    masked: Callable[[str], str]

    @property
    def name(self) -> str:
        """The program without its arguments: they may hold a token."""
        return os.path.basename(self.setting.command[0])  # noqa: PTH119 - a name, which may be no path

    @property
    def longest_s(self) -> float:
        """Its timeout, and what it may take to be ended after that."""
        return self.setting.timeout_s + _KILL_AFTER_S

    def call(self, event: str, document: str, left_s: Left) -> HookRun:
        """Runs it to its end, or to the end of its time; a program that cannot be started is a problem like others."""
        begun_s = time.monotonic()
        try:
            process = subprocess.Popen(
                self.setting.command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        except OSError as error:
            problem, output = f"cannot be started: {error.strerror or error}", b""
        else:
            with _Running(process=process, written=document.encode("utf-8", "replace")) as running:
                problem = running.to_the_end(self.setting.timeout_s, left_s)
                output = bytes(running.printed)
        return HookRun(
            event=event,
            name=self.name,
            seconds=time.monotonic() - begun_s,
            problem=self.masked(problem),
            output=self.masked(_text(output)),
        )


@dataclass
class _Running:
    """One program that is at work; whatever happens to us, it does not outlive this."""

    process: subprocess.Popen[bytes]
    written: bytes
    printed: bytearray = field(default_factory=bytearray)
    is_over: bool = False
    selector: selectors.BaseSelector = field(default_factory=selectors.DefaultSelector)

    def __enter__(self) -> Self:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        for stream, event in ((self.process.stdin, selectors.EVENT_WRITE), (self.process.stdout, selectors.EVENT_READ)):
            os.set_blocking(stream.fileno(), False)
            self.selector.register(stream, event)
        return self

    def __exit__(self, *_: object) -> None:
        if not self.is_over:
            self._end(signal.SIGKILL)
            self.process.wait()
        self.selector.close()
        for stream in (self.process.stdin, self.process.stdout):
            if stream is not None:
                _close(stream)

    def to_the_end(self, timeout_s: float, left_s: Left) -> str:
        """What is wrong with how it ended; empty where nothing is."""
        begun_s = time.monotonic()
        while not self._has_ended():
            ran_s, rest_s = time.monotonic() - begun_s, left_s()
            to_kill_s = min(_KILL_AFTER_S, _LEFT_TO_KILL * (ran_s + rest_s))
            if ran_s >= timeout_s or rest_s <= to_kill_s:
                return self._stop(min(_KILL_AFTER_S, rest_s), ran_s)
            self._exchange(min(_POLL_S, timeout_s - ran_s, rest_s - to_kill_s))
        self.is_over = True
        self._drain()
        return _said(self.process.wait())

    def _stop(self, kill_after_s: float, ran_s: float) -> str:
        self._end(signal.SIGTERM)
        until_s = time.monotonic() + kill_after_s
        while (self._is_open() or not self._has_ended()) and (rest_s := until_s - time.monotonic()) > 0:
            self._exchange(min(_POLL_S, rest_s))
        self._end(signal.SIGKILL)
        self.is_over = True
        try:
            self.process.wait(_KILL_AFTER_S)
        except subprocess.TimeoutExpired:
            return f"had not ended after {lasting(ran_s)}, and cannot be killed: process {self.process.pid}"
        return f"had not ended after {lasting(ran_s)}, and was terminated with all that it started"

    def _has_ended(self) -> bool:
        """Without collecting it where that can be had: until then no other group can get its number."""
        if sys.platform == "darwin":
            return self.process.poll() is not None
        return os.waitid(os.P_PID, self.process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None

    def _end(self, number: signal.Signals) -> None:
        try:
            os.killpg(self.process.pid, number)
        except (ProcessLookupError, PermissionError):
            # Gone; some systems say so of a group that consists of the dead.
            return

    def _is_open(self) -> bool:
        return self.process.stdout in {key.fileobj for key in self.selector.get_map().values()}

    def _drain(self) -> None:
        until_s = time.monotonic() + _DRAIN_S
        while self._is_open() and (rest_s := until_s - time.monotonic()) > 0:
            self._exchange(rest_s)

    def _exchange(self, timeout_s: float) -> None:
        """Hands over what it takes, and reads what it says."""
        if not self.selector.get_map():
            time.sleep(timeout_s)
            return
        for key, _ in self.selector.select(timeout_s):
            if key.fileobj is self.process.stdin:
                self._write()
            else:
                self._read()

    def _write(self) -> None:
        assert self.process.stdin is not None
        try:
            count = os.write(self.process.stdin.fileno(), self.written[:_CHUNK])
        except BlockingIOError:
            return
        except BrokenPipeError:
            # Not everybody wants to know.
            count = len(self.written)
        self.written = self.written[count:]
        if not self.written:
            self._forget(self.process.stdin)

    def _read(self) -> None:
        assert self.process.stdout is not None
        try:
            said = os.read(self.process.stdout.fileno(), _CHUNK)
        except BlockingIOError:
            return
        if not said:
            self._forget(self.process.stdout)
        self.printed += said
        # One byte more than is shown tells that there was more.
        del self.printed[: -OUTPUT_BYTES - 1]

    def _forget(self, stream: IO[bytes]) -> None:
        self.selector.unregister(stream)
        _close(stream)


def _close(stream: IO[bytes]) -> None:
    try:
        stream.close()
    except BrokenPipeError:
        return


def _said(code: int) -> str:
    if code < 0:
        return f"was ended by {_signal(-code)}"
    return f"ended with exit code {code}" if code else ""


def _signal(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"


def _text(printed: bytes) -> str:
    """What is too long begins with a whole line: half a URL would not be known for one, with its password."""
    if len(printed) <= OUTPUT_BYTES:
        return printed.decode("utf-8", "replace").strip()
    _, _, rest = printed.partition(b"\n")
    return f"...\n{rest.decode('utf-8', 'replace').strip()}"


def _made(setting: HookSetting, around: Around) -> CommandHook:
    return CommandHook(setting=setting, masked=around.masked)


HOOKS: Mapping[str, Factory] = {"": _made}
