"""The pages of docs/ that are made from the code: rules and facts, exit codes, help texts."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

from typer.testing import CliRunner

from gate.cli.app import app
from gate.model.errors import Exit
from gate.model.facts import Expect, Fact
from gate.model.rules import COMMENT, DATABASE, POLICY, STATE, STATEMENT
from gate.model.units import lasting
from gate.plan.known import all_rules
from gate.platforms.known import all_presets, platform_of
from gate.platforms.preset import UNKNOWN, Preset
from gate.rules import families

FOLDER = Path(__file__).parents[2] / "docs"
_MADE = "<!-- Made by `python -m tests.docs --write`; change the code, not this page. -->\n"
_COMMANDS = tuple(command.name or "" for command in app.registered_commands)


_TABLE, _TABLE_END = "<!-- table: made by `python -m tests.docs --write` -->\n", "<!-- end of the table -->"
MARKED = {
    "heroku": {"DYNO": "release.1"},
    "fly": {"FLY_APP_NAME": "shop"},
    "kubernetes": {"KUBERNETES_SERVICE_HOST": "10.0.0.1"},
    "render": {"RENDER": "true"},
    "railway": {"RAILWAY_PROJECT_NAME": "shop"},
    "dokku": {"DOKKU_APP_TYPE": "herokuish"},
    "scalingo": {"SCALINGO_APPLICATION_ID": "5f"},
    "digitalocean": {"DIGITALOCEAN_JOB_KIND": "PRE_DEPLOY"},
    "cloud-run": {"CLOUD_RUN_JOB": "shop-gate"},
    "ecs": {"ECS_CONTAINER_METADATA_URI_V4": "http://169.254.170.2/v4/1"},
    "kamal": {"KAMAL_COMMAND": "deploy", "KAMAL_VERSION": "1"},
    "porter": {"KUBERNETES_SERVICE_HOST": "10.0.0.1"},
}
"""How a process knows where it is; a platform that is not here marks nothing."""


_HEADINGS = {
    STATEMENT: "About a statement",
    COMMENT: "About comments that allow",
    DATABASE: "About the database as it stands",
    STATE: "About the state of the bookkeeping",
    POLICY: "About the policy",
}


def rules() -> str:
    """Rules first, then the facts that they read."""
    lines = [_MADE, "# Rules", "", "What `gate plan` says, and why. `gate explain RULE` prints one of them.", ""]
    for about, heading in _HEADINGS.items():
        lines += [f"## {heading}", ""]
        for rule in all_rules():
            if rule.about == about:
                lines += [f"### {rule.name}", "", rule.harm, "", f"**Way out.** {rule.way_out}", ""]
    return "\n".join([*lines, *_facts()])


def _facts() -> Iterator[str]:
    yield "## Facts"
    yield ""
    yield "What PostgreSQL does, and what the rules read. A proof of each runs on every server major in the tests."
    yield ""
    for family in families():
        facts: tuple[Fact, ...] = getattr(family, "FACTS", ())
        if facts:
            yield f"### {family.__name__.rpartition('.')[2].replace('_', ' ')}"
            yield ""
            yield "| form | what it locks, and the work under it | PostgreSQL |"
            yield "|---|---|---|"
            yield from map(_row, facts)
            yield ""


def _row(fact: Fact) -> str:
    majors = f"{fact.versions.since} and later" if fact.versions.until is None else _range(fact)
    expects = "<br>".join(map(_expect, fact.proof.expects)) or "locks no relation"
    form = fact.form.replace("|", "\\|")
    return f"| [{form}]({fact.source}) | {expects} | {majors} |"


def _range(fact: Fact) -> str:
    return f"{fact.versions.since} to {fact.versions.until}"


def _expect(expect: Expect) -> str:
    work = ", ".join(sorted(kind.value for kind in expect.work))
    loses = f", loses statistics of {', '.join(expect.loses_statistics)}" if expect.loses_statistics else ""
    return f"`{expect.relation}`: {expect.lock.value}, {work}{loses}"


def exit_codes() -> str:
    """The table of `gate.model.errors.Exit`."""
    rows = [f"| {code.value} | {code.meaning} | {'yes' if code.may_be_retried else ''} |" for code in Exit]
    head = ["| code | meaning | worth a retry by itself |", "|---|---|---|"]
    return "\n".join([_MADE, "# Exit codes", "", "The same for every command.", "", *head, *rows, ""])


def cli() -> str:
    """Every help text."""
    parts = [_MADE, "# The command line", "", *_help()]
    for command in _COMMANDS:
        parts += ["", f"## gate {command}", "", *_help(command)]
    return "\n".join([*parts, ""])


def _help(*command: str) -> list[str]:
    answer = CliRunner().invoke(app, [*command, "--help"], prog_name="gate", env={"COLUMNS": "100"})
    return ["```text", *(line.rstrip() for line in answer.stdout.rstrip().splitlines()), "```"]


def platforms() -> str:
    """The page as it is, with its table made anew from the limits of the presets."""
    page = (FOLDER / "platforms.md").read_text(encoding="utf-8")
    before, _, rest = page.partition(_TABLE)
    _, _, after = rest.partition(_TABLE_END)
    return f"{before}{_TABLE}{chr(10).join(_limits())}{chr(10)}{_TABLE_END}{after}"


def _limits() -> Iterator[str]:
    heads = ("platform", "where gate is called", "if it fails", "time limit", "signals", "shell", "recognised by")
    yield f"| {' | '.join((*heads, 'budget, grace', 'to know'))} |"
    yield "|---" * (len(heads) + 2) + "|"
    for preset in sorted(all_presets(), key=lambda preset: preset.name):
        limits = preset.limits
        if limits is not None:
            shell = {True: "yes", False: "no", None: "not known"}[limits.has_shell]
            name = f"[{preset.name}](https://{limits.source})"
            told = [name, limits.hook, limits.failure, limits.ends_after, limits.signals, shell, limits.marks]
            yield f"| {' | '.join([*told, _time(preset), limits.notes])} |"


def _time(preset: Preset) -> str:
    """Of the process itself, as it takes them where nothing else is told."""
    found = platform_of(MARKED[preset.key]) if preset.key in MARKED else UNKNOWN
    return f"{lasting(found.budget_s)}, {lasting(found.grace_s)}"


PAGES: dict[str, Callable[[], str]] = {
    "rules.md": rules,
    "exit-codes.md": exit_codes,
    "cli.md": cli,
    "platforms.md": platforms,
}
