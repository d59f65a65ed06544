"""Plans to be printed: one for each thing that a report has to say."""

from __future__ import annotations

from dataclasses import replace

from gate.model.costs import Seconds
from gate.model.effects import Effect
from gate.model.locks import LockMode
from gate.model.moment import Blocker, Session
from gate.model.plan import (
    Finding,
    Hold,
    MigrationPlan,
    Mode,
    Plan,
    Severity,
    StatementPlan,
    TransactionPlan,
    Verdict,
)
from gate.model.steps import Backfill, Gather, StatementStep, StepKind, Wait
from gate.model.unread import Unread
from gate.model.work import Work

MB = 1024 * 1024


def effect(name: str, lock: LockMode, *work: Work, **more: object) -> Effect:
    """An effect on a table of the shop; what a lock shuts out is its own answer unless told."""
    values: dict[str, object] = {
        "oid": 16384,
        "schema": "public",
        "name": name,
        "kind": "r",
        "lock": lock,
        "work": work or (Work.CATALOG_ONLY,),
        "shuts_out": lock.shuts_out,
        **more,
    }
    return Effect(**values)  # type: ignore[arg-type]  # values of many types, each right for its field


ORDERS: dict[str, object] = {"rows": 5_000_000.0, "size_bytes": 1_230 * MB, "scans_per_s": 310.0, "writes_per_s": 120.4}
CUSTOMERS: dict[str, object] = {"rows": 120_000.0, "size_bytes": 34 * MB, "scans_per_s": 12.0, "writes_per_s": 0.3}

ADD_COLUMN = StatementPlan(
    line=2,
    sql="ALTER TABLE orders ADD COLUMN placed_at timestamptz NOT NULL DEFAULT now()",
    kind="ALTER TABLE",
    verdict=Verdict.PASS,
    is_understood=True,
    effects=(effect("orders", LockMode.ACCESS_EXCLUSIVE, **ORDERS),),
)
FOREIGN_KEY = StatementPlan(
    line=4,
    sql="ALTER TABLE orders ADD CONSTRAINT orders_customer_fk\n  FOREIGN KEY (customer_id) REFERENCES customers (id)",
    kind="ALTER TABLE",
    verdict=Verdict.REFUSE,
    is_understood=True,
    effects=(
        effect("orders", LockMode.SHARE_ROW_EXCLUSIVE, Work.VALIDATION_SCAN, **ORDERS),
        effect("customers", LockMode.SHARE_ROW_EXCLUSIVE, Work.READ, oid=16385, **CUSTOMERS),
    ),
    findings=(
        Finding(
            rule="works-under-blocking-lock",
            severity=Severity.REFUSE,
            problem="reads every row of public.orders (1.2 GB, about 5,000,000 rows) under SHARE ROW EXCLUSIVE: "
            "nobody can write to it until the transaction ends",
            remedy="add it NOT VALID, and validate it in a migration of its own:\n"
            "  ALTER TABLE orders ADD CONSTRAINT orders_customer_fk FOREIGN KEY (customer_id) ... NOT VALID;\n"
            "  ALTER TABLE orders VALIDATE CONSTRAINT orders_customer_fk;",
            relation="public.orders",
        ),
    ),
)
CHANGE_TYPE = StatementPlan(
    line=1,
    sql="ALTER TABLE customers ALTER COLUMN phone TYPE varchar(20)",
    kind="ALTER TABLE",
    verdict=Verdict.REFUSE,
    is_understood=True,
    effects=(effect("customers", LockMode.ACCESS_EXCLUSIVE, Work.REWRITE, loses_statistics=("phone",), **CUSTOMERS),),
    findings=(
        Finding(
            rule="works-under-blocking-lock",
            severity=Severity.REFUSE,
            problem="rewrites public.customers (34 MB, about 120,000 rows) under ACCESS EXCLUSIVE: nobody can read it",
            remedy="add a column of the new type, fill it in batches, and change over",
            relation="public.customers",
        ),
    ),
)
NOT_UNDERSTOOD = StatementPlan(
    line=9,
    sql="ALTER OPERATOR FAMILY money_ops USING btree ADD OPERATOR 1 < (money, money)",
    kind="ALTER OPERATOR FAMILY",
    verdict=Verdict.REFUSE,
    is_understood=False,
    findings=(
        Finding(
            rule="not-understood",
            severity=Severity.REFUSE,
            problem="gate does not know what this statement locks",
            remedy="run it by hand, under a lock_timeout, at a quiet hour",
        ),
    ),
)
CREATE_TABLE = StatementPlan(
    line=1,
    sql="CREATE TABLE audit (id bigint)",
    kind="CREATE TABLE",
    verdict=Verdict.PASS,
    is_understood=True,
)


