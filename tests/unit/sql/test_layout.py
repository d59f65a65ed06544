"""What is laid out fits, and is the same SQL."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gate.sql.layout import laid_out
from gate.sql.tree import deparsed_statement, parsed

TABLE = '"Kundenverzeichnis der Filiale am Großen Markt"."Bestellungen mit sehr langem Namen"'
STATEMENTS = (
    (
        "ALTER TABLE public.orders ADD CONSTRAINT orders_customer FOREIGN KEY (customer_id) REFERENCES customers "
        "(id) DEFERRABLE INITIALLY DEFERRED NOT VALID"
    ),
    (
        f"CREATE INDEX CONCURRENTLY ON {TABLE} (lower(name||'  '||coalesce(surname,'','nobody at all')), (a->>'key')) "
        "WHERE kind IN ('a','b''c','d')"
    ),
    (
        "COMMENT ON TABLE t IS 'It''s a table with a comment that is long, longer than any line one wants to read, "
        "and\nwith a line break in it; also a semicolon'"
    ),
    (
        "SELECT E'a\\'b\\\\ and so on, and so on, and so on, and so on, and so on, and on\\n', U&'d\\0061t', "
        "x'ff', date'2026-01-01'"
    ),
    (
        "CREATE FUNCTION f() RETURNS text LANGUAGE sql AS $body$ SELECT 'it''s' || $$ a text so long that it has "
        "to go on in the next line $$ || 'and on' $body$"
    ),
    (
        "SELECT a -- what it is, told at such a length that no line can hold it all, be it ever so wide, on and on\n"
        ", b /* and\nthe rest */ FROM t WHERE c = 'x' -- that's all"
    ),
    "SELECT 1+2*3-4/5%6<>7,a[1:2],b::numeric(10,2),$1,'顧客顧客顧客顧客顧客顧客顧客顧客顧客顧客顧客顧客顧客顧客顧'",
    f'ALTER TABLE "{"s" * 63}"."{"t" * 63}" ALTER COLUMN "{"c" * 63}" SET DEFAULT 1.5',
    "INSERT INTO t VALUES" + ",".join(f"({n},'{n}')" for n in range(100)),
)


def meaning(sql: str) -> list[str]:
    return [deparsed_statement(node) for node in parsed(sql)]


@pytest.mark.parametrize("sql", STATEMENTS)
@pytest.mark.parametrize("width", [70, 80, 120])
def test_it_fits_and_says_the_same(sql: str, width: int) -> None:
    lines = laid_out(sql, width)
    assert max(map(len, lines)) <= width
    assert meaning("\n".join(lines)) == meaning(sql)


@pytest.mark.parametrize("width", [60, 120])
def test_the_body_of_a_block_is_code(width: int) -> None:
    sql = (
        "DO $gate$\nDECLARE\n    last bigint;\nBEGIN\n    UPDATE public.orders SET token = gen_random_uuid() WHERE id "
        "IN (SELECT id FROM public.orders WHERE token IS NULL AND note <> 'a  note' ORDER BY id LIMIT 99) RETURNING id "
        "INTO last;\n    COMMIT;\nEND\n$gate$"
    )
    lines = laid_out(sql, width)
    assert max(map(len, lines)) <= width
    assert " ".join("\n".join(lines).split()) == " ".join(sql.split())
    assert "'a  note'" in "\n".join(lines)


def test_what_fits_stays_as_it_is() -> None:
    sql = "CREATE TABLE t (\n    a int,\n\n    b numeric(10,2)  -- what\n)"
    assert "\n".join(laid_out(sql, 80)) == sql.replace("  --", " --")


@given(st.text(alphabet="ab '\\\n$é顧", max_size=200), st.integers(min_value=20, max_value=60))
def test_a_text_keeps_every_letter(text: str, width: int) -> None:
    literal = "'" + text.replace("'", "''") + "'"
    assert meaning("\n".join(laid_out(f"COMMENT ON TABLE t IS {literal}", width))) == meaning(
        f"COMMENT ON TABLE t IS {literal}"
    )
