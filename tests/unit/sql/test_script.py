"""The splitter: boundaries, positions, and the errors with their place."""

import random
import time

import postgast
import pytest

from gate.model.errors import InvalidSql
from gate.sql.script import place, split_script


def texts(script: str, *, copy_data: bool = False) -> list[str]:
    return [statement.sql for statement in split_script(script, copy_data=copy_data)]


@pytest.mark.parametrize(
    "whole",
    [
        "SELECT 'a;b', \"c;d\", $$e;f$$, $t$g;$$;h$t$",
        "SELECT 'it''s; fine', E'it\\'s; fine', e'\\\\', U&'d\\0061;', B'01', X'ff;'",
        "SELECT E'first\\';'\n  'second\\';'",
        "SELECT 1 /* a ; /* nested ; */ ; */ + 1",
        "SELECT 1 -- a ; comment\n + 1",
        "SELECT a$b$c, $1, a$$b",
        "SELECT 1--2;\n",
        "SELECT 5 - 3, 4 / 2, 'a'::text, ARRAY[1][1], x -> 'y', a /- b",
        "CREATE RULE r AS ON INSERT TO t DO (DELETE FROM u; SELECT 1)",
        "CREATE FUNCTION f() RETURNS int LANGUAGE sql BEGIN ATOMIC SELECT 1; SELECT 2; END",
        'create or replace procedure p(begin_ int, "end" int) begin atomic select case when b then 1 end; end',
        "CREATE FUNCTION f() BEGIN ATOMIC SELECT (CASE a WHEN 1 THEN 2 END); SELECT CASE 1 WHEN 1 THEN 2 END; END",
        "CREATE /* why */ OR -- not\n REPLACE FUNCTION f() RETURNS int BEGIN /* ; */ ATOMIC SELECT 1; END",
        "CREATE FUNCTION f() RETURNS int LANGUAGE plpgsql AS $$ BEGIN RETURN 1; END; $$",
        "CREATE TABLE ünï (\"grün;\" text DEFAULT 'ß;') /* 🚦; */ WITH (fillfactor = 70)",
        "DO $ü$ BEGIN PERFORM 1; END $ü$",
    ],
)
def test_one_statement_stays_whole(whole: str) -> None:
    expected = whole.removesuffix("--2;\n") if whole.startswith("SELECT 1--") else whole
    assert texts(f"SELECT 0;\n{whole}\n;SELECT 9;") == ["SELECT 0", expected, "SELECT 9"]


@pytest.mark.parametrize(
    "blank", ["", " \n\t", ";;\n;", "-- only a comment", "/* a */ -- b\n/* c */", "\ufeff", "\ufeff;\n"]
)
def test_nothing_to_run(blank: str) -> None:
    assert texts(blank) == []


def test_begin_without_atomic_is_a_statement() -> None:
    assert texts("BEGIN; SELECT 1; END; COMMIT") == ["BEGIN", "SELECT 1", "END", "COMMIT"]


def test_a_procedure_may_be_called_begin() -> None:
    assert texts("CREATE FUNCTION x.begin() RETURNS int AS 'select 1'; SELECT 2") == [
        "CREATE FUNCTION x.begin() RETURNS int AS 'select 1'",
        "SELECT 2",
    ]


def test_where_a_statement_stands() -> None:
    first, second = split_script("-- head\n/* more\n*/ SELECT 1 -- tail\n;\n\n  SELECT\n 'ä';\n")
    assert (first.sql, first.line, first.offset) == ("SELECT 1", 3, 19)
    assert (second.sql, second.line) == ("SELECT\n 'ä'", 6)


def test_line_ends_of_windows_and_a_byte_order_mark() -> None:
    first, second = split_script("\ufeff-- a\r\nSELECT 1;\r\nSELECT\r\n2\r\n;\r\n")
    assert (first.sql, first.line, first.offset) == ("SELECT 1", 2, 7)
    assert (second.sql, second.line) == ("SELECT\r\n2", 3)


def test_a_part_of_a_file_keeps_the_file_s_lines() -> None:
    text = "-- up\nSELECT 1;\n-- down\nSELECT 'never closed;\n"
    (only,) = split_script(text, start=6, end=text.index("-- down"))
    assert (only.sql, only.line, only.offset) == ("SELECT 1", 2, 6)


def test_a_no_break_space_is_a_letter_as_it_is_to_the_server() -> None:
    assert texts("\u00a0SELECT 1;") == ["\u00a0SELECT 1"]


def test_copy_with_its_data() -> None:
    script = 'COPY s."a b" (c, "d)") FROM STDIN WITH (FORMAT csv); -- now\n1;\'\n\\N\n\\.\n'
    script += "SELECT 2;\ncopy t from stdin;\r\n\\.\r\n"
    copy, select, empty = split_script(script, copy_data=True)
    assert (copy.data, copy.line) == ("1;'\n\\N\n", 1)
    assert (select.sql, select.line, select.data) == ("SELECT 2", 5, None)
    assert (empty.sql, empty.data) == ("copy t from stdin", "")


@pytest.mark.parametrize(
    "other", ["COPY t FROM '/a/stdin'", "COPY (SELECT 1 FROM stdin) TO STDOUT", "COPY t TO STDOUT"]
)
def test_other_copies_have_no_data(other: str) -> None:
    assert texts(f"{other};\nSELECT 1", copy_data=True) == [other, "SELECT 1"]


