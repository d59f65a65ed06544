"""Findings, held against the policy and the comments."""

from __future__ import annotations

from datetime import date

import pytest

from gate.model.plan import Finding, MigrationPlan, Plan, Severity, StatementPlan, Verdict
from gate.model.rules import RULES, STATEMENT, Rule
from gate.policy.allowing import Allow
from gate.policy.judge import Judge, settled
from gate.policy.policy import Policy, RuleSetting
from gate.policy.rules import RULES as OF_THE_POLICY

TODAY = date(2026, 11, 22)
STYLE = Rule(name="prefers-text", about=STATEMENT, harm="h", way_out="w", is_off_by_default=True)
RENAMED = Rule(name="locks-long", about=STATEMENT, harm="h", way_out="w", aliases=("locks-for-long",))


def judge(**rules: RuleSetting) -> Judge:
    settings = {name.replace("_", "-"): setting for name, setting in rules.items()}
    return Judge(policy=Policy(rules=settings), rules=(*RULES, *OF_THE_POLICY, STYLE, RENAMED), today=TODAY)


def finding(rule: str = "works-under-blocking-lock", severity: Severity = Severity.REFUSE) -> Finding:
    return Finding(rule=rule, severity=severity, problem="p", remedy="r")


def allow(rule: str = "works-under-blocking-lock", **more: object) -> Allow:
    return Allow(**{"rule": rule, "line": 3, "reason": "it is small", **more})  # type: ignore[arg-type]  # as named


def test_without_a_word_a_finding_stays() -> None:
    assert judge().statement([finding()]) == (finding(),)


def test_an_allowed_finding_is_a_note_with_its_reason() -> None:
    (found,) = judge().statement([finding()], [allow()])
    assert (found.severity, found.allowed_by) == (Severity.NOTE, "it is small")


def test_an_allowed_finding_says_until_when() -> None:
    (found,) = judge().statement([finding()], [allow(until=date(2027, 1, 31))])
    assert found.allowed_by == "it is small (until 2027-01-31)"


def test_all_findings_of_the_rule_at_the_statement_are_allowed_and_no_other() -> None:
    found = judge().statement([finding(), finding(), finding("not-understood")], [allow()])
    assert [item.allowed_by for item in found] == ["it is small", "it is small", None]


def test_an_old_name_counts() -> None:
    (found,) = judge().statement([finding("locks-long")], [allow("locks-for-long")])
    assert found.severity is Severity.NOTE


def test_what_nobody_understands_may_be_allowed_by_name() -> None:
    (found,) = judge().statement([finding("not-understood")], [allow("not-understood")])
    assert found.severity is Severity.NOTE


@pytest.mark.parametrize(
    ("comment", "rule", "words"),
    [
        (allow(reason=""), "allow-without-reason", "gives no reason"),
        (allow(reason="..."), "allow-without-reason", "gives no reason"),
        (allow("works-under-blocking-locks"), "allow-unknown-rule", "no rule is called works-under-blocking-locks"),
        (allow(problem="no rule is named"), "allow-not-understood", "no rule is named"),
        (allow(until=date(2026, 11, 21)), "allow-expired", "until 2026-11-21, and that day has passed"),
    ],
)
def test_what_allows_nothing_says_so_and_the_finding_stays(comment: Allow, rule: str, words: str) -> None:
    found, said = judge().statement([finding()], [comment])
    assert found == finding()
    assert (said.rule, said.severity) == (rule, Severity.WARN)
    assert words in said.problem


def test_an_unknown_rule_is_told_the_nearest() -> None:
    _, said = judge().statement([finding()], [allow("works-under-blocking-locks")])
    assert "did you mean works-under-blocking-lock?" in said.remedy


def test_what_the_server_rejects_can_never_be_allowed() -> None:
    found, said = judge().statement([finding("server-would-reject")], [allow("server-would-reject")])
    assert found.severity is Severity.REFUSE
    assert said.rule == "allow-forbidden"


def test_the_policy_may_forbid_to_allow() -> None:
    strict = judge(works_under_blocking_lock=RuleSetting(may_be_allowed=False, reason="2024-03-07"))
    found, said = strict.statement([finding()], [allow()])
    assert found == finding()
    assert said.rule == "allow-forbidden"
    assert "says the policy: 2024-03-07" in said.problem


def test_what_allows_nothing_is_a_finding() -> None:
    (said,) = judge().statement([], [allow()])
    assert (said.rule, said.severity) == ("allow-unused", Severity.WARN)
    (loose,) = judge().loose([allow()])
    assert (loose.rule, "no statement follows" in loose.problem) == ("allow-unused", True)


@pytest.mark.parametrize(
    ("until", "announced"),
    [
        (date(2026, 11, 22), "it ends today"),
        (date(2026, 11, 23), "it ends in 1 day"),
        (date(2026, 12, 6), "it ends in 14 days"),
        (date(2026, 12, 7), None),
    ],
)
def test_an_end_is_announced_14_days_before(until: date, announced: str | None) -> None:
    found, *said = judge().statement([finding()], [allow(until=until)])
    assert found.severity is Severity.NOTE
    assert [item.rule for item in said] == (["allow-ends-soon"] if announced else [])
    assert all(announced is not None and announced in item.problem for item in said)


@pytest.mark.parametrize("severity", list(Severity))
def test_the_policy_gives_the_weight(severity: Severity) -> None:
    weighed = judge(works_under_blocking_lock=RuleSetting(severity=severity, reason="r"))
    assert [item.severity for item in weighed.statement([finding()])] == [severity]
    assert [item.severity for item in weighed.state([finding()])] == [severity]


def test_style_is_off_until_it_is_turned_on() -> None:
    assert judge().statement([finding("prefers-text")]) == ()
    assert judge(prefers_text=RuleSetting(may_be_allowed=False)).statement([finding("prefers-text")]) == ()
    (found,) = judge(prefers_text=RuleSetting(severity=Severity.WARN)).statement([finding("prefers-text")])
    assert found.severity is Severity.WARN


def test_the_policy_weighs_what_it_says_of_comments_too() -> None:
    (said,) = judge(allow_unused=RuleSetting(severity=Severity.REFUSE)).statement([], [allow()])
    assert said.severity is Severity.REFUSE


def _plan(*findings: Finding) -> Plan:
    statement = StatementPlan(
        line=1, sql="SELECT 1", kind="SELECT", verdict=Verdict.PASS, is_understood=True, findings=findings
    )
    return Plan(
        gate="0",
        server_major=18,
        server_version="18",
        database="d",
        source="sql",
        taken_at="",
        fingerprint="",
        migrations=(MigrationPlan(id=None, path=None, is_transactional=True, statements=(statement,)),),
    )


def test_a_rule_that_is_off_leaves_one_note_with_its_count_and_reason() -> None:
    off = judge(works_under_blocking_lock=RuleSetting(is_off=True, reason="we stop the shop"))
    plan = settled(_plan(*off.statement([finding(), finding("not-understood"), finding()])))
    assert [item.rule for item in plan.statements[0].findings] == ["not-understood"]
    (note,) = plan.findings
    assert (note.rule, note.severity) == ("rule-off", Severity.NOTE)
    assert note.problem == "2 findings of works-under-blocking-lock are off: we stop the shop"


def test_a_plan_without_such_a_rule_is_left_alone() -> None:
    plan = _plan(finding())
    assert settled(plan) is plan
