"""Names from files and databases stay names, in Markdown and in GitHub's commands."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from gate.model.plan import Finding, Plan, Severity
from gate.report import Look, render
from gate.report.markdown import code, fenced, prose
from tests.golden import samples

NASTY = "a|b`c<script>@octocat #12 [x](http://evil.example) **bold**\n\n# heading\x1b[2J ::error::x, 100%"


def nasty() -> Plan:
    """Everything in it that comes from elsewhere tries to be something else."""
    first = samples.SPLIT.migrations[0]
    finding = Finding(rule="orphans", severity=Severity.REFUSE, problem=NASTY, remedy=NASTY, relation=NASTY)
    statement = replace(first.statements[0], sql=f"SELECT '{NASTY} ```\n</details>'", findings=(finding,))
    return replace(
        samples.SPLIT,
        database=NASTY,
        migrations=(replace(first, path=f"db/{NASTY}.sql", statements=(statement, *first.statements[1:])),),
        notes=(NASTY,),
    )


@pytest.mark.parametrize(
    ("text", "escaped"),
    [
        ("public.order_lines (a)", "public.order\\_lines (a)"),
        ("@octocat", "@&#8203;octocat"),
        ("see #12 and GH-7", "see \\#&#8203;12 and GH-&#8203;7"),
        ("<b> & co", "&lt;b&gt; &amp; co"),
        ("http://x.example", "http:&#8203;//x.example"),
        ("1. one\n- two", "1\\. one - two"),
        ("a|b`c", "a\\|b\\`c"),
    ],
)
def test_prose(text: str, escaped: str) -> None:
    assert prose(text) == escaped


def test_code_has_as_many_backticks_as_it_needs() -> None:
    assert code("a`b") == "``a`b``"
    assert code("`a`") == "`` `a` ``"
    assert code("a|b", in_table=True) == "`a\\|b`"
    assert fenced("a\n```\nb", "sql") == "````sql\na\n```\nb\n````"


def test_markdown_keeps_names_names() -> None:
    text = render("markdown", nasty(), Look())
    outside, is_code = [], ""
    for line in text.splitlines():
        if line.startswith("```"):
            fence = line[: len(line) - len(line.lstrip("`"))]
            is_code = "" if line == is_code else is_code or fence
        elif not is_code:
            outside.append(line)
    bare = [re.sub(r"(?<!`)(`+)(?!`).*?(?<!`)\1(?!`)", "", line) for line in outside]
    assert not [line for line in bare if "<script" in line or "@octocat" in line or "\x1b" in line]
    assert not [line for line in bare if re.search(r"(?<!\\)\]\(", line) and not line.startswith("<details")]
    assert [line[:3] for line in bare if line.startswith("#")] == ["## "]
    assert text.count("<details") == text.count("</details>\n\n") == 4
    rows = [line for line in outside if line.startswith("|")]
    assert {row.replace("\\|", "").count("|") for row in rows} == {5}


def test_a_command_of_github_is_one_line_and_its_own() -> None:
    lines = render("github", nasty(), Look()).splitlines()
    assert lines[0].startswith("gate: SPLIT: ")
    assert lines[-1].startswith("coverage: ")
    assert all(line.startswith(("::error ", "::warning ", "::notice ")) for line in lines[1:-1])
    error = next(line for line in lines if line.startswith("::error "))
    properties, _, message = error.removeprefix("::error ").partition("::")
    assert "%3A%3Aerror%3A%3Ax%2C 100%25" in properties
    assert "100%25" in message
    assert "%0A" in message


@pytest.mark.parametrize("name", samples.ALL)
@pytest.mark.parametrize("format_name", ["github", "markdown", "text"])
def test_the_last_line_is_the_coverage(name: str, format_name: str) -> None:
    assert render(format_name, samples.ALL[name], Look()).splitlines()[-1].startswith("coverage: ")
