"""Large UPDATEs and DELETEs in batches: of every table that can be walked, with all that hangs on its rows."""

from __future__ import annotations

from functools import partial

from tests.laws.case import LawCase

_ORDERS = (
    "CREATE TABLE orders (id bigint PRIMARY KEY, customer int, status text, price numeric, placed timestamptz);"
    "INSERT INTO orders SELECT g, g % 7, (ARRAY['sent', 'open', NULL])[g % 3 + 1], g * 1.5, date '2026-01-01' - g"
    " FROM generate_series(1, 20) g"
)
_order = partial(LawCase, setup=_ORDERS)

_PARTITIONED = (
    "CREATE TABLE events (id int, day date, kind text, PRIMARY KEY (day, id)) PARTITION BY RANGE (day);"
    "CREATE TABLE events_old PARTITION OF events FOR VALUES FROM ('2024-01-01') TO ('2025-01-01');"
    "CREATE TABLE events_new PARTITION OF events FOR VALUES FROM ('2025-01-01') TO ('2026-01-01')"
    " PARTITION BY HASH (id);"
    "CREATE TABLE events_new_0 PARTITION OF events_new FOR VALUES WITH (MODULUS 2, REMAINDER 0);"
    "CREATE TABLE events_new_1 PARTITION OF events_new FOR VALUES WITH (MODULUS 2, REMAINDER 1);"
    "CREATE TABLE events_rest PARTITION OF events DEFAULT;"
    "INSERT INTO events SELECT g, date '2024-06-01' + g * 20, 'k' || g % 3 FROM generate_series(1, 60) g"
)
_event = partial(LawCase, setup=_PARTITIONED)

_LOG = (
    "CREATE TABLE log (id int, n int, kind text, price numeric(6, 2), code char(5), doc json, at timestamptz,"
    ' "Ünit" numeric(5, 1)[]);'
    "INSERT INTO log SELECT g, nullif(g, 5), 'k' || g % 3, g, g, '{}', now() FROM generate_series(1, 25) g"
)
_keyless = partial(LawCase, setup=_LOG)

# Given in a form that each of them keeps otherwise: rounded, padded, sorted, cut to its precision.
_TYPES = {
    "smallint": "1.4", "bigint": "2.5", "real": "0.1", "float8": "'1e-300'", "numeric": "1.500",
    "numeric(10, 3)": "0.00051",
    "varchar(5)": "'ab'", "char(3)": "'a'", "bpchar": "'a  '", "text": "'a' || 1", '"char"': "'q'", "name": "'n'",
    "bytea": "'\\x00ff'", "bool": "'t'", "date": "'2026-02-03'", "time(1)": "'01:02:03.456'",
    "timetz(2)": "'01:02:03.456+02'", "timestamp(0)": "'2026-02-03 04:05:06.7'", "interval": "'36 hours'",
    "timestamptz(3)": "'2026-02-03 04:05:06.78912+01'", "uuid": "'A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11'",
    "inet": "'10.0.0.1/32'", "cidr": "'10.0/16'", "json": "'{\"b\": 1,  \"b\": 2}'", "bit(5)": "'10101'",
    "jsonb": "'{\"b\": 1,  \"a\": 2.0}'", "varbit(7)": "'101'", "point": "'(1,-0)'", "box": "'(0,0),(2,2)'",
    "int4range": "'(1,5]'", "int[]": "'[2:3]={1,2}'", "varchar(3)[]": "'{ab,NULL}'",
    "numeric(4, 1)[]": "ARRAY[1.25, 2]",
    "timestamp(0)[]": "ARRAY[timestamp '2026-02-03 04:05:06.7']", "tsvector": "'b a:1 b'", "money": "1.005",
    "rounded": "3.14159", "mood": "'fine'", "pair": "ROW(1, 'x')", "pair[]": "ARRAY[ROW(1, NULL)::pair]",
}  # fmt: skip