def insert(line: int) -> StatementPlan:
    """One of the many lines of a file full of rows."""
    return StatementPlan(
        line=line,
        sql=f"INSERT INTO audit VALUES ({line})",
        kind="INSERT",
        verdict=Verdict.PASS,
        is_understood=True,
        effects=(
            effect("audit", LockMode.ROW_EXCLUSIVE, Work.WRITE, oid=-1, is_new=True, is_known_empty=True),
            effect("audit_id_seq", LockMode.ROW_EXCLUSIVE, Work.WRITE, oid=17000, kind="S"),
        ),
    )


BUSY = Session(
    pid=4711,
    user="shop",
    application="puma: cluster worker 2",
    state="idle in transaction",
    query="UPDATE orders SET status = 'paid'\n WHERE id = $1",
    transaction_age_s=754.2,
    state_age_s=751.0,
)

REFUSED = Plan(
    gate="0.1.0",
    server_major=15,
    server_version="15.18",
    database="shop",
    source="dbmate",
    taken_at="2026-01-02T03:04:05Z",
    fingerprint="sha256:" + "0" * 64,
    migrations=(
        MigrationPlan(
            id="20260101000000",
            path="db/migrations/20260101000000_add_fk.sql",
            is_transactional=True,
            statements=(ADD_COLUMN, FOREIGN_KEY),
            transactions=(
                TransactionPlan(
                    statements=(0, 1),
                    holds=(
                        Hold(
                            relation="public.orders",
                            lock=LockMode.ACCESS_EXCLUSIVE,
                            from_line=2,
                            shuts_out=("reads", "writes"),
                        ),
                        Hold(
                            relation="public.customers",
                            lock=LockMode.SHARE_ROW_EXCLUSIVE,
                            from_line=4,
                            shuts_out=("writes",),
                        ),
                    ),
                ),
            ),
        ),
        MigrationPlan(
            id="20260102000000",
            path="db/migrations/20260102000000_phone.sql",
            is_transactional=False,
            statements=(CHANGE_TYPE, NOT_UNDERSTOOD),
            transactions=(TransactionPlan(statements=(0,)), TransactionPlan(statements=(1,))),
        ),
        MigrationPlan(
            id="20260103000000",
            path="db/migrations/20260103000000_audit.sql",
            is_transactional=True,
            statements=(CREATE_TABLE, *(insert(line) for line in range(2, 2002))),
            transactions=(TransactionPlan(statements=tuple(range(2001))),),
        ),
    ),
    findings=(
        Finding(
            rule="out-of-order",
            severity=Severity.WARN,
            problem="20251231000000 is older than the newest applied migration, 20260100000000; "
            "dbmate applies it all the same",
            remedy="give it a newer version if its place matters",
        ),
    ),
    blockers=(
        Blocker(
            relation="public.orders",
            held=LockMode.ROW_EXCLUSIVE,
            wanted=LockMode.ACCESS_EXCLUSIVE,
            session=BUSY,
            normalised="UPDATE orders SET status = $1\n WHERE id = $2",
        ),
        Blocker(
            relation="public.customers",
            held=LockMode.ACCESS_SHARE,
            wanted=LockMode.ACCESS_EXCLUSIVE,
            session=Session(pid=0),
            what='the prepared transaction "payout-17" of shop',
        ),
        Blocker(
            relation="public.customers",
            held=LockMode.ACCESS_SHARE,
            wanted=LockMode.ACCESS_EXCLUSIVE,
            session=Session(
                pid=4712,
                user="report",
                state="active",
                query="SELECT * FROM customers WHERE phone = '0171 2345'",
                state_age_s=61.0,
                transaction_age_s=62.0,
            ),
            normalised="SELECT * FROM customers WHERE phone = $1",
        ),
    ),
    unknown=(
        Unread(
            what="the sessions of other roles",
            why="role deploy may not see them",
            remedy="GRANT pg_read_all_stats TO deploy",
        ),
    ),
    notes=("judged against the catalog stored in shop.json, taken 3 h ago",),
)