@pytest.mark.parametrize(
    ("script", "line", "column", "problem"),
    [
        ("SELECT 1;\n  SELECT 'a;\n", 2, 10, "a quoted string is never closed"),
        ("SELECT E'a\\';", 1, 8, "a quoted string is never closed"),
        ('SELECT 1,\n\t"a;', 2, 2, "a quoted name is never closed"),
        ("/* a\n/* b */\nSELECT 1", 1, 1, "a comment is never closed"),
        ("SELECT 1 + /* b", 1, 12, "a comment is never closed"),
        ("SELECT $x$ a $$ b", 1, 8, "the string that $x$ opens is never closed"),
        ("SELECT 1;\n\\set x 1\n", 2, 1, "\\set is a command of psql, not SQL"),
        ("SELECT 'ä' \\gexec", 1, 12, "\\gexec is a command of psql, not SQL"),
        ("\ufeff\\i other.sql", 1, 1, "\\i is a command of psql, not SQL"),
    ],
)
def test_what_no_server_can_read(script: str, line: int, column: int, problem: str) -> None:
    with pytest.raises(InvalidSql) as caught:
        split_script(script, path="a.sql")
    error = caught.value
    assert (error.line, error.column, error.problem, error.path) == (line, column, problem, "a.sql")
    assert error.remedy
    assert error.caret().endswith("^")


@pytest.mark.parametrize(
    ("script", "is_accepted", "line", "problem"),
    [
        ("SELECT 1;\nCOPY t FROM STDIN;\n1\n\\.\n", False, 2, "cannot be sent by the tool"),
        ("\nCOPY t FROM STDIN;\n1\n", True, 2, "has no end"),
        ("COPY t FROM STDIN; SELECT 1;\n1\n\\.\n", True, 1, "must be the last on its line"),
    ],
)
def test_copy_that_cannot_be_carried(script: str, is_accepted: bool, line: int, problem: str) -> None:  # noqa: FBT001 - a table of cases
    with pytest.raises(InvalidSql, match=problem) as caught:
        split_script(script, copy_data=is_accepted)
    assert caught.value.line == line


def test_the_line_of_an_error_ends_before_its_line_break() -> None:
    assert place("a\r\nbcd\r\ne", 4) == (2, 2, "bcd")


@pytest.mark.parametrize(
    "one",
    [
        "INSERT INTO t (a, b) VALUES (1, 'x''y'), (2, now());",
        "CREATE FUNCTION f() RETURNS int BEGIN ATOMIC SELECT 1; SELECT CASE WHEN a THEN 1 END; END;",
    ],
)
def test_ten_thousand_statements_in_half_a_second(one: str) -> None:
    script = "\n".join([one] * 10_000)
    began = time.process_time()
    statements = split_script(script)
    assert time.process_time() - began < 0.5
    assert (len(statements), statements[-1].line) == (10_000, 10_000)


@pytest.mark.parametrize(
    "hostile", ["(" * 50_000, "'" * 50_001, "a " * 50_000, "\n" * 50_000, "$" * 50_001, "e'" * 50_000, "/*" * 50_000]
)
def test_no_text_takes_long(hostile: str) -> None:
    began = time.process_time()
    try:
        split_script(f"COPY {hostile}")
        split_script(f"CREATE FUNCTION {hostile}")
    except InvalidSql:
        pass
    assert time.process_time() - began < 0.5


PIECES = (
    *("select", "a$b", "é", "1.5e3", "$1", "::", "[1]", "<->", "||", "+", "-", "/", "*", "(", ")", ";", ";", " ", "\n"),
    *(
        "'x;y'",
        "'it''s;'",
        "E'a\\';b'",
        "e'\\\\;'",
        "U&'d;'",
        "B'0;1'",
        "x'1;'",
        "'a'\n'b;'",
        "E'a'\n'b\\';'",
        '"q;""r"',
        'u&"a;"',
    ),
    *("$$a;b$$", "$t$ ; $$ ; $t$", "$ü$;$ü$", "-- c;\n", "/* ; */", "/* /* ; */ ; */"),
)


def test_agrees_with_the_scanner_of_the_server_itself() -> None:
    """On thousands of heaps of tokens, valid or not: libpg_query's scanner finds the same ends."""
    chance = random.Random(20260101)
    for _ in range(4000):
        script = "".join(chance.choice(PIECES) + chance.choice(" \n") for _ in range(chance.randint(1, 14)))
        assert texts(script) == scanned(script), script


def scanned(script: str) -> list[str]:
    """The statements by libpg_query's tokens; its offsets count bytes."""
    raw, found, depth, begin, end = script.encode(), [], 0, -1, -1
    for token in postgast.scan(script).tokens:
        text = raw[token.start : token.end].decode()
        if text.startswith(("--", "/*")):
            continue
        if text == ";" and depth == 0:
            found += [raw[begin:end].decode()] if begin >= 0 else []
            begin = -1
            continue
        depth = max(0, depth + {"(": 1, ")": -1}.get(text, 0))
        begin, end = (token.start if begin < 0 else begin), token.end
    return [*found, *([raw[begin:end].decode()] if begin >= 0 else [])]
