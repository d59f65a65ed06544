"""The catalog as read from a server of every major."""

from __future__ import annotations

import psycopg
import pytest

from gate.app.plan_sql import plan_sql
from gate.db.asking import Asking
from gate.db.assembling import Seeds
from gate.db.connect import connect
from gate.db.snapshot import _Reading, _second_round, read
from gate.model.catalog import Ref, Relation
from gate.model.errors import UsageError
from gate.model.names import Name
from gate.model.snapshot import Snapshot
from gate.model.wants import Wants
from tests.servers import Database


def wants(*names: str, **more: object) -> Wants:
    """Relations by name, `schema.name` where a schema is meant."""
    found = [Name(*reversed(name.split(".", 1))) if "." in name else Name(name) for name in names]
    return Wants(relations=frozenset(found), **more)  # type: ignore[arg-type]


def look(database: Database, wanted: Wants, script: str = "", **more: object) -> Snapshot:
    if script:
        database.execute(script)
    with connect(database.conninfo) as connection:
        return read(connection, wanted, **more)  # type: ignore[arg-type]


def relation(snapshot: Snapshot, name: str) -> Relation:
    oid = snapshot.find(Name(*reversed(name.split(".", 1))) if "." in name else Name(name))
    assert oid is not None
    found = snapshot.relation_of(oid)
    assert found is not None
    return found


def names(snapshot: Snapshot) -> set[str]:
    return {item.name for item in snapshot.relations.values()}


def test_nothing_wanted_is_the_server_alone(database: Database) -> None:
    snapshot = look(database, Wants())
    assert snapshot.server.major == database.major
    assert snapshot.server.database == database.name
    assert snapshot.server.search_path == ("public",)
    assert "public" in snapshot.schemas
    assert not snapshot.relations
    assert snapshot.server.pooler is None


def test_columns_defaults_and_their_volatility(database: Database) -> None:
    script = """
        CREATE FUNCTION steady() RETURNS integer LANGUAGE sql IMMUTABLE AS 'SELECT 7';
        CREATE TABLE t (a integer GENERATED ALWAYS AS IDENTITY, b integer DEFAULT (random() * 10)::integer,
            c timestamptz DEFAULT now(), d date DEFAULT current_date, e integer GENERATED ALWAYS AS (1 + 1) STORED,
            f varchar(5) DEFAULT 'x', g timestamptz DEFAULT ('2020-01-01'::text)::timestamptz,
            h integer DEFAULT steady(), i serial, j integer DEFAULT 3)
    """
    found = {item.name: item for item in relation(look(database, wants("t"), script), "t").columns}
    assert {name: item.volatility for name, item in found.items()} == {
        "a": None, "b": "v", "c": "s", "d": "s", "e": "i", "f": "i", "g": "s", "h": "i", "i": "v", "j": "i",
    }  # fmt: skip
    assert found["a"].identity == "a"
    assert found["e"].generated == "s"
    assert found["f"].typmod == 5 + 4
    assert found["h"].default == "steady()"


def test_names_of_every_kind(database: Database) -> None:
    script = """
        CREATE SCHEMA "Läden"; CREATE TABLE "Läden"."Größe, ""neu"", alt" ("Ä b" integer);
        CREATE TABLE hidden (a integer); CREATE TABLE "Läden".hidden (a integer);
    """
    snapshot = look(database, Wants(relations=frozenset({Name('Größe, "neu", alt', "Läden"), Name("hidden")})), script)
    assert names(snapshot) == {'Größe, "neu", alt', "hidden"}
    assert relation(snapshot, "hidden").schema == "public"


def test_the_search_path_of_the_connection_decides(database: Database) -> None:
    database.execute("CREATE SCHEMA app; CREATE TABLE app.t (a integer); CREATE TABLE t (a integer)")
    with connect(database.conninfo, options="-csearch_path=app,public") as connection:
        snapshot = read(connection, wants("t"))
    assert relation(snapshot, "t").schema == "app"