PASSED = replace(
    REFUSED,
    migrations=(replace(REFUSED.migrations[0], statements=(ADD_COLUMN,), transactions=()),),
    findings=(),
    blockers=(),
    unknown=(),
    notes=(),
)

NOTHING_PENDING = replace(PASSED, migrations=())

AHEAD = replace(
    NOTHING_PENDING,
    findings=(
        Finding(
            rule="database-ahead",
            severity=Severity.NOTE,
            problem="the database has 2 migrations that are not among these files: 20260201000000, 20260202000000",
            remedy="nothing to do after a rollback; else deploy the release that brought them",
        ),
    ),
)

DIRTY = replace(
    NOTHING_PENDING,
    source="golang-migrate",
    findings=(
        Finding(
            rule="dirty",
            severity=Severity.REFUSE,
            problem="golang-migrate marked version 7 as dirty: it failed half way",
            remedy="put right what it left, then: migrate force 7",
        ),
    ),
)

FROM_TEXT = replace(
    REFUSED,
    source="sql",
    migrations=(
        MigrationPlan(
            id=None,
            path=None,
            is_transactional=True,
            statements=(
                replace(
                    CHANGE_TYPE,
                    sql='ALTER TABLE "Kund\u0435n\x1b[2J" ALTER COLUMN "n\u00e4me" TYPE text',
                    effects=(
                        effect(
                            "Kundenverzeichnis_der_Filiale_mit_einem_sehr_langen_Namen",
                            LockMode.SHARE_UPDATE_EXCLUSIVE,
                            Work.VALIDATION_SCAN,
                            Work.INDEX_BUILD,
                        ),
                        effect("\u9867\u5ba2", LockMode.ACCESS_SHARE, Work.READ, kind="v"),
                    ),
                ),
            ),
        ),
    ),
    findings=(),
    blockers=(),
    unknown=(),
    notes=(),
)

NO_TIME = Seconds(0.001, 0.002, 0.004)
NINE_SECONDS = Seconds(4.1, 9.2, 20.3)
LINES: dict[str, object] = {"rows": 48_000_000.0, "size_bytes": 9_800 * MB, "scans_per_s": 41.0, "writes_per_s": 120.0}

