"""gate.toml becomes a policy; what is wrong, or contradicts itself, is named."""

from __future__ import annotations

import tomllib

import pytest

from gate.model.errors import UsageError
from gate.model.plan import Mode, Severity
from gate.model.rules import RULES, STATEMENT, Rule
from gate.policy.file import validated
from gate.policy.policy import DEFAULT, Checks, Limits, Policy, RuleSetting, Splits, WaitFor
from gate.policy.settling import policy_of

STYLE = Rule(name="prefers-text", about=STATEMENT, harm="h", way_out="w", is_off_by_default=True)
LOST = Rule(name="statistics-lost", about=STATEMENT, harm="h", way_out="w")
OLD = Rule(name="locks-long", about=STATEMENT, harm="h", way_out="w", aliases=("locks-for-long",))


def policy(text: str) -> Policy:
    return policy_of(validated(tomllib.loads(text), "gate.toml"), "gate.toml", lambda: (*RULES, STYLE, LOST, OLD))


def test_an_empty_file_is_the_default() -> None:
    assert policy("") == DEFAULT


def test_limits_of_a_relation_go_on_from_the_general_ones() -> None:
    found = policy(
        '[limits]\nblocked_reads = "100ms"\nqueued = 5\n'
        '[relations."public.orders"]\nblocked_writes = 2\nbatch_rows = 500'
    )
    assert found.limits == Limits(blocked_reads_s=0.1, queued=5)
    assert found.limits_of("public.orders") == Limits(blocked_reads_s=0.1, queued=5, blocked_writes_s=2, batch_rows=500)
    assert found.limits_of("public.customers") == found.limits


def test_rules_have_a_weight_and_a_reason() -> None:
    found = policy(
        '[rules.statistics-lost]\nseverity = "off"\nreason = "we ANALYZE"\n'
        '[rules.works-under-blocking-lock]\nmay_be_allowed = false\n[rules.prefers-text]\nseverity = "warn"\n'
        '[rules]\nlocks-for-long = "refuse"'
    )
    assert found.rules == {
        "statistics-lost": RuleSetting(is_off=True, reason="we ANALYZE"),
        "works-under-blocking-lock": RuleSetting(may_be_allowed=False),
        "prefers-text": RuleSetting(severity=Severity.WARN),
        "locks-long": RuleSetting(severity=Severity.REFUSE),
    }


def test_the_rest() -> None:
    found = policy(
        'mode = "observe"\nsplits = "refuse"\nbudget = "50min"\nfree_disk = "200GB"\ntime_zone = "UTC"\n'
        'allowed_hours = ["Mon-Fri 09:00-17:00"]\n[checks]\ntimeout = "1s"\ncost_limit = 100\n'
        '[[wait_for]]\napplication = "pg_dump"\nolder_than = "1min"\n[calibration]\npage_read_ns = 900.5'
    )
    assert (found.mode, found.splits, found.budget_s) == (Mode.OBSERVE, Splits.REFUSE, 3000)
    assert found.free_disk_bytes == 200 * 1024**3
    assert str(found.hours) == "Mon-Fri 09:00-17:00 (UTC)"
    assert found.checks == Checks(timeout_s=1, total_s=20, cost_limit=100)
    assert found.wait_for == (WaitFor(application="pg_dump", older_than_s=60),)
    assert found.calibration == {"page_read_ns": 900.5}


