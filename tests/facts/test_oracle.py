"""The oracle's cases: what was recorded is what the servers at hand do, and what gate says is what was recorded."""

from __future__ import annotations

import pytest
from psycopg.conninfo import make_conninfo

from gate.app.plan_sql import plan_sql
from gate.model.plan import Verdict
from tests.facts.agreement import disagreements, said_by_effects
from tests.facts.cases import Case, cases, expected
from tests.facts.conftest import Shop
from tests.facts.watching import see

CASES = pytest.mark.parametrize("case", cases(), ids=str)


@CASES
def test_the_server_does_what_was_recorded(case: Case, major: int, shared: Shop, own: Shop) -> None:
    if major < case.since:
        pytest.skip(f"since {case.since}")
    database = (own if case.is_alone else shared)(case.setup)
    assert see(database, case.statement, local=case.local, is_alone=case.is_alone) == expected(case, major)


@CASES
def test_gate_says_what_the_server_does(case: Case, major: int, shared: Shop) -> None:
    if major < case.since:
        pytest.skip(f"since {case.since}")
    seen, database = expected(case, major), shared(case.setup)
    conninfo = make_conninfo(database.conninfo, options=_options(case.local)) if case.local else database.conninfo
    (statement,) = plan_sql(case.statement, conninfo).statements
    if seen.sqlstate is not None:
        # A value that only the data show to be wrong is not seen before the data are read.
        assert statement.verdict is Verdict.REFUSE or seen.sqlstate.startswith("23")
        return
    assert statement.is_understood, statement.findings
    assert disagreements(said_by_effects(statement.effects), seen, statement=case.statement) == []
    shut = {effect.relation for effect in statement.effects if "reads" in effect.shuts_out}
    assert seen.index_shut <= shut


def _options(local: str) -> str:
    """`SET LOCAL timezone = 'UTC'` as libpq's `options`."""
    name, value = local.removeprefix("SET LOCAL ").split(" = ")
    return f"-c {name}={value.strip(chr(39))}"
