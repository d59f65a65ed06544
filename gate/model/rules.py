"""What each rule is about, in general words: for `gate explain` and the documentation.

A finding speaks of one statement, with its names and numbers; this is what stands behind it. A rule's name is the harm
and stays for ever; a renamed rule keeps its old name in `aliases`.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Rule:
    """`harm` is what happens to whoever uses the database, `way_out` what to do instead; `about` sorts them.

    `is_off_by_default`: a matter of style, which only a policy turns on. `may_be_off`: a policy may turn it off, or
    make it a warning; `may_be_allowed`: a comment may allow it at a statement.
    """

    name: str
    about: str
    harm: str
    way_out: str
    aliases: tuple[str, ...] = ()
    is_off_by_default: bool = False
    may_be_off: bool = True
    may_be_allowed: bool = True


STATEMENT = "a statement"
STATE = "the state of the bookkeeping"
COMMENT = "a comment that allows"
POLICY = "the policy"
DATABASE = "the database as it stands"

RULES = (
    Rule(
        name="not-understood",
        about=STATEMENT,
        harm="gate cannot know what this statement locks or how long it works: a command that it has no proven facts "
        "for, SQL that is put together while it runs, a function whose source it may not read. Unknown is never taken "
        "for harmless.",
        way_out="Write what the statement does as plain statements. If it has to stay as it is, run it by hand, at a "
        "quiet hour and under a short lock_timeout, and mark the migration as applied with its tool.",
        # One statement may be allowed by somebody who knows what it does; being blind to all of them may not.
        may_be_off=False,
    ),
    Rule(
        name="server-would-reject",
        about=STATEMENT,
        harm="The server would answer this statement with an error: a name that does not exist, or exists already, a "
        "privilege or an ownership that the role lacks, a dependency in the way, CREATE INDEX CONCURRENTLY in a "
        "transaction. The release would stop half way, after the statements before it.",
        way_out="The finding says what the server would complain about. Objects that an earlier statement of the same "
        "release creates count as existing; if the object exists elsewhere, see the search_path (--search-path).",
        may_be_off=False,
        may_be_allowed=False,
    ),
    Rule(
        name="works-under-blocking-lock",
        about=STATEMENT,
        harm="The statement scans, indexes or rewrites a relation that is in use, while it holds a lock (SHARE or "
        "stronger) that keeps writers out, or readers too. Everybody who needs the relation waits for as long as the "
        "work takes, and whoever comes later queues behind them; with a connection pool the whole application stops. "
        "Relations that the same release creates, and those known to be empty, are left out.",
        way_out="Take the short lock and the long work apart. An index: CREATE INDEX CONCURRENTLY, outside a "
        "transaction. A foreign key or a CHECK: add it NOT VALID, then VALIDATE CONSTRAINT in a migration of its own. "
        "SET NOT NULL: first a validated CHECK (column IS NOT NULL), which the server takes as proof. A unique or "
        "primary key: build the index CONCURRENTLY, then ADD CONSTRAINT ... USING INDEX. A volatile default: add the "
        "column without it, set the default, fill the rows in batches. A type change that rewrites: a new column, "
        "kept by a trigger, filled in batches, and exchanged for the old one.",
    ),
    Rule(
        name="lock-held-through-work",
        about=STATEMENT,
        harm="A lock lives to the end of its transaction. Where a statement takes one that shuts readers or writers "
        "out, everything that the same transaction does afterwards happens under it, on whatever relation: a backfill "
        "after an ADD COLUMN keeps the table closed for as long as the backfill takes.",
        way_out="Commit in between: the statement with the lock in a migration of its own, the long work in the next. "
        "gate runs them so by itself, one step after the other, unless splits are turned off.",
    ),
    Rule(
        name="waits-while-holding",
        about=STATEMENT,
        harm="The transaction holds a lock that shuts others out of one relation, and asks for a lock on another. "
        "If that one is not free, for a long report or a forgotten session, the first relation stays closed for as "
        "long as the wait takes, and whoever takes the two in the other order deadlocks with the release.",
        way_out="One relation a transaction: put each in a migration of its own. gate runs them so by itself, one step "
        "after the other, unless splits are turned off.",
    ),
    Rule(
        name="transaction-taken-apart",
        about=STATEMENT,
        harm="The file opens and commits a transaction of its own, and something in it is run in steps. Then each step "
        "commits by itself, and the file's BEGIN and COMMIT are left out: what fails in the middle leaves the steps "
        "before it done.",
        way_out="Nothing, as a rule. If the file must be one transaction, allow the finding that asks for the steps, "
        "with a reason, and it runs as it is written.",
    ),
    Rule(
        name="done-with-another",
        about=STATEMENT,
        harm="The migration drops views, changes the type of a column that they use, and makes them again. In steps "
        "they would be missing for as long as rows are filled: so what drops and makes them is run in the transaction "
        "of the exchange, and not at its own place.",
        way_out="Nothing.",
    ),
    Rule(
        name="disk-runs-out",
        about=STATEMENT,
        harm="A rewrite keeps the old files until it commits, an index build sorts on disk, and all of it goes through "
        "the WAL. A full disk stops the whole server, for everybody.",
        way_out="Make room, or move something to another tablespace. Where gate cannot see the disk (a remote server), "
        "state what is free with free_disk in gate.toml.",
    ),
    Rule(
        name="sequence-near-its-end",
        about=DATABASE,
        harm="A sequence has used most of its numbers. At its end nextval fails, and with it every insert.",
        way_out="ALTER SEQUENCE ... AS bigint, and with it the columns that hold its numbers. Do it in time; "
        "gate release changes the columns of a large table in steps, beside running queries.",
    ),
    Rule(
        name="key-near-its-end",
        about=DATABASE,
        harm="A key, or a column that refers to one, has used most of what its type holds. Past that every insert of a "
        "new row, or of a row that refers to a new one, fails.",
        way_out="Change the columns that refer to it first, then the key, to bigint, with ALTER COLUMN TYPE: "
        "on a large table gate release runs it in steps, beside running queries.",
    ),
    Rule(
        name="bookkeeping-missing",
        about=STATE,
        harm="The database has tables, but the tool's table of applied migrations was not found. Taking every "
        "migration as pending would run them a second time.",
        way_out="gate baseline --through ID if the migrations up to ID were run here; --first-run if none was; "
        "--bookkeeping-table and --bookkeeping-schema if the table has another name.",
        may_be_off=False,
    ),
    Rule(
        name="first-run",
        about=STATE,
        harm="None: every migration is taken as pending, as told with --first-run.",
        way_out="Nothing to do, if the tables in this database are not the migrations' own.",
    ),
    Rule(
        name="database-ahead",
        about=STATE,
        harm="The database has migrations that are not among these files. That is what a rolled back release sees, and "
        "is accepted: nothing is undone.",
        way_out="Nothing to do after a rollback; else deploy the release that has these files.",
    ),
    Rule(
        name="file-missing",
        about=STATE,
        harm="A migration that was applied has no file any more, between others that have: it was deleted or renamed. "
        "A fresh database would not come out the same. Treated as the tool itself treats it.",
        way_out="Bring the file back, or squash the history the way the tool offers.",
    ),
    Rule(
        name="out-of-order",
        about=STATE,
        harm="A pending migration is older than the newest applied one, as after merging an old branch. Tools differ: "
        "dbmate applies it, golang-migrate never will, goose and Flyway refuse unless told. gate does as the tool "
        "does, and says so.",
        way_out="Give the file a version newer than all that are applied; or tell the tool, and gate in gate.toml, "
        "that this is wanted (allow-missing for goose, out-of-order for Flyway).",
    ),
    Rule(
        name="edited-after-applied",
        about=STATE,
        harm="A file was changed after it had been applied: this database has what it said before. Told by the tool's "
        "checksum; Flyway refuses to go on, Prisma warns, tools without checksums do not notice.",
        way_out="Put the file back as it was, and write the change as a new migration; or repair the checksum with the "
        "tool if the two do the same.",
    ),
    Rule(
        name="renamed-after-applied",
        about=STATE,
        harm="The description in a file's name was changed after it had been applied. Flyway compares it with what it "
        "wrote down, and refuses to go on.",
        way_out="Give the file its old name back; or flyway repair, if the new one is wanted.",
    ),
    Rule(
        name="tool-dirty",
        about=STATE,
        harm="The tool has recorded that a migration failed half way. What stands in the database is not what the "
        "bookkeeping says, and every statement after it would be judged, and run, on a wrong ground.",
        way_out="Look at what the failed migration left, put it right by hand, then clear the mark with the tool "
        "(migrate force, flyway repair, prisma migrate resolve).",
        may_be_off=False,
    ),
    Rule(
        name="journal-is-published",
        about=DATABASE,
        harm="A publication takes in every new table, and with them the journal that gate release keeps. DDL is not "
        "replicated: a subscriber that lacks these tables stops at the journal's first row, with all other changes "
        "behind it, and the publisher keeps WAL for it until the disk is full.",
        way_out="Make the journal's tables on every subscriber (the finding has the SQL), then accept it with "
        "journal_published = true in [release] of gate.toml. Or --journal file:PATH, for migrations that pass whole.",
        may_be_off=False,
        may_be_allowed=False,
    ),
)


def find_rule(name: str, known: tuple[Rule, ...] = RULES) -> Rule | None:
    """The rule of that name, or that once had it."""
    return next((rule for rule in known if name == rule.name or name in rule.aliases), None)
