"""The termination message of a container: what `kubectl describe pod` shows of how it ended.

Source: https://kubernetes.io/docs/tasks/debug/debug-application/determine-reason-pod-failure/: the kubelet takes 4096
bytes of /dev/termination-log.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from gate.cli.secrets import masked
from gate.model.plan import Plan
from gate.model.run import Run

VARIABLE = "GATE_TERMINATION_LOG"
"""Where it is written if the pod's `terminationMessagePath` is another; empty for nowhere."""
_USUAL = "/dev/termination-log"


def run_ended(run: Run) -> None:
    """Of a release."""
    if path := _path():
        from gate.report.termination import of_run

        _write(path, of_run(run))


def planned(plan: Plan, exit_code: int) -> None:
    """Of a plan."""
    if path := _path():
        from gate.report.termination import of_plan

        _write(path, of_plan(plan, exit_code))


def failed(exit_code: int, problem: str, remedy: str = "") -> None:
    """Of a command that an error or a signal has ended."""
    if path := _path():
        _write(path, {"exit_code": exit_code, "problem": problem, "remedy": remedy})


def _path() -> str:
    return os.environ.get(VARIABLE, _USUAL if os.environ.get("KUBERNETES_SERVICE_HOST") else "")


def _write(path: str, said: Mapping[str, Any]) -> None:
    from gate.report.termination import message

    # Made by the kubelet, never by us: a file of that name elsewhere is nobody's message. Where it cannot be written
    # nobody is hurt.
    with suppress(OSError):
        # A pipe that nobody reads must not hold up the end.
        handle = os.open(path, os.O_WRONLY | os.O_TRUNC | os.O_NONBLOCK)
        try:
            os.write(handle, message(_masked(said)).encode("utf-8", "replace"))
        finally:
            os.close(handle)


def _masked(value: Any) -> Any:
    """Each text by itself, before any is cut: of half an address nobody could tell that it has a password."""
    match value:
        case str():
            return masked(value)
        case Mapping():
            return {key: _masked(item) for key, item in value.items()}
        case list():
            return [_masked(item) for item in value]
        case _:
            return value
