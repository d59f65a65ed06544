"""`gate.plan_sql`: SQL text held against a live database, from Python."""

from __future__ import annotations

from gate.app.looking import look
from gate.db.connect import connect
from gate.db.syntax import accepts
from gate.model.migration import Migration, Sending
from gate.model.plan import Plan
from gate.plan.pipeline import judge
from gate.plan.reading import ReadMigration, read


def plan_sql(sql: str, conninfo: str) -> Plan:
    """Judge any number of statements, in order, as one migration; nothing is changed and no lock is waited for.

    Raises:
        InvalidSql: the text does not parse; `line` and `column` say where.
        Unreachable, MissingPrivilege: the connection.
    """
    from gate.sql.script import split_script

    statements = split_script(sql, copy_data=True)
    migrations = [_as_migration(sql, statements_read) for statements_read in read([_migration(sql, statements)])]
    with connect(conninfo, application_name="gate plan") as connection:
        snapshot = look(connection, migrations)
        return judge(migrations, snapshot, source="sql", accepts=lambda text: accepts(connection, text))


def _migration(sql: str, statements: tuple) -> Migration:  # type: ignore[type-arg]
    return Migration(id=None, path=None, text=sql, statements=statements)


def _as_migration(sql: str, item: ReadMigration) -> ReadMigration:
    """One statement that refuses a transaction is judged outside one."""
    from dataclasses import replace

    del sql
    alone = (
        len(item.statements) == 1
        and item.statements[0].statement is not None
        and item.statements[0].statement.forbids_transaction
    )
    if not alone:
        return item
    return replace(item, migration=replace(item.migration, is_transactional=False, sending=Sending.EACH))
