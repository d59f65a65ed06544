"""The policy at work: gate.toml, comments that allow, modes, several databases, and what is never shown."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from gate.model.errors import Exit
from gate.policy.hours import DAYS
from gate.report.schema import plan_schema
from tests.e2e.commands import gate
from tests.servers import Database

SHOP = """
CREATE TABLE orders (id bigint PRIMARY KEY, customer_id bigint, note text);
INSERT INTO orders SELECT n, n, 'a note that makes the row somewhat longer' FROM generate_series(1, 20000) n;
CREATE TABLE schema_migrations (version varchar PRIMARY KEY);
INSERT INTO schema_migrations VALUES ('20260101000000');
ANALYZE;
"""
REWRITES = "ALTER TABLE orders ALTER COLUMN customer_id TYPE numeric;"
HARMLESS = "ALTER TABLE orders ADD COLUMN paid_at timestamptz;"
ALLOWED = "-- gate: allow works-under-blocking-lock, changes-type because nobody is open on Sundays\n" + REWRITES

STRICT = "[limits]\nblocked_reads = '1ms'\nblocked_writes = '1ms'\n"

pytestmark = pytest.mark.majors(newest=True)


@pytest.fixture
def shop(clone: Callable[[str], Database]) -> Database:
    """A small shop with dbmate's bookkeeping."""
    return clone(SHOP)


def project(at: Path, sql: str, policy: str = "", directory: str = "db/migrations") -> Path:
    """A project with one pending migration, and its gate.toml."""
    migrations = at / directory
    migrations.mkdir(parents=True, exist_ok=True)
    (migrations / "20260101000000_first.sql").write_text("-- migrate:up\nSELECT 1;\n", encoding="utf-8")
    (migrations / "20260102000000_second.sql").write_text(f"-- migrate:up\n{sql}\n", encoding="utf-8")
    (at / "gate.toml").write_text(policy, encoding="utf-8")
    return at


def document(at: Path, shop: Database, *arguments: str, **more: str) -> dict[str, Any]:
    """The plan as JSON, which must obey its schema."""
    done = gate("plan", "--sample", "0", "--format", "json", *arguments, at=at, conninfo=shop.conninfo, **more)
    found: dict[str, Any] = json.loads(done.stdout)
    Draft202012Validator(json.loads(plan_schema())).validate(found)
    return found


