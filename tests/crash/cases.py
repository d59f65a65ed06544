"""The cases: every kind of split, with work that is long enough to be hit, and plain migrations of every tool."""

from __future__ import annotations

import shutil

from tests.crash.case import CrashCase, Script, of_law
from tests.laws.test_laws import all_cases
from tests.sources.projects import TOOLS

_ROWS = 3000

# Immutable by its word only: whoever calls it for each row takes about half a second.
_SLOW = (
    "CREATE FUNCTION slow(n bigint) RETURNS bigint IMMUTABLE LANGUAGE plpgsql AS"
    f" 'BEGIN IF n % {_ROWS // 40} = 0 THEN PERFORM pg_sleep(0.01); END IF; RETURN n; END';"
    "CREATE FUNCTION slows() RETURNS trigger LANGUAGE plpgsql AS"
    " 'BEGIN PERFORM slow(NEW.id); RETURN NEW; END';"
    "CREATE FUNCTION slow_token() RETURNS uuid VOLATILE LANGUAGE plpgsql AS"
    " 'BEGIN IF random() < 0.01 THEN PERFORM pg_sleep(0.01); END IF; RETURN gen_random_uuid(); END';"
)
_SHOP = (
    f"{_SLOW}"
    "CREATE TABLE customers (id int PRIMARY KEY, name text);"
    "CREATE TABLE orders (id int PRIMARY KEY, customer int, total int, status text, note text);"
    "CREATE TABLE counted (id int PRIMARY KEY, n int NOT NULL, tag text);"
    f"INSERT INTO customers SELECT g, 'c' || g FROM generate_series(1, {_ROWS}) g;"
    f"INSERT INTO orders SELECT g, g, g * 2, CASE WHEN g % 3 = 0 THEN 'old' ELSE 'new' END, 'x'"
    f" FROM generate_series(1, {_ROWS}) g;"
    f"INSERT INTO counted SELECT g, g % 7, 'x' FROM generate_series(1, {_ROWS}) g;"
    "CREATE TRIGGER slows BEFORE UPDATE ON counted FOR EACH ROW EXECUTE FUNCTION slows()"
)
_PARTITIONED = (
    f"{_SLOW}"
    "CREATE TABLE events (id int, day date, kind text, PRIMARY KEY (day, id)) PARTITION BY RANGE (day);"
    "CREATE TABLE events_old PARTITION OF events FOR VALUES FROM ('2024-01-01') TO ('2025-01-01');"
    "CREATE TABLE events_new PARTITION OF events FOR VALUES FROM ('2025-01-01') TO ('2026-01-01');"
    f"INSERT INTO events SELECT g, date '2024-06-01' + g % 400, 'k' || g % 3 FROM generate_series(1, {_ROWS}) g"
)

_WRITTEN_DOWN = {
    "goose": ("goose_db_version.tstamp", "goose_db_version.id"),
    "prisma": ("_prisma_migrations.id", "_prisma_migrations.started_at", "_prisma_migrations.finished_at"),
    "flyway": ("flyway_schema_history.installed_on", "flyway_schema_history.execution_time"),
    "diesel": ("__diesel_schema_migrations.run_on",),
    "plain": ("applied.applied_at",),
    "sqitch": ("changes.committed_at", "events.committed_at", "projects.created_at", "releases.installed_at"),
}
"""Of each tool's rows, what differs from one run to the next."""


def _one(
    name: str, sql: str, *, setup: str = _SHOP, is_whole: bool = True, changed: str = "", tool: str = "dbmate"
) -> CrashCase:
    script = Script(sql=sql, is_whole=is_whole)
    return CrashCase(
        name=name,
        setup=setup,
        scripts=(script,),
        changed=changed,
        tool=tool,
        unlike=_WRITTEN_DOWN.get(tool, ()),
        numbers=tool == "goose",
    )


