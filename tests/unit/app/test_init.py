"""`gate init` never loses what somebody has written, unless it is told to."""

from __future__ import annotations

from pathlib import Path

import pytest

from gate.app.init import InitRequest, files_of, offered, planned, write
from gate.model.errors import UsageError


def asked(at: Path, preset: str = "heroku", **more: float) -> InitRequest:
    return InitRequest(preset=preset, directory=str(at), **more)  # type: ignore[arg-type]  # budget_s alone


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (None, "release: gate release\n"),
        ("", "release: gate release\n"),
        ("web: x\n", "web: x\nrelease: gate release\n"),
        ("web: x", "web: x\nrelease: gate release\n"),
        ("web: x\r\n", "web: x\r\nrelease: gate release\r\n"),
        ("release:   gate release\nweb: x\n", "release:   gate release\nweb: x\n"),
        ("prerelease: y\n", "prerelease: y\nrelease: gate release\n"),
    ],
)
def test_a_line_is_added_to_a_procfile(tmp_path: Path, before: str | None, after: str) -> None:
    path = tmp_path / "Procfile"
    if before is not None:
        path.write_bytes(before.encode())
    write(planned(asked(tmp_path)), is_forced=False)
    assert path.read_bytes().decode() == after
    assert all(file.is_same for file in planned(asked(tmp_path)))


def test_another_release_command_is_kept_unless_it_is_given_up(tmp_path: Path) -> None:
    path = tmp_path / "Procfile"
    path.write_text("web: x\nrelease: rake db:migrate\nworker: y\n")
    with pytest.raises(UsageError, match="rake db:migrate"):
        write(planned(asked(tmp_path)), is_forced=False)
    assert path.read_text() == "web: x\nrelease: rake db:migrate\nworker: y\n"
    write(planned(asked(tmp_path, budget_s=1800.0)), is_forced=True)
    assert path.read_text() == "web: x\nrelease: gate release --budget 30min\nworker: y\n"


def test_where_one_file_differs_none_is_written(tmp_path: Path) -> None:
    (tmp_path / "gate-job.yaml").write_text("kind: Mine\n")
    files = planned(asked(tmp_path, "kubernetes"))
    with pytest.raises(UsageError, match=r"gate-job\.yaml"):
        write(files, is_forced=False)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["gate-job.yaml"]
    diff = next(file.diff() for file in files if file.path.name == "gate-job.yaml")
    assert "-kind: Mine\n" in diff
    assert "+apiVersion: batch/v1\n" in diff
    write(files, is_forced=True)
    assert all(file.is_same and not file.diff() for file in planned(asked(tmp_path, "kubernetes")))


def test_a_budget_that_the_platform_does_not_give_is_turned_down(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="one hour"):
        planned(asked(tmp_path, budget_s=7200.0))


@pytest.mark.parametrize(
    ("preset", "settings", "says"),
    [
        ("kubernets", (), "did you mean kubernetes"),
        ("kubernetes", ("secrt=x",), "did you mean secret="),
        ("kubernetes", ("secret",), "takes no 'secret'"),
        ("kubernetes", ("secret=a", "secret=b"), "twice"),
        ("heroku", ("secret=a",), "takes no"),
    ],
)
def test_what_is_not_known_is_named(preset: str, settings: tuple[str, ...], says: str) -> None:
    with pytest.raises(UsageError, match=says):
        planned(InitRequest(preset=preset, settings=settings))


@pytest.mark.parametrize(
    ("option", "value"), [("budget", 60.0), ("image", "shop:1"), ("namespace", "shop"), ("fleet", 8)]
)
def test_what_would_do_nothing_is_turned_down(option: str, value: object) -> None:
    """And whatever is taken changes the files."""
    told = {"budget": "budget_s"}.get(option, option)
    for preset in offered():
        request = InitRequest(preset=preset.key, **{told: value})  # type: ignore[arg-type]  # one of its fields
        if option in preset.takes:
            assert files_of(request) != files_of(InitRequest(preset=preset.key)), preset.key
        else:
            with pytest.raises(UsageError, match=f"no use for --{option}"):
                files_of(request)
