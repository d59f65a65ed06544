"""What a CI runs on a pull request: `gate plan`, and its report as a comment.

Nothing is said of paths: a check that some pull requests do not run cannot be required, and a plan of nothing is quick.
"""

from __future__ import annotations

import json
import re
import shlex

from gate.model.errors import UsageError
from gate.model.version import VERSION
from gate.platforms.manifests import commands
from gate.platforms.preset import File, Wish

_ACTION = re.compile(r"[\w.-]+/[\w./-]+@[\w./-]+", re.ASCII)
_ADDRESS = re.compile(r"[\w.:@/~+-]+", re.ASCII)
_REV = re.compile(r"[\w./+-]+", re.ASCII)
_GITHUB = """\
# What pending migrations would do to the live database, as a comment on the pull request.
name: gate
on: pull_request
permissions:
  contents: read
  pull-requests: write
concurrency:
  # A slower job of an older commit must not have the last word in the comment.
  group: gate-${{{{ github.event.pull_request.number }}}}
  cancel-in-progress: true
jobs:
  plan:
    runs-on: ubuntu-latest
    timeout-minutes: 15
    steps:
      - uses: actions/checkout@v4
        with:
          persist-credentials: false
      - uses: {action}
        with:
{given}"""
_FROM_THE_DATABASE = """\
          # The address of a role that may only read. A pull request from a fork gets no secret.
          database-url: ${{ secrets.GATE_DATABASE_URL }}
"""
_GITLAB = """\
# What pending migrations would do to the live database, as a comment on the merge request.
gate plan:
  stage: test
  image: {image}
  rules:
    - if: $CI_PIPELINE_SOURCE == "merge_request_event"
  interruptible: true
  timeout: 15 minutes
  before_script:
    - {install}
  script:
    - code=0
    - {plan} || code=$?
    - if [ -s gate-plan.md ]; then gate comment gate-plan.md --key {key}; fi
    - exit "$code"
  artifacts:
    when: always
    expire_in: 1 month
    paths: [gate-plan.md, gate-plan.json]
    reports:
      codequality: gate-quality.json
"""


def github(wish: Wish) -> tuple[File, ...]:
    """A workflow of its own. Raises UsageError for an action that is none."""
    action = wish.options.get("action", f"OWNER/NAME@v{VERSION}")
    if not _ACTION.fullmatch(action):
        raise UsageError(f"action={action} is no action", remedy=f"such as action=acme/gate@v{VERSION}")
    source = "" if wish.source is None else f"          source: {json.dumps(_checked(wish))}\n"
    snapshot = wish.options.get("snapshot")
    judged_by = _FROM_THE_DATABASE if snapshot is None else f"          snapshot: {json.dumps(snapshot)}\n"
    text = _GITHUB.format(action=action, given=source + judged_by)
    then = f"""\
Next:
{_ASKED if snapshot is None else _stored(snapshot)}\
{_placeholder("OWNER/NAME", "action=OWNER/NAME@REF") if "action" not in wish.options else ""}\
  commit {_WORKFLOW}, and open a pull request"""
    return (File(path=_WORKFLOW, text=text, then=then),)


def gitlab(wish: Wish) -> tuple[File, ...]:
    """A file to be included: what .gitlab-ci.yml holds is the user's."""
    also = "markdown=gate-plan.md,json=gate-plan.json,gitlab=gate-quality.json"
    source = () if wish.source is None else (_checked(wish),)
    text = _GITLAB.format(
        image=json.dumps(wish.image or "python:3.12-slim"),
        install=json.dumps(f"pip install --quiet deploy-gate=={VERSION}") if wish.image is None else "gate --version",
        plan=commands.line(("gate", "plan", *source, "--also", also)),
        key=_key(wish.name),
    )
    then = f"""\
Next:
  put into .gitlab-ci.yml: include: [{{local: {_INCLUDED}}}]
  Settings > CI/CD > Variables, all of them masked:
    GATE_DATABASE_URL             the address of a role with pg_read_all_stats and pg_read_all_data
    GATE_GITLAB_TOKEN             a project access token with scope api, which writes the comment\
"""
    return (File(path=_INCLUDED, text=text, then=then),)


def pre_commit(wish: Wish) -> tuple[File, ...]:
    """An entry for a file that is the user's."""
    repo, rev = wish.options.get("repo", "https://github.com/OWNER/NAME"), wish.options.get("rev", f"v{VERSION}")
    if not _ADDRESS.fullmatch(repo) or not _REV.fullmatch(rev):
        raise UsageError(f"repo={repo} rev={rev} is no repository", remedy="such as repo=https://github.com/acme/gate")
    args = ["--snapshot", "gate-snapshot.json", *(() if wish.source is None else (_checked(wish),))]
    text = f"""\
# An entry for .pre-commit-config.yaml. With args: [--database-url, "env:DATABASE_URL"] a database is asked instead.
repos:
  - repo: {repo}
    rev: {rev}
    hooks:
      - id: gate-plan
        args: {json.dumps(args)}
"""
    then = f"""\
Next:
  put its entry into .pre-commit-config.yaml, and remove it
{_placeholder("OWNER/NAME", "repo=...") if "repo" not in wish.options else ""}\
{_stored("gate-snapshot.json").rstrip()}"""
    return (File(path=".pre-commit-config.gate.yaml", text=text, then=then),)


_ASKED = """\
  gh secret set GATE_DATABASE_URL
                                  the address of a role with pg_read_all_stats and pg_read_all_data
"""
_WORKFLOW = ".github/workflows/gate.yml"
_INCLUDED = ".gitlab-ci.gate.yml"


def _placeholder(placeholder: str, setting: str) -> str:
    return f"  put the repository of gate that you use for {placeholder}, or give {setting}\n"


def _stored(snapshot: str) -> str:
    return f"""\
  gate snapshot -o {shlex.quote(snapshot)}
                                  where the database can be reached, and again after each release: it holds no rows
"""


def _checked(wish: Wish) -> str:
    """The source as a word. Raises UsageError for what would be taken for an option."""
    *_, source = commands.release(wish)
    return source


def _key(name: str) -> str:
    """What a comment's key may be: see gate.platforms.comments."""
    return "-".join(re.findall(r"[A-Za-z0-9_.]+", name)) or "plan"
