"""A script's text into its statements, without a parser: where each begins, on which line, and the COPY data behind it.

The rules are those of psql's own scanner: a semicolon ends a statement unless it stands in quotes, in a comment, in
parentheses (CREATE RULE ... DO (a; b)) or in the body of an SQL function (BEGIN ATOMIC ... END). Whether a statement
is valid SQL is somebody else's question: each is parsed by itself, later, and only when it is pending.

Source: https://www.postgresql.org/docs/current/sql-syntax-lexical.html and psql's psqlscan.l.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from gate.model.errors import InvalidSql
from gate.model.migration import ScriptStatement
from gate.sql.masking import masked_in_place

_SPACE = " \t\n\r\f\v"
# Whatever is not ASCII is a letter to the server. The classes are written by what they leave out, for a wide range
# under IGNORECASE takes a tenth of a second to compile.
_LETTER = r"[^\x00-@\[-^`{-\x7f]"
_IN_WORD = r"[^\x00-#%-/:-@\[-^`{-\x7f]"
_BLOCK_WORD = rf"(?:begin|case|end)(?!{_IN_WORD})"
_WORD = rf"(?![eE]'){_LETTER}{_IN_WORD}*+"
_E_QUOTE = r"'(?:[^'\\]|\\.|'')*+'"
# An E string goes on after a line break, still with backslash escapes; a plain one is read as two, which is the same.
_QUOTED = rf"""[eE]{_E_QUOTE}(?:[ \t\f\v]*+[\r\n]\s*+{_E_QUOTE})*+|'[^']*+'|"[^"]*+\""""
_OTHER = r"[\x00-!#%&*-,.0-:<-@\[\]^`{-\x7f]|-(?!-)|/(?!\*)|\$[0-9]++"
_GAP = r"(?:\s|--[^\r\n]*+|/\*.*?\*/)"
_NAME = r"""(?:"[^"]*+"|[^\s("])++"""
_FLAGS = re.ASCII | re.DOTALL | re.IGNORECASE

# What can neither end a statement nor hide an end; the second one also stops at the words that open and close a body.
# Everything is possessive: no text makes these run longer than its length.
_RUN = re.compile(rf"(?:{_WORD}|{_QUOTED}|{_OTHER})++", _FLAGS)
_RUN_IN_ROUTINE = re.compile(rf"(?:(?!{_BLOCK_WORD}){_WORD}|{_QUOTED}|{_OTHER})++", _FLAGS)
_BLANK = re.compile(r"(?:\s++|--[^\r\n]*+)*+", _FLAGS)
_COMMENT_EDGE = re.compile(r"/\*|\*/")
_DOLLAR_TAG = re.compile(rf"\$(?:{_LETTER}(?:{_LETTER}|[0-9])*+)?\$", _FLAGS)
_ROUTINE = re.compile(rf"create{_GAP}++(?:or{_GAP}++replace{_GAP}++)?(?:function|procedure)(?![\w$])", _FLAGS)
_BEGIN_ATOMIC = re.compile(rf"begin{_GAP}++atomic(?![\w$])", _FLAGS)
_COPY_IN = re.compile(
    rf"copy{_GAP}++(?:binary{_GAP}++)?{_NAME}{_GAP}*+(?:\((?:\"[^\"]*+\"|[^)\"])*+\){_GAP}*+)?from{_GAP}++stdin(?![\w$])",
    _FLAGS,
)
_END_OF_DATA = re.compile(r"^\\\.[ \t]*\r?(?:\n|\Z)", re.MULTILINE)
_REST_OF_LINE = re.compile(r"[ \t\r]*(?:--[^\n]*)?(?:\n|\Z)")


def split_script(
    text: str, *, copy_data: bool = False, path: str = "", start: int = 0, end: int | None = None
) -> tuple[ScriptStatement, ...]:
    """The statements of `text[start:end]`, with lines and offsets of the whole text; raises InvalidSql.

    `copy_data` tells whether the data behind COPY ... FROM STDIN is accepted: most tools cannot send it. `path` is
    only for the errors. A byte order mark at the very start is skipped.
    """
    # Cut first, so that no pattern can look past the end: the "down" part of a file may hold anything.
    script = text if end is None else text[:end]
    if start == 0 and script.startswith("\ufeff"):
        start = 1
    return tuple(_Scanner(script, path, copy_data).statements(start))


