"""Secrets out of SQL text before anybody sees it, and other people's queries without what they ask for.

Masked are the literals after PASSWORD and CONNECTION, options and settings whose names end in password, `password=` in
connection strings, and `user:password@` in URLs: in statements, comments, bodies, and SQL that is put together in
strings. It works on tokens, not on a tree: text that does not parse holds secrets too. Where it is in doubt it masks.

Source: https://www.postgresql.org/docs/18/sql-createrole.html, sql-createsubscription.html, sql-createusermapping.html,
libpq-connect.html#LIBPQ-CONNSTRING
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from gate.sql.tokens import Kind, Token, tokens

MASK = "***"
_LONG_ENOUGH = 4
# Without one of these there is no secret; most texts have none, and a text may be long.
_WORDS = ("passw", "passphrase", "connection", "://", "secret", "token", "key", "role", "user", "group")
_HINT = re.compile(
    r"passw|passphrase|\bconnection\b|://[^\s/]*:[^\s/]*@|(?:secret|token|(?:api|access|secret|private)_?key)\"?\s*[eE$]?['$]"
    r"|\b(?:create|alter)(?:\s|--[^\n]*+\n|/\*.*?\*/)++(?:role|user|group)\b",
    re.IGNORECASE | re.DOTALL,
)
_SECRET = re.compile(r".*(?:password|passwd|passphrase)\Z", re.IGNORECASE)
# Names of options as they stand in OPTIONS (name 'value'): there the literal follows without a sign between.
_SECRET_OPTION = re.compile(
    r"connection\Z|.*(?:password|passwd|passphrase|secret|token|(?:api|access|secret|private)_?key)\Z", re.IGNORECASE
)
_URL = re.compile(r"(?P<keep>[a-z][a-z0-9+.-]*://[^\s:/@'\"]*:)(?P<secret>[^\s/'\"]*)(?=@)", re.IGNORECASE)
_CONNINFO = re.compile(
    r"(?P<keep>passw(?:or)?d\s*=\s*)(?P<secret>'(?:[^'\\]|\\.)*+(?:'|\Z)|(?![$%'(])(?:\\.|[^\s'\"&;,)(])++(?!\())",
    re.IGNORECASE,
)
_PROSE = re.compile(
    r"(?P<keep>passw(?:or)?d\s*(?:[:=]+\s*|\s(?=\s*[eE]?')))(?P<secret>[eE]?'(?:[^']|'')*+'?|(?![$%])[^\s'\",;]+)",
    re.IGNORECASE,
)
# SQL in a string that ends, or goes on, where the secret has to follow: what comes next is put in its place.
_OPEN_END = re.compile(
    r"(?:(?:create|alter)\s+(?:role|user|group)\b.{0,300}?|\A\s+(?:with\s+|login\s+|encrypted\s+)*)passw(?:or)?d\s*=?\s*"
    r"(?:[eE]?'*\s*\Z|'?(?:%[LsI]?|%\d+\$[LsI]|\$\d|\{|:))"
    r"|passw(?:or)?d\s*=\s*(?:'*\Z|'?(?:%[LsI]|%\d+\$[LsI]|\{))",
    re.IGNORECASE | re.DOTALL,
)
_CODE = re.compile(r";|\b(?:begin|select|update|insert|execute|create|alter|delete)\b", re.IGNORECASE)
_ESCAPE = re.compile(r"\\(?:([0-7]{1,3})|x([0-9a-fA-F]{1,2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|(.))", re.DOTALL)
_LETTERS = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f"}
_CONTINUED = re.compile(r"'[ \t\f\v]*+[\r\n]\s*+'")
_ROLE_VERBS, _ROLES = ("create", "alter"), ("role", "user", "group")
_ASSIGNED, _EQUALS = (":=", "=>"), ("=", "to")
# In these `password` is a column, and what it is compared with or set to is what the statement does.
_OF_ROWS = ("select", "insert", "update", "delete", "merge", "values")
_NO_SECRET_OF_A_ROLE = ("until", "=", "to", ",", "in", "is")


@dataclass(frozen=True)
class _Edit:
    """`text[start:end]` is a secret; `new` is what may be seen instead."""

    start: int
    end: int
    new: str


def masked(text: str) -> str:
    """The text with every secret replaced by `***`; one without secrets comes back as it is."""
    parts: list[str] = []
    position = 0
    for edit in _edits(text):
        parts += (text[position : edit.start], edit.new)
        position = edit.end
    return "".join((*parts, text[position:]))


def masked_in_place(text: str) -> str:
    """The same with as many asterisks as there are characters: lines and columns stay what they are."""
    parts: list[str] = []
    position = 0
    for edit in _edits(text):
        parts += (text[position : edit.start], re.sub(r"[^\r\n]", "*", text[edit.start : edit.end]))
        position = edit.end
    return "".join((*parts, text[position:]))


def hushed(message: str, text: str) -> str:
    """What a server or a parser says of `text`, without the secrets of `text` that it repeats."""
    for edit in _edits(text):
        secret = text[edit.start : edit.end]
        bare = secret.strip("'")
        is_quoted = secret != bare
        message = message.replace(*((secret, edit.new) if is_quoted else (f'"{secret}"', f'"{MASK}"')))
        # A short one would be found in words that have nothing to do with it.
        message = message.replace(bare, MASK) if len(bare) >= _LONG_ENOUGH else message
    return message


def normalised(text: str) -> str:
    """The query with a parameter for each literal, without comments, on one line: what it does, to nobody's values."""
    found = [token for token in tokens(text) if token.kind is not Kind.COMMENT]
    number = max((int(token.text[1:]) for token in found if token.kind is Kind.PARAMETER), default=0)
    parts = []
    for token in found:
        if token.kind in (Kind.STRING, Kind.DOLLAR, Kind.NUMBER):
            number += 1
            parts.append(f"${number}")
        else:
            parts.append(" " if token.kind is Kind.SPACE else token.text)
    return " ".join("".join(parts).split())


