"""What is sent for one unit, statement by statement."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gate.model.locks import LockMode
from gate.model.migration import Query, ScriptStatement
from gate.model.program import Command, Unit, UnitKind, WantedLock
from gate.model.steps import StepKind
from gate.run import limits, sending
from gate.run.limits import Limits
from gate.run.sending import Locking, transaction
from gate.run.world import Sent

LIMITS = Limits(application="gate/0123abcd/1", statement_s=60.0, stall_s=0.2, lock_s=300.0, major=18)
TEXTS = tuple(
    ScriptStatement(sql=sql, line=line, data=data)
    for line, (sql, data) in enumerate(
        [("SET search_path = app", None), ("ALTER TABLE a ADD x int", None), ("COPY a FROM STDIN", "1\n2\n")], start=1
    )
)
A = WantedLock(schema="app", name="a", mode=LockMode.ACCESS_EXCLUSIVE)
ODD = WantedLock(schema='s"', name="B b", mode=LockMode.SHARE_ROW_EXCLUSIVE)
UNIT = Unit(ordinal=1, kind=UnitKind.TRANSACTION, commands=(Command(place=1),), settings=(0,), locks=(A, ODD))
OWN = limits.session(StepKind.CATALOG, LIMITS, is_block=True)
BOOKS, MARK = Query("INSERT INTO books VALUES (%s)", ("1",)), Query("INSERT INTO gate.units VALUES (%s)", ("2",))


def again(lock_s: float) -> Sent:
    return limits.remaining(LIMITS, lock_s)


def test_a_unit_that_shuts_others_out() -> None:
    """Limits again after all that could change them; the journal's mark is written as gate's own role, last."""
    message = transaction(UNIT, TEXTS, LIMITS, Locking(locks=(A, ODD), wait_s=0.1), bookkeeping=(BOOKS,), marks=(MARK,))
    remains = again(0.1)
    assert message.sent == (
        Sent(sql="BEGIN"),
        OWN,
        Sent(sql="SET search_path = app"),
        OWN,
        limits.starts_clock(),
        remains,
        Sent(sql="LOCK TABLE ONLY app.a IN ACCESS EXCLUSIVE MODE"),
        remains,
        Sent(sql='LOCK TABLE ONLY "s"""."B b" IN SHARE ROW EXCLUSIVE MODE'),
        remains,
        Sent(sql="ALTER TABLE a ADD x int"),
        remains,
        Sent(sql="INSERT INTO books VALUES ($1)", parameters=("1",), types=(0,)),
        Sent(sql="RESET SESSION AUTHORIZATION"),
        Sent(sql="RESET ROLE"),
        Sent(sql="INSERT INTO gate.units VALUES ($1)", parameters=("2",), types=(0,)),
        remains,
        Sent(sql="COMMIT"),
    )
    assert message.sent[message.locked].sql == "ALTER TABLE a ADD x int"
    assert [message.sent[place].sql for place in message.places] == ["ALTER TABLE a ADD x int"]


def test_the_first_try_waits_for_no_lock_at_all() -> None:
    """And the statement's own locks, which LOCK TABLE cannot take, a moment."""
    message = transaction(UNIT, TEXTS, LIMITS, Locking(locks=(A,)))
    assert Sent(sql="LOCK TABLE ONLY app.a IN ACCESS EXCLUSIVE MODE NOWAIT") in message.sent
    assert again(0.01) in message.sent


def test_where_an_autovacuum_gives_way_that_comes_before_the_clock_runs() -> None:
    """It shuts nobody out, and may take longer than anybody may be kept waiting."""
    locking = Locking(locks=(A, ODD), wait_s=0.1, yields=("app.a",), yield_s=1.5)
    sent = transaction(UNIT, TEXTS, LIMITS, locking).sent
    at = sent.index(Sent(sql="LOCK TABLE ONLY app.a IN SHARE UPDATE EXCLUSIVE MODE"))
    assert sent[at - 1] == limits.configured([("lock_timeout", "1500")], is_local=True)
    assert sent[at + 1] == limits.starts_clock()
    assert [item.sql for item in sent].count('LOCK TABLE ONLY "s"""."B b" IN SHARE UPDATE EXCLUSIVE MODE') == 0


