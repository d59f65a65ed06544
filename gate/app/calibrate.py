"""`gate calibrate`: what this server takes for a row, a page, a key, as figures for gate.toml."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from datetime import UTC, datetime

from gate.app.free_disk import free_disk_bytes
from gate.app.opening import open_connection
from gate.app.request import Request, Say, silent
from gate.app.settings import load
from gate.db import calibrating
from gate.model.errors import UsageError
from gate.model.snapshot import Server
from gate.model.units import size
from gate.plan.calibration import Scratch, figures_of

LEAST_MEGABYTES, MOST_MEGABYTES = 32, 4096
# Rolled back or not, all that the probes write goes to the log once.
_WAL_FACTOR = 8


@dataclass(frozen=True, kw_only=True)
class Calibration:
    """The figures in nanoseconds by name, with where and when they were measured."""

    server: str
    measured_at: str
    megabytes: int
    took_s: float
    figures: dict[str, float]

    def to_toml(self) -> str:
        """A table for gate.toml."""
        lines = [
            f"# gate calibrate, {self.measured_at}: PostgreSQL {self.server}, {self.megabytes} MB, {self.took_s:.0f} s",
            "[calibration]",
            *(f"{name} = {_number(value)}" for name, value in self.figures.items()),
        ]
        return "\n".join(lines) + "\n"

    def to_json(self) -> str:
        """The same for a program."""
        document = {"server": self.server, "measured_at": self.measured_at, "calibration": self.figures}
        return json.dumps(document, indent=2) + "\n"


def _number(value: float) -> str:
    return f"{value:.0f}" if value >= _WHOLE else f"{value:.3g}"


_WHOLE = 1000


def calibrate(request: Request, *, megabytes: int, limit_s: float, announce: Say = silent) -> Calibration:
    """Measures and leaves nothing behind; `announce` is told beforehand what will be created.

    Raises:
        UsageError: a limit that makes no sense, a standby, too little disk.
        MissingPrivilege: the role may not create a schema.
    """
    _check(megabytes, limit_s)
    scratch = Scratch.of(megabytes)
    begun = time.monotonic()
    with open_connection(request, load(request), name="gate calibrate") as connection:
        server = calibrating.server_of(connection)
        _check_disk(free_disk_bytes(connection), megabytes)
        announce(_announcement(server, connection.info.backend_pid, megabytes, limit_s))
        done = calibrating.calibrate(connection, scratch, limit_s=limit_s, say=request.say)
    if done.left_out:
        request.warn(
            f"after {limit_s:g} s these were not measured, and keep gate's own figures: {', '.join(done.left_out)}; "
            "--seconds gives it more time"
        )
    return Calibration(
        server=server.version,
        measured_at=datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        megabytes=megabytes,
        took_s=time.monotonic() - begun,
        figures=figures_of(done.seconds, scratch, server),
    )


def _check(megabytes: int, limit_s: float) -> None:
    if not LEAST_MEGABYTES <= megabytes <= MOST_MEGABYTES:
        raise UsageError(
            f"--megabytes {megabytes} is too little to measure anything, or too much to be asked of a server",
            remedy=f"between {LEAST_MEGABYTES} and {MOST_MEGABYTES}; 128 is enough as a rule",
        )
    if not 1 <= limit_s <= 3600:
        raise UsageError(f"--seconds {limit_s:g} is no time to measure in", remedy="between 1 and 3600")


def _check_disk(free_bytes: int | None, megabytes: int) -> None:
    needed = megabytes * 2**20 * (1 + _WAL_FACTOR)
    if free_bytes is not None and free_bytes < needed * 2:
        raise UsageError(
            f"the server's disk has {size(free_bytes)} free; with its log this may take {size(needed)}",
            remedy="make room, or give it fewer --megabytes",
        )


def _announcement(server: Server, pid: int, megabytes: int, limit_s: float) -> str:
    return (
        f"creating the schema gate_calibration_{pid} in {server.database}, with tables of up to {megabytes} MB, for "
        f"at most {limit_s:g} s; all of it is rolled back. The server's log (WAL) grows by up to "
        f"{size(megabytes * _WAL_FACTOR * 2**20)}. No other table is touched."
    )