SPLIT_FOREIGN_KEY = replace(
    FOREIGN_KEY,
    verdict=Verdict.SPLIT,
    effects=(
        effect("orders", LockMode.SHARE_ROW_EXCLUSIVE, Work.VALIDATION_SCAN, seconds=NINE_SECONDS, **ORDERS),
        effect("customers", LockMode.SHARE_ROW_EXCLUSIVE, Work.READ, oid=16385, seconds=NO_TIME, **CUSTOMERS),
    ),
    findings=(
        Finding(
            rule="works-under-blocking-lock",
            severity=Severity.REFUSE,
            problem="reads every row of public.orders (1.2 GB, about 5M rows) under SHARE ROW EXCLUSIVE, which shuts "
            "out writes, for about 9.2 s (4.1 s to 20 s): about 1.1k queries would queue",
            remedy="run it at a quiet hour",
            relation="public.orders",
            is_cured_by_split=True,
        ),
        Finding(
            rule="publication-lacks-it",
            severity=Severity.NOTE,
            problem="public.orders is published by shop_all: DDL is not replicated",
            remedy="run it on the subscriber first",
            relation="public.orders",
        ),
    ),
    steps=(
        StatementStep(
            sql="ALTER TABLE public.orders ADD CONSTRAINT orders_customer_fk FOREIGN KEY (customer_id) "
            "REFERENCES public.customers (id) NOT VALID",
            why="new rows of public.orders are checked from here on, the old ones are not looked at",
            undo="ALTER TABLE public.orders DROP CONSTRAINT orders_customer_fk",
            effects=(
                effect("orders", LockMode.SHARE_ROW_EXCLUSIVE, seconds=NO_TIME, **ORDERS),
                effect("customers", LockMode.SHARE_ROW_EXCLUSIVE, oid=16385, seconds=NO_TIME, **CUSTOMERS),
            ),
        ),
        StatementStep(
            sql="ALTER TABLE public.orders VALIDATE CONSTRAINT orders_customer_fk",
            why="the rows that are there are checked",
            kind=StepKind.VALIDATION,
            effects=(
                effect("orders", LockMode.SHARE_UPDATE_EXCLUSIVE, Work.VALIDATION_SCAN, seconds=NINE_SECONDS, **ORDERS),
            ),
        ),
    ),
)

VOLATILE_DEFAULT = StatementPlan(
    line=3,
    sql="ALTER TABLE order_lines ADD COLUMN token uuid NOT NULL DEFAULT gen_random_uuid()",
    kind="ALTER TABLE",
    verdict=Verdict.SPLIT,
    is_understood=True,
    effects=(
        effect(
            "order_lines",
            LockMode.ACCESS_EXCLUSIVE,
            Work.REWRITE,
            oid=16390,
            seconds=Seconds(95.0, 210.0, 480.0),
            disk_bytes=9_900 * MB,
            wal_bytes=10_400 * MB,
            **LINES,
        ),
    ),
    findings=(
        Finding(
            rule="works-under-blocking-lock",
            severity=Severity.REFUSE,
            problem="rewrites public.order_lines (9.6 GB, about 48M rows) under ACCESS EXCLUSIVE, which shuts out "
            "reads and writes, for about 3.5 min (95 s to 8 min): about 34k queries would queue",
            remedy="run it at a quiet hour",
            relation="public.order_lines",
            is_cured_by_split=True,
        ),
    ),
    steps=(
        StatementStep(
            sql="ALTER TABLE public.order_lines ADD COLUMN token uuid;\n"
            "ALTER TABLE public.order_lines ALTER COLUMN token SET DEFAULT gen_random_uuid()",
            why="new rows get a token, old ones have none yet",
            undo="ALTER TABLE public.order_lines DROP COLUMN token",
            effects=(effect("order_lines", LockMode.ACCESS_EXCLUSIVE, oid=16390, seconds=NO_TIME, **LINES),),
        ),
        Backfill(
            sql="DO $backfill$\nDECLARE\n  last bigint;\nBEGIN\n  LOOP\n"
            "    UPDATE public.order_lines SET token = gen_random_uuid() WHERE id IN (SELECT id FROM "
            "public.order_lines WHERE token IS NULL ORDER BY id LIMIT 10000);\n"
            "    EXIT WHEN NOT FOUND;\n    COMMIT;\n  END LOOP;\nEND\n$backfill$",
            why="every old row gets a token",
            relation="public.order_lines",
            oid=16390,
            keys=("id",),
            key_types=("bigint",),
            batch="UPDATE public.order_lines SET token = gen_random_uuid() WHERE id > $1 RETURNING id",
            rows=48_000_000.0,
            effects=(
                effect(
                    "order_lines",
                    LockMode.ROW_EXCLUSIVE,
                    Work.WRITE,
                    oid=16390,
                    seconds=Seconds(400.0, 900.0, 2000.0),
                    wal_bytes=18_000 * MB,
                    disk_bytes=9_000 * MB,
                    **LINES,
                ),
            ),
        ),
        Wait(
            sql="SELECT pid FROM pg_stat_activity WHERE backend_xmin IS NOT NULL",
            why="transactions that began before it are let go",
        ),
        Gather(
            sql="ANALYZE public.order_lines (token)",
            why="queries on token are planned with its statistics",
            relation="public.order_lines",
            columns=("token",),
            effects=(
                effect("order_lines", LockMode.SHARE_UPDATE_EXCLUSIVE, Work.READ, oid=16390, seconds=None, **LINES),
            ),
        ),
    ),
)