SLOW = (
    _one(
        "whole: several statements",
        "ALTER TABLE orders ADD COLUMN shipped timestamptz;\n"
        "CREATE TABLE shipments (id int PRIMARY KEY, customer int);\n"
        "ALTER TABLE orders ALTER COLUMN note SET DEFAULT 'none'",
        changed="ALTER TABLE orders ADD COLUMN shipped date",
    ),
    _one(
        "whole: a new table is filled",
        "CREATE TABLE copies AS SELECT slow(id) AS id, note FROM orders",
    ),
    _one(
        "index",
        "CREATE INDEX orders_slow ON orders (slow(customer))",
        changed="CREATE INDEX orders_slow ON orders (slow(total), note)",
    ),
    _one(
        "unique index, and a constraint by it",
        "CREATE UNIQUE INDEX orders_total ON orders (total);\n"
        "ALTER TABLE orders ADD CONSTRAINT orders_total_key UNIQUE USING INDEX orders_total",
    ),
    _one("unique constraint", "ALTER TABLE orders ADD CONSTRAINT orders_customer_key UNIQUE (customer)"),
    _one(
        "index concurrently, without a transaction",
        "CREATE INDEX CONCURRENTLY orders_slow ON orders (slow(customer))",
        is_whole=False,
    ),
    _one(
        "indexes concurrently, several in a file",
        "CREATE INDEX CONCURRENTLY orders_slow ON orders (slow(customer));\n"
        "CREATE INDEX CONCURRENTLY IF NOT EXISTS orders_note ON orders (note);\n"
        "DROP INDEX CONCURRENTLY orders_note",
        is_whole=False,
        tool="goose",
    ),
    _one(
        "drop index",
        "DROP INDEX orders_note",
        setup=f"{_SHOP}; CREATE INDEX orders_note ON orders (note)",
    ),
    _one(
        "reindex",
        "REINDEX TABLE orders",
        setup=f"{_SHOP}; CREATE INDEX orders_slow ON orders (slow(customer));CREATE INDEX orders_note ON orders (note)",
    ),
    _one(
        "reindex concurrently",
        "REINDEX INDEX CONCURRENTLY orders_slow",
        setup=f"{_SHOP}; CREATE INDEX orders_slow ON orders (slow(customer))",
        is_whole=False,
    ),
    _one(
        "foreign key",
        "ALTER TABLE orders ADD CONSTRAINT orders_customer_fk FOREIGN KEY (customer) REFERENCES customers (id)",
        changed="ALTER TABLE orders ADD CONSTRAINT orders_customer_fk FOREIGN KEY (customer) REFERENCES customers (id)"
        " ON DELETE CASCADE",
    ),
    _one(
        "check",
        "ALTER TABLE orders ADD CONSTRAINT orders_positive CHECK (slow(total) > 0)",
        changed="ALTER TABLE orders ADD CONSTRAINT orders_positive CHECK (slow(total) >= 0)",
    ),
    _one("set not null", "ALTER TABLE orders ALTER COLUMN customer SET NOT NULL"),
    _one(
        "several splits in one file",
        "ALTER TABLE orders ADD CONSTRAINT orders_customer_fk FOREIGN KEY (customer) REFERENCES customers (id);\n"
        "ALTER TABLE orders ALTER COLUMN total SET NOT NULL;\n"
        "ALTER TABLE orders ADD COLUMN shipped timestamptz;\n"
        "CREATE INDEX orders_slow ON orders (slow(customer))",
        changed="ALTER TABLE orders ADD COLUMN shipped date",
    ),
    _one("backfill that is not repeatable", "UPDATE counted SET n = n + 1"),
    _one("backfill by a condition", "UPDATE counted SET n = n + 1, tag = 'y' WHERE id % 3 <> 0"),
    _one("delete in batches", "DELETE FROM orders WHERE slow(id) % 3 = 0"),
    CrashCase(
        name="column with a volatile default",
        setup=_SHOP,
        scripts=(Script(sql="ALTER TABLE orders ADD COLUMN token uuid NOT NULL DEFAULT slow_token()"),),
        unlike=("orders.token",),
    ),
    CrashCase(
        name="column with a serial",
        setup=_SHOP,
        scripts=(Script(sql="ALTER TABLE orders ADD COLUMN nr bigserial"),),
        unlike=("orders.nr",),
        numbers=True,
    ),
    CrashCase(
        name="column with an identity",
        setup=_SHOP,
        scripts=(Script(sql="ALTER TABLE orders ADD COLUMN nr int GENERATED BY DEFAULT AS IDENTITY"),),
        unlike=("orders.nr",),
        numbers=True,
    ),
    CrashCase(
        name="type of a primary key, referenced",
        setup=f"{_SHOP}; ALTER TABLE orders ADD FOREIGN KEY (customer) REFERENCES customers",
        scripts=(
            Script(
                sql="ALTER TABLE customers ALTER COLUMN id TYPE bigint;\n"
                "ALTER TABLE orders ALTER COLUMN customer TYPE bigint"
            ),
        ),
        reorders=True,
    ),
    CrashCase(
        name="type of a column with an index and a check",
        setup=f"{_SHOP}; CREATE INDEX orders_slow ON orders (slow(total)); ALTER TABLE orders ADD CHECK (total > 0)",
        scripts=(Script(sql="ALTER TABLE orders ALTER COLUMN total TYPE bigint"),),
        reorders=True,
    ),
    _one(
        "detach concurrently",
        "ALTER TABLE events DETACH PARTITION events_old CONCURRENTLY",
        setup=_PARTITIONED,
        is_whole=False,
    ),
    _one(
        "attach",
        "ALTER TABLE events ATTACH PARTITION events_next FOR VALUES FROM ('2026-01-01') TO ('2027-01-01')",
        setup=f"{_PARTITIONED}; CREATE TABLE events_next (LIKE events INCLUDING ALL);"
        "INSERT INTO events_next SELECT g, date '2026-06-01' + g % 100, 'k' FROM generate_series(1, 500) g",
    ),
    _one("index of a partitioned table", "CREATE INDEX events_slow ON events (slow(id), kind)", setup=_PARTITIONED),
    _one(
        "settings of the file",
        "SET search_path = aside, public;\n"
        "SET synchronous_commit = off;\n"
        "CREATE INDEX orders_slow ON orders (slow(customer));\n"
        "CREATE TABLE notes (id int);\n"
        "UPDATE counted SET n = n + 1",
        setup=f"{_SHOP}; CREATE SCHEMA aside",
    ),
)

_THREE = (
    Script(
        sql="ALTER TABLE orders ADD COLUMN shipped timestamptz;\n"
        "CREATE TABLE shipments (id int PRIMARY KEY, customer int);\nUPDATE counted SET tag = 'z' WHERE id = 1"
    ),
    Script(
        sql="ALTER TABLE orders ADD CONSTRAINT orders_customer_fk FOREIGN KEY (customer) REFERENCES customers (id);\n"
        "CREATE INDEX orders_slow ON orders (slow(customer))"
    ),
    Script(sql="UPDATE counted SET n = n + 1"),
)

BY_TOOL = tuple(
    CrashCase(
        name=f"three migrations of {tool}",
        setup=_SHOP,
        scripts=_THREE,
        tool=tool,
        unlike=_WRITTEN_DOWN.get(tool, ()),
        numbers=tool == "goose",
    )
    for tool in TOOLS
    if tool != "sqitch" or shutil.which("sqitch")
)


def laws() -> dict[str, CrashCase]:
    """Every case of the laws, small as it is: the accidents hit the edges of its steps."""
    return {f"law {name}": of_law(f"law {name}", law) for name, law in all_cases().items()}


CASES = {case.name: case for case in (*SLOW, *BY_TOOL)}