def test_hours_have_a_long_form() -> None:
    found = policy(
        'time_zone = "UTC"\n[[allowed_hours]]\ndays = ["Sat", "Sun"]\nfrom = "22:00"\nto = "04:00"\n'
        '[[allowed_hours]]\nfrom = "12:00"\nto = "13:00"'
    )
    assert str(found.hours) == "Sat,Sun 22:00-04:00; daily 12:00-13:00 (UTC)"


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ('sauce = "x"', "unknown key 'sauce', did you mean source?"),
        ('[limits]\nblocked-reads = "1s"', "unknown key 'limits.blocked-reads', did you mean blocked_reads?"),
        ('[limits]\nblocked_reads = "2 parsecs"', "limits.blocked_reads: parsecs is no unit here"),
        ("[limits]\nblocked_reads = -1", "limits.blocked_reads: must not be less than nothing"),
        ("[limits]\nqueued = -1", "limits.queued: input should be greater than or equal to 0"),
        ("[limits]\nbatch_rows = 0", "limits.batch_rows: input should be greater than or equal to 1"),
        ("[limits]\nbatch_rows = true", "limits.batch_rows: input should be a valid integer"),
        ('[relations."public.orders"]\nblocked_read = 1', "unknown key 'relations.\"public.orders\".blocked_read'"),
        ("limits = 3", "limits is a table: write [limits]"),
        ('mode = "obsrve"', "mode: input should be 'enforce', 'observe' or 'off', did you mean observe?"),
        ('splits = "never"', "splits: input should be 'auto' or 'refuse'"),
        ('free_disk = "much"', "free_disk: write a size such as 512MB or 200GB"),
        ("[databases.shop]\nsource = 'a'", "databases.shop.url_variable is missing"),
        ("[[allowed_hours]]\nform = '09:00'\nto = '10:00'", "unknown key 'allowed_hours.0.form', did you mean from?"),
        ("[rules.statistics-lost]\nseverity = 'wrn'", "did you mean warn?"),
        ("[calibration]\npage_read_ns = 0", "calibration.page_read_ns: input should be greater than 0"),
    ],
)
def test_what_is_wrong_is_named(text: str, problem: str) -> None:
    _expect(text, problem)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (
            "[rules.statistics-lost]\nseverity = 'off'",
            "rules.statistics-lost.reason is missing: say why it is off here",
        ),
        ("[rules.statistics-lost]\nseverity = 'off'\nreason = ' '", "rules.statistics-lost.reason is missing"),
        ("[rules.works-under-blocking-lock]\nseverity = 'warn'", "works-under-blocking-lock.reason is missing"),
        ("[rules.works-under-blocking-lock]\nseverity = 'note'", "works-under-blocking-lock.reason is missing"),
        ("[rules.statistics-lost]", "rules.statistics-lost says nothing"),
        ("[rules.statistic-lost]\nseverity = 'refuse'", "no rule is called so, did you mean statistics-lost?"),
        ("[rules.server-would-reject]\nseverity = 'off'\nreason = 'r'", "server-would-reject.severity cannot be off"),
        ("[rules.not-understood]\nseverity = 'warn'\nreason = 'r'", "not-understood.severity cannot be warn"),
        ("[rules.prefers-text]\nseverity = 'off'", "rules.prefers-text.severity is off anyway"),
        (
            "[rules.statistics-lost]\nseverity = 'off'\nreason = 'r'\nmay_be_allowed = false",
            "rules.statistics-lost.may_be_allowed says nothing of a rule that is off",
        ),
        ("[rules.server-would-reject]\nmay_be_allowed = true", "server-would-reject.may_be_allowed cannot be true"),
        (
            "[rules.locks-long]\nseverity = 'refuse'\n[rules.locks-for-long]\nseverity = 'refuse'",
            "rules.locks-for-long and rules.locks-long are the same rule",
        ),
        ("budget = '1s'\n[limits]\nblocked_reads = '2s'", "limits.blocked_reads is 2 s, longer than the budget"),
        (
            "budget = '1s'\n[relations.'public.a']\nblocked_writes = '2s'",
            'relations."public.a".blocked_writes is 2 s, longer than the budget',
        ),
        ("budget = 0", "budget is 0"),
        ("[checks]\ntimeout = '30s'", "checks.timeout is 30 s, longer than checks.total (20 s)"),
        ("[relations.orders]\nqueued = 1", 'relations."orders" names no schema, did you mean "public.orders"?'),
        ("[relations.'public.orders']", 'relations."public.orders" says nothing'),
        ("allowed_hours = []\ntime_zone = 'UTC'", "allowed_hours is empty: no release could ever run"),
        ("allowed_hours = ['Mon 09:00-10:00']", "time_zone is missing"),
        ("time_zone = 'UTC'", "time_zone without allowed_hours says nothing"),
        ("allowed_hours = ['Mon 09:00-10:00']\ntime_zone = 'Mars/Base'", "time_zone: no time zone is called Mars/Base"),
        ("[[wait_for]]\nolder_than = 5", "wait_for.0 would wait for every session"),
        ("[calibration]\npage_reads_ns = 1", "unknown key 'calibration.page_reads_ns', did you mean page_read_ns?"),
        ("databases = {}", "databases is empty"),
        ("source = 'a'\n[databases.shop]\nurl_variable = 'A'", "source stands beside databases"),
        (
            "[databases.a]\nurl_variable = 'U'\n[databases.b]\nurl_variable = 'U'",
            "databases.b.url_variable is that of databases.a: two with one URL",
        ),
        (
            "[databases.a]\nurl_variable = 'U'\ntool = 'goose'\nsource = {tool = 'goose'}",
            "databases.a.tool stands beside databases.a.source.tool",
        ),
    ],
)
def test_what_contradicts_itself_is_named(text: str, problem: str) -> None:
    _expect(text, problem)


def test_a_url_in_the_file_is_not_repeated() -> None:
    with pytest.raises(UsageError, match="url_variable is no variable's name") as caught:
        policy("[databases.a]\nurl_variable = 'postgres://u:secret@h/d'")
    assert "secret" not in str(caught.value) + caught.value.remedy


def test_all_that_is_wrong_is_said_at_once() -> None:
    with pytest.raises(UsageError) as caught:
        policy("budget = 0\ntime_zone = 'UTC'")
    assert "budget" in caught.value.problem
    assert "time_zone" in caught.value.problem


def _expect(text: str, problem: str) -> None:
    with pytest.raises(UsageError) as caught:
        policy(text)
    assert caught.value.problem.startswith("gate.toml: ")
    assert problem in caught.value.problem
    assert caught.value.remedy
