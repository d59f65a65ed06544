"""ALTER TABLE with several parts, of which some belong together."""

from __future__ import annotations

from tests.laws.case import LawCase

_T = (
    "CREATE TABLE t (id int PRIMARY KEY, a int CONSTRAINT c CHECK (a > 0), b varchar(5)); "
    "INSERT INTO t SELECT g, g, g FROM generate_series(1, 10) g"
)
_R = "CREATE TABLE r (id int PRIMARY KEY); INSERT INTO r SELECT generate_series(1, 10)"

CASES = (
    LawCase(
        name="a check exchanged for another of its name",
        setup=_T,
        sql="ALTER TABLE t ADD CONSTRAINT c CHECK (a > 0 AND id > 0), DROP CONSTRAINT c",
    ),
    LawCase(
        name="a check exchanged, unnamed",
        setup=f"{_T}; ALTER TABLE t ADD CHECK (a < 99)",
        sql="ALTER TABLE t DROP CONSTRAINT t_a_check, ADD CHECK (a < 100)",
    ),
    LawCase(
        name="a foreign key exchanged, among other things",
        setup=f"{_T}; {_R}; ALTER TABLE t ADD CONSTRAINT f FOREIGN KEY (a) REFERENCES r",
        sql="ALTER TABLE t ADD COLUMN d int, DROP CONSTRAINT f, ALTER b SET NOT NULL, ALTER d SET DEFAULT 3, "
        "ADD CONSTRAINT f FOREIGN KEY (a) REFERENCES r ON DELETE CASCADE, SET (fillfactor = 90)",
    ),
    LawCase(
        name="a free change of type with a new check",
        setup=f"{_T}; ALTER TABLE t ADD CONSTRAINT short CHECK (b <> '')",
        sql="ALTER TABLE t DROP CONSTRAINT short, ALTER b DROP DEFAULT, ALTER b TYPE text, ALTER b SET DEFAULT 'x', "
        "ADD CONSTRAINT short CHECK (length(b) < 9)",
    ),
    LawCase(
        name="a column exchanged for another of its name",
        setup=f"{_T}; CREATE SEQUENCE s",
        sql="ALTER TABLE t DROP COLUMN b, ADD COLUMN b int NOT NULL DEFAULT nextval('s')",
    ),
    LawCase(
        name="several columns",
        setup=f"{_T}; {_R}",
        sql="ALTER TABLE t ADD COLUMN c int DEFAULT 1 REFERENCES r, ADD COLUMN d serial, ADD e int, ADD CHECK (e > d)",
    ),
    LawCase(
        name="added and validated in one statement",
        setup=_T,
        sql="ALTER TABLE t VALIDATE CONSTRAINT d, ADD CONSTRAINT d CHECK (a < 99) NOT VALID, ALTER b SET NOT NULL",
    ),
    LawCase(
        name="keys and what is said of their indexes",
        setup="CREATE TABLE t (a int NOT NULL, b int); INSERT INTO t SELECT g, g FROM generate_series(1, 10) g",
        sql="ALTER TABLE t CLUSTER ON u, REPLICA IDENTITY USING INDEX u, ADD CONSTRAINT u UNIQUE (a), "
        "ADD PRIMARY KEY (b)",
    ),
    LawCase(
        name="not null, proven for one of two columns",
        setup=f"{_T}; ALTER TABLE t ADD CHECK (a IS NOT NULL)",
        sql="ALTER TABLE t ALTER a SET NOT NULL, ALTER b SET NOT NULL",
    ),
)