CASES = (
    _order(name="update, a constant by a condition", sql="UPDATE orders SET status = 'shipped' WHERE status = 'sent'"),
    _order(name="update, no condition", sql="UPDATE orders SET price = price * 100"),
    _order(name="update, a value from itself", sql="UPDATE orders SET price = price + 1 WHERE price < 20"),
    _order(
        name="update, columns exchanged by a row",
        sql="UPDATE orders SET (status, price) = (customer::text || coalesce(status, ''), id), customer = NULL",
    ),
    _order(
        name="update, conditions that hang on their parentheses",
        sql="UPDATE orders SET price = -price WHERE (status = 'sent' AND customer > 3) IS NULL "
        "OR (customer = 2) IN (status = 'open') OR (NOT status = 'sent') IS NULL",
    ),
    _order(
        name="update, an alias and names in full",
        sql='UPDATE public.orders AS "O" SET status = upper("O".status) WHERE "O".id > 3 OR "O".status IS NULL',
    ),
    _order(
        name="update, a schema before the column",
        sql="UPDATE public.orders SET status = lower(public.orders.status) WHERE public.orders.customer <> 2",
    ),
    _order(name="delete by a condition", sql="DELETE FROM orders WHERE status IS NULL OR price > 12"),
    _order(name="delete, everything", sql="DELETE FROM ONLY orders"),
    LawCase(
        name="update, names that need quotes",
        setup='CREATE SCHEMA "Größe"; CREATE TABLE "Größe"."Tëst" ("Die ""Nr""" uuid PRIMARY KEY, "order" text);'
        'INSERT INTO "Größe"."Tëst" SELECT md5(g::text)::uuid, \'x\' || g FROM generate_series(1, 12) g',
        sql='UPDATE "Größe"."Tëst" SET "order" = "Die ""Nr"""::text || \' é $$ \'\'x\'\' \' WHERE "order" <> \'x3\'',
    ),
    LawCase(
        name="update, a key of two columns, the second one text",
        setup="CREATE TABLE t (a int, b text, n int, PRIMARY KEY (a, b));"
        "INSERT INTO t SELECT g % 3, md5(g::text), g FROM generate_series(1, 20) g",
        sql="UPDATE t SET n = n + 1 WHERE n % 5 <> 0",
    ),
    LawCase(
        name="update, a unique index instead of a primary key",
        setup="CREATE TABLE t (a int, b bigint NOT NULL, n int); CREATE UNIQUE INDEX i ON t (b DESC);"
        "INSERT INTO t SELECT NULL, -g, g FROM generate_series(1, 12) g",
        sql="UPDATE t SET n = NULL, a = n",
    ),
    LawCase(
        name="update, triggers of its rows",
        setup="CREATE TABLE t (id int PRIMARY KEY, n int, seen int DEFAULT 0); CREATE TABLE log (id int, n int);"
        "INSERT INTO t SELECT g, g FROM generate_series(1, 12) g;"
        "CREATE FUNCTION counts() RETURNS trigger LANGUAGE plpgsql AS"
        " 'BEGIN NEW.seen := OLD.seen + 1; RETURN NEW; END';"
        "CREATE FUNCTION logs() RETURNS trigger LANGUAGE plpgsql AS"
        " 'BEGIN INSERT INTO log VALUES (NEW.id, NEW.n); RETURN NULL; END';"
        "CREATE TRIGGER counts BEFORE UPDATE ON t FOR EACH ROW EXECUTE FUNCTION counts();"
        "CREATE TRIGGER logs AFTER UPDATE OF n ON t FOR EACH ROW WHEN (OLD.n IS DISTINCT FROM NEW.n)"
        " EXECUTE FUNCTION logs()",
        sql="UPDATE t SET n = n * 2 WHERE id <> 5",
    ),
    LawCase(
        name="update, generated columns and their index",
        setup="CREATE TABLE t (id int PRIMARY KEY, n int, twice int GENERATED ALWAYS AS (n * 2) STORED);"
        "CREATE INDEX ON t (twice); INSERT INTO t (id, n) SELECT g, g FROM generate_series(1, 12) g",
        sql="UPDATE t SET n = -n WHERE twice > 6",
    ),
    LawCase(
        name="update, a foreign key and the column's default",
        setup="CREATE TABLE r (id int PRIMARY KEY); INSERT INTO r VALUES (1), (2);"
        "CREATE TABLE t (id int PRIMARY KEY, r int DEFAULT 1 REFERENCES r); INSERT INTO t SELECT g, 2"
        " FROM generate_series(1, 12) g",
        sql="UPDATE t SET r = DEFAULT WHERE id > 2",
    ),
    _event(name="update, partitions", sql="UPDATE events SET kind = 'x' || kind WHERE kind <> 'k0'"),
    _event(name="delete, partitions left out", sql="DELETE FROM events WHERE day >= '2025-01-01' AND kind = 'k1'"),
    _event(
        name="update, beside a partition that the same release makes",
        sql="CREATE TABLE events_next PARTITION OF events FOR VALUES FROM ('2030-01-01') TO ('2031-01-01');"
        "UPDATE events SET kind = 'x'",
    ),
    _event(name="update, one partition by its name", sql="UPDATE events_new SET kind = NULL"),
    LawCase(
        name="delete, with all that inherits",
        setup="CREATE TABLE t (id int PRIMARY KEY, n int); CREATE TABLE u (PRIMARY KEY (id)) INHERITS (t);"
        "INSERT INTO t SELECT g, g FROM generate_series(1, 10) g;"
        "INSERT INTO u SELECT g, g FROM generate_series(1, 20) g",
        sql="DELETE FROM t WHERE n % 4 = 1",
    ),
    LawCase(
        name="update, without what inherits",
        setup="CREATE TABLE t (id int PRIMARY KEY, n int); CREATE TABLE u (PRIMARY KEY (id)) INHERITS (t);"
        "INSERT INTO t SELECT g, g FROM generate_series(1, 10) g;"
        "INSERT INTO u SELECT g, g FROM generate_series(1, 20) g",
        sql="UPDATE ONLY t SET n = n + 1",
    ),
    LawCase(
        name="update, a text that looks like the loop",
        setup="CREATE TABLE t (id int PRIMARY KEY, n text); INSERT INTO t SELECT g, 'x' FROM generate_series(1, 10) g",
        sql="UPDATE t SET n = 'a\n) $gate$ gate_walk\n    b $1 ''c''' WHERE n = 'x' AND id <> 3",
    ),
    LawCase(
        name="update, columns that are called as a batch calls its own",
        setup="CREATE TABLE t (gate_key_1 int, gate_key_2 int, gate_last int, gate_walk int, gate1_key_1 int, "
        "PRIMARY KEY (gate_key_2, gate_key_1)); INSERT INTO t SELECT g, -g, g, g, g FROM generate_series(1, 12) g",
        sql="UPDATE t SET gate_last = gate_walk + gate_key_1, gate1_key_1 = gate_last WHERE gate_key_2 < -7",
    ),
    LawCase(
        name="delete, a table that is called as a batch calls its own",
        setup="CREATE TABLE gate_walk (a int, b int, n int, PRIMARY KEY (a, b));"
        "INSERT INTO gate_walk SELECT g, g, g FROM generate_series(1, 12) g",
        sql="DELETE FROM gate_walk WHERE gate_walk.n % 3 = 1",
    ),
    LawCase(
        name="update, a key that is an array",
        setup="CREATE TABLE t (id int[] PRIMARY KEY, n int);"
        "INSERT INTO t SELECT ARRAY[g % 3, g], g FROM generate_series(1, 12) g",
        sql="UPDATE t SET n = n + id[1] WHERE id[1] <> 2",
    ),
    LawCase(
        name="update, a key of a domain",
        setup="CREATE DOMAIN number AS bigint NOT NULL CHECK (VALUE > 0);"
        "CREATE TABLE t (id number PRIMARY KEY, n int);"
        "INSERT INTO t SELECT g, g FROM generate_series(1, 12) g",
        sql="UPDATE t SET n = id * 2",
    ),
    LawCase(
        name="update, partitions with columns in another order",
        setup="CREATE TABLE t (id int, kind text, n int) PARTITION BY LIST (kind);"
        "CREATE TABLE a (n int, gone int, kind text, id int PRIMARY KEY); ALTER TABLE a DROP COLUMN gone;"
        "ALTER TABLE t ATTACH PARTITION a FOR VALUES IN ('a'); CREATE TABLE b PARTITION OF t DEFAULT;"
        "ALTER TABLE b ADD PRIMARY KEY (id); INSERT INTO t SELECT g, CASE WHEN g % 3 = 0 THEN 'a' ELSE 'b' || g END, g"
        " FROM generate_series(1, 20) g",
        sql="UPDATE t SET n = t.n * t.id WHERE t.n <> 6",
    ),
    LawCase(
        name="delete, rows that others reference",
        setup="CREATE TABLE r (id int PRIMARY KEY); INSERT INTO r SELECT g FROM generate_series(1, 12) g;"
        "CREATE TABLE c (r int REFERENCES r ON DELETE CASCADE); INSERT INTO c SELECT g FROM generate_series(1, 12) g;"
        "CREATE TABLE n (r int REFERENCES r ON DELETE SET NULL); INSERT INTO n SELECT g FROM generate_series(3, 6) g;"
        "CREATE TABLE k (r int REFERENCES r); INSERT INTO k VALUES (1)",
        sql="DELETE FROM r WHERE id > 1",
    ),
    LawCase(
        name="delete, rows that reference each other and cascade",
        setup="CREATE TABLE t (id int PRIMARY KEY, parent int REFERENCES t ON DELETE CASCADE);"
        "INSERT INTO t SELECT g, nullif(g / 8, 0) FROM generate_series(1, 12) g",
        sql="DELETE FROM t WHERE id IN (2, 5, 6, 9, 10, 11)",
    ),
    _keyless(name="keyless: update, a constant by a condition", sql="UPDATE log SET kind = 'x' WHERE kind = 'k1'"),
    _keyless(name="keyless: update, all rows", sql="UPDATE log SET n = 7, kind = upper('y')"),
    _keyless(
        name="keyless: update, from other columns",
        sql="UPDATE log AS l SET n = l.id * 2, at = now() WHERE id <> 3",
        unlike=("log.at",),
    ),
    _keyless(name="keyless: update, values that are kept otherwise", sql="UPDATE log SET price = id / 7.0, code = id"),
    LawCase(
        name="keyless: update, values that are equal and not the same",
        setup="CREATE TABLE t (n numeric, f float8, b bpchar, j jsonb);"
        "INSERT INTO t SELECT 1.0, 0, 'a ', '[1.0]' FROM generate_series(1, 7) g",
        sql="UPDATE t SET n = 1.000, f = '-0', b = 'a', j = '[1.00]'",
    ),
    LawCase(
        name="keyless: update, every kind of type",
        setup="CREATE DOMAIN rounded AS numeric(6, 2); CREATE TYPE mood AS ENUM ('fine');"
        "CREATE TYPE pair AS (a int, b varchar(3));"
        f"CREATE TABLE t ({', '.join(f'c{number} {kind}' for number, kind in enumerate(_TYPES))});"
        "INSERT INTO t (c0) SELECT g FROM generate_series(1, 7) g",
        sql=f"UPDATE t SET {', '.join(f'c{number} = {value}' for number, value in enumerate(_TYPES.values()))}",
    ),
    _keyless(name="keyless: update, to NULL", sql="UPDATE log SET kind = NULL, doc = NULL"),
    _keyless(
        name="keyless: update, a type without equality",
        sql='UPDATE log SET doc = \'{"a":  1}\', "Ünit" = ARRAY[1.005, 2]',
    ),
    _keyless(
        name="keyless: update, what would fail for other rows",
        sql="UPDATE log SET n = 100 / (id - 3) WHERE id <> 3 AND n IS NOT NULL",
    ),
    _keyless(name="keyless: delete, by a condition", sql="DELETE FROM log WHERE n % 4 = 1"),
    _keyless(name="keyless: delete, all rows", sql="DELETE FROM log"),
    LawCase(
        name="keyless: update, a table and columns that are called as a batch calls its own",
        setup="CREATE TABLE gate_walk (gate_key_1 int, gate_at text, gate1_place int);"
        "INSERT INTO gate_walk SELECT g, 'gate_table', g FROM generate_series(1, 12) g",
        sql="UPDATE gate_walk SET gate_key_1 = gate1_place * 77, gate_at = 'gate_table p_table' WHERE gate_key_1 < 9",
    ),
    LawCase(
        name="keyless: update, partitions",
        setup="CREATE TABLE t (id int, kind text, n int) PARTITION BY LIST (kind);"
        "CREATE TABLE a PARTITION OF t FOR VALUES IN ('a'); CREATE TABLE b PARTITION OF t DEFAULT;"
        "INSERT INTO t SELECT g, CASE WHEN g % 3 = 0 THEN 'a' ELSE 'b' || g END, g FROM generate_series(1, 40) g",
        sql="UPDATE t SET n = 3 WHERE n <> 6",
    ),
    LawCase(
        name="keyless: update, a key that may be NULL",
        setup="CREATE TABLE t (id int UNIQUE, n int); INSERT INTO t SELECT g, g FROM generate_series(1, 12) g",
        sql="UPDATE t SET n = 5",
    ),
    _keyless(
        name="keyless: add column, a volatile default",
        sql="ALTER TABLE log ADD uid uuid NOT NULL DEFAULT gen_random_uuid(), ADD r float DEFAULT random() * 10",
        unlike=("log.uid", "log.r"),
    ),
    _keyless(name="keyless: add column, serial", sql="ALTER TABLE log ADD s bigserial"),
    _keyless(name="keyless: add column, a serial primary key", sql="ALTER TABLE log ADD s bigserial PRIMARY KEY"),
    _keyless(
        name="keyless: add column, identity",
        sql="ALTER TABLE log ADD s bigint GENERATED ALWAYS AS IDENTITY (START 100)",
    ),
)
