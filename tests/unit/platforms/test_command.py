"""The command hook with real programs: what it is handed, what is kept of it, and how it is ended."""

from __future__ import annotations

import json
import math
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from gate.cli.secrets import masked
from gate.model.run import HookRun
from gate.platforms.command import OUTPUT_BYTES, CommandHook
from gate.policy.policy import HookSetting
from gate.run.hooking import Hook

pytestmark = pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="reads /proc")
ROOT = Path(__file__).parents[3]
LONG_S = 60.0


def hook(*command: str, timeout_s: float = LONG_S) -> CommandHook:
    return CommandHook(setting=HookSetting(command=command, timeout_s=timeout_s), masked=masked)


def python(code: str, *arguments: str, timeout_s: float = LONG_S) -> CommandHook:
    return hook(sys.executable, "-c", code, *arguments, timeout_s=timeout_s)


def call(called: CommandHook, document: str = "{}", left_s: float = LONG_S) -> HookRun:
    return called.call("on_failure", document, lambda: left_s)


def is_running(pid: int) -> bool:
    """Not even as one that is dead and not yet collected."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="ascii", errors="replace")
    except (FileNotFoundError, ProcessLookupError):
        return False
    return stat.rpartition(")")[2].split()[0] != "Z"


def until(is_so: Callable[[], bool]) -> None:
    """What has been killed goes in its own time."""
    deadline = time.monotonic() + LONG_S
    while not is_so() and time.monotonic() < deadline:
        time.sleep(0.02)
    assert is_so()


def test_it_is_a_hook() -> None:
    told: Hook = hook("/usr/local/bin/tell", "--token", "secret", timeout_s=3)
    assert (told.name, told.longest_s) == ("tell", 4)


def test_it_gets_the_run_and_its_arguments_without_a_shell() -> None:
    document = json.dumps({"outcome": "failed", "text": "ä\n" * 200_000})
    code = "import json, sys; d = json.load(sys.stdin); print(d['outcome'], len(d['text']), sys.argv[1:])"
    done = call(python(code, "$HOME", "a b", ""), document)
    assert (done.event, done.problem) == ("on_failure", "")
    assert done.output == "failed 400000 ['$HOME', 'a b', '']"
    assert done.name == os.path.basename(sys.executable)  # noqa: PTH119


def test_nothing_is_added_to_its_environment() -> None:
    code = "import json, os; print(json.dumps(dict(os.environ)))"
    plain = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert json.loads(call(python(code)).output) == json.loads(plain.stdout)


@pytest.mark.parametrize("code", ["", "import os; os.close(0)", "import sys; sys.stdin.read(1)"])
def test_one_that_does_not_read_is_no_error(code: str) -> None:
    assert call(python(code), "x" * 1_000_000).problem == ""


@pytest.mark.parametrize(
    ("code", "problem"),
    [
        ("raise SystemExit(3)", "ended with exit code 3"),
        ("import os; os.kill(os.getpid(), 9)", "was ended by SIGKILL"),
    ],
)
def test_how_it_failed_is_said(code: str, problem: str) -> None:
    assert call(python(code)).problem == problem


def test_a_program_that_is_missing_is_a_problem(tmp_path: Path) -> None:
    assert call(hook(str(tmp_path / "none"))).problem == "cannot be started: No such file or directory"
    assert call(hook("a-program-that-nobody-has")).problem == "cannot be started: No such file or directory"
    (tmp_path / "text").write_text("#!/bin/sh\n")
    assert call(hook(str(tmp_path / "text"))).problem == "cannot be started: Permission denied"
    (tmp_path / "odd").write_bytes(b"\x00\x01")
    (tmp_path / "odd").chmod(0o755)
    assert call(hook(str(tmp_path / "odd"))).problem.startswith("cannot be started: ")


def test_what_it_prints_is_kept_from_both_of_its_streams() -> None:
    done = call(python("import sys; print('out', flush=True); print('err', file=sys.stderr)"))
    assert done.output == "out\nerr"
    assert call(python(r"import sys; sys.stdout.buffer.write(b'\xff\xfe ok')")).output == "\ufffd\ufffd ok"


def test_of_much_the_end_is_kept_from_a_whole_line_on() -> None:
    done = call(python("for n in range(100_000): print('line', n)"))
    assert done.output.startswith("...\nline ")
    assert done.output.endswith("line 99999")
    assert len(done.output) <= OUTPUT_BYTES + 4


def test_no_password_is_kept_even_where_the_beginning_is_cut() -> None:
    url = "postgres://shop:hunter2@db/shop"
    assert call(python("import sys; print(sys.argv[1], 'password=hunter2')", url)).output == (
        "postgres://shop:***@db/shop password=***"
    )
    # The cut falls into the middle of the URL.
    filler = OUTPUT_BYTES - len("hunter2@db/shop\n\n")
    code = f"import sys; print('x', sys.argv[1]); print('y' * {filler})"
    done = call(python(code, url))
    assert done.output.startswith("...\ny")
    assert "hunter" not in done.output


SPAWNS = """
import os, signal, subprocess, sys, time
child = "import signal, time; {child}; print('up', flush=True); time.sleep(600)"
child = subprocess.Popen([sys.executable, "-c", child], stdout=subprocess.PIPE)
child.stdout.readline()
{own}
with open(sys.argv[1] + ".new", "w") as file:
    print(os.getpid(), child.pid, file=file)
