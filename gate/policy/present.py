"""What the policy has to say of the present moment: the hour, and who is at work."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from datetime import datetime

from gate.model.moment import Session
from gate.model.plan import Finding, Severity
from gate.model.units import age
from gate.policy.policy import Policy, WaitFor


def of_now(
    policy: Policy, at: datetime, sessions: Iterable[Session] = (), *, is_release: bool = False
) -> tuple[Finding, ...]:
    """Findings about the state at `at`, an aware time; outside the allowed hours a plan warns, a release is refused."""
    return (*_hours(policy, at, is_release=is_release), *_at_work(policy, sessions))


def limits_of_nothing(unknown: Iterable[str]) -> tuple[Finding, ...]:
    """Relations that the policy has limits for, and that neither are there nor are made by this release."""
    return tuple(
        Finding(
            rule="policy-names-nothing",
            severity=Severity.WARN,
            problem=f"the policy has limits for {name}, and no relation is called so: they hold for nothing",
            remedy=f'write the name as the catalog has it, or take [relations."{name}"] out',
        )
        for name in unknown
    )


def _hours(policy: Policy, at: datetime, *, is_release: bool) -> Iterator[Finding]:
    hours = policy.hours
    if hours is None or hours.is_open(at):
        return
    opening = hours.next_opening(at).astimezone(hours.zone)
    yield Finding(
        rule="outside-allowed-hours",
        severity=Severity.REFUSE if is_release else Severity.WARN,
        problem=f"it is {_day(at.astimezone(hours.zone))}, and releases may run {hours}",
        remedy=f"release from {_day(opening)} on",
    )


def _day(local: datetime) -> str:
    return f"{local:%a %Y-%m-%d %H:%M} {local.tzname()}"


def _at_work(policy: Policy, sessions: Iterable[Session]) -> Iterator[Finding]:
    for session in sessions:
        wanted = next((item for item in policy.wait_for if matches(item, session)), None)
        if wanted is not None:
            yield Finding(
                rule="wait-for-session",
                severity=Severity.WARN,
                problem=f"{_who(session)} is there, and the policy says to wait for it"
                + (f": {wanted.reason}" if wanted.reason else ""),
                remedy="let it end before the release; a release waits for it",
            )


def matches(wanted: WaitFor, session: Session) -> bool:
    """Whether this is such a session; what cannot be seen of it does not match."""
    patterns = (
        (wanted.application, session.application),
        (wanted.user, session.user),
        (wanted.state, session.state),
    )
    if not all(pattern is None or fits(pattern, value) for pattern, value in patterns):
        return False
    age_s = session.transaction_age_s if session.transaction_age_s is not None else session.query_age_s
    return (age_s or 0.0) >= wanted.older_than_s


def fits(pattern: str, value: str | None) -> bool:
    """Whether `*` in the pattern can stand for what makes it the value; what cannot be seen does not fit."""
    anything = ".*".join(re.escape(part) for part in pattern.split("*"))
    return value is not None and re.fullmatch(anything, value, re.DOTALL) is not None


def _who(session: Session) -> str:
    named = " ".join(part for part in (session.user, session.application and f'"{session.application}"') if part)
    for_s = session.transaction_age_s if session.transaction_age_s is not None else session.query_age_s
    lasting = f", {session.state or 'busy'} for {age(for_s)}" if for_s is not None else ""
    return f"pid {session.pid}{f' ({named})' if named else ''}{lasting}"
