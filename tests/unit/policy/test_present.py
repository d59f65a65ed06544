"""What the policy says of the present moment."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from gate.model.moment import Session
from gate.model.plan import Severity
from gate.policy.hours import allowed_hours, window
from gate.policy.policy import Policy, WaitFor
from gate.policy.present import matches, of_now

SUNDAY = datetime(2026, 11, 22, 12, tzinfo=UTC)
MONDAY = datetime(2026, 11, 23, 12, tzinfo=UTC)
OFFICE = Policy(hours=allowed_hours([window("Mon-Fri 09:00-17:00")], "Europe/Berlin"))
DUMP = Session(pid=7, user="backup", application="pg_dump", state="active", transaction_age_s=600.0)


def test_without_hours_any_hour_is_right() -> None:
    assert of_now(Policy(), SUNDAY) == ()


def test_within_them_nothing_is_said() -> None:
    assert of_now(OFFICE, MONDAY) == ()


def test_outside_a_plan_warns_and_a_release_is_refused() -> None:
    (planned,) = of_now(OFFICE, SUNDAY)
    (released,) = of_now(OFFICE, SUNDAY, is_release=True)
    assert (planned.severity, released.severity) == (Severity.WARN, Severity.REFUSE)
    assert planned.problem == (
        "it is Sun 2026-11-22 13:00 CET, and releases may run Mon-Fri 09:00-17:00 (Europe/Berlin)"
    )
    assert planned.remedy == "release from Mon 2026-11-23 09:00 CET on"


@pytest.mark.parametrize(
    ("wanted", "is_meant"),
    [
        (WaitFor(application="pg_dump"), True),
        (WaitFor(application="pg_*"), True),
        (WaitFor(application="pg_restore"), False),
        (WaitFor(application="pg_dump", user="other"), False),
        (WaitFor(user="back*", state="active"), True),
        (WaitFor(state="idle in transaction"), False),
        (WaitFor(application="pg_dump", older_than_s=600), True),
        (WaitFor(application="pg_dump", older_than_s=601), False),
        (WaitFor(application="pg.dump"), False),
    ],
)
def test_a_session_is_meant_where_all_patterns_match(wanted: WaitFor, is_meant: bool) -> None:  # noqa: FBT001
    assert matches(wanted, DUMP) is is_meant


def test_what_cannot_be_seen_does_not_match() -> None:
    assert not matches(WaitFor(application="*"), Session(pid=8, is_visible=False))


def test_a_session_to_wait_for_is_named_with_the_reason() -> None:
    policy = Policy(wait_for=(WaitFor(application="pg_dump", reason="the nightly dump"),))
    (found,) = of_now(policy, MONDAY, [DUMP, Session(pid=9, application="puma")])
    assert (found.rule, found.severity) == ("wait-for-session", Severity.WARN)
    assert found.problem == (
        'pid 7 (backup "pg_dump"), active for 10 min is there, and the policy says to wait for it: the nightly dump'
    )
