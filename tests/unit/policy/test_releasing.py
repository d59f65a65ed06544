"""`[release]` of gate.toml: what it says, and what it cannot mean."""

from __future__ import annotations

import tomllib

import pytest

from gate.model.errors import UsageError
from gate.policy.file import validated
from gate.policy.journals import journal_path, journal_schema_problem
from gate.policy.policy import DEFAULT, HookSetting, KillFilter, Release, Throttle, Undo
from gate.policy.settling import policy_of


def release(text: str) -> Release:
    return policy_of(validated(tomllib.loads(text), "gate.toml"), "gate.toml", lambda: ()).release


def test_without_a_table_there_are_the_defaults() -> None:
    assert release("") == release("[release]") == release("[release.throttle]") == DEFAULT.release


def test_times_and_choices() -> None:
    told = release(
        '[release]\nstall = "100ms"\nlock_wait = "1min"\nrunner_wait = 5\ngrace = "4s"\nundo = "always"\n'
        "down = true\njournal_published = true"
    )
    assert told == Release(
        stall_s=0.1,
        lock_wait_s=60,
        runner_wait_s=5,
        grace_s=4,
        undo=Undo.ALWAYS,
        down=True,
        is_journal_published=True,
    )


def test_a_throttle_goes_on_from_the_default_one() -> None:
    told = release('[release.throttle]\nbatch = "50ms"\nlag = "off"\nlag_wal = "1GB"\ngrowth = "10GB"\nactive = 3')
    assert told.throttle == Throttle(batch_s=0.05, lag_s=None, lag_bytes=1024**3, growth_bytes=10 * 1024**3, active=3)
    off = release('[release.throttle]\nlag_wal = "off"\nretained_wal = "off"\ngrowth = "off"\nactive = "off"').throttle
    assert off == Throttle(lag_bytes=None, retained_bytes=None, growth_bytes=None, active=None)


def test_who_may_be_ended() -> None:
    told = release(
        '[[release.kill]]\napplication = "metabase*"\nolder_than = "5min"\nhow = "cancel"\nreason = " again "\n'
        '[[release.kill]]\nidle_in_transaction = "10min"\nuser = "web"'
    )
    assert told.kill == (
        KillFilter(application="metabase*", older_than_s=300, how="cancel", reason="again"),
        KillFilter(user="web", idle_in_transaction_s=600, how="terminate"),
    )