ALLOWED = StatementPlan(
    line=7,
    sql="ALTER TABLE customers DROP COLUMN fax",
    kind="ALTER TABLE",
    verdict=Verdict.PASS,
    is_understood=True,
    effects=(effect("customers", LockMode.ACCESS_EXCLUSIVE, oid=16385, seconds=NO_TIME, **CUSTOMERS),),
    findings=(
        Finding(
            rule="drops-a-column",
            severity=Severity.REFUSE,
            problem="code that is running may still read public.customers (fax)",
            remedy="first deploy code that does not read it; drop it in the release after",
            relation="public.customers",
            allowed_by="the code went out on 3 March (until 2026-04-01)",
        ),
    ),
)

SPLIT = replace(
    REFUSED,
    migrations=(
        replace(
            REFUSED.migrations[0],
            statements=(ADD_COLUMN, SPLIT_FOREIGN_KEY, ALLOWED),
            transactions=(
                TransactionPlan(
                    statements=(0, 1, 2),
                    holds=(
                        Hold(
                            relation="public.orders",
                            lock=LockMode.ACCESS_EXCLUSIVE,
                            from_line=2,
                            to_line=7,
                            shuts_out=("reads", "writes"),
                            seconds=NINE_SECONDS,
                            queued=3_960.0,
                        ),
                        Hold(
                            relation="public.customers",
                            lock=LockMode.ACCESS_EXCLUSIVE,
                            from_line=7,
                            to_line=7,
                            shuts_out=("reads", "writes"),
                            seconds=NO_TIME,
                            queued=0.0,
                        ),
                    ),
                ),
            ),
        ),
        MigrationPlan(
            id="20260104000000",
            path="db/migrations/20260104000000_tokens.sql",
            is_transactional=True,
            statements=(VOLATILE_DEFAULT,),
            transactions=(
                TransactionPlan(
                    statements=(0,),
                    holds=(
                        Hold(
                            relation="public.order_lines",
                            lock=LockMode.ACCESS_EXCLUSIVE,
                            from_line=3,
                            to_line=3,
                            shuts_out=("reads", "writes"),
                            seconds=Seconds(95.0, 210.0, 480.0),
                            queued=33_810.0,
                        ),
                    ),
                ),
            ),
        ),
    ),
    findings=(),
    unknown=(),
    notes=(),
    timings=(("bookkeeping", 0.021), ("migrations", 0.12), ("catalog", 0.31), ("traffic", 1.0)),
    free_disk_bytes=20_000 * MB,
)

ORPHANS = replace(
    FOREIGN_KEY,
    findings=(
        Finding(
            rule="orphans",
            severity=Severity.REFUSE,
            problem="at least 1,000 rows of public.orders have a customer_id that public.customers does not have: "
            "the server would reject the foreign key",
            remedy="SELECT o.id FROM orders o WHERE NOT EXISTS (SELECT FROM customers c WHERE c.id = o.customer_id) "
            "finds them: give them a customer, or delete them",
            relation="public.orders",
            examples=("id = 17", "id = 5150", "id = 90210"),
        ),
        Finding(
            rule="data-unknown",
            severity=Severity.WARN,
            problem="whether rows of public.customers lack a phone is not known: the check was stopped after 5 s",
            remedy="give it more time: check_timeout in gate.toml",
            relation="public.customers",
        ),
    ),
)

