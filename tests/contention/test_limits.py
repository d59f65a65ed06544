"""The limits that a step has are gate's own, whatever the role, the database or the file says."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from gate.model.run import Outcome
from tests.contention.scene import ADDS, Scene, once_begun
from tests.servers import LiveServer

SEES = (
    "CREATE TABLE seen AS SELECT current_setting('lock_timeout') AS lock_timeout, "
    "current_setting('statement_timeout') AS statement_timeout, "
    "current_setting('idle_in_transaction_session_timeout') AS idle"
)


class Crash(Exception):
    """The release is gone from one moment to the next."""


def test_what_the_role_sets_changes_nothing(scene: Scene, major: int) -> None:
    """Its limits would end every step, and gate's own questions too."""
    names = ["lock_timeout", "statement_timeout", "idle_in_transaction_session_timeout", "idle_session_timeout"]
    for name in [*names, *(["transaction_timeout"] if major >= 17 else [])]:
        scene.database.execute(f"ALTER ROLE postgres IN DATABASE {scene.database.name} SET {name} = '100ms'")
    scene.migration("SELECT pg_sleep(0.4)")
    scene.migration("ALTER TABLE orders ADD CONSTRAINT fk FOREIGN KEY (customer_id) REFERENCES customers")
    told = scene.release()
    assert (told.run.outcome, told.run.problem) == (Outcome.DONE, "")


@pytest.mark.parametrize("together", [ADDS, "SELECT 1"], ids=["blocking", "harmless"])
def test_what_a_file_sets_does_not_raise_the_limits(together: str, scene: Scene) -> None:
    scene.migration("SET lock_timeout = '1h'", "SET LOCAL statement_timeout = 0", "SET statement_timeout = '2h'",
                    "SET idle_in_transaction_session_timeout = 0", together, SEES)  # fmt: skip
    told = scene.release(budget_s=120)
    assert (told.run.outcome, told.run.problem) == (Outcome.DONE, "")
    ((lock, statement, idle),) = scene.database.fetch(
        "SELECT lock_timeout::interval < '10min', statement_timeout::interval < '10min', idle::interval < '1min' "
        "FROM seen WHERE '0' NOT IN (lock_timeout, statement_timeout, idle)"
    )
    assert lock
    assert statement
    assert idle


@pytest.fixture
def owner(scene: Scene, server: LiveServer) -> Iterator[str]:
    """A role with a schema that has an `orders` of its own."""
    name = f"owner_{scene.database.name}"
    scene.database.execute(
        f"CREATE ROLE {name}; CREATE SCHEMA app AUTHORIZATION {name}; SET ROLE {name};"
        "CREATE TABLE app.customers (id integer PRIMARY KEY);"
        "CREATE TABLE app.orders (id integer PRIMARY KEY, customer_id integer);"
        "INSERT INTO app.orders SELECT generate_series(1, 20000); ANALYZE app.orders; RESET ROLE;"
        # Its rows are written by whoever the file has become.
        f"GRANT SELECT, INSERT ON schema_migrations TO {name}"
    )
    yield name
    scene.database.execute(f"DROP OWNED BY {name} CASCADE")
    server.admin.execute(f"DROP ROLE {name}".encode())


MADE = """
SELECT n.nspname, c.relname, pg_get_userbyid(c.relowner) LIKE 'owner%' FROM pg_class c
JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.relname ~ '^made|^orders_customer' ORDER BY 2
"""


@pytest.mark.parametrize("crashes_at", [None, 2, 3, 4])
def test_what_a_file_sets_holds_for_each_of_its_steps_and_not_for_the_next(
    crashes_at: int | None, scene: Scene, owner: str
) -> None:
    """Also for those that another run takes up."""
    scene.migration(
        f"SET ROLE {owner}",
        "SET search_path = app",
        "ALTER TABLE orders ADD CONSTRAINT fk FOREIGN KEY (customer_id) REFERENCES customers",
        "CREATE INDEX orders_customer ON orders (customer_id)",
        "CREATE TABLE made_1 ()",
    )
    scene.migration("CREATE TABLE made_2 ()")

    def crash() -> None:
        raise Crash

    if crashes_at is not None:
        with pytest.raises(Crash):
            scene.release(once_begun(crash, crashes_at))
    told = scene.release()
    assert (told.run.outcome, told.run.problem) == (Outcome.DONE, "")
    assert scene.database.fetch(MADE) == [
        ("app", "made_1", True),
        ("public", "made_2", False),
        ("app", "orders_customer", True),
    ]
    assert scene.database.fetch(
        "SELECT conrelid::regclass::text, convalidated FROM pg_constraint WHERE conname = 'fk'"
    ) == [("app.orders", True)]