def test_hooks_keep_their_order() -> None:
    told = release(
        '[[release.on_failure]]\ncommand = ["a", "", "b c"]\ntimeout = "10s"\n[[release.on_failure]]\ncommand = ["d"]\n'
        '[[release.on_refused]]\ncommand = ["e"]\n[[release.on_success]]\ncommand = ["f"]'
    )
    assert told.on_failure == (HookSetting(command=("a", "", "b c"), timeout_s=10), HookSetting(command=("d",)))
    assert (told.on_refused, told.on_success) == ((HookSetting(command=("e",)),), (HookSetting(command=("f",)),))


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("release = 3", "release is a table: write [release]"),
        ("[release]\nstal = 1", "unknown key 'release.stal', did you mean stall?"),
        ("[release]\nbudget = '1h'", "unknown key 'release.budget', budget stands at the top of the file"),
        ("[release]\nstall = 'soon'", "release.stall: write a time such as 200ms"),
        (
            "[release]\nundo = 'alway'",
            "release.undo: input should be 'failed', 'always' or 'never', did you mean always?",
        ),
        ("[release]\ndown = 'yes'", "release.down: input should be a valid boolean"),
        ("[release]\nkill = 'x'", "release.kill is a list of tables: write [[release.kill]]"),
        (
            "[release.on_failure]\ncommand = ['x']",
            "release.on_failure is a list of tables: write [[release.on_failure]]",
        ),
        (
            "[[release.on_failure]]\ncommand = 'a b'",
            "release.on_failure.0.command: write a list, for no shell reads it",
        ),
        ("[[release.on_success]]\ntimeout = 1", "release.on_success.0 has neither command nor hook"),
        ('[[release.on_failure]]\ncommand = ["a"]\nhook = "slack"', "has both a command and a hook"),
        ('[[release.on_failure]]\ncommand = ["a"]\nurl = "b"', "unknown key 'url' of a command"),
        ('[[release.on_failure]]\ncommand = ["a"]\nrequired = false', "required is for on_begin"),
        ("[[release.on_success]]\ncommand = [1]", "release.on_success.0.command.0: input should be a valid string"),
        ("[[release.kill]]\naplication = 'x'", "unknown key 'release.kill.0.aplication', did you mean application?"),
        ("[[release.kill]]\nhow = 'kill'", "release.kill.0.how: input should be 'cancel' or 'terminate'"),
        ("[release.throttle]\nlag = 'never'", "release.throttle.lag: write a time such as"),
        ("[release.throttle]\nlag_wal = -1", "release.throttle.lag_wal: must not be less than nothing"),
        (
            "[release.throttle]\nactive = 1.5",
            'release.throttle.active: write a number of sessions such as 25, or "off"',
        ),
        ("[release.throttle]\nactive = true", "release.throttle.active: write a number of sessions"),
        ("[release.throttle]\nbatch = 'off'", "release.throttle.batch: write a time such as"),
    ],
)
def test_what_is_wrong_is_named(text: str, problem: str) -> None:
    _expect(text, problem)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("[release]\nstall = 0", "release.stall is below 1 ms: no lock could ever be had"),
        ("[release]\nstall = '10us'", "release.stall is below 1 ms"),
        ("[release]\nlock_wait = '100ms'", "release.stall is 0.2 s, longer than release.lock_wait (0.1 s)"),
        ("[release]\nstall = '1h'", "release.stall is 3600 s, longer than release.lock_wait (300 s)"),
        ("[release]\ngrace = 0", "release.grace is 0: nothing could be ended in it"),
        ("budget = '1min'\n[release]\nlock_wait = '2min'", "release.lock_wait is 120 s, longer than the budget"),
        ("budget = '1min'\n[release]\nrunner_wait = '2min'", "release.runner_wait is 120 s, longer than the budget"),
        ("[release]\njournal = 'file:'", "release.journal: write database, or file:PATH"),
        ("[release]\njournal = '/tmp/x'", "release.journal: write database, or file:PATH"),
        ("[release]\njournal_schema = 'pg_gate'", "release.journal_schema is pg_gate, which is PostgreSQL's own"),
        ("[release]\njournal_schema = ''", "release.journal_schema names no schema"),
        (
            "[release]\njournal = 'file:x'\njournal_schema = 'y'",
            "release.journal_schema says nothing of a journal that is a file",
        ),
        (
            "[release]\njournal = 'file:x'\njournal_published = true",
            "release.journal_published says nothing of a journal that is a file",
        ),
        ("[release.throttle]\nbatch = 0", "release.throttle.batch is below 1 ms"),
        ("[release.throttle]\nlag = 0", 'release.throttle.lag is 0: no backfill would ever go on; "off" takes it away'),
        ("[[release.kill]]\nreason = 'all'", "release.kill.0 would end whoever is in the way"),
        ("[[release.kill]]\napplication = '*'\nuser = ' '", "release.kill.0 would end whoever is in the way"),
        ("[[release.kill]]\nolder_than = '1h'", "release.kill.0 would end whoever is in the way"),
        ("[[release.kill]]\nidle_in_transaction = 0", "release.kill.0.idle_in_transaction is 0"),
        (
            "[[release.kill]]\nidle_in_transaction = 5\nhow = 'cancel'",
            "release.kill.0.how is cancel, which does nothing to a session that is idle",
        ),
        ("[[release.on_failure]]\ncommand = []", "release.on_failure.0.command names no program"),
        ("[[release.on_failure]]\ncommand = [' ']", "release.on_failure.0.command names no program"),
        (
            '[[release.on_failure]]\ncommand = ["a", "\\u0000"]',
            "on_failure.0.command holds a character that no argument",
        ),
        ("[[release.on_failure]]\ncommand = ['a']\ntimeout = 0", "release.on_failure.0.timeout is below 1 ms"),
        (
            "[release]\nreplica_url = 'env:A'\n[databases.shop]\nurl_variable = 'B'",
            "release.replica_url stands beside databases",
        ),
        (
            "[databases.shop]\nurl_variable = 'B'\nreplica_url_variable = 'postgres://h/d'",
            "databases.shop.replica_url_variable is no variable's name",
        ),
    ],
)
def test_what_contradicts_itself_is_named(text: str, problem: str) -> None:
    _expect(text, problem)


@pytest.mark.parametrize(("told", "path"), [("database", None), (" file:a b ", "a b"), ("file:/x", "/x")])
def test_where_the_journal_is(told: str, path: str | None) -> None:
    assert journal_path(told) == path


@pytest.mark.parametrize("name", ["gate", "Größe", "information", "x" * 63])
def test_a_schema_for_the_journal(name: str) -> None:
    assert journal_schema_problem(name) == ""


@pytest.mark.parametrize("name", ["", "pg_x", "information_schema", "ö" * 32, "a\0b"])
def test_no_schema_for_the_journal(name: str) -> None:
    assert journal_schema_problem(name)


def _expect(text: str, problem: str) -> None:
    with pytest.raises(UsageError) as caught:
        release(text)
    assert caught.value.problem.startswith("gate.toml: ")
    assert problem in caught.value.problem
    assert caught.value.remedy
