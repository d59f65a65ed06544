"""From probes to figures: a server that behaves as the model says is found again."""

from __future__ import annotations

from dataclasses import fields, replace

import pytest

from gate.db.probes import PROBES
from gate.model.rates import Figures
from gate.model.snapshot import Server
from gate.plan.calibration import Scratch, _models, figures_from, figures_of

SCRATCH = Scratch.of(128)
SERVER = Server(major=18, version="18.4", settings={"shared_buffers": "32MB", "maintenance_work_mem": "1GB"})


def _told_by(figures: Figures) -> dict[str, float]:
    return {name: model(figures) for name, (_, model) in _models(SCRATCH, SERVER).items()}


def test_the_stated_server_is_found_again() -> None:
    found = figures_from(_told_by(Figures()), SCRATCH, SERVER)
    for item in fields(Figures):
        assert getattr(found, item.name) == pytest.approx(getattr(Figures(), item.name), rel=0.05)


@pytest.mark.parametrize("times", [0.3, 3.0])
def test_a_server_that_is_slower_or_faster_in_everything(times: float) -> None:
    stated = {item.name: getattr(Figures(), item.name) for item in fields(Figures) if item.name.endswith("_ns")}
    real = replace(Figures(), **{name: value * times for name, value in stated.items()})
    found = figures_from(_told_by(real), SCRATCH, SERVER)
    for name, value in stated.items():
        assert getattr(found, name) == pytest.approx(value * times, rel=0.25), name


def test_one_slow_part_is_told_from_the_rest() -> None:
    found = figures_from(_told_by(replace(Figures(), text_compare_ns=200.0)), SCRATCH, SERVER)
    assert found.text_compare_ns > 100
    assert found.number_compare_ns == pytest.approx(Figures().number_compare_ns, rel=0.2)


def test_what_was_not_measured_is_not_given() -> None:
    told = _told_by(Figures())
    assert "gin_entry_ns" not in figures_of({"catalog": told["catalog"]}, SCRATCH, SERVER)
    assert set(figures_of({"catalog": told["catalog"]}, SCRATCH, SERVER)) == {"catalog_ns"}


def test_every_probe_has_a_model_and_every_figure_a_probe() -> None:
    models = _models(SCRATCH, SERVER)
    assert {probe.name for probe in PROBES} == set(models)
    measured = {name for names, _ in models.values() for name in names}
    assert measured == {item.name for item in fields(Figures)}


@pytest.mark.parametrize("megabytes", [32, 128, 1024])
def test_the_tables_leave_room_for_what_is_made_of_them(megabytes: int) -> None:
    scratch = Scratch.of(megabytes)
    tables = scratch.narrow_rows * 85 + scratch.wide_rows * 615 + scratch.long_rows * 6900
    assert tables < megabytes * 2**20 * 0.7
