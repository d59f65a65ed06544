"""What never gives NULL, as a server has it; what may is not called so."""

from __future__ import annotations

import pytest

from gate.sql.never_null import is_never_null
from tests.servers import Database

VALUES = [
    "random()",
    "random() * 10 - 5",
    "-random()",
    "floor(random() * 100)::int",
    "gen_random_uuid()",
    "pg_catalog.clock_timestamp()",
    "now() + random() * interval '1 day'",
    "CURRENT_TIMESTAMP",
    "md5(random()::text)",
    "'order-' || substr(md5(random()::text), 1, 8)",
    "coalesce(NULL, 5, random())",
    "upper(md5('x'))",
    "nextval('public.s')",
]
UNKNOWN = [
    "NULL",
    "NULL::int",
    "random() + NULL",
    "nullif(random(), 5)",
    "CASE WHEN random() < 0.5 THEN 1 END",
    "drawn()",
    "other.random()",
    "lower(drawn()::text)",
    "coalesce(drawn(), NULL)",
    "DEFAULT",
    "(SELECT 1)",
    "current_setting('gate.x', true)",
    "'{1}'::int[] -> 5",
    "not SQL",
]


@pytest.mark.parametrize("text", VALUES)
def test_it_gives_a_value(text: str, database: Database) -> None:
    assert is_never_null(text)
    database.execute("CREATE SEQUENCE s")
    assert database.fetch(f"SELECT count(*) FROM generate_series(1, 20) WHERE ({text}) IS NULL") == [(0,)]


@pytest.mark.parametrize("text", UNKNOWN)
def test_it_may_not(text: str) -> None:
    assert not is_never_null(text)
