"""Every format from the command line: to the terminal's stand-in and to a file, with the same exit code."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from gate.model.errors import Exit
from gate.report import formats
from tests.e2e.commands import gate
from tests.servers import Database

SHOP = """
CREATE TABLE customers (id bigint PRIMARY KEY, phone varchar(40));
INSERT INTO customers SELECT n, 'x' || n FROM generate_series(1, 1000) n;
CREATE TABLE orders (id bigint PRIMARY KEY, customer_id bigint);
INSERT INTO orders SELECT n, n + 990 FROM generate_series(1, 1000) n;
CREATE TABLE schema_migrations (version varchar PRIMARY KEY);
ANALYZE;
"""
ORPHANS = (
    "-- migrate:up\nALTER TABLE orders\n  ADD CONSTRAINT orders_customer FOREIGN KEY (customer_id) "
    "REFERENCES customers (id);\n"
)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """One pending migration, which the rows do not allow."""
    directory = tmp_path / "db" / "migrations"
    directory.mkdir(parents=True)
    (directory / "20260101000000_orphans.sql").write_text(ORPHANS, encoding="utf-8")
    return tmp_path


@pytest.mark.majors(newest=True)
@pytest.mark.parametrize("name", formats())
def test_every_format_refuses_and_keeps_keys_to_itself(
    name: str, project: Path, clone: Callable[[str], Database]
) -> None:
    shop = clone(SHOP)
    plain = ("plan", "--sample", "0", "--format", name)
    printed = gate(*plain, at=project, conninfo=shop.conninfo)
    assert (printed.returncode, printed.stderr) == (Exit.REFUSED, "")
    assert "rows-violate-foreign-key" in printed.stdout
    assert "20260101000000_orphans.sql" in printed.stdout
    assert "1001" not in printed.stdout
    asked = gate(*plain, "--show-rows", at=project, conninfo=shop.conninfo)
    assert "1001" in asked.stdout
    written = gate(*plain, "-o", "report", at=project, conninfo=shop.conninfo)
    assert (written.returncode, written.stdout) == (Exit.REFUSED, "")
    report = (project / "report").read_text(encoding="utf-8")
    if name in ("json", "sarif", "gitlab"):
        assert json.loads(report)
    else:
        assert report.splitlines()[-1] == "coverage: 1 statement, all understood"
