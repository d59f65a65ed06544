"""Plans to be printed: one for each thing that a report has to say."""

from __future__ import annotations

from dataclasses import replace

from gate.model.effects import Effect
from gate.model.locks import LockMode
from gate.model.moment import Blocker, Session
from gate.model.plan import (
    Finding,
    Hold,
    MigrationPlan,
    Plan,
    Severity,
    StatementPlan,
    TransactionPlan,
    Verdict,
)
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
        Blocker(relation="public.orders", held=LockMode.ROW_EXCLUSIVE, wanted=LockMode.ACCESS_EXCLUSIVE, session=BUSY),
        Blocker(
            relation="public.customers",
            held=LockMode.ACCESS_SHARE,
            wanted=LockMode.ACCESS_EXCLUSIVE,
            session=Session(pid=0),
            what='the prepared transaction "payout-17" of shop',
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

ALL = {
    "refused": REFUSED,
    "passed": PASSED,
    "nothing-pending": NOTHING_PENDING,
    "ahead": AHEAD,
    "dirty": DIRTY,
    "from-text": FROM_TEXT,
}