def test_an_index_brings_its_table_and_all_its_columns(database: Database) -> None:
    script = """
        CREATE TABLE t (a integer, b text, c integer);
        CREATE UNIQUE INDEX t_idx ON t (lower(b), a DESC) INCLUDE (c) WHERE a > 0
    """
    snapshot = look(database, wants("t_idx"), script)
    (index,) = relation(snapshot, "t").indexes
    assert index.columns == (1, 2, 3)
    assert index.include == (3,)
    assert [key.column for key in index.keys] == [0, 1]
    assert index.has_expressions
    assert index.has_predicate
    assert index.is_unique
    assert index.keys[1].is_default_opclass
    assert snapshot.index_tables[index.oid] == relation(snapshot, "t").oid


def test_trees_and_foreign_keys_are_followed(database: Database) -> None:
    script = """
        CREATE TABLE top (a integer, b integer, PRIMARY KEY (a, b)) PARTITION BY RANGE (a);
        CREATE TABLE one PARTITION OF top FOR VALUES FROM (1) TO (10) PARTITION BY LIST (b);
        CREATE TABLE one_rest PARTITION OF one DEFAULT;
        CREATE TABLE rest PARTITION OF top DEFAULT;
        CREATE TABLE pointing (a integer, b integer, FOREIGN KEY (a, b) REFERENCES top);
    """
    snapshot = look(database, wants("one"), script)
    assert names(snapshot) == {"top", "one", "one_rest", "rest", "pointing"}
    one = relation(snapshot, "one")
    assert one.partition_bound == "FOR VALUES FROM (1) TO (10)"
    assert one.parents == (relation(snapshot, "top").oid,)
    assert relation(snapshot, "rest").is_default_partition
    assert relation(snapshot, "top").partition_columns == (1,)
    assert relation(snapshot, "top").total_bytes is None
    pointing = relation(snapshot, "pointing")
    assert pointing.oid in {table for table, _ in relation(snapshot, "top").referenced_by}


def test_what_depends_comes_along(database: Database) -> None:
    script = """
        CREATE TABLE t (a integer, b integer); CREATE VIEW v AS SELECT a FROM t; CREATE VIEW vv AS SELECT a FROM v;
        CREATE MATERIALIZED VIEW mv AS SELECT a FROM vv;
        CREATE FUNCTION f() RETURNS bigint LANGUAGE sql BEGIN ATOMIC SELECT count(*) FROM t; END;
    """
    snapshot = look(database, wants("t"), script)
    assert names(snapshot) == {"t", "v", "vv", "mv"}
    edges = snapshot.dependents[Ref("pg_class", relation(snapshot, "t").oid, 1)]
    assert relation(snapshot, "v").oid in {edge.relation for edge in edges}
    assert relation(snapshot, "mv").reads == (relation(snapshot, "vv").oid,)
    assert [item.name for item in snapshot.functions.values()] == ["f"]
    below = look(database, wants("mv"))
    assert names(below) == {"t", "v", "vv", "mv"}


def test_a_type_knows_its_columns(database: Database) -> None:
    script = """
        CREATE TYPE mood AS ENUM ('sad', 'ok'); CREATE DOMAIN feeling AS mood CHECK (VALUE <> 'sad');
        CREATE TYPE pair AS (x feeling, y integer); CREATE TABLE t (a integer, p pair[]);
    """
    snapshot = look(database, Wants(types=frozenset({Name("mood")})), script)
    mood = next(item for item in snapshot.types.values() if item.name == "mood")
    assert mood.labels == ("sad", "ok")
    assert mood.used_by == ((relation(snapshot, "t").oid, 2),)
    domain = next(item for item in snapshot.types.values() if item.name == "feeling")
    assert [item.name for item in domain.constraints] == ["feeling_check"]


def test_triggers_bring_their_functions(database: Database) -> None:
    script = """
        CREATE TABLE t (a integer);
        CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN INSERT INTO log VALUES (1); RETURN NEW; END';
        CREATE TRIGGER z BEFORE INSERT OR UPDATE ON t FOR EACH ROW EXECUTE FUNCTION f();
    """
    snapshot = look(database, wants("t"), script)
    (trigger,) = relation(snapshot, "t").triggers
    assert (trigger.timing, trigger.events, trigger.is_row) == ("before", frozenset({"insert", "update"}), True)
    assert "INSERT INTO log" in (snapshot.functions[trigger.function].source or "")


