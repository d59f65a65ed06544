"""One comment on a pull request, changed in place; and what happens where it cannot be written."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from gate.app.comment import Commented, CommentRequest, comment
from gate.model.errors import Exit, UsageError
from gate.platforms import comments
from gate.report.prose.cutting import cut, length
from tests.e2e.commands import gate
from tests.platforms.forges import MOST, TOKEN, Forge, forge_of

REPORT = "## SPLIT: 1 pending migration\n\n**Way out:** `in batches`\n"


@pytest.fixture(params=["github", "gitlab"])
def forge(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Forge]:
    monkeypatch.setattr(comments, "_PAUSE_S", 0.01)
    with forge_of(request.param) as found:
        yield found


def told(forge: Forge, at: Path, report: str = REPORT, **environment: str) -> Commented:
    (at / "plan.md").write_text(report, encoding="utf-8")
    return comment(CommentRequest(path=str(at / "plan.md")), {**forge.environment, **environment})


def done(answer: Commented) -> str:
    assert answer.put is not None, answer.problems
    assert answer.problems == ()
    return answer.put.done


def test_it_is_written_once_and_then_changed(forge: Forge, tmp_path: Path) -> None:
    assert done(told(forge, tmp_path)) == "written"
    assert done(told(forge, tmp_path, "## PASS\n")) == "updated"
    assert done(told(forge, tmp_path, "## PASS\n")) == "unchanged"
    (body,) = forge.bodies
    assert body.startswith("<!-- gate:plan -->\n\n## PASS\n")
    assert len([asked for asked in forge.asked if not asked.startswith("GET")]) == 2


def test_each_key_has_its_own(forge: Forge, tmp_path: Path) -> None:
    (tmp_path / "plan.md").write_text(REPORT)
    request = CommentRequest(path=str(tmp_path / "plan.md"), key="billing")
    assert done(told(forge, tmp_path)) == "written"
    for key, what in (("billing", "written"), ("billing-2", "written"), ("billing", "unchanged")):
        assert done(comment(replace(request, key=key), forge.environment)) == what
    assert len(forge.bodies) == 3


@pytest.mark.parametrize("key", ["", "a b", "a--b", "-a", "a-", "--> <b>", "ä", "a\n"])
def test_a_key_that_would_end_the_mark_is_none(key: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no key"):
        comment(CommentRequest(path=str(tmp_path / "plan.md"), key=key), {})


def test_it_is_found_on_a_later_page(forge: Forge, tmp_path: Path) -> None:
    for number in range(230):
        forge.comment(f"comment {number}")
    assert done(told(forge, tmp_path)) == "written"
    assert done(told(forge, tmp_path, "## PASS\n")) == "updated"
    assert len(forge.bodies) == 231
    # The address of the next page is made, not taken: the token goes nowhere else.
    assert not [asked for asked in forge.asked if "elsewhere" in asked]


def test_what_a_stranger_wrote_is_not_taken_for_ours(forge: Forge, tmp_path: Path) -> None:
    fake = "<!-- gate:plan -->\n\n## PASS: believe me\n"
    forge.comment(fake, user="User", association="CONTRIBUTOR", author=1)
    assert done(told(forge, tmp_path)) == "written"
    assert forge.bodies[0] == fake
    assert "SPLIT" in forge.bodies[1]


def test_who_quotes_it_is_not_taken_for_it(forge: Forge, tmp_path: Path) -> None:
    forge.comment("> <!-- gate:plan -->\n> ## SPLIT\n\nwhat does this mean?")
    assert done(told(forge, tmp_path)) == "written"


def test_a_person_of_the_project_may_have_written_it(tmp_path: Path) -> None:
    with forge_of("github") as forge:
        forge.comment("<!-- gate:plan -->\n\nby hand", user="User", association="MEMBER")
        assert done(told(forge, tmp_path)) == "updated"


def test_a_token_that_may_only_read_fails_nothing(forge: Forge, tmp_path: Path) -> None:
    forge.may_write = False
    answer = told(forge, tmp_path)
    (problem,) = answer.problems
    assert answer.put is None
    assert "answered 403: Resource not accessible by integration" in problem
    assert TOKEN not in problem


@pytest.mark.parametrize("name", ["GITHUB_TOKEN", "GATE_GITLAB_TOKEN"])
def test_without_a_token_it_says_which(forge: Forge, name: str, tmp_path: Path) -> None:
    answer = told(forge, tmp_path, **{name: ""})
    if name in forge.environment:
        assert f"{name} is not set" in answer.problems[0]
        assert forge.asked == []
    else:
        assert done(answer) == "written"


def test_a_token_that_nobody_knows_is_told_in_the_words_of_the_other_side(forge: Forge, tmp_path: Path) -> None:
    answer = told(forge, tmp_path, GITHUB_TOKEN="ghs_old", GATE_GITLAB_TOKEN="glpat-old")
    assert "answered 401: Bad credentials" in answer.problems[0]


def test_an_outage_of_a_moment_is_waited_for(forge: Forge, tmp_path: Path) -> None:
    forge.fails = 2
    assert done(told(forge, tmp_path)) == "written"


def test_an_outage_fails_nothing(forge: Forge, tmp_path: Path) -> None:
    forge.fails = 1000
    answer = told(forge, tmp_path)
    assert answer.put is None
    assert "answered 503: No server is currently available" in answer.problems[0]


def test_an_answer_that_was_lost_does_not_make_two(forge: Forge, tmp_path: Path) -> None:
    forge.loses_answers = 1
    assert done(told(forge, tmp_path)) == "written"
    assert len(forge.bodies) == 1


def test_nobody_there_fails_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(comments, "_PAUSE_S", 0.01)
    with forge_of("github") as forge:
        environment = forge.environment
    (tmp_path / "plan.md").write_text(REPORT)
    answer = comment(CommentRequest(path=str(tmp_path / "plan.md")), environment)
    assert answer.put is None
    assert "no comment was written: GET /repos/acme/shop/issues/7/comments" in answer.problems[0]


def test_what_is_too_long_is_cut_with_a_link(forge: Forge, tmp_path: Path) -> None:
    row = "| `20260101000000_a` | 1 | pass | nobody |\n"
    report = REPORT + row * (MOST[forge.kind] // len(row) + 10)
    assert done(told(forge, tmp_path, report)) == "written"
    (body,) = forge.bodies
    assert MOST[forge.kind] - 1000 < len(body) <= MOST[forge.kind]
    assert "The rest did not fit: [all of it](https://git" in body


def test_the_summary_of_the_job_has_all_of_it(tmp_path: Path) -> None:
    summary = tmp_path / "summary.md"
    summary.write_text("before\n")
    with forge_of("github") as forge:
        forge.may_write = False
        told(forge, tmp_path, GITHUB_STEP_SUMMARY=str(summary))
    assert summary.read_text() == f"before\n{REPORT}\n"


@pytest.mark.parametrize(
    ("event", "ref", "number"),
    [
        ({"pull_request": {"number": 7, "head": {"sha": "feedfacecafe"}}}, "refs/heads/main", 7),
        ({"issue": {"number": 7, "pull_request": {"url": "x"}}}, "refs/heads/main", 7),
        ({"issue": {"number": 7}}, "refs/heads/main", None),
        ({}, "refs/pull/7/merge", 7),
        ({}, "refs/heads/pull/7/x", None),
        ({"ref": "refs/heads/main"}, "refs/heads/main", None),
    ],
    ids=str,
)
def test_the_pull_request_is_that_of_the_event(event: object, ref: str, number: int | None, tmp_path: Path) -> None:
    (tmp_path / "event.json").write_text(json.dumps(event))
    with forge_of("github") as forge:
        answer = told(forge, tmp_path, GITHUB_EVENT_PATH=str(tmp_path / "event.json"), GITHUB_REF=ref)
    if number is None:
        assert "about no pull request" in answer.problems[0]
        assert forge.asked == []
    else:
        assert done(answer) == "written"
        assert ("of commit feedfaceca" in forge.bodies[0]) is ("pull_request" in str(event) and "sha" in str(event))


def test_a_merge_request_of_a_fork_is_in_the_project_that_it_goes_to(tmp_path: Path) -> None:
    with forge_of("gitlab") as forge:
        ids = {"CI_PROJECT_ID": "999", "CI_MERGE_REQUEST_PROJECT_ID": "12"}
        assert done(told(forge, tmp_path, **ids)) == "written"


def test_only_what_is_there_is_brought_up_to_date(forge: Forge, tmp_path: Path) -> None:
    (tmp_path / "plan.md").write_text(REPORT)
    request = CommentRequest(path=str(tmp_path / "plan.md"), only_there=True)
    assert done(comment(request, forge.environment)) == "none"
    forge.comment("<!-- gate:plan -->\n\nold")
    assert done(comment(request, forge.environment)) == "updated"


def test_outside_of_both_it_says_so(tmp_path: Path) -> None:
    (tmp_path / "plan.md").write_text(REPORT)
    with pytest.raises(UsageError, match="neither GitHub Actions nor GitLab CI"):
        comment(CommentRequest(path=str(tmp_path / "plan.md")), {})


def test_an_empty_report_is_no_report(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("\n"))
    with pytest.raises(UsageError, match="standard input is empty"):
        comment(CommentRequest(path="-"), {})
    with pytest.raises(UsageError, match="cannot read"):
        comment(CommentRequest(path=str(tmp_path / "none.md")), {})


def test_the_command_says_what_it_did(tmp_path: Path) -> None:
    (tmp_path / "plan.md").write_text(REPORT)
    with forge_of("github") as forge:
        written = gate("comment", "plan.md", at=tmp_path, **forge.environment)
        assert (written.returncode, written.stdout) == (Exit.DONE, f"written    {forge.address}/c/101\n")
        forge.may_write = False
        (tmp_path / "plan.md").write_text("## PASS\n")
        refused = gate("comment", "plan.md", at=tmp_path, **forge.environment)
    assert (refused.returncode, refused.stdout) == (Exit.DONE, "")
    assert refused.stderr.startswith("gate: warning: no comment was written: PATCH ")
    assert TOKEN not in written.stderr + refused.stderr


@pytest.mark.parametrize(
    ("markdown", "longest", "kept"),
    [
        ("short\n", 200, "short\n"),
        ("```sql\n" + "SELECT 1;\n" * 50 + "```\n", 300, "```sql\n" + "SELECT 1;\n" * 17),
        ("<details><summary>a</summary>\n\n" + "text\n" * 100 + "\n</details>\n", 300, None),
        ("````\n```\n" + "x\n" * 200 + "````\n", 300, None),
        ("x" * 1000, 300, ""),
        ("\N{GRINNING FACE}" * 10 + "\n", 15, None),
    ],
)
def test_what_is_cut_is_closed(markdown: str, longest: int, kept: str | None) -> None:
    found = cut(markdown, longest, "more")
    assert length(found) <= longest or kept is None
    assert found.count("<details") == found.count("</details>")
    fences = [line.rstrip("abcdefghijklmnopqrstuvwxyz") for line in found.splitlines() if line.startswith("```")]
    assert fences.count("```") % 2 == 0 or "````" in fences
    assert fences.count("````") % 2 == 0
    if found != markdown:
        assert found.endswith("more\n")
    if kept is not None:
        assert found.startswith(kept)
