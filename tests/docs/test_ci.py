"""docs/ci.md: its files are those that gate init writes; the action's inputs are held in tests/platforms/test_ci.py."""

from __future__ import annotations

import re

import pytest

from gate.app.init import InitRequest, files_of
from gate.report import formats
from tests.docs.pages import FOLDER

PAGE = (FOLDER / "ci.md").read_text(encoding="utf-8")


@pytest.mark.parametrize(("heading", "preset", "name"), [("GitHub", "github", "app"), ("GitLab", "gitlab", "shop")])
def test_the_file_is_the_one_that_is_written(heading: str, preset: str, name: str) -> None:
    section = PAGE.split(f"\n## {heading}\n", 1)[1].split("\n## ", 1)[0]
    (file,) = files_of(InitRequest(preset=preset, name=name))
    assert f"```yaml\n{file.text}```" in section
    assert f"`{file.path}`" in PAGE


def test_the_entry_of_pre_commit_is_the_one_that_is_written() -> None:
    (file,) = files_of(InitRequest(preset="pre-commit"))
    assert f"```yaml\n{file.text}```" in PAGE


def test_every_format_that_is_named_is_one() -> None:
    named = {name for also in re.findall(r"--also (\S+=\S+)", PAGE) for name in re.findall(r"(\w+)=", also)}
    assert {"json", "markdown", "sarif", "gitlab"} <= named <= set(formats())