def test_empty_is_only_what_was_read_so(database: Database) -> None:
    script = "CREATE TABLE bare (a text); CREATE TABLE full_ (a text); INSERT INTO full_ VALUES ('x')"
    snapshot = look(database, wants("bare", "full_"), script)
    assert relation(snapshot, "bare").is_known_empty
    assert not relation(snapshot, "full_").is_known_empty
    assert relation(snapshot, "full_").rows is None
    ((total,),) = database.fetch("SELECT pg_total_relation_size('full_')")
    assert relation(snapshot, "full_").total_bytes == total


def test_positions_of_sequences(database: Database) -> None:
    script = "CREATE TABLE t (a serial, b integer); CREATE SEQUENCE unused; INSERT INTO t (b) VALUES (1), (2)"
    snapshot = look(database, wants("t", "unused"), script)
    owned, unused = relation(snapshot, "t_a_seq").sequence, relation(snapshot, "unused").sequence
    assert owned is not None
    assert (owned.last, owned.owner_table, owned.owner_column) == (2, relation(snapshot, "t").oid, 1)
    assert unused is not None
    assert unused.last is None


def test_what_others_lock_is_not_waited_for(database: Database) -> None:
    database.execute(
        "CREATE TABLE t (a integer, b integer DEFAULT 5, CHECK (a > 0)); CREATE INDEX ON t ((a + b));"
        "CREATE VIEW v AS SELECT a FROM t;"
        "CREATE TABLE free (a integer)"
    )
    with database.connect() as other, other.transaction():
        other.execute("LOCK TABLE t IN ACCESS EXCLUSIVE MODE")
        snapshot = look(database, wants("t", "v", "free"))
    assert relation(snapshot, "t").constraints[0].expression is None
    assert relation(snapshot, "v").definition is None
    assert not relation(snapshot, "t").is_known_empty
    assert relation(snapshot, "free").is_known_empty
    assert "public.t" in snapshot.unread[0].what


def test_the_reading_leaves_nothing_behind(database: Database) -> None:
    database.execute("CREATE TABLE t (a integer); CREATE VIEW v AS SELECT a FROM t")
    with connect(database.conninfo) as connection:
        before = connection.execute("SELECT name, setting FROM pg_settings ORDER BY 1").fetchall()
        read(connection, wants("v"))
        assert connection.info.transaction_status == psycopg.pq.TransactionStatus.IDLE
        assert connection.execute("SELECT name, setting FROM pg_settings ORDER BY 1").fetchall() == before


def test_an_operator_of_a_user_is_never_called(database: Database) -> None:
    database.execute(
        """
        CREATE TABLE t (a integer);
        CREATE FUNCTION trap(oid, oid) RETURNS boolean LANGUAGE plpgsql AS 'BEGIN RAISE ''trapped''; END';
        CREATE FUNCTION trap(name, name) RETURNS boolean LANGUAGE plpgsql AS 'BEGIN RAISE ''trapped''; END';
        CREATE FUNCTION trap(text, text) RETURNS boolean LANGUAGE plpgsql AS 'BEGIN RAISE ''trapped''; END';
        CREATE OPERATOR public.= (FUNCTION = trap, LEFTARG = oid, RIGHTARG = oid);
        CREATE OPERATOR public.= (FUNCTION = trap, LEFTARG = name, RIGHTARG = name);
        CREATE OPERATOR public.= (FUNCTION = trap, LEFTARG = text, RIGHTARG = text);
        """
    )
    with connect(database.conninfo, options="-csearch_path=public,pg_catalog") as connection:
        assert names(read(connection, wants("t"))) == {"t"}


