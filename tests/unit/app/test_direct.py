"""Which variable holds a pooler's address, and which the direct one of the same database."""

from __future__ import annotations

import pytest

from gate.app.direct import Address, direct_variable, pooled_variable

POOL = "postgres://u1:secret@ec2-1.compute.example:5433/d1"
DIRECT = "postgres://u1:secret@ec2-1.compute.example:5432/d1"
USED = Address(host="ec2-1.compute.example", port=5433, database="d1", user="u1")


def test_a_pooled_address_is_known_by_its_variable_whatever_its_parameters() -> None:
    assert pooled_variable(USED, {"DATABASE_CONNECTION_POOL_URL": POOL + "?sslmode=require"}) == (
        "DATABASE_CONNECTION_POOL_URL"
    )
    assert pooled_variable(USED, {"DATABASE_CONNECTION_POOL_URL": DIRECT, "DATABASE_URL": POOL}) is None
    assert pooled_variable(USED, {"CONNECTION_POOL_URL": "redis://h:5433/d1", "X_POOL_URL": "http://[broken"}) is None


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({"DATABASE_URL": DIRECT}, "DATABASE_URL"),
        ({"HEROKU_POSTGRESQL_COBALT_URL": DIRECT}, "HEROKU_POSTGRESQL_COBALT_URL"),
        ({"DATABASE_URL": DIRECT, "HEROKU_POSTGRESQL_COBALT_URL": DIRECT}, "DATABASE_URL"),
        ({"DATABASE_URL": POOL, "DIRECT_DATABASE_URL": DIRECT}, "DIRECT_DATABASE_URL"),
        ({"DATABASE_URL": POOL, "HEROKU_POSTGRESQL_COBALT_URL": DIRECT}, "HEROKU_POSTGRESQL_COBALT_URL"),
        ({"DATABASE_URL": POOL}, None),
        ({"DATABASE_URL": DIRECT, "OTHER_POOL_URL": DIRECT}, None),
        ({"DATABASE_URL": "postgres://u2:s@elsewhere.example/d2"}, None),
        ({}, None),
    ],
)
def test_the_direct_address_of_the_same_database(environment: dict[str, str], expected: str | None) -> None:
    assert direct_variable(USED, environment) == expected
