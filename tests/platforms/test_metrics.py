"""Metrics of a release, read as Prometheus reads them; the file, and the push gateway."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from gate.app.metrics import emit
from gate.app.settings import Settings
from gate.model.run import Run
from gate.platforms.pushgateway import path_of
from gate.policy.policy import Metrics, Policy
from gate.report.metrics import families, text
from tests.golden import runs
from tests.platforms.receiver import Reply, receiving

Samples = Mapping[tuple[str, frozenset[tuple[str, str]]], float]


def read(told: str) -> Samples:
    """By name and labels; no name is there twice, and each has its type and a word about it."""
    found: dict[tuple[str, frozenset[tuple[str, str]]], float] = {}
    names: list[str] = []
    for family in text_string_to_metric_families(told):
        names.append(family.name)
        assert family.type == "gauge"
        assert family.documentation
        for sample in family.samples:
            key = sample.name, frozenset(sample.labels.items())
            assert key not in found
            found[key] = sample.value
    assert len(names) == len(set(names))
    return found


def of(samples: Samples, name: str, database: str = "shop", **labels: str) -> float:
    return samples[f"gate_release_{name}", frozenset({"database": database, **labels}.items())]


def settings(database: str | None = None, **metrics: Any) -> Settings:
    return Settings(policy=Policy(metrics=Metrics(**metrics)), database=database)


def emitted(run: Run, environment: Mapping[str, str] | None = None, **metrics: Any) -> list[str]:
    """What was warned of."""
    said: list[str] = []
    emit(run, settings(**metrics), said.append, environment or {})
    return said


@pytest.mark.parametrize("name", runs.ALL)
def test_prometheus_reads_every_run(name: str) -> None:
    run = runs.ALL[name]
    samples = read(text(families(run), run.database))
    assert of(samples, "exit_code", run.database) == int(run.exit)
    outcomes = {key: value for key, value in samples.items() if key[0] == "gate_release_outcome"}
    assert [dict(key[1])["outcome"] for key, value in outcomes.items() if value] == [run.outcome.value]
    assert {key[0] for key in samples} >= {family.name for family in families(runs.LOCK) if family.samples}


def test_its_figures() -> None:
    samples = read(text(families(runs.DONE), "shop"))
    assert of(samples, "duration_seconds") == 225.4
    assert of(samples, "migrations", state="done") == 2
    assert of(samples, "migrations", state="left") == 0
    assert of(samples, "steps", state="done") == 4
    assert of(samples, "longest_blocked_seconds") == 0.031
    assert of(samples, "lock_wait_seconds") == 4.318
    assert of(samples, "attempts") == 6
    assert of(samples, "step_seconds", kind="transaction") == pytest.approx(0.021 + 0.034 + 8.74 + 0.004)
    assert of(samples, "step_actual_seconds", kind="transaction") == pytest.approx(0.021 + 0.034 + 8.74)
    assert of(samples, "step_planned_seconds", kind="transaction", bound="high") == pytest.approx(20.02)
    assert of(samples, "start_timestamp_seconds") == 1767323045
    assert of(samples, "last_success_timestamp_seconds") == pytest.approx(1767323270.4)
    assert math.isnan(of(read(text(families(runs.ANOTHER), "shop")), "longest_blocked_seconds"))


def test_a_name_with_anything_in_it() -> None:
    odd = 'a"b\\c\nd{}=,'
    assert of(read(text(families(runs.DONE), odd)), "exit_code", odd) == 0
    twice = text(families(runs.DONE), odd, text(families(runs.LOCK), odd))
    assert of(read(twice), "exit_code", odd) == 0


# --- the file ---------------------------------------------------------------------------------------------------------


def test_the_last_success_stays_until_the_next_one(tmp_path: Path) -> None:
    path = tmp_path / "gate.prom"
    emitted(runs.DONE, textfile=str(path))
    emitted(replace(runs.FAILED, started_at="2026-01-03T00:00:00Z"), textfile=str(path))
    samples = read(path.read_text())
    assert of(samples, "exit_code") == 40
    assert of(samples, "last_success_timestamp_seconds") == pytest.approx(1767323270.4)
    emitted(replace(runs.NOTHING_PENDING, started_at="2026-01-04T00:00:00Z"), textfile=str(path))
    samples = read(path.read_text())
    assert of(samples, "last_success_timestamp_seconds") == pytest.approx(1767484800.212)


def test_each_database_has_its_own_figures(tmp_path: Path) -> None:
    path = tmp_path / "gate.prom"
    emit(runs.DONE, settings("billing", textfile=str(path)), pytest.fail, {})
    emit(runs.FAILED, settings("shop", textfile=str(path)), pytest.fail, {})
    samples = read(path.read_text())
    assert (of(samples, "exit_code", "billing"), of(samples, "exit_code", "shop")) == (0, 40)


def test_it_is_readable_and_nothing_is_left_beside_it(tmp_path: Path) -> None:
    path = tmp_path / "gate.prom"
    assert emitted(runs.DONE, textfile=str(path)) == []
    assert list(tmp_path.iterdir()) == [path]
    assert path.stat().st_mode & 0o044 == 0o044


def test_what_somebody_else_has_written_stays(tmp_path: Path) -> None:
    path = tmp_path / "node.prom"
    path.write_text("node_up 1\n")
    (said,) = emitted(runs.DONE, textfile=str(path))
    assert "which somebody else writes" in said
    assert path.read_text() == "node_up 1\n"


def test_a_place_that_is_not_there_is_a_warning(tmp_path: Path) -> None:
    path = tmp_path / "no" / "gate.prom"
    assert emitted(runs.DONE, textfile=str(path)) == [
        f"metrics.textfile cannot be written: {path}: No such file or directory"
    ]


# --- the push gateway -------------------------------------------------------------------------------------------------


def test_it_is_posted_so_that_the_last_success_stays() -> None:
    with receiving(Reply(202, b"")) as gateway:
        assert emitted(runs.FAILED, pushgateway=gateway.url, job="deploys", instance="ci/7") == []
    (got,) = gateway.got
    assert (got.method, got.path) == ("POST", "/metrics/job/deploys/database/shop/instance@base64/Y2kvNw")
    assert got.headers["content-type"].startswith("text/plain")
    samples = read(got.body.decode())
    assert of(samples, "exit_code") == 40
    assert not any(name == "gate_release_last_success_timestamp_seconds" for name, _ in samples)


def test_nothing_pending_is_not_pushed() -> None:
    with receiving() as gateway:
        assert emitted(runs.NOTHING_PENDING, pushgateway=gateway.url) == []
    assert gateway.got == []


def test_a_gateway_that_refuses_is_a_warning_without_secrets() -> None:
    with receiving(Reply(401, b"no entry for hunter2hunter2")) as gateway:
        url = gateway.url.replace("://", "://gate:hunter2hunter2@")
        (said,) = emitted(runs.DONE, {"PUSH": url}, pushgateway="env:PUSH")
    assert said == "metrics.pushgateway answered 401: no entry for ***"
    assert gateway.got[0].headers["authorization"].startswith("Basic ")


def test_no_address() -> None:
    (said,) = emitted(runs.DONE, pushgateway="env:PUSH")
    assert "the variable PUSH is not set" in said


@pytest.mark.parametrize(
    ("value", "part"), [("shop", "/a/shop"), ("", "/a@base64/="), ("a/b", "/a@base64/YS9i"), ("a b?", "/a/a%20b%3F")]
)
def test_the_labels_of_a_group(value: str, part: str) -> None:
    assert path_of((("a", value),)) == part
