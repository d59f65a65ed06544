"""OpenTelemetry: one span for a release, and one for each of its steps below it, with the times at which they ran.

The OTEL_* variables decide where they go (OTLP over HTTP), under which name, and whether they are sampled; TRACEPARENT
is the span that called gate. Needs the extra `otel`.

Source: https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables/,
https://opentelemetry.io/docs/specs/semconv/database/
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from gate.model.errors import Exit, GateError
from gate.model.run import Act, Run, State, UnitRun
from gate.model.version import VERSION
from gate.run.hooking import Left

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import ReadableSpan

ENDPOINTS = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")
_POLL_S = 0.05
_HTTP = ("", "http/protobuf")
_LOGGER = "opentelemetry"


class NoTraces(GateError):
    """They cannot be sent; the release is none the worse for it."""


def are_wanted(environment: Mapping[str, str], told: bool | None) -> bool:  # noqa: FBT001 - as the policy has it
    """Whether spans are sent: as the policy says, else where a collector is named."""
    if environment.get("OTEL_SDK_DISABLED", "").strip().lower() == "true":
        return False
    if environment.get("OTEL_TRACES_EXPORTER", "").strip() == "none":
        return False
    return any(environment.get(name, "").strip() for name in ENDPOINTS) if told is None else told


def send(run: Run, environment: Mapping[str, str], left_s: Left) -> None:
    """Sends the spans, in one request. Raises NoTraces with the reason."""
    protocol = environment.get("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL") or environment.get("OTEL_EXPORTER_OTLP_PROTOCOL")
    if (protocol or "").strip() not in _HTTP:
        raise NoTraces(
            f"no traces: OTEL_EXPORTER_OTLP_PROTOCOL is {protocol}, and gate speaks http/protobuf",
            remedy="name a collector's HTTP port (4318) in OTEL_EXPORTER_OTLP_TRACES_ENDPOINT, or set "
            "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL=http/protobuf",
        )
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    except ImportError as error:
        raise NoTraces(
            "no traces: OpenTelemetry is not installed",
            remedy='pip install "deploy-gate[otel]", or [metrics] traces = false in gate.toml',
        ) from error
    found = spans(run, environment)
    if not found:
        return
    with _overheard() as complaints:
        limit_s = left_s()
        exporter = OTLPSpanExporter(timeout=max(limit_s, _POLL_S))
        problem = _exported(exporter, found, left_s)
    if problem:
        raise NoTraces(f"no traces: {problem}" + "".join(f": {text}" for text in complaints[-1:]))


def spans(run: Run, environment: Mapping[str, str]) -> tuple[ReadableSpan, ...]:
    """That of the release first; none where the sampler, or the caller's span, does not want them."""
    from opentelemetry import trace
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import SpanProcessor, TracerProvider
    from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

    found: list[ReadableSpan] = []

    class Keeps(SpanProcessor):
        def on_end(self, span: ReadableSpan) -> None:
            found.append(span)

    named = Resource.create({"service.version": VERSION, **_service(environment)})
    provider = TracerProvider(resource=named, shutdown_on_exit=False)
    provider.add_span_processor(Keeps())
    tracer = provider.get_tracer("gate", VERSION)
    carrier = {name: environment.get(name.upper(), "") for name in ("traceparent", "tracestate")}
    parent = TraceContextTextMapPropagator().extract({name: value for name, value in carrier.items() if value})
    whole = tracer.start_span("gate release", parent, attributes=_of_run(run), start_time=_ns(run.started_at))
    below = trace.set_span_in_context(whole)
    for unit in run.units:
        if unit.began_at is None:
            continue
        begun_ns = _ns(unit.began_at)
        name = f"{unit.migration} {unit.ordinal}"
        span = tracer.start_span(name, below, attributes=_of_unit(run, unit), start_time=begun_ns)
        _fail(span, unit.error, is_failed=unit.state is State.FAILED)
        span.end(begun_ns + _length_ns(unit.seconds))
    for act in run.acts:
        whole.add_event(f"{act.how} backend", _of_act(act), _ns(act.at))
    _fail(whole, run.problem, is_failed=run.exit is not Exit.DONE)
    whole.end(_ns(run.started_at) + _length_ns(run.seconds))
    return tuple(reversed(found))