# --- where the secrets are --------------------------------------------------------------------------------------------


@dataclass
class _Reader:
    """What the tokens before this one mean for it; a semicolon forgets all."""

    before: list[str] = field(default_factory=list)
    is_of_role: bool = False
    is_of_rows: bool = False
    is_chained: bool = False
    hides_all: bool = False

    def reset(self) -> None:
        self.before, self.is_of_role, self.is_of_rows, self.is_chained, self.hides_all = [], False, False, False, False

    def pass_by(self, token: Token) -> None:
        """A token that is no literal."""
        word = token.text.strip('"').lower() if token.kind is Kind.NAME else token.text.lower()
        if len(self.before) >= 2 and self.before[-2] in _ROLE_VERBS and self.before[-1] in _ROLES:
            self.is_of_role = word != "mapping"
        if word in "=>" and self.before and self.before[-1] in (":", "="):
            word = self.before.pop() + word
        self.before = [*self.before[-3:], word]
        self.is_of_rows = self.is_of_rows or word in _OF_ROWS
        self.is_chained = False

    def is_secret(self) -> bool:
        """Whether a literal here is one by what stands before it."""
        last = self.before[-1] if self.before else ""
        # Between a variable and what it is set to stands its type.
        names = self.before[:-1] if last in _ASSIGNED else self.before[-2:-1] if last in _EQUALS else []
        is_compared = last in _EQUALS and self.is_of_rows
        return (
            self.is_chained
            or self.hides_all
            or bool(_SECRET_OPTION.match(last))
            or (not is_compared and any(map(_SECRET.match, names)))
            or (self.is_of_role and last not in _NO_SECRET_OF_A_ROLE)
        )

    def is_bare_secret(self, token: Token) -> bool:
        """Whether it is a password whose quotes were forgotten: the message of the syntax error repeats it."""
        is_word = token.kind in (Kind.WORD, Kind.NUMBER, Kind.NAME) and token.text.lower() != "null"
        return is_word and self.is_of_role and not self.is_chained and self.before[-1:] == ["password"]


