"""Times and sizes as people write them."""

from __future__ import annotations

import pytest

from gate.policy.quantities import seconds, size_bytes


@pytest.mark.parametrize(
    ("written", "meant"),
    [("200ms", 0.2), ("2s", 2), ("1.5 s", 1.5), ("5min", 300), ("1h", 3600), (3, 3), (0.25, 0.25), ("7", 7), (0, 0)],
)
def test_a_time(written: object, meant: float) -> None:
    assert seconds(written) == pytest.approx(meant)


@pytest.mark.parametrize(("written", "meant"), [("8kB", 8192), ("8KB", 8192), ("200GB", 200 * 1024**3), (512, 512)])
def test_a_size(written: object, meant: int) -> None:
    assert size_bytes(written) == meant


@pytest.mark.parametrize("written", ["-1s", -1, "soon", "2 parsecs", True, None, "", "1,5s", float("nan"), "1e3s", []])
def test_what_is_no_time(written: object) -> None:
    with pytest.raises(ValueError, match="write a time such as"):
        seconds(written)
