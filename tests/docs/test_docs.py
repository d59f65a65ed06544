"""The documentation says what the code says."""

from __future__ import annotations

import pytest

from tests.docs.pages import FOLDER, PAGES


@pytest.mark.parametrize("name", PAGES)
def test_the_page_is_not_stale(name: str) -> None:
    assert (FOLDER / name).read_text(encoding="utf-8") == PAGES[name](), "python -m tests.docs --write"
