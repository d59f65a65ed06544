"""The limits of each kind of step, as settings sent with it: whatever the role or the database sets, they hold.

`lock_timeout` counts each lock by itself and `statement_timeout` each statement; what holds for queue and lock together
is `remaining`, which is worked out on the server before every statement, from the moment at which the first lock was
asked for.

Source: https://www.postgresql.org/docs/18/runtime-config-client.html#RUNTIME-CONFIG-CLIENT-STATEMENT.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

from gate.model.steps import StepKind
from gate.run.world import Sent

BACKSTOP_S = 5.0
"""How much later than gate the server itself ends what gate should have ended."""
_IDLE_IN_TRANSACTION_S = 5.0
_ROW_WAIT_S = 2.0

_SET = (
    "SELECT count(pg_catalog.set_config(s.name, s.value, $3::pg_catalog.bool)) "
    "FROM ROWS FROM (pg_catalog.unnest($1::pg_catalog.text[]), pg_catalog.unnest($2::pg_catalog.text[])) "
    "AS s(name, value)"
)
_CLOCK = "gate.locked_at"
_STARTS_CLOCK = Sent(
    sql=f"SELECT pg_catalog.set_config('{_CLOCK}', "
    "extract(epoch FROM pg_catalog.clock_timestamp())::pg_catalog.text, true)"
)
_REMAINING = (
    "SELECT pg_catalog.set_config('statement_timeout', greatest(1, ceil($1::pg_catalog.float8 - 1000 * "
    "(extract(epoch FROM pg_catalog.clock_timestamp())::pg_catalog.float8 "
    f"- pg_catalog.current_setting('{_CLOCK}')::pg_catalog.float8)))::pg_catalog.int8::pg_catalog.text, true), "
    "pg_catalog.set_config('lock_timeout', $2, true)"
)


@dataclass(frozen=True, kw_only=True)
class Limits:
    """What one try of a step may take. `lock_s` is for each lock, `stall_s` for queue and lock together.

    `statement_s` is what is left of the budget; `application` is what others see; `dead_man` are the settings by which
    the server notices that gate is gone, as far as it takes them.
    """

    application: str
    statement_s: float
    stall_s: float
    lock_s: float
    dead_man: tuple[tuple[str, str], ...] = ()
    major: int = 0


def dead_man(major: int) -> tuple[tuple[str, str], ...]:
    """By what a server ends the work of a client that is gone, instead of finishing it for nobody."""
    return (
        ("client_connection_check_interval", "500ms"),
        ("tcp_keepalives_idle", "5"),
        ("tcp_keepalives_interval", "2"),
        ("tcp_keepalives_count", "3"),
        ("tcp_user_timeout", "10s"),
        ("idle_session_timeout", "0"),
        *([("transaction_timeout", "0")] if major >= 17 else []),
    )


def session(kind: StepKind, limits: Limits, *, is_block: bool) -> Sent:
    """All settings of a step: for its transaction where it has one (`is_block`), else for the session."""
    ends_s = limits.statement_s + BACKSTOP_S
    lock_s = {
        StepKind.CATALOG: limits.lock_s,
        # A build that gave up a lock would leave an invalid index: it waits, and the watchdog looks after it.
        StepKind.CONCURRENT: 0.0,
        StepKind.VALIDATION: limits.lock_s,
        StepKind.BATCH: _ROW_WAIT_S,
    }[kind]
    pairs = {
        **dict(limits.dead_man),
        "application_name": limits.application,
        "lock_timeout": _ms(lock_s),
        "statement_timeout": _ms(ends_s),
        "idle_in_transaction_session_timeout": _ms(_IDLE_IN_TRANSACTION_S),
    }
    if limits.major >= 17:
        pairs["transaction_timeout"] = _ms(ends_s + BACKSTOP_S)
    return configured(pairs.items(), is_local=is_block)


def configured(pairs: Iterable[tuple[str, str]], *, is_local: bool) -> Sent:
    """Settings in one statement."""
    listed = list(pairs)
    return Sent(
        sql=_SET,
        parameters=(
            _array(name for name, _ in listed),
            _array(value for _, value in listed),
            "true" if is_local else "false",
        ),
    )


def starts_clock() -> Sent:
    """From here on the time for queue and lock together runs."""
    return _STARTS_CLOCK


def remaining(limits: Limits, lock_s: float) -> Sent:
    """What is left of it for the next statement; its own lock_timeout is set again, whatever the file has said."""
    return Sent(sql=_REMAINING, parameters=(f"{limits.stall_s * 1000:.0f}", _ms(lock_s)))


def _ms(seconds: float) -> str:
    """For the server, which takes at most 2^31 - 1; 0 is no limit."""
    return str(min(2_147_483_647, math.ceil(seconds * 1000)))


def _array(values: Iterable[str]) -> str:
    quoted = (value.replace("\\", "\\\\").replace('"', '\\"') for value in values)
    return "{" + ",".join(f'"{value}"' for value in quoted) + "}"
