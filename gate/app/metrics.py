"""What a release leaves for those who watch from afar: metrics in a file or at a push gateway, and traces.

The release is over, and its report printed: whatever becomes of this is a warning, and changes no exit code.
"""

from __future__ import annotations

import fcntl
import os
import signal
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from gate.app.settings import Settings
from gate.model.errors import GateError
from gate.model.run import Outcome, Run
from gate.policy.policy import Metrics
from gate.run.hooking import Left

_LONGEST_S = 5.0
# Whoever was told to end has but seconds, and most of them are spent by now.
_STOPPED_S = 1.0
_SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
_LOCK_S, _POLL_S = 1.0, 0.02

Warn = Callable[[str], None]


def emit(run: Run, settings: Settings, warn: Warn, environment: Mapping[str, str] = os.environ) -> None:
    """Writes and sends what the policy wants. Where nothing was pending it is the file alone: that costs nothing."""
    wanted = settings.policy.metrics
    is_traced = wanted.traces is not False and _names_collector(environment, wanted)
    if not (is_traced or wanted.textfile or wanted.pushgateway):
        return
    longest_s = _STOPPED_S if run.outcome is Outcome.STOPPED else _LONGEST_S
    with _until_told_to_end(longest_s) as left_s:
        if wanted.textfile is not None:
            _guarded(warn, lambda: _write(wanted, run, settings), textfile=wanted.textfile)
        if run.outcome is Outcome.NOTHING_PENDING:
            return
        if wanted.pushgateway is not None:
            _guarded(warn, lambda: _push(wanted, run, settings, environment, left_s))
        if is_traced:
            _guarded(warn, lambda: _trace(wanted, run, environment, left_s))


def _guarded(warn: Warn, does: Callable[[], None], *, textfile: str = "") -> None:
    try:
        does()
    except GateError as error:
        warn(f"{error.problem}" + (f" ({error.remedy})" if error.remedy else ""))
    except OSError as error:
        warn(f"metrics.textfile cannot be written: {textfile}: {error.strerror}")


def _names_collector(environment: Mapping[str, str], wanted: Metrics) -> bool:
    """Asked before anything is imported."""
    return bool(wanted.traces) or any(name.startswith("OTEL_EXPORTER_OTLP_") for name in environment)


# --- the file ---------------------------------------------------------------------------------------------------------


def _write(wanted: Metrics, run: Run, settings: Settings) -> None:
    """All or nothing: node_exporter may read at any moment, and releases of other databases may write."""
    from gate.report.metrics import families, is_ours, text

    assert wanted.textfile is not None
    path = Path(wanted.textfile)
    with _locked(path.parent):
        before = path.read_text(encoding="utf-8", errors="replace") if path.exists() else ""
        if not is_ours(before):
            raise GateError(f"metrics.textfile is {path}, which somebody else writes", remedy="name a file of its own")
        # node_exporter reads what ends in .prom.
        new = path.with_name(f".{path.name}.{os.getpid()}")
        try:
            handle = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                file.write(text(families(run), _name(run, settings), before))
            new.replace(path)
        finally:
            new.unlink(missing_ok=True)


@contextmanager
def _locked(directory: Path) -> Iterator[None]:
    """For one writer at a time, where that can be had soon: what is read before must not be older than what is lost."""
    handle = os.open(directory, os.O_RDONLY)
    try:
        until_s = time.monotonic() + _LOCK_S
        while time.monotonic() < until_s:
            with suppress(BlockingIOError):
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            time.sleep(_POLL_S)
        yield
    finally:
        os.close(handle)


def _name(run: Run, settings: Settings) -> str:
    """As gate.toml calls it, where it names several: two databases of one name may be on two servers."""
    return settings.database or run.database


# --- the push gateway, and traces -------------------------------------------------------------------------------------


def _push(wanted: Metrics, run: Run, settings: Settings, environment: Mapping[str, str], left_s: Left) -> None:
    from gate.platforms.making import Around
    from gate.platforms.pushgateway import push
    from gate.platforms.secrets import Secrets
    from gate.report.metrics import families, text

    assert wanted.pushgateway is not None
    name = _name(run, settings)
    groups = (("job", wanted.job), ("database", name)) + ((("instance", wanted.instance),) if wanted.instance else ())
    around = Around(environment=environment, secrets=Secrets.of(environment))
    problem = push(text(families(run), name), wanted.pushgateway, groups, around, left_s)
    if problem:
        raise GateError(f"metrics.pushgateway {problem}")


def _trace(wanted: Metrics, run: Run, environment: Mapping[str, str], left_s: Left) -> None:
    from gate.platforms import traces
    from gate.platforms.secrets import Secrets

    if traces.are_wanted(environment, wanted.traces):
        try:
            traces.send(run, environment, left_s)
        except GateError as error:
            # A collector may repeat the headers that it got.
            raise GateError(Secrets.of(environment).masked(error.problem), remedy=error.remedy) from None


@contextmanager
def _until_told_to_end(longest_s: float) -> Iterator[Left]:
    """What is left for all of it; nothing once a signal has come, for a kill follows, and the release is over."""
    signals: list[int] = []
    before = {number: signal.signal(number, lambda number, _: signals.append(number)) for number in _SIGNALS}
    until_s = time.monotonic() + longest_s
    try:
        yield lambda: 0.0 if signals else until_s - time.monotonic()
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