@dataclass
class _Scanner:
    """One pass over one script; `line` and `counted` keep the line count, which only moves forward."""

    text: str
    path: str
    copy_data: bool
    line: int = 1
    counted: int = 0

    def statements(self, position: int) -> list[ScriptStatement]:
        found = []
        while (first := self._skip_blank(position)) < len(self.text):
            if self.text[first] == ";":
                position = first + 1
                continue
            last, position = self._statement(first)
            statement = ScriptStatement(
                sql=self.text[first:last].rstrip(_SPACE), line=self._line_of(first), offset=first
            )
            if _COPY_IN.match(statement.sql):
                statement, position = self._with_data(statement, position)
            found.append(statement)
        return found

    def _skip_blank(self, position: int) -> int:
        """Where the next token stands: white space and comments skipped."""
        while True:
            blank = _BLANK.match(self.text, position)
            position = blank.end() if blank else position
            if not self.text.startswith("/*", position):
                return position
            position = self._comment_end(position)

    def _statement(self, first: int) -> tuple[int, int]:
        """The end of the statement's last token, and where the next statement may begin."""
        text, position, last, parens, blocks = self.text, first, first, 0, 0
        run = _RUN_IN_ROUTINE if _ROUTINE.match(text, first) else _RUN
        while position < len(text):
            if matched := run.match(text, position):
                position = last = matched.end()
            elif (char := text[position]) == ";" and parens == 0 and blocks == 0:
                return last, position + 1
            elif char in "();":
                parens = max(0, parens + _PAREN[char])
                position = last = position + 1
            elif char.isalpha() and not text.startswith("'", position + 1):
                blocks, position = _through_word(text, position, blocks, is_inside_parens=parens > 0)
                last = position
            else:
                position = last = self._special(position)
            position = self._skip_blank(position)
        return last, position

    def _special(self, position: int) -> int:
        """The end of what begins with a dollar, or the error for what has no end."""
        match self.text[position]:
            case "$":
                return self._dollar_end(position)
            case "\\":
                raise self._error(
                    position,
                    f"{self._word_at(position)} is a command of psql, not SQL",
                    "take it out of the file, or write what it does as SQL",
                )
            case "'" | "e" | "E":
                raise self._error(position, "a quoted string is never closed", "close it with a single quote")
            case _:
                raise self._error(position, "a quoted name is never closed", "close it with a double quote")

    def _dollar_end(self, position: int) -> int:
        tag = _DOLLAR_TAG.match(self.text, position)
        if tag is None:
            return position + 1
        close = self.text.find(tag.group(), tag.end())
        if close < 0:
            raise self._error(
                position, f"the string that {tag.group()} opens is never closed", f"close it with {tag.group()}"
            )
        return close + len(tag.group())

    def _comment_end(self, position: int) -> int:
        """Comments nest, as the SQL standard has it."""
        depth = 0
        for edge in _COMMENT_EDGE.finditer(self.text, position):
            depth += 1 if edge.group() == "/*" else -1
            if depth == 0:
                return edge.end()
        raise self._error(position, "a comment is never closed", "close it with */; comments nest")

    def _with_data(self, statement: ScriptStatement, position: int) -> tuple[ScriptStatement, int]:
        """The statement with the lines up to the end mark, and where the next one may begin."""
        if not self.copy_data:
            raise self._error(
                statement.offset,
                "the data behind COPY ... FROM STDIN cannot be sent by the tool that these migrations belong to",
                "write it as INSERT, or load it outside the migrations",
            )
        rest = _REST_OF_LINE.match(self.text, position)
        if rest is None:
            raise self._error(
                position, "COPY ... FROM STDIN must be the last on its line", "begin its data on a new line"
            )
        done = _END_OF_DATA.search(self.text, rest.end())
        if done is None and not self.text[rest.end() :].strip():
            # The statement by itself: whoever sends it brings the rows.
            return ScriptStatement(sql=statement.sql, line=statement.line, offset=statement.offset, data=""), len(
                self.text
            )
        if done is None:
            raise self._error(
                statement.offset, "the data of COPY ... FROM STDIN has no end", "end it with a line of \\."
            )
        data = self.text[rest.end() : done.start()]
        with_data = ScriptStatement(sql=statement.sql, line=statement.line, offset=statement.offset, data=data)
        return with_data, done.end()

    def _line_of(self, offset: int) -> int:
        self.line += self.text.count("\n", self.counted, offset)
        self.counted = offset
        return self.line

    def _word_at(self, position: int) -> str:
        return self.text[position:].split(maxsplit=1)[0]

    def _error(self, position: int, problem: str, remedy: str) -> InvalidSql:
        line, column, text = place(self.text, position)
        return InvalidSql(problem, line=line, column=column, text=text, path=self.path, remedy=remedy)


_PAREN = {"(": 1, ")": -1, ";": 0}


def _through_word(text: str, position: int, blocks: int, *, is_inside_parens: bool) -> tuple[int, int]:
    """The new depth of BEGIN ATOMIC and CASE, and where the word ends; what stands in parentheses closes itself."""
    if opening := _BEGIN_ATOMIC.match(text, position):
        return blocks + (not is_inside_parens), opening.end()
    word = text[position : position + 5].lower()
    end = position + (5 if word == "begin" else 4 if word.startswith("case") else 3)
    if is_inside_parens or blocks == 0 or word == "begin":
        return blocks, end
    return blocks + (1 if word.startswith("case") else -1), end


def place(text: str, offset: int) -> tuple[int, int, str]:
    """Line and column of an offset, both 1-based and in characters, and that line's text without its secrets."""
    text = masked_in_place(text)
    begin = text.rfind("\n", 0, offset) + 1
    if begin == 0 and text.startswith("\ufeff"):
        begin = 1
    stop = text.find("\n", offset)
    line_text = text[begin : stop if stop >= 0 else len(text)].rstrip("\r")
    return text.count("\n", 0, offset) + 1, offset - begin + 1, line_text