os.rename(sys.argv[1] + ".new", sys.argv[1])
time.sleep(600)
"""
IGNORES = "signal.signal(signal.SIGTERM, signal.SIG_IGN)"


@pytest.mark.parametrize("own", ["pass", IGNORES])
@pytest.mark.parametrize("child", ["pass", IGNORES])
def test_what_hangs_is_ended_with_all_that_it_started(own: str, child: str, tmp_path: Path) -> None:
    told = tmp_path / "pids"
    left_s = Shrinking(told)
    done = python(SPAWNS.format(own=own, child=child), str(told)).call("on_failure", "{}", left_s)
    assert done.problem.startswith("had not ended after ")
    assert done.problem.endswith(", and was terminated with all that it started")
    pids = [int(pid) for pid in told.read_text().split()]
    assert len(pids) == 2
    until(lambda: not any(map(is_running, pids)))


class Shrinking:
    """All the time that is needed until the file is there, and then a second."""

    def __init__(self, told: Path) -> None:
        self.told = told
        self.ends_s = math.inf

    def __call__(self) -> float:
        if self.ends_s == math.inf and self.told.exists():
            self.ends_s = time.monotonic() + 1.0
        return min(LONG_S, self.ends_s - time.monotonic())


def test_its_own_timeout_holds_too() -> None:
    done = call(python("import time; time.sleep(600)", timeout_s=0.2))
    assert done.problem.startswith("had not ended after ")


def test_one_that_ends_when_asked_can_say_goodbye(tmp_path: Path) -> None:
    code = (
        "import pathlib, signal, sys, time\n"
        "signal.signal(signal.SIGTERM, lambda *_: (print('goodbye', flush=True), sys.exit(0)))\n"
        "pathlib.Path(sys.argv[1]).touch()\n"
        "time.sleep(600)"
    )
    told = tmp_path / "ready"
    done = python(code, str(told)).call("on_failure", "{}", Shrinking(told))
    assert done.output == "goodbye"
    assert done.problem.startswith("had not ended after ")


def test_one_that_leaves_somebody_behind_has_ended() -> None:
    """What was started on purpose goes on, and nobody waits for it."""
    code = "import subprocess, sys\nprint(subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)']).pid)"
    done = call(python(code))
    left_behind = int(done.output)
    try:
        assert done.problem == ""
        assert is_running(left_behind)
    finally:
        os.kill(left_behind, signal.SIGKILL)


# --- a signal to gate meanwhile ---------------------------------------------------------------------------------------

GATE = """
import signal, sys, time
from gate.platforms.command import CommandHook
from gate.policy.policy import HookSetting

class Stopped(BaseException):
    pass

stopped = []
def on_term(*_):
    stopped.append(time.monotonic())
    if {raises}:
        raise Stopped
signal.signal(signal.SIGTERM, on_term)
setting = HookSetting(command=(sys.executable, "-c", sys.argv[1]), timeout_s=600)
hook = CommandHook(setting=setting, masked=str)
left = lambda: 600 if not stopped else stopped[0] + 1 - time.monotonic()
try:
    print(hook.call("on_failure", "{{}}", left).problem)
except Stopped:
    print("stopped")
"""
HANGS = "import os, sys, time; print(os.getpid(), file=open(sys.argv[1], 'w'), flush=True); time.sleep(600)"


@pytest.mark.parametrize("raises", [False, True])
def test_a_signal_to_gate_ends_the_hook_in_what_is_left(
    raises: bool,  # noqa: FBT001 - a case
    tmp_path: Path,
) -> None:
    pids = tmp_path / "pid"
    hangs = HANGS.replace("sys.argv[1]", repr(str(pids)))
    gate = subprocess.Popen(
        [sys.executable, "-c", GATE.format(raises=raises), hangs], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    until(lambda: pids.exists() and pids.read_text().endswith("\n"))
    gate.send_signal(signal.SIGTERM)
    said, _ = gate.communicate(timeout=LONG_S)
    assert said.startswith("stopped" if raises else "had not ended after ")
    until(lambda: not is_running(int(pids.read_text())))
