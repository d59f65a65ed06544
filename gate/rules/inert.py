"""Statements that lock no relation, each with its proof, and those that gate does not know.

Source: the proofs below; `utility.c` for what each statement is handed to.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from gate.model.actions import Inert, Unknown
from gate.model.catalog import Function, NamedObject
from gate.model.effects import NotUnderstood, Touch
from gate.model.facts import Fact, Proof
from gate.model.snapshot import Snapshot
from gate.rules.named import created_in
from gate.sql.naming import CATALOGS


def derive_inert(action: Inert, world: Snapshot) -> Iterator[Touch]:
    """No relation is locked, as its proof shows."""
    del action, world
    return iter(())


def apply_inert(action: Inert, snapshot: Snapshot) -> Snapshot:
    """Objects that it creates, for a later statement that names them."""
    world = snapshot
    for kind, name in action.names:
        catalog = CATALOGS.get(kind)
        oid, world = world.fresh_oid()
        if kind == "aggregate":
            world = world.put_function(Function(oid=oid, schema=created_in(world, name), name=name.name, kind="a"))
        elif catalog is not None:
            made = NamedObject(
                oid=oid, catalog=catalog, name=name.name, schema=created_in(world, name), owner=world.server.role
            )
            world = replace(world, others=(*world.others, made))
    return world


def derive_unknown(action: Unknown, world: Snapshot) -> Iterator[Touch]:
    """Refused."""
    del world
    raise NotUnderstood(action.why or "no fact covers this statement")


DERIVES = {Inert: derive_inert, Unknown: derive_unknown}
APPLIES = {Inert: apply_inert}

_SETUP = """
CREATE TABLE t (a int PRIMARY KEY, b text);
CREATE FUNCTION f(int) RETURNS int LANGUAGE sql AS 'SELECT 1';
CREATE FUNCTION h(text) RETURNS int LANGUAGE sql AS 'SELECT 1';
CREATE FUNCTION e() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN END';
CREATE FUNCTION g() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';
CREATE CONSTRAINT TRIGGER k AFTER INSERT ON t DEFERRABLE FOR EACH ROW EXECUTE FUNCTION g();
CREATE FOREIGN DATA WRAPPER w;
CREATE SERVER s FOREIGN DATA WRAPPER w;
CREATE USER MAPPING FOR public SERVER s;
CREATE DOMAIN z AS text;
CREATE COLLATION c (locale = 'C');
CREATE OPERATOR FAMILY o USING btree;
CREATE OPERATOR === (leftarg = int, rightarg = int, function = int4eq);
CREATE TEXT SEARCH DICTIONARY d (template = simple);
CREATE TEXT SEARCH CONFIGURATION x (copy = simple);
"""

_FORMS = """
SHOW work_mem
NOTIFY x
SET CONSTRAINTS ALL IMMEDIATE
SET CONSTRAINTS k DEFERRED
LOAD 'plpgsql'
ALTER FUNCTION f(int) STABLE
ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO pg_monitor
ALTER COLLATION c REFRESH VERSION
ALTER OPERATOR === (int, int) SET (restrict = none)
CREATE AGGREGATE n(int) (sfunc = int4pl, stype = int)
CREATE OPERATOR ==== (leftarg = int, rightarg = int, function = int4eq)
CREATE COLLATION n (locale = 'C')
CREATE CONVERSION n FOR 'UTF8' TO 'LATIN1' FROM utf8_to_iso8859_1
CREATE OPERATOR CLASS n FOR TYPE int4 USING btree AS OPERATOR 1 <, FUNCTION 1 btint4cmp(int4, int4)
CREATE OPERATOR FAMILY n USING btree
ALTER OPERATOR FAMILY o USING btree ADD OPERATOR 1 < (int4, int2)
CREATE CAST (z AS int) WITH FUNCTION h(text)
CREATE TRANSFORM FOR int LANGUAGE sql (FROM SQL WITH FUNCTION prsd_lextype(internal))
CREATE ACCESS METHOD n TYPE index HANDLER bthandler
CREATE TRUSTED LANGUAGE n HANDLER plpgsql_call_handler
CREATE EVENT TRIGGER n ON ddl_command_end EXECUTE FUNCTION e()
ALTER TEXT SEARCH DICTIONARY d (stopwords)
ALTER TEXT SEARCH CONFIGURATION x ALTER MAPPING FOR word WITH d
CREATE TEXT SEARCH PARSER n (start = prsd_start, gettoken = prsd_nexttoken, end = prsd_end, lextypes = prsd_lextype)
CREATE TEXT SEARCH TEMPLATE n (lexize = dsimple_lexize)
CREATE FOREIGN DATA WRAPPER n
ALTER FOREIGN DATA WRAPPER w OPTIONS (ADD a 'b')
CREATE SERVER n FOREIGN DATA WRAPPER w
ALTER SERVER s VERSION '2'
CREATE USER MAPPING FOR pg_monitor SERVER s
ALTER USER MAPPING FOR public SERVER s OPTIONS (ADD a 'b')
DROP USER MAPPING FOR public SERVER s
CREATE TYPE n
CREATE SUBSCRIPTION n CONNECTION '' PUBLICATION n WITH (connect = false)
DEALLOCATE ALL
CLOSE ALL
DISCARD PLANS
"""
_DOC = "src/backend/tcop/utility.c"


def _facts() -> Iterator[Fact]:
    for form in _FORMS.strip().splitlines():
        yield Fact(form=form, source=_DOC, proof=Proof(setup=_SETUP, statement=form, expects=()))


FACTS = tuple(_facts())
