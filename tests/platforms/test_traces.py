"""Spans of a release as a collector gets them: a real one of this machine, which decodes what arrives."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

from gate.app.metrics import emit
from gate.app.settings import Settings
from gate.model.run import Run
from gate.model.version import VERSION
from gate.policy.policy import Metrics, Policy
from tests.golden import runs
from tests.platforms.receiver import Receiver, Reply, receiving

TRACE, PARENT = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
TRACED = replace(
    runs.DONE,
    units=(
        replace(runs.COLUMN, began_at="2026-01-02T03:04:06.000001Z"),
        replace(runs.DONE.units[1], began_at="2026-01-02T03:04:11Z"),
        replace(runs.FAILED.units[2], began_at="2026-01-02T03:04:12Z", rows_done=7),
        replace(runs.DONE.units[3], began_at=None),
    ),
    acts=runs.FULL.acts,
)


@pytest.fixture(autouse=True)
def nothing_of_the_developers(monkeypatch: pytest.MonkeyPatch) -> None:
    """The library reads the real environment."""
    for name in ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_HEADERS", "OTEL_SERVICE_NAME", "TRACEPARENT"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def collector(monkeypatch: pytest.MonkeyPatch) -> Iterator[Receiver]:
    with receiving(Reply(200, b"")) as server:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", server.url)
        yield server


def emitted(run: Run, url: str, more: Mapping[str, str] | None = None, *, traces: bool | None = None) -> list[str]:
    """What was warned of."""
    said: list[str] = []
    environment = {"OTEL_EXPORTER_OTLP_ENDPOINT": url, **(more or {})}
    emit(run, Settings(policy=Policy(metrics=Metrics(traces=traces))), said.append, environment)
    return said


def spans(collector: Receiver) -> list[Span]:
    (got,) = collector.got
    assert got.path == "/v1/traces"
    (resource,) = ExportTraceServiceRequest.FromString(got.body).resource_spans
    (scope,) = resource.scope_spans
    assert (scope.scope.name, scope.scope.version) == ("gate", VERSION)
    told = {item.key: item.value.string_value for item in resource.resource.attributes}
    assert (told["service.name"], told["service.version"]) == ("gate", VERSION)
    return list(scope.spans)


def attributes(span: Any) -> dict[str, Any]:
    return {item.key: getattr(item.value, item.value.WhichOneof("value")) for item in span.attributes}


def test_one_span_for_the_release_and_one_for_each_step(collector: Receiver) -> None:
    assert emitted(TRACED, collector.url) == []
    found = spans(collector)
    (whole,) = [span for span in found if not span.parent_span_id]
    steps = [span for span in found if span.parent_span_id == whole.span_id]
    assert {span.trace_id for span in found} == {whole.trace_id}
    assert whole.name == "gate release"
    assert sorted(span.name for span in steps) == ["20260101000000 1", "20260102000000 1", "20260102000000 2"]


def test_the_times_are_those_at_which_it_ran(collector: Receiver) -> None:
    emitted(TRACED, collector.url)
    times = {span.name: (span.start_time_unix_nano, span.end_time_unix_nano) for span in spans(collector)}
    begun = 1767323045_000_000_000
    assert times["gate release"] == (begun, begun + 225_400_000_000)
    assert times["20260101000000 1"] == (begun + 1_000_001_000, begun + 1_022_001_000 - 1_000_000)


def test_what_they_say(collector: Receiver) -> None:
    emitted(TRACED, collector.url)
    found = {span.name: span for span in spans(collector)}
    column = attributes(found["20260101000000 1"])
    assert column["db.system.name"] == "postgresql"
    assert column["db.namespace"] == "shop"
    assert column["db.query.text"] == runs.COLUMN.sql
    assert (column["gate.step.kind"], column["gate.attempts"], column["gate.waited_s"]) == ("transaction", 3, 4.318)
    assert [item.string_value for item in column["gate.relations"].values] == ["public.orders"]
    assert found["20260101000000 1"].status.code == Status.STATUS_CODE_UNSET
    failed = found["20260102000000 2"]
    assert failed.status.code == Status.STATUS_CODE_ERROR
    assert attributes(failed)["gate.rows"] == 7
    assert attributes(failed)["db.response.status_code"] == "23503"
    assert "90210" not in str(failed)
    whole = found["gate release"]
    assert (attributes(whole)["gate.outcome"], attributes(whole)["gate.exit_code"]) == ("done", 0)
    assert [event.name for event in whole.events] == ["terminate backend", "terminate backend", "cancel backend"]
    assert attributes(whole.events[1])["gate.pid"] == 4711


def test_the_caller_is_the_parent(collector: Receiver) -> None:
    emitted(TRACED, collector.url, {"TRACEPARENT": f"00-{TRACE}-{PARENT}-01", "TRACESTATE": "a=b"})
    whole = next(span for span in spans(collector) if span.name == "gate release")
    assert (whole.trace_id.hex(), whole.parent_span_id.hex()) == (TRACE, PARENT)


@pytest.mark.parametrize(
    ("more", "traces"),
    [
        ({"TRACEPARENT": f"00-{TRACE}-{PARENT}-00"}, None),
        ({"OTEL_SDK_DISABLED": "true"}, True),
        ({"OTEL_TRACES_EXPORTER": "none"}, None),
        ({}, False),
    ],
    ids=["the caller is not sampled", "switched off", "no exporter", "the policy"],
)
def test_who_wants_none_gets_none(collector: Receiver, more: dict[str, str], traces: bool | None) -> None:  # noqa: FBT001
    assert emitted(TRACED, collector.url, more, traces=traces) == []
    assert collector.got == []


def test_nothing_pending_sends_nothing(collector: Receiver) -> None:
    assert emitted(runs.NOTHING_PENDING, collector.url) == []
    assert collector.got == []


def test_a_collector_that_refuses_is_one_warning(monkeypatch: pytest.MonkeyPatch) -> None:
    with receiving(Reply(401, b"who are you")) as server:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", server.url)
        (said,) = emitted(TRACED, server.url)
    assert said.startswith("no traces: the collector did not take them")
    assert "401" in said


def test_a_collector_that_never_answers_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    with receiving(Reply(lasts_s=60)) as server:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", server.url)
        stopped = replace(TRACED, outcome=runs.STOPPED.outcome)
        (said,) = emitted(stopped, server.url)
    assert said.startswith("no traces: ")


def test_another_protocol_is_said() -> None:
    (said,) = emitted(TRACED, "http://127.0.0.1:4317", {"OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"})
    assert "gate speaks http/protobuf" in said


def test_without_the_extra_it_says_how_to_get_it() -> None:
    """In a Python of its own, which does not find the library."""
    program = """
import sys
sys.modules["opentelemetry"] = None
from gate.app.metrics import emit
from gate.app.settings import Settings
from tests.golden import runs
emit(runs.DONE, Settings(), print, {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:1"})
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == (
        "no traces: OpenTelemetry is not installed "
        '(pip install "deploy-gate[otel]", or [metrics] traces = false in gate.toml)\n'
    )


def test_whoever_wants_no_traces_does_not_load_them() -> None:
    program = """
import sys
from gate.app.metrics import emit
from gate.app.settings import Settings
from tests.golden import runs
emit(runs.DONE, Settings(), print, {})
print([name for name in sys.modules if name.startswith(("opentelemetry", "httpx", "requests"))])
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
