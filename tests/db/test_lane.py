"""The connection that is worked without waiting, on a server of every major."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from gate.db.connect import connect
from gate.db.lane import Lane
from gate.run import limits
from gate.run.limits import Limits
from gate.run.world import Sent
from tests.contention.scene import until
from tests.servers import Database

TABLE = "CREATE TABLE t (id integer PRIMARY KEY, name text)"
BEGIN, COMMIT, ROLLBACK = Sent(sql="BEGIN"), Sent(sql="COMMIT"), Sent(sql="ROLLBACK")
SHORT = Limits(application="gate/0123abcd/1", statement_s=60.0, stall_s=0.3, lock_s=60.0)


@pytest.fixture
def database(clone: Callable[[str], Database]) -> Database:
    return clone(TABLE)


@pytest.fixture
def lane(database: Database) -> Iterator[Lane]:
    made = Lane(lambda: connect(database.conninfo))
    yield made
    made.close()


def naps(seconds: float) -> Sent:
    return Sent(sql=f"SELECT pg_sleep({seconds})")


# --- what is sent and what comes back ---------------------------------------------------------------------------------


def test_a_pipeline_answers_each_in_order(lane: Lane) -> None:
    answer = lane.ask((
        BEGIN,
        Sent(sql="INSERT INTO t VALUES ($1, $2)", parameters=("1", None), types=(23, 0)),
        Sent(sql="SELECT id, name FROM t"),
        COMMIT,
    ))  # fmt: skip
    assert (answer.error, answer.rows) == (None, ((), (), ({"id": 1, "name": None},), ()))
    assert answer.counts == (None, 1, 1, None)
    assert not lane.is_in_transaction


@pytest.mark.parametrize("at", [0, 1, 2, 3])
def test_an_error_is_told_with_its_place_and_what_follows_is_not_run(at: int, lane: Lane, database: Database) -> None:
    sent = [Sent(sql=f"INSERT INTO t VALUES ({number})") for number in range(4)]
    sent[at] = Sent(sql="SELECT 1 / 0")
    answer = lane.ask([BEGIN, *sent, COMMIT])
    assert answer.error is not None
    assert (answer.error.at, answer.error.sqlstate, answer.error.is_lost) == (at + 1, "22012", False)
    assert len(answer.rows) == at + 1
    assert lane.is_in_transaction
    assert lane.ask((ROLLBACK,)).error is None
    assert database.fetch("SELECT FROM t") == []


def test_copy_data_follow_their_statement(lane: Lane) -> None:
    many = "".join(f"{number}\tname {number}\n" for number in range(50_000))
    answer = lane.ask((BEGIN, Sent(sql="COPY t FROM STDIN", data=many), Sent(sql="SELECT count(*) FROM t"), COMMIT))
    assert answer.error is None
    assert answer.rows[2] == ({"count": 50_000},)


def test_copy_data_that_do_not_fit_are_an_error_at_their_statement(lane: Lane) -> None:
    answer = lane.ask((BEGIN, Sent(sql="COPY t FROM STDIN", data="1\ta\n1\tb\n"), COMMIT))
    assert answer.error is not None
    assert (answer.error.at, answer.error.sqlstate) == (1, "23505")
    assert lane.ask((ROLLBACK, Sent(sql="SELECT 1 AS a"))).rows[1] == ({"a": 1},)


def test_copy_to_has_nobody_to_read_it(lane: Lane) -> None:
    answer = lane.ask((Sent(sql="COPY t TO STDOUT"),))
    assert answer.error is not None
    lane.renew()
    assert lane.ask((Sent(sql="SELECT 1 AS a"),)).rows == (({"a": 1},),)


def test_notices_belong_to_their_answer(lane: Lane) -> None:
    raises = Sent(sql="DO $$ BEGIN RAISE NOTICE 'seen'; END $$")
    assert lane.ask((raises,)).notices == ("seen",)
    assert lane.ask((Sent(sql="SELECT 1"),)).notices == ()


def test_a_large_answer_and_a_large_question(lane: Lane) -> None:
    text = "x" * 3_000_000
    sent = Sent(sql="SELECT $1::text || $1::text AS twice", parameters=(text,))
    assert lane.ask((sent, sent)).rows[1][0]["twice"] == text + text


# --- what ends before its time ----------------------------------------------------------------------------------------


def test_a_cancel_ends_the_statement_and_not_the_session(lane: Lane, database: Database) -> None:
    lane.start((BEGIN, naps(60), COMMIT))
    assert lane.answer() is None
    until(
        lambda: database.fetch(
            f"SELECT FROM pg_stat_activity WHERE pid = {lane.backend.pid} AND wait_event = 'PgSleep'"
        )
    )
    lane.cancel()
    answer = until(lane.answer)
    assert (answer.error.sqlstate, answer.error.at) == ("57014", 1)
    assert lane.ask((ROLLBACK,)).error is None


def test_a_terminated_session_is_a_lost_connection(lane: Lane, database: Database) -> None:
    before = lane.backend
    lane.start((BEGIN, naps(60), COMMIT))
    until(lambda: database.fetch(f"SELECT FROM pg_stat_activity WHERE pid = {before.pid} AND wait_event = 'PgSleep'"))
    database.execute(f"SELECT pg_terminate_backend({before.pid})")
    answer = until(lane.answer)
    assert answer.error.is_lost
    assert lane.is_lost or lane.ask((Sent(sql="SELECT 1"),)).error is not None
    lane.renew()
    assert lane.backend != before
    assert lane.ask((Sent(sql="SELECT 1 AS a"),)).rows == (({"a": 1},),)


def test_what_is_sent_over_a_lost_connection_is_answered(lane: Lane, database: Database) -> None:
    database.execute(f"SELECT pg_terminate_backend({lane.backend.pid})")
    until(lambda: not database.fetch(f"SELECT FROM pg_stat_activity WHERE pid = {lane.backend.pid}"))
    for sent in ((BEGIN, COMMIT), (BEGIN,)):
        lane.start(sent)
        assert until(lane.answer).error.is_lost
    lane.close()
    assert (lane.fileno(), lane.is_busy) == (-1, False)


def test_an_answer_that_does_not_come_is_that_of_a_lost_connection(lane: Lane) -> None:
    answer = lane.ask((naps(60),), timeout_s=0.1)
    assert answer.error is not None
    assert answer.error.is_lost
    assert lane.is_lost


# --- the limits, as the server takes them -----------------------------------------------------------------------------


def set_ms(name: str, value: int) -> Sent:
    return Sent(sql=f"SET LOCAL {name} = {value}")


def test_statement_timeout_counts_each_statement_of_a_pipeline_anew(lane: Lane) -> None:
    """Without that the limits of one step could not be sent in one message."""
    answer = lane.ask((BEGIN, set_ms("statement_timeout", 1000), *[naps(0.4)] * 4, COMMIT))
    assert answer.error is None
    answer = lane.ask((BEGIN, set_ms("statement_timeout", 100), Sent(sql="SELECT 1"), naps(60), COMMIT))
    assert answer.error is not None
    assert (answer.error.sqlstate, answer.error.at) == ("57014", 3)
    lane.ask((ROLLBACK,))


def test_what_remains_holds_for_all_statements_together(lane: Lane) -> None:
    """Each of them alone is far within the limit."""
    again = limits.remaining(SHORT, 60.0)
    naps_ = [item for _ in range(20) for item in (again, naps(0.05))]
    answer = lane.ask((BEGIN, limits.starts_clock(), *naps_, COMMIT))
    assert answer.error is not None
    assert answer.error.sqlstate == "57014"
    assert 3 < answer.error.at < 2 + len(naps_)
    lane.ask((ROLLBACK,))


def test_what_remains_holds_for_queue_and_lock_together(lane: Lane, database: Database) -> None:
    """A lock that is had late leaves less for what is done under it; lock_timeout by itself would not tell."""
    other = database.connect(autocommit=False)
    other.execute("LOCK TABLE t IN ACCESS EXCLUSIVE MODE")
    again = limits.remaining(SHORT, 60.0)
    lock = Sent(sql="LOCK TABLE ONLY public.t IN ACCESS EXCLUSIVE MODE")
    answer = lane.ask((BEGIN, limits.starts_clock(), again, lock, again, naps(60), COMMIT))
    other.close()
    assert answer.error is not None
    assert (answer.error.sqlstate, answer.error.at) == ("57014", 3)
    lane.ask((ROLLBACK,))
    # What the role or the file says meanwhile is overruled before the next statement.
    answer = lane.ask((BEGIN, limits.starts_clock(), set_ms("statement_timeout", 0), again, naps(60), COMMIT))
    assert answer.error is not None
    assert (answer.error.sqlstate, answer.error.at) == ("57014", 4)


def test_a_lock_has_its_own_limit_within_that(lane: Lane, database: Database) -> None:
    other = database.connect(autocommit=False)
    other.execute("LOCK TABLE t IN ACCESS EXCLUSIVE MODE")
    lock = Sent(sql="LOCK TABLE ONLY public.t IN ACCESS EXCLUSIVE MODE")
    generous = Limits(application="gate", statement_s=60.0, stall_s=60.0, lock_s=60.0)
    answer = lane.ask((BEGIN, limits.starts_clock(), limits.remaining(generous, 0.05), lock, COMMIT))
    other.close()
    assert answer.error is not None
    assert (answer.error.sqlstate, answer.error.at) == ("55P03", 3)
