"""The judge: findings, held against the policy and against what a migration's comments allow.

For each statement: `judge.statement(findings, allows)`. For what stands at no statement: `judge.state(findings)` and
`judge.loose(allows)`. At the end, once for the whole plan: `settled(plan)`.

A rule that the policy turns off leaves a note, and `settled` gathers these to one a rule. An allowed finding stays
where it is, as a note with the reason in `allowed_by`: it counts for no verdict and asks for no split any more. The
statement then runs as it is written, for that is what was allowed.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from difflib import get_close_matches

from gate.model.plan import Finding, Plan, Severity
from gate.model.rules import Rule, find_rule
from gate.model.units import plural
from gate.policy.allowing import Allow
from gate.policy.policy import DEFAULT, Policy, RuleSetting

ANNOUNCED_DAYS = 14
_OFF = "rule-off"
_AS_IT_IS = RuleSetting()


@dataclass(frozen=True, kw_only=True)
class Judge:
    """`rules` are all that exist, by which names and aliases in comments are known; `today` is a day of UTC."""

    policy: Policy = DEFAULT
    rules: tuple[Rule, ...] = ()
    today: date = date.min
    _known: dict[str, Rule] = field(default_factory=dict, repr=False, compare=False)

    def __post_init__(self) -> None:
        for rule in self.rules:
            self._known.update(dict.fromkeys((*rule.aliases, rule.name), rule))

    def statement(self, findings: Iterable[Finding], allows: Sequence[Allow] = ()) -> tuple[Finding, ...]:
        """The findings of one statement with the weight that the policy and its comments give them."""
        weighed = self.state(findings)
        said: list[Finding] = []
        for allow in allows:
            problem = self._void(allow)
            if problem is None:
                used = [finding for finding in weighed if finding.rule == self._name(allow) and finding.rule != _OFF]
                weighed = tuple(
                    _allowed(finding, allow) if any(finding is other for other in used) else finding
                    for finding in weighed
                )
                problem = self._remark(allow, is_used=bool(used))
            if problem is not None:
                said.append(problem)
        return (*weighed, *self.state(said))

    def state(self, findings: Iterable[Finding]) -> tuple[Finding, ...]:
        """Findings with the weight that the policy gives them; no comment stands at them."""
        return tuple(kept for finding in findings if (kept := self._weighed(finding)) is not None)

    def loose(self, allows: Iterable[Allow]) -> tuple[Finding, ...]:
        """Comments that stand at no statement allow nothing."""
        return self.state(self._void(allow) or _unused(allow, "no statement follows it") for allow in allows)

    def _weighed(self, finding: Finding) -> Finding | None:
        setting = self.policy.rules.get(finding.rule, _AS_IT_IS)
        if setting.severity is not None:
            return replace(finding, severity=setting.severity)
        if not setting.is_off:
            rule = self._known.get(finding.rule)
            return None if rule is not None and rule.is_off_by_default else finding
        return Finding(
            rule=_OFF,
            severity=Severity.NOTE,
            problem=finding.rule,
            remedy=setting.reason,
            relation=finding.relation,
        )

    def _name(self, allow: Allow) -> str:
        rule = find_rule(allow.rule, self.rules)
        return rule.name if rule else allow.rule

    def _void(self, allow: Allow) -> Finding | None:
        """Why this comment allows nothing whatever is found; None where it could."""
        if allow.problem:
            return _not_understood(allow)
        rule = self._known.get(allow.rule)
        if rule is None:
            return _unknown(allow, self._known)
        if not any(map(str.isalnum, allow.reason)):
            return _without_reason(allow)
        if not rule.may_be_allowed:
            return _forbidden(allow, "can never be allowed: no permission changes what it says")
        setting = self.policy.rules.get(rule.name)
        if setting is not None and not setting.may_be_allowed:
            return _forbidden(allow, "may not be allowed by a comment here, says the policy" + _because(setting.reason))
        return _expired(allow) if allow.until is not None and allow.until < self.today else None

    def _remark(self, allow: Allow, *, is_used: bool) -> Finding | None:
        if not is_used:
            return _unused(allow, "it finds nothing at this statement")
        if allow.until is None or (allow.until - self.today).days > ANNOUNCED_DAYS:
            return None
        return _ends_soon(allow, (allow.until - self.today).days)


def settled(plan: Plan) -> Plan:
    """The plan with one note for each rule that is off and would have found something."""
    counted: Counter[tuple[str, str]] = Counter()

    def kept(findings: tuple[Finding, ...]) -> tuple[Finding, ...]:
        counted.update((finding.problem, finding.remedy) for finding in findings if finding.rule == _OFF)
        return tuple(finding for finding in findings if finding.rule != _OFF)

    migrations = tuple(
        replace(
            migration,
            findings=kept(migration.findings),
            statements=tuple(replace(item, findings=kept(item.findings)) for item in migration.statements),
        )
        for migration in plan.migrations
    )
    findings = kept(plan.findings)
    return replace(plan, migrations=migrations, findings=(*findings, *_off_notes(counted))) if counted else plan


def _off_notes(counted: Counter[tuple[str, str]]) -> Iterator[Finding]:
    for (rule, reason), number in counted.items():
        yield Finding(
            rule=_OFF,
            severity=Severity.NOTE,
            problem=f"{plural(number, 'finding')} of {rule} {'is' if number == 1 else 'are'} off: {reason}",
            remedy=f"take [rules.{rule}] out of gate.toml to see {'it' if number == 1 else 'them'}",
        )


# --- words ------------------------------------------------------------------------------------------------------------


def _allowed(finding: Finding, allow: Allow) -> Finding:
    until = f" (until {allow.until})" if allow.until else ""
    return replace(finding, severity=Severity.NOTE, allowed_by=f"{allow.reason}{until}")


def _because(reason: str) -> str:
    return f": {reason}" if reason else ""


def _comment(rule: str, problem: str, remedy: str) -> Finding:
    return Finding(rule=rule, severity=Severity.WARN, problem=problem, remedy=remedy)


def _not_understood(allow: Allow) -> Finding:
    return _comment(
        "allow-not-understood",
        f"the comment on line {allow.line} allows nothing, for gate cannot read it: {allow.problem}",
        f"-- gate: allow {allow.rule or 'RULE'} because REASON; with a last day: ... until 2026-12-31",
    )


def _unknown(allow: Allow, known: Iterable[str]) -> Finding:
    near = get_close_matches(allow.rule, list(known), n=1)
    hint = f"did you mean {near[0]}? " if near else ""
    return _comment(
        "allow-unknown-rule",
        f"the comment on line {allow.line} allows nothing: no rule is called {allow.rule}",
        f"{hint}gate explain all lists them",
    )


def _without_reason(allow: Allow) -> Finding:
    return _comment(
        "allow-without-reason",
        f"the comment on line {allow.line} allows nothing, for it gives no reason: {allow.rule}",
        f"-- gate: allow {allow.rule} because REASON: say why it does no harm here",
    )


def _forbidden(allow: Allow, why: str) -> Finding:
    return _comment(
        "allow-forbidden",
        f"the comment on line {allow.line} allows nothing: {allow.rule} {why}",
        f"take the comment out, and the way out that {allow.rule} names",
    )


def _expired(allow: Allow) -> Finding:
    return _comment(
        "allow-expired",
        f"the comment on line {allow.line} allowed {allow.rule} until {allow.until}, and that day has passed",
        f"take the way out that {allow.rule} names; or give a later day if it still holds that {allow.reason}",
    )


def _ends_soon(allow: Allow, days: int) -> Finding:
    left = "today" if days == 0 else f"in {plural(days, 'day')}"
    return _comment(
        "allow-ends-soon",
        f"the comment on line {allow.line} allows {allow.rule} until {allow.until}: it ends {left}",
        "release before that, or settle now what shall hold after it",
    )


def _unused(allow: Allow, why: str) -> Finding:
    return _comment(
        "allow-unused",
        f"the comment on line {allow.line} allows {allow.rule}, but {why}",
        "take the comment out, or move it to the statement that it is meant for",
    )
