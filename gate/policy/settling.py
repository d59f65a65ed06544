"""From a valid file to the policy that the plan reads; settings that contradict each other are errors here."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from difflib import get_close_matches

from gate.model.errors import UsageError
from gate.model.plan import Mode, Severity
from gate.model.rules import Rule, find_rule
from gate.policy.addresses import address_problem
from gate.policy.file import FIGURES, File, LimitsTable, RuleTable
from gate.policy.hours import AllowedHours, allowed_hours
from gate.policy.policy import DEFAULT, Checks, Limits, Metrics, Policy, RuleSetting, Splits, WaitFor
from gate.policy.releasing import release_of, release_problems
from gate.policy.watching import watch_of, watch_problems

KnownRules = Callable[[], Sequence[Rule]]
"""Asked only where the file has something to say of rules: to know them all takes a while."""

_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*", re.ASCII)
_WEAKER = ("off", "note", "warn")
_PATTERNS = ("application", "user", "state")


def policy_of(file: File, origin: str, known: KnownRules) -> Policy:
    """The policy. Raises UsageError that names every key of `origin` that contradicts another, or says nothing."""
    rules = known() if file.rules else ()
    problems = [*_problems(file), *_rule_problems(file.rules, rules)]
    if problems:
        raise UsageError(f"{origin}: {'; '.join(problems)}", remedy="docs/policy.md describes every key")
    limits = _limits(file.limits, DEFAULT.limits)
    return Policy(
        limits=limits,
        relations={name: _limits(table, limits) for name, table in file.relations.items()},
        rules={_name(name, rules): _setting(table) for name, table in file.rules.items()},
        splits=Splits(file.splits or DEFAULT.splits.value),
        mode=Mode(file.mode or DEFAULT.mode.value),
        hours=_hours(file),
        wait_for=tuple(
            WaitFor(
                application=item.application,
                user=item.user,
                state=item.state,
                older_than_s=item.older_than or 0.0,
                reason=item.reason or "",
            )
            for item in file.wait_for
        ),
        checks=_checks(file),
        budget_s=file.budget,
        free_disk_bytes=file.free_disk,
        calibration=dict(file.calibration),
        release=release_of(file.release),
        watch=watch_of(file.watch),
        metrics=_metrics(file),
        platforms=dict(file.platform),
    )


def _limits(table: LimitsTable | None, otherwise: Limits) -> Limits:
    if table is None:
        return otherwise
    told = {
        "blocked_reads_s": table.blocked_reads,
        "blocked_writes_s": table.blocked_writes,
        "queued": table.queued,
        "hot_per_s": table.hot_per_s,
        "batch_rows": table.batch_rows,
    }
    return replace(otherwise, **{name: value for name, value in told.items() if value is not None})  # type: ignore[arg-type]


def _setting(table: RuleTable) -> RuleSetting:
    return RuleSetting(
        severity=Severity(table.severity) if table.severity not in (None, "off") else None,
        is_off=table.severity == "off",
        reason=(table.reason or "").strip(),
        may_be_allowed=table.may_be_allowed is not False,
    )


def _hours(file: File) -> AllowedHours | None:
    if file.allowed_hours is None or file.time_zone is None:
        return None
    return allowed_hours(file.allowed_hours, file.time_zone)


def _checks(file: File) -> Checks:
    if file.checks is None:
        return DEFAULT.checks
    told = {"timeout_s": file.checks.timeout, "total_s": file.checks.total, "cost_limit": file.checks.cost_limit}
    return replace(DEFAULT.checks, **{name: value for name, value in told.items() if value is not None})


def _metrics(file: File) -> Metrics:
    told = file.metrics.model_dump() if file.metrics is not None else {}
    return replace(DEFAULT.metrics, **{name: value for name, value in told.items() if value is not None})


def _name(name: str, rules: Sequence[Rule]) -> str:
    rule = find_rule(name, tuple(rules))
    return rule.name if rule else name


# --- what cannot be meant ---------------------------------------------------------------------------------------------


def _problems(file: File) -> Iterator[str]:
    yield from _limit_problems(file)
    yield from _hours_problems(file)
    for place, item in enumerate(file.wait_for):
        if not any(getattr(item, name) for name in _PATTERNS):
            yield f"wait_for.{place} would wait for every session: give {', '.join(_PATTERNS[:-1])} or {_PATTERNS[-1]}"
    for name in file.calibration:
        if name not in FIGURES:
            yield f"unknown key 'calibration.{name}'{_near(name, FIGURES)} (gate calibrate prints this table)"
    yield from _database_problems(file)
    yield from _metrics_problems(file)
    yield from release_problems(file)
    yield from watch_problems(file)


def _limit_problems(file: File) -> Iterator[str]:
    for name, relation in file.relations.items():
        if "." not in name.strip("."):
            yield f'relations."{name}" names no schema, did you mean "public.{name}"?'
        if not relation.model_fields_set:
            yield f'relations."{name}" says nothing: give it a limit, or take it out'
    tables = {"limits": file.limits, **{f'relations."{name}"': table for name, table in file.relations.items()}}
    for place, table in tables.items():
        for key in ("blocked_reads", "blocked_writes"):
            limit = getattr(table, key, None)
            if limit is not None and file.budget is not None and limit > file.budget:
                yield f"{place}.{key} is {limit:g} s, longer than the budget of the whole release ({file.budget:g} s)"
    checks = _checks(file)
    if checks.timeout_s > checks.total_s:
        yield f"checks.timeout is {checks.timeout_s:g} s, longer than checks.total ({checks.total_s:g} s)"


def _hours_problems(file: File) -> Iterator[str]:
    if file.allowed_hours is None:
        if file.time_zone is not None:
            yield "time_zone without allowed_hours says nothing"
        return
    if not file.allowed_hours:
        yield "allowed_hours is empty: no release could ever run"
    if file.time_zone is None:
        yield "time_zone is missing: allowed_hours are those of a place, such as Europe/Berlin"
        return
    try:
        allowed_hours(file.allowed_hours, file.time_zone)
    except ValueError as error:
        yield f"time_zone: {error}"


def _database_problems(file: File) -> Iterator[str]:
    if file.databases is None:
        return
    if not file.databases:
        yield "databases is empty: name one as [databases.NAME], or take it out"
    if file.source is not None:
        yield "source stands beside databases: each of [databases.NAME] has its own"
    if file.release is not None and file.release.replica_url is not None:
        yield "release.replica_url stands beside databases: each of [databases.NAME] has a replica_url_variable"
    seen: dict[str, str] = {}
    for name, table in file.databases.items():
        if not _VARIABLE.fullmatch(table.url_variable):
            yield f"databases.{name}.url_variable is no variable's name: the URL itself stands in the environment"
        elif table.url_variable in seen:
            yield f"databases.{name}.url_variable is that of databases.{seen[table.url_variable]}: two with one URL"
        seen.setdefault(table.url_variable, name)
        if table.replica_url_variable is not None and not _VARIABLE.fullmatch(table.replica_url_variable):
            yield f"databases.{name}.replica_url_variable is no variable's name: the URL stands in the environment"
        if table.tool is not None and table.source is not None and table.source.tool is not None:
            yield f"databases.{name}.tool stands beside databases.{name}.source.tool: one is enough"


def _metrics_problems(file: File) -> Iterator[str]:
    told = file.metrics
    if told is None:
        return
    for key in ("textfile", "pushgateway", "job", "instance"):
        if not (getattr(told, key) or "-").strip():
            yield f"metrics.{key} is empty: take it out"
    if told.textfile is not None and told.textfile.strip() and not told.textfile.endswith(".prom"):
        yield "metrics.textfile does not end in .prom: node_exporter reads no other file"
    if told.pushgateway is not None and (problem := address_problem(told.pushgateway)):
        yield f"metrics.pushgateway {problem}: put it into a variable, and write env:NAME"
    if told.pushgateway is None and (told.job, told.instance) != (None, None):
        yield "metrics.job and metrics.instance are for metrics.pushgateway, which is not there"


def _rule_problems(tables: Mapping[str, RuleTable], rules: Sequence[Rule]) -> Iterator[str]:
    names = [known for rule in rules for known in (rule.name, *rule.aliases)]
    seen: dict[str, str] = {}
    for written, table in tables.items():
        rule = find_rule(written, tuple(rules))
        if rule is None:
            yield f"rules.{written}: no rule is called so{_near(written, names) or ', gate explain all lists them'}"
            continue
        if rule.name in seen:
            yield f"rules.{written} and rules.{seen[rule.name]} are the same rule"
        seen[rule.name] = written
        yield from _setting_problems(f"rules.{written}", table, rule)


def _setting_problems(key: str, table: RuleTable, rule: Rule) -> Iterator[str]:
    severity = table.severity
    if severity is None and table.may_be_allowed is None:
        yield f"{key} says nothing: give it a severity, or may_be_allowed"
    if severity in _WEAKER and not rule.may_be_off:
        yield f"{key}.severity cannot be {severity}: what it finds stops every release, whatever a policy says"
    elif severity == "off" and rule.is_off_by_default:
        yield f"{key}.severity is off anyway: take it out"
    elif severity in _WEAKER and not rule.is_off_by_default and not (table.reason or "").strip():
        yield f"{key}.reason is missing: say why it is {severity} here"
    if severity == "off" and table.may_be_allowed is not None:
        yield f"{key}.may_be_allowed says nothing of a rule that is off"
    if table.may_be_allowed and not rule.may_be_allowed:
        yield f"{key}.may_be_allowed cannot be true: no permission changes what it says"


def _near(word: str, known: Sequence[str]) -> str:
    near = get_close_matches(word, known, n=1)
    return f", did you mean {near[0]}?" if near else ""
