"""What a report prints as steps, a person can paste: psql takes it as it stands, and the database ends the same."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from gate import plan_sql
from gate.model.plan import Verdict
from gate.report import Look, render
from tests.laws.ends import end_of
from tests.servers import Database, client_program

SHOP = """
CREATE SCHEMA "Filiale am Großen Markt";
CREATE TABLE customers (id bigint PRIMARY KEY, phone varchar(40));
INSERT INTO customers SELECT n, n FROM generate_series(1, 60000) n;
CREATE TABLE "Filiale am Großen Markt"."Bestellungen des Jahres" (
    id bigint PRIMARY KEY, "Kunden-Nummer der Bestellung" bigint, note text);
INSERT INTO "Filiale am Großen Markt"."Bestellungen des Jahres" SELECT n, n FROM generate_series(1, 60000) n;
ANALYZE;
"""
TABLE = '"Filiale am Großen Markt"."Bestellungen des Jahres"'
STATEMENTS = {
    "foreign key": f'ALTER TABLE {TABLE} ADD CONSTRAINT "gehört zu" FOREIGN KEY ("Kunden-Nummer der Bestellung") '
    "REFERENCES customers (id)",
    "check": f"ALTER TABLE {TABLE} ADD CONSTRAINT \"hat's\" CHECK (note IS DISTINCT FROM 'it''s a note so long that it "
    "must go on in the next line, and then in another one after that')",
    "not null": f'ALTER TABLE {TABLE} ALTER COLUMN "Kunden-Nummer der Bestellung" SET NOT NULL',
    "index": f'CREATE INDEX "für Kunden" ON {TABLE} ("Kunden-Nummer der Bestellung", lower(note)) '
    "WHERE note IS DISTINCT FROM 'a;b'",
    "unique": f'ALTER TABLE {TABLE} ADD CONSTRAINT "nur einmal" UNIQUE ("Kunden-Nummer der Bestellung")',
    "volatile default": f"ALTER TABLE {TABLE} ADD COLUMN number int DEFAULT (random() * 0)::int + 7 NOT NULL",
}

Clone = Callable[[str], Database]


@pytest.fixture(scope="module")
def psql() -> Path:
    """The program that people paste into."""
    found = client_program("psql")
    if found is None:
        pytest.skip("psql is not on this machine")
    return found


def pasted(report: str) -> str:
    """What a person would select: from below a heading to the last line of the script."""
    scripts = re.findall(r"^Instead of (?:.+\n)+?((?:SET|--) (?:.*\n)+?RESET lock_timeout;.*)$", report, re.MULTILINE)
    return "\n".join(scripts)


@pytest.mark.slow
@pytest.mark.parametrize(("name", "width"), [*((name, 80) for name in STATEMENTS), ("not null", 120), ("check", 120)])
def test_the_steps_can_be_pasted(name: str, width: int, clone: Clone, psql: Path) -> None:
    plain, split = clone(SHOP), clone(SHOP)
    plan = plan_sql(STATEMENTS[name], split.conninfo)
    if plan.verdict is Verdict.REFUSE:
        pytest.fail(render("text", plan, Look()))
    steps = plan.statements[0].steps
    assert steps
    report = render("text", plan, Look(width=width))
    assert max(map(len, report.splitlines())) <= width
    done = subprocess.run(
        [psql, "--no-psqlrc", "--set=ON_ERROR_STOP=1", "--quiet", "--file=-", split.conninfo],
        input=pasted(report),
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    plain.execute(STATEMENTS[name])
    assert end_of(plain).differences(end_of(split)) == ""
