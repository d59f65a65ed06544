"""Every rule of a family finds its bad example on a real server, and leaves its good one alone."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext

import pytest
from psycopg import pq

from gate.app.clock import Clock
from gate.app.looking import look
from gate.app.weighing import Weighing, weigh
from gate.db.connect import connect
from gate.model.migration import Migration
from gate.model.plan import Finding, Severity
from gate.plan.reading import read
from gate.policy.policy import Policy, RuleSetting
from gate.rules import rules
from gate.rules.ruling import FamilyRule
from gate.sql.script import split_script
from tests.facts.conftest import Shop

RULES = pytest.mark.parametrize("rule", rules(), ids=lambda rule: rule.rule.name)
HERE = pytest.mark.parametrize(
    "rule", [rule for rule in rules() if not rule.needs_old_server], ids=lambda rule: rule.rule.name
)


def found(rule: FamilyRule, sql: str, conninfo: str) -> list[Finding]:
    """What the rule says of a migration that a tool runs; one that is off by default is turned on."""
    name = rule.rule.name
    on = {name: RuleSetting(severity=Severity.WARN)} if rule.rule.is_off_by_default else {}
    migrations = read([Migration(id="1", path="1.sql", text=sql, statements=split_script(sql))])
    with connect(conninfo, application_name="gate plan") as connection:
        snapshot = look(connection, migrations)
        plan = weigh(connection, migrations, snapshot, Weighing(source="sql", policy=Policy(rules=on)), Clock())
    said = [finding for statement in plan.statements for finding in statement.findings]
    wrong = [item.problem for item in said if item.rule in ("server-would-reject", "not-understood")]
    assert not wrong or name in ("uses-uncommitted-enum-value", "holds-up-standbys", "leaves-transaction-open")
    return [finding for finding in said if finding.rule == name]


@contextmanager
def standby(conninfo: str) -> Iterator[None]:
    """Somebody who takes the log as a standby does."""
    connection = pq.PGconn.connect(f"{conninfo} replication=true".encode())
    try:
        where = connection.exec_(b"IDENTIFY_SYSTEM").get_value(0, 2) or b""
        answer = connection.exec_(b"START_REPLICATION PHYSICAL " + where)
        assert answer.status == pq.ExecStatus.COPY_BOTH, connection.error_message
        yield
    finally:
        connection.finish()


@HERE
def test_it_finds_its_bad_example_and_no_more(rule: FamilyRule, major: int, shared: Shop) -> None:
    conninfo = shared(rule.setup).conninfo
    with standby(conninfo) if rule.needs_standby else nullcontext():
        assert found(rule, rule.bad, conninfo)
        assert not found(rule, rule.good, conninfo)


@pytest.mark.parametrize("rule", [rule for rule in rules() if rule.needs_standby], ids=lambda rule: rule.rule.name)
def test_nobody_streams_and_nothing_is_said(rule: FamilyRule, major: int, shared: Shop) -> None:
    assert not found(rule, rule.bad, shared(rule.setup).conninfo)


@RULES
def test_it_says_the_harm_and_the_way_out(rule: FamilyRule) -> None:
    assert rule.rule.harm.endswith(".")
    assert rule.rule.way_out.endswith(".")