def _exported(exporter: Any, found: tuple[ReadableSpan, ...], left_s: Left) -> str:
    """In a thread of its own: whatever the other side does, it is left in time."""
    from opentelemetry.sdk.trace.export import SpanExportResult

    answers: list[object] = []
    thread = threading.Thread(target=lambda: answers.append(exporter.export(found)), name="traces", daemon=True)
    thread.start()
    while thread.is_alive() and left_s() > 0:
        thread.join(_POLL_S)
    if not thread.is_alive() and answers == [SpanExportResult.SUCCESS]:
        return ""
    # It waits between its tries, and is told so.
    exporter.shutdown()
    return "the collector did not take them" if not thread.is_alive() else "the collector did not answer in time"


@contextmanager
def _overheard() -> Iterator[list[str]]:
    """What the library says in its log, which would stand in the middle of ours."""
    said: list[str] = []

    class Hears(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            said.append(" ".join(record.getMessage().split()))

    logger, hears = logging.getLogger(_LOGGER), Hears()
    was_handed_on = logger.propagate
    logger.addHandler(hears)
    logger.propagate = False
    try:
        yield said
    finally:
        logger.removeHandler(hears)
        logger.propagate = was_handed_on


def _service(environment: Mapping[str, str]) -> dict[str, str]:
    """What is given here would go before what the environment says."""
    is_named = environment.get("OTEL_SERVICE_NAME") or "service.name=" in environment.get(
        "OTEL_RESOURCE_ATTRIBUTES", ""
    )
    return {} if is_named else {"service.name": "gate"}


# --- what a span says -------------------------------------------------------------------------------------------------


def _of_run(run: Run) -> dict[str, Any]:
    return _known(
        {
            "db.system.name": "postgresql",
            "db.system": "postgresql",
            "db.namespace": run.database,
            "gate.run": run.id,
            "gate.source": run.source,
            "gate.server.version": run.server_version,
            "gate.outcome": run.outcome.value,
            "gate.exit_code": int(run.exit),
            "gate.migrations.done": list(run.migrations),
            "gate.migrations.left": list(run.left),
            "gate.longest_blocked_s": run.longest_blocked_s,
            "gate.problem": run.problem,
            "gate.remedy": run.remedy,
            "gate.took_up": run.took_up,
            "gate.plan.fingerprint": run.plan.fingerprint if run.plan is not None else None,
        }
    )


def _of_unit(run: Run, unit: UnitRun) -> dict[str, Any]:
    return _known(
        {
            "db.system.name": "postgresql",
            "db.system": "postgresql",
            "db.namespace": run.database,
            "db.query.text": unit.sql,
            "db.response.status_code": unit.sqlstate,
            "code.file.path": unit.path,
            "code.line.number": unit.line,
            "gate.migration": unit.migration,
            "gate.step": unit.ordinal,
            "gate.step.kind": unit.kind,
            "gate.step.why": unit.why,
            "gate.step.state": unit.state.value,
            "gate.relations": _relations(run, unit),
            "gate.rows": unit.rows_done,
            "gate.attempts": unit.attempts,
            "gate.waited_s": unit.waited_s,
            "gate.blocked_s": unit.blocked_s,
            "gate.planned_s": unit.planned.likely if unit.planned is not None else None,
            "gate.note": unit.note,
        }
    )


def _relations(run: Run, unit: UnitRun) -> list[str]:
    """What the plan says that the statement locks: of a step, as of all the steps of its statement."""
    migrations = run.plan.migrations if run.plan is not None else ()
    statements = [
        statement
        for migration in migrations
        if (migration.id or migration.path) in (unit.migration, unit.path)
        for statement in migration.statements
    ]
    # A migration that passes whole is one step, whose line is that of its first statement.
    meant = [one for one in statements if one.line == unit.line] if unit.kind != "transaction" else statements
    return list(dict.fromkeys(effect.relation for one in meant for effect in one.effects))


def _of_act(act: Act) -> dict[str, Any]:
    told = {"pid": act.backend.pid, "who": act.who, "why": act.why, "own": act.is_own, "worked": act.has_worked}
    return {f"gate.{name}": value for name, value in told.items()}


def _known(told: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in told.items() if value is not None and value not in ("", [])}


def _fail(span: Any, problem: str, *, is_failed: bool) -> None:
    from opentelemetry.trace import Status, StatusCode

    if is_failed:
        span.set_status(Status(StatusCode.ERROR, problem or None))


def _ns(at: str) -> int:
    """Exact to the microsecond: a float of seconds since 1970 is not."""
    since = datetime.fromisoformat(at).astimezone(UTC) - datetime(1970, 1, 1, tzinfo=UTC)
    return ((since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds) * 1000


def _length_ns(seconds: float | None) -> int:
    return round((seconds or 0.0) * 1e9)
