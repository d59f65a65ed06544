"""docs/platforms.md: its table is made from the code (test_docs.py), its files and commands are held against it."""

from __future__ import annotations

import re

import pytest

from gate.platforms.known import all_presets, platform_of
from gate.platforms.preset import Preset, Wish
from tests.docs.pages import FOLDER, MARKED

PAGE = (FOLDER / "platforms.md").read_text(encoding="utf-8")
OWN_PAGES = ("heroku", "kubernetes")
WITH_FILES = [
    preset for preset in all_presets() if preset.files and preset.limits is not None and preset.key not in OWN_PAGES
]


def section(preset: Preset) -> str:
    return PAGE.split(f"\n## {preset.name}\n", 1)[1].split("\n## ", 1)[0]


@pytest.mark.parametrize("preset", WITH_FILES, ids=lambda preset: preset.key)
def test_the_file_is_the_one_that_is_written(preset: Preset) -> None:
    assert preset.files is not None
    first = preset.files(Wish(budget_s=preset.budget_s, name="shop"))[0]
    blocks = re.findall(r"^```\w*\n(.*?)^```", section(preset), re.MULTILINE | re.DOTALL)
    assert blocks[0] == first.text
    assert f"gate init {preset.key}" in section(preset)


@pytest.mark.parametrize("preset", WITH_FILES, ids=lambda preset: preset.key)
def test_the_command_for_long_work_is_the_one_that_a_refusal_prints(preset: Preset) -> None:
    assert f"- Long work: `{platform_of(MARKED[preset.key]).detached()}`" in section(preset)


def test_every_platform_has_a_row_and_each_mark_is_its_own() -> None:
    rows = PAGE.count("](https://")
    assert rows == len([preset for preset in all_presets() if preset.limits is not None])
    found = {key: platform_of(marks).key for key, marks in MARKED.items()}
    assert found == {key: "kubernetes" if key == "porter" else key for key in MARKED}