def _edits(text: str) -> Iterator[_Edit]:
    lowered = text.lower()
    if any(word in lowered for word in _WORDS) and _HINT.search(text):
        yield from _in_code(text, 0, len(text))


def _in_code(text: str, start: int, end: int) -> Iterator[_Edit]:
    reader = _Reader()
    for token in tokens(text, start, end):
        if token.kind is Kind.COMMENT:
            yield from _by_patterns(token.text, token.start, _PROSE)
        elif token.kind is Kind.STRING or token.kind is Kind.DOLLAR:
            yield from _in_literal(text, token, reader)
        elif token.text == ";":
            reader.reset()
        elif token.kind is not Kind.SPACE:
            if reader.is_bare_secret(token):
                yield _Edit(token.start, token.end, MASK)
            reader.pass_by(token)


def _in_literal(text: str, token: Token, reader: _Reader) -> Iterator[_Edit]:
    if reader.is_secret():
        reader.is_chained = True
        yield _Edit(token.start, token.end, f"'{MASK}'")
        return
    is_dollar = token.kind is Kind.DOLLAR
    inner = _dollar_body(token) if is_dollar else _decoded(token.text)
    reader.hides_all = bool(_OPEN_END.search(inner))
    reader.before = [*reader.before[-3:], "'"]
    if is_dollar and _CODE.search(inner):
        lead = token.text.index("$", 1) + 1
        yield from _in_code(text, token.start + lead, token.start + lead + len(inner))
        return
    clean = _clean(inner)
    if clean != inner:
        tag = token.text[: token.text.index("$", 1) + 1] if is_dollar else ""
        yield _Edit(token.start, token.end, f"{tag}{clean}{tag}" if is_dollar else _encoded(token.text, clean))


def _clean(inner: str) -> str:
    """What a string holds: a connection string, a URL, or SQL again."""
    clean = masked(inner)
    for pattern in (_CONNINFO, _URL):
        clean = pattern.sub(rf"\g<keep>{MASK}", clean)
    return clean


def _by_patterns(text: str, start: int, *patterns: re.Pattern[str]) -> Iterator[_Edit]:
    taken = 0
    found = [match for pattern in (*patterns, _URL) for match in pattern.finditer(text)]
    for match in sorted(found, key=lambda item: item.start("secret")):
        if match.start("secret") >= taken:
            taken = match.end("secret")
            yield _Edit(start + match.start("secret"), start + taken, MASK)


def _dollar_body(token: Token) -> str:
    tag = token.text[: token.text.index("$", 1) + 1]
    return token.text.removeprefix(tag).removesuffix(tag)


def _decoded(text: str) -> str:
    """What the literal stands for, near enough to look for secrets in it."""
    quote = text.index("'")
    body = text[quote + 1 : -1] if len(text) > quote + 1 and text.endswith("'") else text[quote + 1 :]
    if text[0] in "eE":
        body = _ESCAPE.sub(_unescaped, _CONTINUED.sub("", body))
    return body.replace("''", "'")


def _unescaped(match: re.Match[str]) -> str:
    octal, short, four, eight, letter = match.groups()
    if letter is not None:
        # Doubled here, for the caller halves all quotes.
        return "''" if letter == "'" else _LETTERS.get(letter, letter)
    code = int(octal, 8) if octal else int(short or four or eight, 16)
    return chr(code) if code <= 0x10FFFF else "?"


def _encoded(text: str, inner: str) -> str:
    prefix = text[: text.index("'")]
    if prefix in ("e", "E"):
        inner = inner.replace("\\", "\\\\")
    return prefix + "'" + inner.replace("'", "''") + "'"
