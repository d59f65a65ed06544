"""Every fact's proof, on every major that the fact is for: the server does it, and gate says it."""

from __future__ import annotations

import pytest

from gate.app.plan_sql import plan_sql
from gate.model.facts import Fact
from gate.rules import facts
from tests.facts.agreement import disagreements, said_by_effects, said_by_expects
from tests.facts.conftest import Shop
from tests.facts.watching import see

FACTS = pytest.mark.parametrize("fact", facts(), ids=lambda fact: fact.form)


def _setup(fact: Fact) -> str:
    """ANALYZE, so that there are statistics to lose."""
    return f"{fact.proof.setup};\nANALYZE" if fact.proof.setup else ""


@FACTS
def test_the_server_does_what_the_fact_says(fact: Fact, major: int, shared: Shop, own: Shop) -> None:
    if major not in fact.versions:
        pytest.skip("the fact is not for this major")
    database = (own if fact.proof.is_alone else shared)(_setup(fact))
    seen = see(database, fact.proof.statement, is_alone=fact.proof.is_alone)
    assert seen.sqlstate is None
    assert disagreements(said_by_expects(fact.proof.expects), seen, statement=fact.proof.statement) == []


@FACTS
def test_gate_says_what_the_fact_says(fact: Fact, major: int, shared: Shop) -> None:
    if major not in fact.versions:
        pytest.skip("the fact is not for this major")
    (statement,) = plan_sql(fact.proof.statement, shared(_setup(fact)).conninfo).statements
    assert statement.is_understood, statement.findings
    assert said_by_effects(statement.effects) == said_by_expects(fact.proof.expects)


def test_a_form_is_proven_once() -> None:
    """Per major, or two facts could contradict each other."""
    proven = [(fact.form, major) for fact in facts() for major in range(14, 19) if major in fact.versions]
    assert len(set(proven)) == len(proven)
