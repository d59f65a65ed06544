"""Names as SQL that a person pastes: quoted where the server would take them for keywords."""

from __future__ import annotations

from gate.model.names import RESERVED, Name, quoted
from tests.servers import LiveServer


def test_every_keyword_that_no_table_may_be_called_is_quoted(server: LiveServer) -> None:
    rows = server.admin.execute("SELECT word FROM pg_get_keywords() WHERE catcode IN ('R', 'T')").fetchall()
    assert {word for (word,) in rows} <= RESERVED
    assert all(quoted(word) == f'"{word}"' for (word,) in rows)


def test_a_name_is_quoted_part_by_part() -> None:
    assert str(Name("order", "Größe")) == '"Größe"."order"'
    assert str(Name("values", "public")) == "public.values", "a keyword, but not a reserved one"