RENAME = StatementPlan(
    line=1,
    sql='ALTER TABLE "Bestellungen" RENAME COLUMN "straße" TO street',
    kind="ALTER TABLE",
    verdict=Verdict.REFUSE,
    is_understood=True,
    effects=(effect("Bestellungen", LockMode.ACCESS_EXCLUSIVE, oid=16400, rows=10.0, size_bytes=16384),),
    findings=(
        Finding(
            rule="renames-a-column",
            severity=Severity.REFUSE,
            problem='code that is running reads and writes "straße"; from this statement on every query of it fails',
            remedy="do it over several releases:\n"
            "  1. add street, and a trigger that keeps both the same\n"
            "  2. fill street where it is empty, in batches\n"
            '  3. deploy code that uses street only, then drop "straße"',
            relation="public.Bestellungen",
        ),
    ),
)

DATA = replace(
    REFUSED,
    migrations=(
        replace(
            REFUSED.migrations[0],
            statements=(ORPHANS,),
            transactions=(
                TransactionPlan(
                    statements=(0,),
                    holds=(
                        Hold(
                            relation="public.orders",
                            lock=LockMode.SHARE_ROW_EXCLUSIVE,
                            from_line=4,
                            to_line=4,
                            shuts_out=("writes",),
                        ),
                    ),
                ),
            ),
        ),
        MigrationPlan(
            id="20260105000000",
            path="db/migrations/20260105000000_stra\u00dfe.sql",
            is_transactional=False,
            statements=(RENAME,),
            transactions=(TransactionPlan(statements=(0,)),),
        ),
    ),
    findings=(),
    unknown=(),
    notes=(),
)


def _harmless(number: int) -> MigrationPlan:
    return MigrationPlan(
        id=f"2026020{number:04}",
        path=f"db/migrations/2026020{number:04}_note_{number}.sql",
        is_transactional=True,
        statements=(ADD_COLUMN,) if number % 2 else (insert(1), replace(CREATE_TABLE, line=2)),
        transactions=(TransactionPlan(statements=(0,) if number % 2 else (0, 1)),),
    )


HUNDRED = replace(
    SPLIT,
    migrations=(*map(_harmless, range(100)), replace(SPLIT.migrations[0], transactions=())),
    blockers=(),
)

PARTITIONS = replace(
    PASSED,
    migrations=(
        replace(
            PASSED.migrations[0],
            statements=(
                replace(
                    ADD_COLUMN,
                    effects=(
                        effect("measured", LockMode.ACCESS_EXCLUSIVE, kind="p"),
                        *(
                            effect(f"measured_{day:03}", LockMode.ACCESS_EXCLUSIVE, oid=20000 + day, **CUSTOMERS)
                            for day in range(365)
                        ),
                    ),
                ),
            ),
        ),
    ),
)

LONG = f"{'kundenverzeichnis_' * 4:.63}.{'bestellungen_' * 5:.63}"
LONG_NAMES = replace(
    DATA,
    database="\u9867\u5ba2" * 20,
    migrations=(
        MigrationPlan(
            id="20260106000000",
            path="prisma/" + "a_very_long_name_of_a_migration_" * 5 + "/migration.sql",
            is_transactional=True,
            statements=(
                replace(
                    ORPHANS,
                    effects=(effect(LONG.partition(".")[2], LockMode.ACCESS_EXCLUSIVE, schema=LONG.partition(".")[0]),),
                    findings=(
                        replace(
                            ORPHANS.findings[0], problem=f"rows of {LONG} say " + "\u9867\u5ba2 " * 40, remedy=LONG
                        ),
                    ),
                ),
            ),
        ),
    ),
    blockers=(),
)

OBSERVED = replace(DATA, mode=Mode.OBSERVE)

ALL = {
    "refused": REFUSED,
    "passed": PASSED,
    "nothing-pending": NOTHING_PENDING,
    "ahead": AHEAD,
    "dirty": DIRTY,
    "from-text": FROM_TEXT,
    "split": SPLIT,
    "data": DATA,
    "hundred": HUNDRED,
    "observed": OBSERVED,
    "partitions": PARTITIONS,
    "long-names": LONG_NAMES,
}