def findings(plan: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Every finding by its rule."""
    statements = [item for migration in plan["migrations"] for item in migration["statements"]]
    found = [finding for item in (plan, *plan["migrations"], *statements) for finding in item["findings"]]
    return {finding["rule"]: finding for finding in found}


# --- comments and rules -----------------------------------------------------------------------------------------------


def test_what_a_comment_allows_passes_and_is_still_named(shop: Database, tmp_path: Path) -> None:
    assert document(project(tmp_path, REWRITES, STRICT), shop)["verdict"] == "refuse"
    plan = document(project(tmp_path, ALLOWED, STRICT), shop)
    assert plan["verdict"] == "pass"
    found = findings(plan)["works-under-blocking-lock"]
    assert (found["severity"], found["allowed_by"]) == ("note", "nobody is open on Sundays")


def test_a_policy_may_forbid_the_comment(shop: Database, tmp_path: Path) -> None:
    forbidding = "[rules.works-under-blocking-lock]\nmay_be_allowed = false\nreason = 'the outage of May'"
    plan = document(project(tmp_path, ALLOWED, "splits = 'refuse'\n" + STRICT + forbidding), shop)
    assert plan["verdict"] == "refuse"
    assert findings(plan)["works-under-blocking-lock"]["allowed_by"] is None
    assert "the outage of May" in findings(plan)["allow-forbidden"]["problem"]


def test_a_comment_that_allows_nothing_is_a_finding(shop: Database, tmp_path: Path) -> None:
    plan = document(
        project(tmp_path, f"{HARMLESS} -- gate: allow works-under-blocking-lock because of old times"), shop
    )
    assert plan["verdict"] == "pass"
    assert findings(plan)["allow-unused"]["severity"] == "warn"


def test_a_relation_has_limits_of_its_own(shop: Database, tmp_path: Path) -> None:
    own = "[relations.'public.orders']\nblocked_reads = '1h'\nblocked_writes = '1h'"
    general = findings(document(project(tmp_path, REWRITES, STRICT), shop))
    patient = findings(document(project(tmp_path, REWRITES, STRICT + own), shop))
    assert general["works-under-blocking-lock"]["severity"] == "refuse"
    assert patient.get("works-under-blocking-lock", {}).get("severity") != "refuse"


def test_limits_of_nothing_are_told(shop: Database, tmp_path: Path) -> None:
    limits = "[relations.'public.ordres']\nqueued = 1\n[relations.'public.fresh']\nqueued = 1\n"
    found = findings(
        document(
            project(tmp_path, "CREATE TABLE fresh (id int);", limits + "[relations.'public.orders']\nqueued = 1"), shop
        )
    )
    assert "limits for public.ordres" in found["policy-names-nothing"]["problem"]


def test_a_rule_that_is_off_is_counted(shop: Database, tmp_path: Path) -> None:
    off = "[rules.statistics-lost]\nseverity = 'off'\nreason = 'we ANALYZE ourselves'"
    found = findings(document(project(tmp_path, REWRITES, off), shop))
    assert "statistics-lost" not in found
    assert found["rule-off"]["problem"] == "1 finding of statistics-lost is off: we ANALYZE ourselves"


def test_a_rule_may_weigh_more(shop: Database, tmp_path: Path) -> None:
    assert document(project(tmp_path, HARMLESS), shop)["verdict"] == "pass"
    weighty = "[rules.allow-unused]\nseverity = 'refuse'"
    plan = document(project(tmp_path, f"{HARMLESS} -- gate: allow statistics-lost because x", weighty), shop)
    assert plan["verdict"] == "refuse"


def test_what_is_wrong_in_the_file_ends_the_command(shop: Database, tmp_path: Path) -> None:
    at = project(tmp_path, HARMLESS, "[limits]\nblocked_reeds = '1s'\n")
    done = gate("plan", at=at, conninfo=shop.conninfo)
    assert done.returncode == Exit.USAGE
    assert "gate.toml: unknown key 'limits.blocked_reeds', did you mean blocked_reads?" in done.stderr
    assert "the keys under [limits] are blocked_reads, " in done.stderr


def test_a_rule_that_does_not_exist_is_named(shop: Database, tmp_path: Path) -> None:
    at = project(tmp_path, HARMLESS, "[rules.statistic-lost]\nseverity = 'refuse'")
    done = gate("plan", at=at, conninfo=shop.conninfo)
    assert done.returncode == Exit.USAGE
    assert "did you mean statistics-lost?" in done.stderr


# --- hours and sessions -----------------------------------------------------------------------------------------------


def test_outside_the_allowed_hours_a_plan_warns(shop: Database, tmp_path: Path) -> None:
    closed = DAYS[(datetime.now(UTC) + timedelta(days=3)).weekday()]
    plan = document(project(tmp_path, HARMLESS, f'allowed_hours = ["{closed} 00:00-24:00"]\ntime_zone = "UTC"'), shop)
    found = findings(plan)["outside-allowed-hours"]
    assert (plan["verdict"], found["severity"]) == ("pass", "warn")
    assert f"release from {closed} " in found["remedy"]


def test_a_session_to_wait_for_is_named(shop: Database, tmp_path: Path) -> None:
    at = project(tmp_path, HARMLESS, '[[wait_for]]\napplication = "nightly*"\nreason = "it reads everything"')
    with shop.connect(autocommit=False, application_name="nightly dump") as connection:
        connection.execute("SELECT count(*) FROM orders")
        found = findings(document(at, shop))["wait-for-session"]
    assert '"nightly dump"' in found["problem"]
    assert "it reads everything" in found["problem"]


# --- modes ------------------------------------------------------------------------------------------------------------


def test_observe_lets_pass_and_says_so_loudly(shop: Database, tmp_path: Path) -> None:
    at = project(tmp_path, REWRITES)
    done = gate("plan", "--sample", "0", at=at, conninfo=shop.conninfo, GATE_MODE="observe")
    assert done.returncode == Exit.DONE
    assert done.stdout.startswith("OBSERVE  would be refused, and is let pass: ")
    assert done.stderr == "gate: OBSERVE: would be refused, and is let pass (GATE_MODE=observe)\n"
    plan = document(at, shop, GATE_MODE="observe")
    assert (plan["mode"], plan["verdict"]) == ("observe", "refuse")


def test_observe_says_nothing_of_what_passes(shop: Database, tmp_path: Path) -> None:
    done = gate("plan", "--sample", "0", at=project(tmp_path, HARMLESS, "mode = 'observe'"), conninfo=shop.conninfo)
    assert (done.returncode, done.stderr) == (Exit.DONE, "")
    assert done.stdout.startswith("PASS")


def test_off_needs_neither_a_server_nor_a_valid_file(tmp_path: Path) -> None:
    at = project(tmp_path, REWRITES, "nonsense = [")
    done = gate("plan", at=at, GATE_MODE="Off")
    assert (done.returncode, done.stderr) == (Exit.DONE, "")
    assert done.stdout == "gate is off (GATE_MODE=Off): nothing was judged\n"


def test_off_in_the_file_and_not_in_the_variable(shop: Database, tmp_path: Path) -> None:
    at = project(tmp_path, REWRITES, "mode = 'off'")
    assert gate("plan", at=at).stdout == "gate is off (mode in gate.toml): nothing was judged\n"
    done = gate("plan", "--sample", "0", at=at, conninfo=shop.conninfo, GATE_MODE="enforce")
    assert done.returncode == Exit.REFUSED


def test_off_is_no_verdict_in_json(tmp_path: Path) -> None:
    done = gate("plan", "--format", "json", at=project(tmp_path, REWRITES), GATE_MODE="off")
    assert json.loads(done.stdout)["mode"] == "off"
    assert "verdict" not in json.loads(done.stdout)


def test_an_unknown_mode_is_an_error(tmp_path: Path) -> None:
    done = gate("plan", at=project(tmp_path, REWRITES), GATE_MODE="obsrve")
    assert done.returncode == Exit.USAGE
    assert "GATE_MODE: input should be 'enforce', 'observe' or 'off', did you mean observe?" in done.stderr


# --- several databases ------------------------------------------------------------------------------------------------

SEVERAL = """
[databases.shop]
source = "shop"
url_variable = "SHOP_URL"

[databases.billing]
source = { directory = "billing", tool = "dbmate" }
url_variable = "BILLING_URL"
"""


@pytest.fixture
def urls(clone: Callable[[str], Database]) -> dict[str, str]:
    """Two databases, by the variables that name them."""
    return {"SHOP_URL": clone(SHOP).conninfo, "BILLING_URL": clone(SHOP).conninfo}


def two(at: Path, shop: str, billing: str) -> Path:
    project(at, billing, directory="billing")
    return project(at, shop, SEVERAL, directory="shop")


def test_they_are_done_in_order(urls: dict[str, str], tmp_path: Path) -> None:
    at = two(tmp_path, HARMLESS, HARMLESS)
    done = gate("plan", "--sample", "0", at=at, **urls)
    assert done.returncode == Exit.DONE, done.stderr
    assert [line for line in done.stdout.splitlines() if line.startswith("==")] == ["== shop ==", "== billing =="]
    many = json.loads(gate("plan", "--sample", "0", "--format", "json", at=at, **urls).stdout)
    assert (many["schema"], many["verdict"], many["not_planned"]) == (1, "pass", [])
    assert [item["name"] for item in many["databases"]] == ["shop", "billing"]
    assert [item["migrations"][0]["path"].split("/")[0] for item in many["databases"]] == ["shop", "billing"]


def test_the_first_that_is_refused_is_the_last(urls: dict[str, str], tmp_path: Path) -> None:
    at = two(tmp_path, REWRITES, HARMLESS)
    done = gate("plan", "--sample", "0", at=at, **urls)
    assert done.returncode == Exit.REFUSED
    assert "== billing ==" not in done.stdout
    assert done.stdout.endswith("not looked at, for the one before failed: billing\n")
    observed = gate("plan", "--sample", "0", at=at, **urls, GATE_MODE="observe")
    assert observed.returncode == Exit.DONE
    assert "== billing ==" in observed.stdout


def test_one_that_cannot_be_reached_has_no_verdict(urls: dict[str, str], tmp_path: Path) -> None:
    at = two(tmp_path, HARMLESS, HARMLESS)
    broken = {**urls, "BILLING_URL": "postgresql://127.0.0.1:1/billing"}
    done = gate("plan", "--sample", "0", "--format", "json", at=at, **broken)
    assert done.returncode == Exit.UNREACHABLE
    assert done.stderr.startswith("gate: database billing:\n")
    many = json.loads(done.stdout)
    assert (many["verdict"], many["not_planned"]) == (None, ["billing"])


def test_one_can_be_picked(urls: dict[str, str], tmp_path: Path) -> None:
    at = two(tmp_path, REWRITES, HARMLESS)
    done = gate("plan", "--sample", "0", "--database", "billing", "--format", "json", at=at, **urls)
    assert done.returncode == Exit.DONE, done.stderr
    assert json.loads(done.stdout)["migrations"][0]["path"].startswith("billing/")


@pytest.mark.parametrize(
    ("arguments", "variables", "problem"),
    [
        (("--database", "shops"), {}, "gate.toml has no database shops"),
        (("--database-url", "service=x"), {}, "--database-url is for one of them"),
        (("shop",), {}, "SOURCE is for one of them"),
        ((), {"BILLING_URL": ""}, "databases.billing.url_variable is BILLING_URL, and no such variable is set"),
    ],
)
def test_what_does_not_fit_several_is_named(
    arguments: tuple[str, ...], variables: dict[str, str], problem: str, urls: dict[str, str], tmp_path: Path
) -> None:
    at = two(tmp_path, HARMLESS, HARMLESS)
    done = gate("plan", "--sample", "0", *arguments, at=at, **{**urls, **variables})
    assert done.returncode == Exit.USAGE
    assert problem in done.stderr


def test_two_with_one_url_contradict_each_other(urls: dict[str, str], tmp_path: Path) -> None:
    same = {**urls, "BILLING_URL": urls["SHOP_URL"]}
    done = gate("plan", at=two(tmp_path, HARMLESS, HARMLESS), **same)
    assert done.returncode == Exit.USAGE
    assert "databases.billing and databases.shop have the same URL (BILLING_URL and SHOP_URL)" in done.stderr


def test_commands_for_one_ask_which(urls: dict[str, str], tmp_path: Path) -> None:
    at = two(tmp_path, HARMLESS, HARMLESS)
    done = gate("snapshot", "-o", "-", at=at, **urls)
    assert done.returncode == Exit.USAGE
    assert "--database takes one of: shop, billing" in done.stderr
    assert gate("snapshot", "-o", "-", "--database", "shop", at=at, **urls).returncode == Exit.DONE


# --- what is never shown ----------------------------------------------------------------------------------------------

SECRETS = """
CREATE ROLE {role} PASSWORD 'topsecret';
DO $$ BEGIN EXECUTE 'ALTER ROLE x PASSWORD ''topsecret''' || current_user; END $$;
CREATE SUBSCRIPTION s CONNECTION 'host=h password=topsecret' PUBLICATION p WITH (connect = false);
-- password=topsecret
"""


@pytest.mark.parametrize("format_name", ["text", "json", "markdown", "sarif", "github"])
def test_no_report_shows_a_password(format_name: str, shop: Database, tmp_path: Path) -> None:
    at = project(tmp_path, SECRETS.format(role=f"r_{shop.name}"))
    done = gate("plan", "--sample", "0", "--format", format_name, at=at, conninfo=shop.conninfo)
    assert done.returncode in {Exit.DONE, Exit.REFUSED}, done.stderr
    assert "topsecret" not in done.stdout + done.stderr


@pytest.mark.parametrize(
    "sql",
    [
        "CREATE ROLE x PASSWORD 'topsecret' NONSENSE;",
        "CREATE ROLE x PASWORD 'topsecret';",
        "CREATE ROLE x PASSWORD\n'topsecret' NONSENSE;",
        "CREATE ROLE x PASSWORD 'top' 'topsecret';",
        "CREATE ROLE x PASSWORD 'topsecret;",
    ],
)
def test_no_error_shows_a_password(sql: str, shop: Database, tmp_path: Path) -> None:
    done = gate("plan", at=project(tmp_path, sql), conninfo=shop.conninfo)
    assert done.returncode == Exit.USAGE
    assert "topsecret" not in done.stdout + done.stderr


def test_another_password_is_another_plan(shop: Database, tmp_path: Path) -> None:
    prints = [
        document(project(tmp_path, f"CREATE ROLE r_{shop.name} PASSWORD '{secret}';"), shop) for secret in ("a", "b")
    ]
    assert prints[0]["migrations"] == prints[1]["migrations"]
    assert prints[0]["fingerprint"] != prints[1]["fingerprint"]


def test_other_peoples_queries_lose_their_values_unless_asked(shop: Database, tmp_path: Path) -> None:
    at = project(tmp_path, HARMLESS)
    with shop.connect(autocommit=False) as connection:
        connection.execute("UPDATE orders SET note = 'call Anna' WHERE id = 1")
        plain = document(at, shop)
        asked = document(at, shop, "--show-rows")
        text = gate("plan", "--sample", "0", at=at, conninfo=shop.conninfo).stdout
    assert plain["blockers"][0]["query"] == "UPDATE orders SET note = $1 WHERE id = $2"
    assert asked["blockers"][0]["query"] == "UPDATE orders SET note = 'call Anna' WHERE id = 1"
    assert "Anna" not in text
    assert "UPDATE orders SET note = $1" in text
