"""What `gate explain` says of a rule, and of all."""

from __future__ import annotations

import pytest

from gate.app.explain import explained
from gate.model.errors import UsageError
from gate.model.facts import fact
from gate.model.locks import LockMode
from gate.model.rules import STATEMENT, Rule
from gate.model.work import Work
from gate.plan.known import all_rules
from gate.report import Look
from gate.report.prose import explaining
from gate.report.prose.words import columns
from gate.rules import rules
from gate.rules.ruling import FamilyRule

STYLE = Rule(
    name="varchar-over-text",
    about=STATEMENT,
    harm="A limit that nobody asked for. It will be raised one day.",
    way_out="Write text.",
    aliases=("prefer-text",),
    is_off_by_default=True,
)
FOUND = FamilyRule(
    rule=STYLE,
    setup="CREATE TABLE t (a int)",
    bad="ALTER TABLE t ADD COLUMN b varchar(9)",
    good="ALTER TABLE t ADD COLUMN b text; ALTER TABLE t SET (fillfactor = 70)",
)
FACTS = (
    fact("ADD COLUMN", "", "ALTER TABLE t ADD COLUMN c int", source="https://add.example", t=LockMode.ACCESS_EXCLUSIVE),
    fact("a trigger", "", "ALTER TABLE t ADD COLUMN c int", source="https://trigger.example", t=LockMode.SHARE),
    fact(
        "CREATE INDEX",
        "",
        "CREATE INDEX ON t (c)",
        16,
        frozenset({Work.INDEX_BUILD}),
        source="https://index.example",
        t=LockMode.SHARE,
    ),
)


def test_a_rule_has_harm_way_out_examples_and_facts() -> None:
    text = "\n".join(explaining.one(STYLE, FOUND, FACTS, Look(width=80), asked="prefer-text"))
    assert text.startswith("varchar-over-text  (about a statement)\n  prefer-text is its old name\n")
    for part in (
        "harm: A limit",
        "way out: Write text.",
        "    ALTER TABLE t ADD COLUMN b varchar(9);",
        "off by default",
    ):
        assert part in text
    assert "    ADD COLUMN: ACCESS EXCLUSIVE on t, catalog only\n    https://add.example\n" in text
    assert "trigger" not in text
    assert "CREATE INDEX" not in text


def test_work_under_a_lock_is_shown_by_the_facts_that_do_such_work() -> None:
    [rule] = [rule for rule in all_rules() if rule.name == "works-under-blocking-lock"]
    assert explaining.behind(rule, None, FACTS) == (FACTS[2],)
    text = "\n".join(explaining.one(rule, None, FACTS, Look(width=80), asked=rule.name))
    assert "    CREATE INDEX (16 and later): SHARE on t, index build\n" in text


def test_no_two_rules_share_a_name() -> None:
    names = [name for rule in all_rules() for name in (rule.name, *rule.aliases)]
    assert sorted(set(names)) == sorted(names)


def test_the_list_names_every_rule_once_and_says_what_is_its_own() -> None:
    same = Rule(name="other", about=STATEMENT, harm="A limit that nobody asked for. Nor this.", way_out="")
    lines = explaining.everything([STYLE, same], Look(width=80))
    assert lines == [
        "About a statement",
        "  varchar-over-text  (off by default) It will be raised one day",
        "  other              Nor this",
    ]


@pytest.mark.parametrize("name", ["all", *(rule.name for rule in all_rules())])
@pytest.mark.parametrize("width", [80, 100])
def test_every_rule_can_be_explained_within_the_width(name: str, width: int) -> None:
    lines = explained(name, Look(width=width)).splitlines()
    assert not [line for line in lines if columns(line) > width and "://" not in line and "-- gate: allow" not in line]


@pytest.mark.parametrize("item", rules(), ids=lambda item: item.rule.name)
def test_a_family_rule_shows_its_examples(item: FamilyRule) -> None:
    text = " ".join(explained(item.rule.name, Look()).split())
    assert " ".join(item.bad.partition(";")[0].split())[:30] in text


def test_an_unknown_rule_is_told_the_nearest() -> None:
    with pytest.raises(UsageError, match="no rule is called works-under-lock") as error:
        explained("works-under-lock", Look())
    assert error.value.remedy.startswith("did you mean works-under-blocking-lock?")
