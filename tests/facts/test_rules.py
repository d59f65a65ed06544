"""Every rule of a family finds its bad example on a real server, and leaves its good one alone."""

from __future__ import annotations

import pytest

from gate.app.plan_sql import plan_sql
from gate.rules import rules
from gate.rules.ruling import FamilyRule
from tests.facts.conftest import Shop

RULES = pytest.mark.parametrize("rule", rules(), ids=lambda rule: rule.rule.name)


@RULES
def test_it_finds_its_bad_example_and_no_more(rule: FamilyRule, major: int, shared: Shop) -> None:
    conninfo = shared(rule.setup).conninfo
    (bad,) = plan_sql(rule.bad, conninfo).statements
    (good,) = plan_sql(rule.good, conninfo).statements
    assert rule.rule.name in [finding.rule for finding in bad.findings]
    assert rule.rule.name not in [finding.rule for finding in good.findings]


@RULES
def test_it_says_the_harm_and_the_way_out(rule: FamilyRule) -> None:
    assert rule.rule.harm.endswith(".")
    assert rule.rule.way_out.endswith(".")
