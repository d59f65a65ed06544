"""`gate.plan_sql`: SQL text held against a live database, from Python."""

from __future__ import annotations

from dataclasses import replace

from gate.app.clock import Clock
from gate.app.looking import look
from gate.app.weighing import Weighing, weigh
from gate.db.connect import connect
from gate.model.migration import Migration, Sending
from gate.model.plan import Plan
from gate.plan.reading import ReadMigration, read
from gate.sql.script import split_script


def plan_sql(sql: str, conninfo: str) -> Plan:
    """Judge any number of statements, in order, as one migration; nothing is changed and no lock is waited for.

    Raises:
        InvalidSql: the text does not parse; `line` and `column` say where.
        Unreachable, MissingPrivilege: the connection.
    """
    migration = Migration(id=None, path=None, text=sql, statements=split_script(sql, copy_data=True))
    migrations = tuple(_outside_if_alone(item) for item in read([migration]))
    with connect(conninfo, application_name="gate plan") as connection:
        snapshot = look(connection, migrations)
        return weigh(connection, migrations, snapshot, Weighing(source="sql"), Clock())


def _outside_if_alone(item: ReadMigration) -> ReadMigration:
    """One statement that refuses a transaction is judged outside one."""
    only = item.statements[0].statement if len(item.statements) == 1 else None
    if only is None or not only.forbids_transaction:
        return item
    return replace(item, migration=replace(item.migration, is_transactional=False, sending=Sending.EACH))
