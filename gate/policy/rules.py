"""What the policy itself has to say: comments that allow, hours, sessions to wait for, rules that are off."""

from __future__ import annotations

from gate.model.rules import COMMENT, POLICY, Rule

_HOW = "-- gate: allow RULE because REASON, before the statement or at the end of its line"

RULES = (
    Rule(
        name="allow-without-reason",
        about=COMMENT,
        harm="A comment allows a rule, but gives no reason. Whoever reads it next year cannot tell whether it still "
        "holds; until there is a reason it allows nothing.",
        way_out=f"{_HOW}: say why it does no harm here.",
        may_be_allowed=False,
    ),
    Rule(
        name="allow-unknown-rule",
        about=COMMENT,
        harm="A comment allows a rule that does not exist: a slip of the pen, or a rule of another tool. It allows "
        "nothing.",
        way_out="Write the rule's name as the finding prints it; gate explain all lists them.",
        may_be_allowed=False,
    ),
    Rule(
        name="allow-not-understood",
        about=COMMENT,
        harm="A comment is meant to allow something, but gate cannot read it: no rule is named, or its date is none. "
        "It allows nothing.",
        way_out=f"{_HOW}; with a last day: ... until 2026-12-31.",
        may_be_allowed=False,
    ),
    Rule(
        name="allow-expired",
        about=COMMENT,
        harm="The last day of an allowance has passed. It allows nothing any more, and the statement is judged as if "
        "it were not there.",
        way_out="Take the way out of the finding itself; or, if the reason still holds, give a later day.",
        may_be_allowed=False,
    ),
    Rule(
        name="allow-ends-soon",
        about=COMMENT,
        harm="An allowance ends within 14 days. A release after that day is refused, perhaps on the very day "
        "that it is needed.",
        way_out="Release before that day, or settle now what shall hold after it.",
        may_be_allowed=False,
    ),
    Rule(
        name="allow-forbidden",
        about=COMMENT,
        harm="A comment allows a rule that may not be allowed by a comment: the team's policy says so (may_be_allowed "
        "= false in gate.toml), or the server itself would reject the statement, and no permission changes that.",
        way_out="Take the way out of the finding itself, or ask those who own gate.toml.",
        may_be_allowed=False,
    ),
    Rule(
        name="allow-unused",
        about=COMMENT,
        harm="A comment allows a rule that finds nothing at its statement. It stays in the file, and will one day "
        "allow what nobody meant to allow.",
        way_out="Take the comment out, or move it to the statement that it is meant for.",
        may_be_allowed=False,
    ),
    Rule(
        name="rule-off",
        about=POLICY,
        harm="The policy has turned a rule off, and it would have found something: what it warns of may happen.",
        way_out="Nothing, if the reason that gate.toml gives still holds.",
        may_be_allowed=False,
        may_be_off=False,
    ),
    Rule(
        name="outside-allowed-hours",
        about=POLICY,
        harm="The policy allows releases at certain hours only, when few people use the database or enough people are "
        "at work to help. A release at another time is refused.",
        way_out="Release in the allowed hours; the finding says when they begin next. In an emergency: "
        "GATE_MODE=observe.",
        may_be_allowed=False,
    ),
    Rule(
        name="wait-for-session",
        about=POLICY,
        harm="A session is there that the policy says to wait for, such as a nightly dump or a batch job. A release "
        "now would wait for it, or disturb it.",
        way_out="Let it end; pg_stat_activity shows how far it is.",
        may_be_allowed=False,
    ),
    Rule(
        name="policy-names-nothing",
        about=POLICY,
        harm="The policy has limits for a relation that is not there: a slip of the pen, or a table that was renamed. "
        "The relation that was meant is judged by the general limits.",
        way_out="Write schema and name as the catalog has them, without quotes, or take the limits out.",
        may_be_allowed=False,
    ),
)