def test_what_comes_before_the_first_lock_is_done_before_it() -> None:
    unit = replace(UNIT, commands=(Command(place=2), Command(place=1)), locked_from=1, settings=())
    message = transaction(unit, TEXTS, LIMITS, Locking(locks=(A,)))
    texts = [item.sql for item in message.sent]
    assert texts.index("COPY a FROM STDIN") < texts.index(limits.starts_clock().sql) < message.locked
    assert message.sent[message.places[0]].data == "1\n2\n"
    assert message.sent[message.places[0] + 1] == OWN
    assert message.places[1] == message.locked


def test_where_nobody_is_shut_out_work_takes_as_long_as_it_takes() -> None:
    message = transaction(replace(UNIT, locks=()), TEXTS, LIMITS, Locking(), marks=(MARK,))
    assert limits.starts_clock() not in message.sent
    assert message.sent[4:6] == (Sent(sql="ALTER TABLE a ADD x int"), OWN)


def test_a_step_of_gate_s_own_needs_no_text_of_a_file() -> None:
    unit = Unit(ordinal=1, kind=UnitKind.TRANSACTION, commands=(Command(sql="ALTER TABLE a VALIDATE CONSTRAINT b"),))
    assert transaction(unit, (), LIMITS, Locking()).sent[2] == Sent(sql="ALTER TABLE a VALIDATE CONSTRAINT b")


@pytest.mark.parametrize(
    ("value", "text", "type_"),
    [
        (None, None, 0),
        (True, "true", 16),
        (False, "false", 16),
        (7, "7", 23),
        (-(2**31), "-2147483648", 23),
        (2**31, "2147483648", 20),
        (0.5, "0.5", 701),
        ("it's", "it's", 0),
        (["a", 'b"', "c\\", "", None], '{"a","b\\"","c\\\\","",NULL}', 1009),
    ],
)
def test_parameters_are_text_with_the_type_that_a_driver_would_declare(
    value: object, text: str | None, type_: int
) -> None:
    assert sending.numbered(Query("SELECT %s", (value,))) == Sent(sql="SELECT $1", parameters=(text,), types=(type_,))


def test_places_are_numbered_and_percent_signs_kept() -> None:
    found = sending.numbered(Query("SELECT 5 %% %s, %s", (2, "x")))
    assert (found.sql, found.parameters) == ("SELECT 5 % $1, $2", ("2", "x"))
    assert sending.numbered(Query("SELECT 'a%b'")).sql == "SELECT 'a%b'"


# --- the limits themselves --------------------------------------------------------------------------------------------


def pairs(sent: Sent) -> dict[str, str]:
    names, values, _ = (str(item) for item in sent.parameters)
    return dict(
        zip(names.strip("{}").replace('"', "").split(","), values.strip("{}").replace('"', "").split(","), strict=True)
    )


@pytest.mark.parametrize(
    ("kind", "lock_ms"),
    [
        (StepKind.CATALOG, "300000"),
        (StepKind.VALIDATION, "300000"),
        (StepKind.CONCURRENT, "0"),
        (StepKind.BATCH, "2000"),
    ],
)
def test_each_kind_of_step_has_limits_of_its_own(kind: StepKind, lock_ms: str) -> None:
    found = pairs(limits.session(kind, LIMITS, is_block=True))
    assert found["lock_timeout"] == lock_ms
    assert found["application_name"] == "gate/0123abcd/1"
    # Gate ends it at the end of its time; the server does if gate does not.
    assert 60_000 < int(found["statement_timeout"]) < int(found["transaction_timeout"])
    assert 0 < int(found["idle_in_transaction_session_timeout"]) <= 10_000


def test_an_older_server_is_told_nothing_that_it_does_not_know() -> None:
    found = pairs(limits.session(StepKind.CATALOG, replace(LIMITS, major=16), is_block=False))
    assert "transaction_timeout" not in found
    assert "transaction_timeout" not in dict(limits.dead_man(16))


def test_a_time_that_no_setting_holds_is_the_longest_there_is() -> None:
    found = pairs(limits.session(StepKind.CATALOG, replace(LIMITS, statement_s=1e9), is_block=True))
    assert found["statement_timeout"] == "2147483647"
