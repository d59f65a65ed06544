"""A publication that takes in every new table takes in the journal too, and a subscriber without it stops."""

from __future__ import annotations

from collections.abc import Sequence

from gate.journal.making import statements
from gate.journal.tables import JournalVersion
from gate.model.plan import Finding, Severity

RULE = "journal-is-published"


def finding(schema: str, publications: Sequence[str], due: Sequence[JournalVersion], *, is_new: bool) -> Finding | None:
    """Why the journal must not be made, or changed, before somebody has accepted it; None where nothing is published.

    Source: https://www.postgresql.org/docs/18/logical-replication-restrictions.html: the schema is not replicated.
    """
    if not publications:
        return None
    names = ", ".join(publications)
    is_one = len(publications) == 1
    sql = "\n".join(f"{statement};" for statement in statements(schema, due, is_new=is_new))
    return Finding(
        rule=RULE,
        severity=Severity.REFUSE,
        problem=f"{'the publication' if is_one else 'the publications'} {names} {'takes' if is_one else 'take'} in "
        f"every new table, and so gate's journal in schema {schema}: a subscriber that does not have these tables "
        "stops applying changes at the first row of the journal",
        remedy="first run this on every subscriber, then set journal_published = true in [release] of gate.toml; or "
        f"run without a journal in the database, with --journal file:PATH. On the subscriber:\n{sql}",
    )