def test_the_release_role_s_eyes(database: Database) -> None:
    role = f"deploy_{database.name}"
    database.execute(
        f"""
        CREATE ROLE {role}; CREATE SCHEMA app; GRANT USAGE ON SCHEMA app TO {role}; CREATE TABLE app.t (a integer);
        GRANT SELECT, INSERT ON app.t TO {role};
        ALTER ROLE {role} SET search_path = app, "$user", missing; ALTER ROLE {role} SET lock_timeout = '3s';
        ALTER ROLE {role} IN DATABASE {database.name} SET timezone = 'Europe/Paris';
        """
    )
    try:
        snapshot = look(database, wants("t"), release_role=role)
        assert snapshot.server.search_path == ("app",)
        assert snapshot.server.settings["lock_timeout"] == "3s"
        assert snapshot.server.time_zone == "Europe/Paris"
        assert not snapshot.server.is_superuser
        assert relation(snapshot, "t").privileges == {"SELECT", "INSERT"}
        assert not snapshot.schemas["app"].may_create
        assert snapshot.server.memberships == {role}
    finally:
        database.execute(f"DROP OWNED BY {role}; DROP ROLE {role}")


def test_a_role_that_is_not_there(database: Database) -> None:
    with pytest.raises(UsageError):
        look(database, Wants(), release_role="nobody at all")


def test_a_plain_role_is_told_what_it_cannot_see(database: Database) -> None:
    role = f"plain_{database.name}"
    database.execute(f"CREATE ROLE {role} LOGIN; CREATE TABLE t (a integer); INSERT INTO t VALUES (1); ANALYZE t")
    try:
        with connect(database.conninfo, user=role) as connection:
            snapshot = read(connection, wants("t"))
        assert relation(snapshot, "t").columns[0].has_statistics
        remedies = [item.remedy for item in snapshot.unread]
        assert remedies == [f"GRANT SELECT ON public.t TO {role}", f"GRANT pg_monitor TO {role}"]
    finally:
        database.execute(f"DROP ROLE {role}")


def test_whole_schemas_and_the_whole_database(database: Database) -> None:
    script = """
        CREATE SCHEMA app; CREATE TABLE app.a (x integer); CREATE TABLE app.b (x integer); CREATE TABLE c (x integer);
        CREATE VIEW v AS SELECT x FROM app.a; CREATE TYPE lonely AS ENUM ('x');
    """
    assert names(look(database, Wants(whole_schemas=frozenset({"app"})), script)) == {"a", "b", "v"}
    whole = look(database, Wants(needs_database=True))
    assert names(whole) == {"a", "b", "c", "v"}
    assert whole.is_whole
    assert "lonely" in {item.name for item in whole.types.values()}
    assert whole.casts


def test_system_catalogs_are_shallow(database: Database) -> None:
    snapshot = look(database, wants("pg_class"))
    assert relation(snapshot, "pg_class").is_system
    assert names(snapshot) == {"pg_class"}
    assert not snapshot.dependents


def test_a_second_reading_adds_to_the_first(database: Database) -> None:
    database.execute("CREATE TABLE a (x integer); CREATE TABLE b (x integer)")
    first = look(database, wants("a"))
    assert names(look(database, wants("b"), already=first)) == {"a", "b"}


def test_all_that_references_a_truncated_table(database: Database) -> None:
    script = """
        CREATE TABLE a (x integer PRIMARY KEY); CREATE TABLE b (x integer PRIMARY KEY REFERENCES a);
        CREATE TABLE c (x integer PRIMARY KEY REFERENCES b); CREATE TABLE d (x integer REFERENCES c);
    """
    assert names(look(database, wants("a"), script)) == {"a", "b"}
    assert names(look(database, wants("a", cascades=frozenset({Name("a")})))) == {"a", "b", "c", "d"}


def test_a_lock_taken_while_gate_reads(database: Database) -> None:
    """Nobody held anything at the first look; the second round meets the lock and goes on without the relation."""
    database.execute("CREATE TABLE t (a integer, CHECK (a > 0)); CREATE INDEX ON t ((a + 1))")
    with connect(database.conninfo) as connection, database.connect() as other:
        reading = _Reading(connection, wants("t"), None)
        asking = Asking(connection)
        first = reading._first_round(asking)
        seeds = Seeds(oids=list(first.found.relations), types=[], functions=[])
        with other.transaction():
            other.execute("LOCK TABLE t IN ACCESS EXCLUSIVE MODE")
            second = _second_round(asking, Wants(), seeds, first.session, first.locked)
        asking.end()
    assert first.locked == []
    assert second.unread == set(seeds.oids)
    assert second.relations[0].constraints[-1].expression is None


