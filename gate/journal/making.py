"""How the journal comes to be, all of a version or nothing of it; and why it cannot be made, with the way out."""

from __future__ import annotations

from collections.abc import Sequence

from gate.journal.looking import Look
from gate.journal.names import identifier
from gate.journal.tables import JournalVersion
from gate.model.errors import GateError, MissingPrivilege, UsageError
from gate.model.migration import Query
from gate.model.names import quoted

_LOCK_TIMEOUT = "2s"
_STATEMENT_TIMEOUT = "30s"


def statements(schema: str, due: Sequence[JournalVersion], *, is_new: bool) -> tuple[str, ...]:
    """What these versions consist of, as SQL that a person can run too."""
    creates = (f"CREATE SCHEMA {identifier(schema)}",) if is_new else ()
    return (*creates, *(statement for version in due for statement in version.written(schema)))


def made(schema: str, due: Sequence[JournalVersion], *, gate: str, is_new: bool) -> Query:
    """One DO: one message and one transaction, in which nothing waits for long.

    No other session can be making it too, for the runner's lock is held; IF NOT EXISTS is for whoever made it by hand.
    """
    marks = [
        f"INSERT INTO {identifier(schema)}.journal_versions (version, gate) VALUES ({version.version}, {_text(gate)}) "
        "ON CONFLICT DO NOTHING"
        for version in due
    ]
    settings = [
        f"PERFORM pg_catalog.set_config('{name}', '{value}', true)"
        for name, value in (
            ("lock_timeout", _LOCK_TIMEOUT),
            ("statement_timeout", _STATEMENT_TIMEOUT),
            ("search_path", "pg_catalog"),
        )
    ]
    body = "; ".join((*settings, *statements(schema, due, is_new=is_new), *marks))
    return Query(_block(f"BEGIN {body}; END"))


def _block(body: str) -> str:
    """Dollar quotes, whatever the schema's name holds: in them a backslash is a backslash under every setting."""
    tag = "$gate$"
    while tag in body:
        tag = f"{tag[:-1]}_$"
    return f"DO {tag}{body}{tag}"


def _text(version: str) -> str:
    return "'" + version.replace("'", "''") + "'"


def refusal(schema: str, look: Look) -> GateError:
    """Why the journal cannot be made or written."""
    if look.is_read_only:
        return UsageError(
            f"the database {look.database} lets this session only read, so nothing can be released to it",
            remedy="SHOW default_transaction_read_only tells whether the role, the database or the server says so",
        )
    if not look.has_schema:
        return _may_not_create_schema(schema, look)
    if look.unreadable or look.unwritable or (look.has_journal and not look.may_use_schema):
        return MissingPrivilege(
            f"the role {look.role} may not write to the journal in schema {schema}",
            remedy=look.grant(schema, writes=True),
        )
    if not look.has_journal and (look.others or look.tables):
        found = (*look.others, *look.tables)[0]
        return UsageError(
            f"the schema {schema} is in use by something else: it has {schema}.{found}, and no journal",
            remedy="--journal-schema NAME puts the journal into another schema",
        )
    return MissingPrivilege(
        f"the role {look.role} may not create tables in schema {schema}, where the journal belongs",
        remedy=f"GRANT USAGE, CREATE ON SCHEMA {quoted(schema)} TO {quoted(look.role)}",
    )


def _may_not_create_schema(schema: str, look: Look) -> MissingPrivilege:
    role = quoted(look.role)
    return MissingPrivilege(
        f"the role {look.role} may not create the schema {schema} in {look.database}, where the journal belongs",
        remedy=f"GRANT CREATE ON DATABASE {quoted(look.database)} TO {role}; or let an administrator make it once: "
        f"CREATE SCHEMA {quoted(schema)} AUTHORIZATION {role}",
    )
