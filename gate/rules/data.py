"""What the rows that are there say against a statement: words here, findings in `gate.plan.data`."""

from __future__ import annotations

from gate.model.rules import STATEMENT, Rule
from gate.rules.ruling import FamilyRule

_LATE = (
    "The server looks at every row before it takes the statement, and stops at the first that does not fit: after "
    "minutes under a lock, in the middle of the release, with new code waiting for what is not there. A CI database is "
    "empty and never shows it; the live one does."
)

RULES = (
    FamilyRule(
        rule=Rule(
            name="rows-violate-not-null",
            about=STATEMENT,
            harm=f"Rows have no value in a column that is to be NOT NULL, or would have none in a new one. {_LATE}",
            way_out="Fill the column in batches in an earlier migration, after the code that writes it; for a new "
            "column give a constant DEFAULT, which touches no row.",
        ),
        setup="CREATE TABLE t (id int PRIMARY KEY, a int, b int); INSERT INTO t VALUES (1, NULL, 1)",
        bad="ALTER TABLE t ALTER a SET NOT NULL",
        good="ALTER TABLE t ALTER b SET NOT NULL",
    ),
    FamilyRule(
        rule=Rule(
            name="rows-violate-foreign-key",
            about=STATEMENT,
            harm=f"Rows refer to something that is not there: orphans. {_LATE}",
            way_out="Repair or delete the orphans first. Or add the foreign key NOT VALID, which holds for new rows at "
            "once, and VALIDATE it in the release after the repair.",
        ),
        setup="CREATE TABLE r (id int PRIMARY KEY); INSERT INTO r VALUES (1); "
        "CREATE TABLE t (id int PRIMARY KEY, a int, b int); INSERT INTO t VALUES (1, 2, 1)",
        bad="ALTER TABLE t ADD FOREIGN KEY (a) REFERENCES r",
        good="ALTER TABLE t ADD FOREIGN KEY (b) REFERENCES r",
    ),
    FamilyRule(
        rule=Rule(
            name="duplicates-in-unique",
            about=STATEMENT,
            harm="Several rows share what is to be unique. CREATE UNIQUE INDEX CONCURRENTLY finds it at the end only, "
            f"and leaves an invalid index that every write still pays for. {_LATE}",
            way_out="Decide which row keeps the value, change or delete the others, and keep new ones out meanwhile "
            "in the application.",
        ),
        setup="CREATE TABLE t (id int PRIMARY KEY, a int); INSERT INTO t VALUES (1, 7), (2, 7)",
        bad="ALTER TABLE t ADD UNIQUE (a)",
        good="ALTER TABLE t ADD UNIQUE (id, a)",
    ),
    FamilyRule(
        rule=Rule(
            name="rows-violate-check",
            about=STATEMENT,
            harm=f"Rows violate a CHECK, of a table or of a domain, that is to hold for all of them. {_LATE}",
            way_out="Change the rows first; or add the CHECK NOT VALID, which holds for new rows at once, and VALIDATE "
            "it in the release after the repair.",
        ),
        setup="CREATE TABLE t (id int PRIMARY KEY, a int); INSERT INTO t VALUES (1, -1)",
        bad="ALTER TABLE t ADD CHECK (a > 0)",
        good="ALTER TABLE t ADD CHECK (id > 0)",
    ),
    FamilyRule(
        rule=Rule(
            name="cast-fails",
            about=STATEMENT,
            harm=f"Values do not become values of the column's new type: too long, too large, no number. {_LATE}",
            way_out="Change the values first, say with USING what shall become of them, or choose a wider type. A "
            "large table is changed in steps.",
        ),
        setup="CREATE TABLE t (id int PRIMARY KEY, a text); INSERT INTO t VALUES (1, 'long')",
        bad="ALTER TABLE t ALTER a TYPE varchar(3)",
        good="ALTER TABLE t ALTER a TYPE varchar(4)",
    ),
    FamilyRule(
        rule=Rule(
            name="cast-truncates",
            about=STATEMENT,
            harm="USING casts to a shorter string: the server cuts the values that are too long without a word, and "
            "what was cut is lost.",
            way_out="Write the new type without USING: then the server refuses values that do not fit. Or shorten them "
            "yourself, knowing which.",
        ),
        setup="CREATE TABLE t (id int PRIMARY KEY, a text); INSERT INTO t VALUES (1, 'long')",
        bad="ALTER TABLE t ALTER a TYPE varchar(3) USING a::varchar(3)",
        good="ALTER TABLE t ALTER a TYPE varchar(4) USING a::varchar(4)",
    ),
    FamilyRule(
        rule=Rule(
            name="rows-outside-partition",
            about=STATEMENT,
            harm="A table to be attached has rows that its bound does not take, or the default partition has rows that "
            f"belong to the new one. {_LATE}",
            way_out="Move the rows first: out of the default partition into a table of the same shape, which is then "
            "attached with a CHECK that says its bound.",
        ),
        setup="CREATE TABLE p (a int) PARTITION BY RANGE (a); CREATE TABLE d PARTITION OF p DEFAULT; "
        "INSERT INTO p VALUES (15); CREATE TABLE n (a int)",
        bad="ALTER TABLE p ATTACH PARTITION n FOR VALUES FROM (10) TO (20)",
        good="ALTER TABLE p ATTACH PARTITION n FOR VALUES FROM (20) TO (30)",
    ),
    FamilyRule(
        rule=Rule(
            name="data-unchecked",
            about=STATEMENT,
            harm="Rows may stand against the statement, and gate could not ask them: it would have taken too long, row "
            "security hides them, a privilege is missing, or the question needs code of users, which gate does not "
            "run. Unknown is not the same as none.",
            way_out="The finding says what would make it known; where it shows a query, run it yourself.",
        ),
        setup="CREATE TABLE t (id int PRIMARY KEY, a int4range, b int); INSERT INTO t VALUES (1, '[1,2)', 1)",
        bad="ALTER TABLE t ADD EXCLUDE USING gist (a WITH &&)",
        good="ALTER TABLE t ADD UNIQUE (b)",
    ),
)
