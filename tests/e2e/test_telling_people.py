"""`gate release` tells people by a webhook and by Slack, once; and leaves its figures where they are asked for."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from gate.model.errors import Exit
from tests.e2e.commands import gate
from tests.platforms.receiver import Reply, receiving
from tests.servers import Database

pytestmark = pytest.mark.majors(newest=True)
REFUSED = "-- migrate:up\nALTER TABLE no_such_table ADD COLUMN a int;\n"
PASSES = "-- migrate:up\nCREATE TABLE a (id bigint PRIMARY KEY);\n"
HOOKS = """
sample = 0

[[release.on_refused]]
hook = "webhook"
url = "env:HOOK_URL"
secret = "env:HOOK_SECRET"

[[release.on_refused]]
hook = "slack"
url = "env:SLACK_URL"

[[release.on_success]]
hook = "slack"
url = "env:SLACK_URL"

[metrics]
textfile = "gate.prom"
"""


@pytest.fixture
def shop(tmp_path: Path, database: Database) -> Path:
    (tmp_path / "db" / "migrations").mkdir(parents=True)
    (tmp_path / "gate.toml").write_text(HOOKS)
    database.execute("CREATE TABLE schema_migrations (version varchar PRIMARY KEY)")
    return tmp_path


def write(shop: Path, text: str) -> None:
    (shop / "db" / "migrations" / "1_a.sql").write_text(text, encoding="utf-8")


def test_a_refusal_is_told_once_until_something_else_happens(shop: Path, database: Database) -> None:
    with receiving(Reply(200, b"ok")) as server:
        around = {"HOOK_URL": f"{server.url}/in", "HOOK_SECRET": "hunter2hunter2", "SLACK_URL": f"{server.url}/slack"}

        def release() -> tuple[int, list[str], str]:
            server.got.clear()
            done = gate("release", "--format", "json", at=shop, conninfo=database.conninfo, **around)
            said = " ".join(str(hook["output"]) for hook in json.loads(done.stdout)["hooks"])
            return done.returncode, [request.path for request in server.got], said

        write(shop, REFUSED)
        assert release()[:2] == (Exit.REFUSED, ["/in", "/slack"])
        code, paths, said = release()
        assert (code, paths) == (Exit.REFUSED, [])
        assert said.count("not told again: this same refusal was told ") == 2
        write(shop, REFUSED.replace(" a int", " b int"))
        assert release()[:2] == (Exit.REFUSED, ["/in", "/slack"])
        write(shop, PASSES)
        assert release()[:2] == (Exit.DONE, ["/slack"])
        write(shop, PASSES)
        assert release()[:2] == (Exit.DONE, [])


def test_figures_are_left_whatever_the_end(shop: Path, database: Database) -> None:
    write(shop, REFUSED)
    around = {"HOOK_URL": "http://127.0.0.1:1/", "HOOK_SECRET": "x", "SLACK_URL": "http://127.0.0.1:1/"}
    assert gate("release", "--no-hooks", at=shop, conninfo=database.conninfo, **around).returncode == Exit.REFUSED
    told = (shop / "gate.prom").read_text()
    assert f'gate_release_exit_code{{database="{database.name}"}} 10' in told.splitlines()
    (shop / "gate.prom").write_text("node_up 1\n")
    done = gate("release", "--no-hooks", at=shop, conninfo=database.conninfo, **around)
    assert done.returncode == Exit.REFUSED
    assert "gate: warning: metrics.textfile is gate.prom, which somebody else writes" in done.stderr


@pytest.mark.parametrize(("required", "code"), [("", Exit.DONE), ("required = true\n", Exit.REFUSED)])
def test_nobody_to_be_told_puts_no_release_off(required: str, code: Exit, shop: Path, database: Database) -> None:
    """A maintenance that does not come on does; Slack that is down does not."""
    (shop / "gate.toml").write_text(
        f'sample = 0\n[[release.on_begin]]\nhook = "slack"\nurl = "env:SLACK_URL"\n{required}'
    )
    write(shop, PASSES)
    done = gate("release", at=shop, conninfo=database.conninfo, SLACK_URL="http://127.0.0.1:1/nobody")
    assert done.returncode == code, done.stdout
    assert "slack" in done.stdout
