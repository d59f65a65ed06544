"""Migrations to be judged: what teams write, over and over, against the tables of `databases`."""

from __future__ import annotations

from pathlib import Path

_FORMS = (
    ["ALTER TABLE table_{n} ADD COLUMN added_{i} timestamptz DEFAULT now();"],
    ["CREATE INDEX table_{n}_note_{i} ON table_{n} (note);"],
    ["ALTER TABLE table_{n} ALTER COLUMN amount TYPE bigint;"],
    [
        "CREATE TABLE made_{i} (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, of bigint REFERENCES table_{n});",
        "CREATE INDEX made_{i}_of ON made_{i} (of);",
    ],
    [
        "ALTER TABLE table_{n} ADD CONSTRAINT fk_{i} FOREIGN KEY (other_id) REFERENCES table_{m} (id) NOT VALID;",
        "ALTER TABLE table_{n} VALIDATE CONSTRAINT fk_{i};",
    ],
    ["ALTER TABLE table_{n} ALTER COLUMN note SET NOT NULL;"],
    ["UPDATE table_{n} SET note = '' WHERE note IS NULL;"],
    ["ALTER TABLE table_{n} ADD CONSTRAINT check_{i} CHECK (amount > 0) NOT VALID;"],
    [
        "ALTER TABLE table_{n} RENAME COLUMN note TO remark_{i};",
        "COMMENT ON COLUMN table_{n}.remark_{i} IS 'once note';",
    ],
    ["DROP INDEX table_{n}_created_at;"],
)


def write(folder: Path, number: int, *, tables: int, statements: int = 1000) -> Path:
    """That many files in dbmate's layout, at most `statements` in all; returns their directory."""
    directory = folder / "db" / "migrations"
    directory.mkdir(parents=True)
    left = statements
    for i in range(number):
        forms = _FORMS[i % len(_FORMS)]
        n, m = number_of(i % tables, tables), number_of((i * 7 + 1) % tables, tables)
        kept = [form.format(n=n, m=m, i=i) for form in forms][:left]
        left -= len(kept)
        lines = ["-- migrate:up", *kept, ""]
        (directory / f"{20260101000000 + i}_step_{i}.sql").write_text("\n".join(lines), encoding="utf-8")
    return directory


def ids(directory: Path) -> list[str]:
    """What dbmate would write down."""
    return [path.name.partition("_")[0] for path in sorted(directory.iterdir())]


def number_of(n: int, tables: int) -> str:
    """As `databases` writes it in a table's name: all of one length."""
    return str(n).zfill(max(3, len(str(tables - 1))))