def test_all_that_a_role_owns_or_was_granted(database: Database) -> None:
    role = f"owner_{database.name}"
    database.execute(
        f"""
        CREATE ROLE {role}; CREATE TABLE own (a integer); ALTER TABLE own OWNER TO {role};
        CREATE TABLE lent (a integer); GRANT SELECT ON lent TO {role}; CREATE TABLE other (a integer);
        CREATE TYPE mood AS ENUM ('ok'); ALTER TYPE mood OWNER TO {role}; CREATE TABLE moody (m mood);
        """
    )
    try:
        assert names(look(database, Wants(owners=frozenset({role})))) == {"own", "lent", "moody"}
    finally:
        database.execute(f"DROP OWNED BY {role} CASCADE; DROP ROLE {role}")


def test_objects_of_other_kinds_as_a_plain_role_sees_them(database: Database) -> None:
    role = f"plain_{database.name}"
    others = {("pg_collation", Name("C")), ("pg_language", Name("plpgsql")), ("pg_publication", Name("news"))}
    database.execute(f"CREATE ROLE {role} LOGIN; CREATE PUBLICATION news")
    try:
        with connect(database.conninfo, user=role) as connection:
            snapshot = read(connection, Wants(others=frozenset(others), operators=frozenset({"="}), needs_casts=True))
        assert {(item.catalog, item.name) for item in snapshot.others} == {(kind, name.name) for kind, name in others}
        assert not snapshot.operators
        assert all(item.is_default for item in snapshot.operator_classes)
    finally:
        database.execute(f"DROP ROLE {role}")


def test_dependents_of_an_extension_or_a_schema(database: Database) -> None:
    script = """
        CREATE SCHEMA app; CREATE TYPE app.mood AS ENUM ('ok'); CREATE TABLE t (m app.mood); CREATE TABLE u (a integer)
    """
    wanted = Wants(dependents_of=frozenset({("pg_namespace", Name("app"))}))
    assert names(look(database, wanted, script)) == {"t"}


def test_publications_and_extended_statistics(database: Database) -> None:
    script = """
        CREATE TABLE t (a integer, b integer); CREATE STATISTICS s ON a, b FROM t;
        CREATE PUBLICATION one FOR TABLE t; CREATE PUBLICATION every FOR ALL TABLES; CREATE PUBLICATION none;
    """
    table = relation(look(database, wants("t"), script), "t")
    assert table.publications == ("every", "one")
    assert [(item.name, item.columns) for item in table.statistics] == [("s", (1, 2))]


def test_rules_and_policies_name_what_they_read(database: Database) -> None:
    script = """
        CREATE TABLE t (a integer); CREATE TABLE log (a integer); CREATE TABLE allowed (a integer);
        CREATE RULE keep AS ON INSERT TO t DO ALSO INSERT INTO log VALUES (NEW.a);
        CREATE POLICY mine ON t USING (a IN (SELECT a FROM allowed));
    """
    snapshot = look(database, wants("t"), script)
    table = relation(snapshot, "t")
    assert names(snapshot) == {"t", "log", "allowed"}
    assert [(item.name, item.event, item.relations) for item in table.rules] == [
        ("keep", "insert", (relation(snapshot, "log").oid,))
    ]
    assert table.policies[0].relations == (relation(snapshot, "allowed").oid,)


def test_a_search_path_that_the_migration_sets_is_looked_along(database: Database) -> None:
    database.execute("CREATE SCHEMA app; CREATE TABLE app.t (a int); INSERT INTO app.t VALUES (1)")
    plan = plan_sql("SET search_path TO app, public; ALTER TABLE t ADD CHECK (a > 0)", database.conninfo)
    assert [effect.relation for effect in plan.statements[1].effects] == ["app.t"]
