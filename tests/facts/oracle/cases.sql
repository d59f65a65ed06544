-- One case a block: "-- id [>=VERSION] [| setup]", then the statement. Each runs in a transaction that is rolled back.
-- add_column_clock_default
ALTER TABLE orders ADD COLUMN c timestamptz DEFAULT clock_timestamp()
-- add_column_random_default
ALTER TABLE orders ADD COLUMN c double precision DEFAULT random()
-- add_column_gen_random_uuid
ALTER TABLE orders ADD COLUMN c uuid DEFAULT gen_random_uuid()
-- add_column_identity
ALTER TABLE orders ADD COLUMN c bigint GENERATED ALWAYS AS IDENTITY
-- add_column_stored
ALTER TABLE orders ADD COLUMN c integer GENERATED ALWAYS AS (amount * 2) STORED
-- add_column_virtual >=18
ALTER TABLE orders ADD COLUMN c integer GENERATED ALWAYS AS (amount * 2) VIRTUAL
-- add_column_domain_default
ALTER TABLE orders ADD COLUMN c short_text DEFAULT 'x'
-- add_column_check
ALTER TABLE orders ADD COLUMN c integer CHECK (c > 0)
-- add_column_unique
ALTER TABLE orders ADD COLUMN c integer UNIQUE
-- add_column_references_default
ALTER TABLE orders ADD COLUMN c integer DEFAULT 1 REFERENCES accounts (id)
-- add_column_if_not_exists_there
ALTER TABLE orders ADD COLUMN IF NOT EXISTS note text
-- add_column_inherited
ALTER TABLE parent ADD COLUMN c text
-- add_column_not_null_empty
ALTER TABLE empty_table ADD COLUMN c text NOT NULL
-- drop_column_indexed
ALTER TABLE orders DROP COLUMN note
-- set_default
ALTER TABLE orders ALTER COLUMN qty SET DEFAULT 3
-- set_not_null
ALTER TABLE orders ALTER COLUMN note SET NOT NULL
-- set_not_null_with_check | ALTER TABLE orders ADD CONSTRAINT nn CHECK (note IS NOT NULL)
ALTER TABLE orders ALTER COLUMN note SET NOT NULL
-- set_not_null_already
ALTER TABLE orders ALTER COLUMN amount SET NOT NULL
-- drop_not_null
ALTER TABLE orders ALTER COLUMN amount DROP NOT NULL
-- add_not_null_constraint >=18
ALTER TABLE orders ADD CONSTRAINT nn NOT NULL note
-- validate_not_null_constraint >=18 | ALTER TABLE orders ADD CONSTRAINT nn NOT NULL note NOT VALID
ALTER TABLE orders VALIDATE CONSTRAINT nn
-- type_int_to_bigint_free
ALTER TABLE orders ALTER COLUMN owner_id TYPE bigint
-- type_smallint_to_int
ALTER TABLE orders ALTER COLUMN qty TYPE integer
-- type_char_widen
ALTER TABLE orders ALTER COLUMN code TYPE char(20)
-- type_numeric_widen_precision
ALTER TABLE accounts ALTER COLUMN balance TYPE numeric(12,2)
-- type_numeric_change_scale
ALTER TABLE accounts ALTER COLUMN balance TYPE numeric(12,4)
-- type_numeric_unconstrain
ALTER TABLE accounts ALTER COLUMN balance TYPE numeric
-- type_numeric_constrain
ALTER TABLE accounts ALTER COLUMN price TYPE numeric(12,2)
-- type_timestamp_to_timestamptz_utc | SET LOCAL timezone = 'UTC'
ALTER TABLE orders ALTER COLUMN ts TYPE timestamptz
-- type_interval_precision
ALTER TABLE orders ALTER COLUMN dur TYPE interval(3)
-- type_varbit_widen
ALTER TABLE accounts ALTER COLUMN flags TYPE bit varying(16)
-- type_same
ALTER TABLE orders ALTER COLUMN amount TYPE integer
-- type_same_free
ALTER TABLE orders ALTER COLUMN owner_id TYPE integer
-- type_using_same
ALTER TABLE orders ALTER COLUMN note TYPE text USING note
-- type_using_expression
ALTER TABLE orders ALTER COLUMN note TYPE text USING upper(note)
-- type_indexed_column_varchar_text | CREATE INDEX name_idx ON accounts (name)
ALTER TABLE accounts ALTER COLUMN name TYPE text
-- type_collation_change
ALTER TABLE orders ALTER COLUMN note TYPE text COLLATE "C"
-- type_pk_column
ALTER TABLE accounts ALTER COLUMN id TYPE bigint
-- type_partitioned
ALTER TABLE events ALTER COLUMN account_id TYPE bigint
-- type_unconstrained_index_expr
ALTER TABLE orders ALTER COLUMN note TYPE varchar(500)
-- two_subcommands_one_rewrite
ALTER TABLE orders ADD COLUMN c text, ALTER COLUMN qty TYPE integer
-- create_index
CREATE INDEX i ON orders (amount)
-- create_index_partial
CREATE INDEX i ON orders (amount) WHERE amount > 100
-- create_index_gin
CREATE INDEX i ON accounts USING gin (meta)
-- create_index_if_not_exists_there
CREATE INDEX IF NOT EXISTS orders_note_idx ON orders (note)
-- create_index_partitioned
CREATE INDEX i ON events (account_id)
-- create_index_matview
CREATE INDEX i ON order_totals (total)
-- drop_index
DROP INDEX orders_note_idx
-- drop_index_partitioned
DROP INDEX events_kind_idx
-- reindex_index
REINDEX INDEX orders_note_idx
-- reindex_table
REINDEX TABLE orders
-- alter_index_set
ALTER INDEX orders_note_idx SET (fillfactor = 80)
-- add_fk
ALTER TABLE orders ADD CONSTRAINT f FOREIGN KEY (owner_id) REFERENCES accounts (id)
-- add_fk_not_valid
ALTER TABLE orders ADD CONSTRAINT f FOREIGN KEY (owner_id) REFERENCES accounts (id) NOT VALID
-- add_fk_type_mismatch
ALTER TABLE orders ADD CONSTRAINT f FOREIGN KEY (account_big) REFERENCES accounts (id)
-- validate_fk | ALTER TABLE orders ADD CONSTRAINT f FOREIGN KEY (owner_id) REFERENCES accounts (id) NOT VALID
ALTER TABLE orders VALIDATE CONSTRAINT f
-- validate_fk_already
ALTER TABLE orders VALIDATE CONSTRAINT orders_account_id_fkey
-- add_fk_not_enforced >=18
ALTER TABLE orders ADD CONSTRAINT f FOREIGN KEY (owner_id) REFERENCES accounts (id) NOT ENFORCED
-- drop_fk
ALTER TABLE orders DROP CONSTRAINT orders_account_id_fkey
-- add_check_not_valid
ALTER TABLE orders ADD CONSTRAINT k CHECK (qty > 0) NOT VALID
-- add_check_no_inherit
ALTER TABLE parent ADD CONSTRAINT k CHECK (id > 0) NO INHERIT
-- drop_check
ALTER TABLE orders DROP CONSTRAINT orders_amount_positive
-- add_primary_key
ALTER TABLE empty_table ADD PRIMARY KEY (id)
-- rename_column
ALTER TABLE orders RENAME COLUMN note TO remark
-- set_schema | CREATE SCHEMA other
ALTER TABLE orders SET SCHEMA other
-- set_autovacuum
ALTER TABLE orders SET (autovacuum_vacuum_scale_factor = 0.01)
-- reset_fillfactor | ALTER TABLE orders SET (fillfactor = 70)
ALTER TABLE orders RESET (fillfactor)
-- set_tablespace_same
ALTER TABLE orders SET TABLESPACE pg_default
-- owner
ALTER TABLE orders OWNER TO CURRENT_USER
-- replica_identity_full
ALTER TABLE orders REPLICA IDENTITY FULL
-- replica_identity_index
ALTER TABLE orders REPLICA IDENTITY USING INDEX orders_pkey
-- enable_rls
ALTER TABLE orders ENABLE ROW LEVEL SECURITY
-- force_rls
ALTER TABLE orders FORCE ROW LEVEL SECURITY
-- disable_trigger
ALTER TABLE orders DISABLE TRIGGER orders_touch
-- enable_replica_trigger
ALTER TABLE orders ENABLE REPLICA TRIGGER orders_touch
-- disable_rule | CREATE RULE r AS ON DELETE TO tags DO NOTHING
ALTER TABLE tags DISABLE RULE r
-- inherit | CREATE TABLE kid (LIKE parent)
ALTER TABLE kid INHERIT parent
-- no_inherit
ALTER TABLE child NO INHERIT parent
-- of_type | CREATE TYPE ot AS (id bigint, word text)
ALTER TABLE empty_table OF ot
-- add_identity
ALTER TABLE orders ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY
-- set_identity
ALTER TABLE accounts ALTER COLUMN id SET GENERATED ALWAYS
-- attach_partition
ALTER TABLE events ATTACH PARTITION events_2026 FOR VALUES FROM ('2026-01-01') TO ('2027-01-01')
-- attach_partition_with_check
ALTER TABLE events ATTACH PARTITION events_2027 FOR VALUES FROM ('2027-01-01') TO ('2028-01-01')
-- detach_partition
ALTER TABLE events DETACH PARTITION events_2024
-- create_partition_of
CREATE TABLE events_2030 PARTITION OF events FOR VALUES FROM ('2030-01-01') TO ('2031-01-01')
-- drop_partitioned_parent
DROP TABLE events
-- create_table
CREATE TABLE fresh (id bigint PRIMARY KEY, word text)
-- create_table_references
CREATE TABLE fresh (id bigint PRIMARY KEY, account_id integer REFERENCES accounts (id))
-- create_table_like
CREATE TABLE fresh (LIKE orders INCLUDING ALL)
-- drop_table
DROP TABLE tags CASCADE
-- drop_table_with_fk
DROP TABLE order_tags
-- truncate
TRUNCATE order_tags
-- create_matview
CREATE MATERIALIZED VIEW m AS SELECT * FROM orders
-- refresh_matview_concurrently
REFRESH MATERIALIZED VIEW CONCURRENTLY order_totals
-- drop_trigger
DROP TRIGGER orders_touch ON orders
-- create_rule
CREATE RULE r AS ON DELETE TO tags DO NOTHING
-- create_policy
CREATE POLICY p ON orders USING (true)
-- grant_table
GRANT SELECT ON orders TO PUBLIC
-- analyze_column
ANALYZE orders (note)
-- cluster_table
CLUSTER orders USING orders_note_idx
-- lock_table_nowait
LOCK TABLE orders, accounts NOWAIT
-- update_all
UPDATE orders SET qty = 2
-- insert_select
INSERT INTO empty_table SELECT id, note FROM orders
-- select_for_update
SELECT id FROM orders WHERE id = 1 FOR UPDATE
-- create_sequence
CREATE SEQUENCE s2
-- drop_sequence
DROP SEQUENCE ticket_seq
-- create_type
CREATE TYPE hue AS ENUM ('a', 'b')
-- domain_add_constraint
ALTER DOMAIN short_text ADD CONSTRAINT nonempty CHECK (VALUE <> '')
-- create_function
CREATE FUNCTION f2() RETURNS int LANGUAGE sql AS 'SELECT 1'
-- do_block_static
DO $$ BEGIN ALTER TABLE orders ALTER COLUMN qty TYPE integer; END $$
-- create_extension_noop
CREATE EXTENSION IF NOT EXISTS plpgsql
-- set_local_setting
SET LOCAL lock_timeout = '1s'
-- create_schema
CREATE SCHEMA s9
-- alter_column_set_not_null_partitioned
ALTER TABLE events ALTER COLUMN kind SET NOT NULL
-- add_unique_deferrable
ALTER TABLE orders ADD CONSTRAINT u UNIQUE (amount) DEFERRABLE INITIALLY DEFERRED
-- add_constraint_and_validate_same
ALTER TABLE orders ADD CONSTRAINT k CHECK (qty > 0) NOT VALID, VALIDATE CONSTRAINT k
-- new_table_then_index | CREATE TABLE fresh (id bigint, word text)
CREATE INDEX fresh_word_idx ON fresh (word)
-- new_table_then_fk | CREATE TABLE fresh (id bigint, account_id integer)
ALTER TABLE fresh ADD FOREIGN KEY (account_id) REFERENCES accounts (id)
-- alter_new_table_type | CREATE TABLE fresh (id bigint, word text)
ALTER TABLE fresh ALTER COLUMN id TYPE integer
-- truncate_restart | CREATE TABLE fresh (id serial)
TRUNCATE fresh RESTART IDENTITY
-- create_index_concurrently alone
CREATE INDEX CONCURRENTLY i ON orders (amount)
-- create_unique_index_concurrently alone
CREATE UNIQUE INDEX CONCURRENTLY i ON accounts (id, email)
-- create_index_concurrently_violated alone
CREATE UNIQUE INDEX CONCURRENTLY i ON orders (qty)
-- create_index_concurrently_there alone
CREATE INDEX CONCURRENTLY IF NOT EXISTS orders_note_idx ON orders (note)
-- create_index_concurrently_partitioned alone
CREATE INDEX CONCURRENTLY i ON events (account_id)
-- drop_index_concurrently alone
DROP INDEX CONCURRENTLY orders_note_idx
-- reindex_index_concurrently alone
REINDEX INDEX CONCURRENTLY orders_note_idx
-- reindex_table_concurrently alone
REINDEX TABLE CONCURRENTLY orders
-- reindex_table_partitioned alone
REINDEX TABLE events
-- reindex_table_partitioned_concurrently alone
REINDEX TABLE CONCURRENTLY events
-- reindex_index_partitioned alone
REINDEX INDEX events_kind_idx
-- reindex_schema alone
REINDEX SCHEMA public
-- detach_partition_concurrently alone | DROP TABLE events_default
ALTER TABLE events DETACH PARTITION events_2024 CONCURRENTLY
-- detach_partition_finalize | DROP TABLE events_default; UPDATE pg_inherits SET inhdetachpending = true WHERE inhrelid = 'events_2024'::regclass
ALTER TABLE events DETACH PARTITION events_2024 FINALIZE
-- vacuum alone
VACUUM orders
-- vacuum_analyze alone
VACUUM (ANALYZE) orders
-- vacuum_full alone
VACUUM FULL orders
-- vacuum_full_matview alone
VACUUM FULL order_totals
-- vacuum_partitioned alone
VACUUM events
-- vacuum_full_partitioned alone
VACUUM (FULL) events
-- analyze_inherited
ANALYZE parent
-- analyze_partitioned
ANALYZE events
-- cluster_all alone | ALTER TABLE orders CLUSTER ON orders_note_idx
CLUSTER
-- cluster_partitioned >=15 alone | CREATE INDEX events_at_idx ON events (at)
CLUSTER events USING events_at_idx
