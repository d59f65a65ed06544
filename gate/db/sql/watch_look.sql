-- What the watchdog sees at one moment, as one row of JSON: $1 is our backend's pid, $2 and $3 are schemas and names of
-- the relations whose locks are wanted. pg_locks is read once. Of it come back all who hold or await what anybody waits
-- for, and everybody on the wanted relations; who waits behind whom is worked out from that (gate.run.queues).
-- Nothing here waits for a lock. A prepared transaction has no pid; its own lock on its xid tells which one it is.
WITH here AS MATERIALIZED (
    SELECT d.oid FROM pg_catalog.pg_database d WHERE d.datname = pg_catalog.current_database()
), held AS MATERIALIZED (
    SELECT l.*
    FROM pg_catalog.pg_locks l
    WHERE l.pid IS DISTINCT FROM pg_catalog.pg_backend_pid() AND l.mode <> 'SIReadLock'
), awaited AS MATERIALIZED (
    SELECT DISTINCT h.locktype, h.database, h.relation, h.page, h.tuple, h.virtualxid, h.transactionid, h.classid,
           h.objid, h.objsubid
    FROM held h
    WHERE NOT h.granted
), wanted AS MATERIALIZED (
    SELECT c.oid
    FROM ROWS FROM (pg_catalog.unnest($2::text[]), pg_catalog.unnest($3::text[])) w(schema, name)
    JOIN pg_catalog.pg_namespace n ON n.nspname = w.schema
    JOIN pg_catalog.pg_class c ON c.relnamespace = n.oid AND c.relname = w.name
), found AS MATERIALIZED (
    SELECT h.*
    FROM held h
    LEFT JOIN awaited a ON a.locktype = h.locktype
         AND coalesce(a.relation, 0) = coalesce(h.relation, 0)
         AND coalesce(a.transactionid, '0') = coalesce(h.transactionid, '0')
         AND (a.database, a.page, a.tuple, a.virtualxid, a.classid, a.objid, a.objsubid)
             IS NOT DISTINCT FROM (h.database, h.page, h.tuple, h.virtualxid, h.classid, h.objid, h.objsubid)
    LEFT JOIN wanted w ON w.oid = h.relation AND h.locktype = 'relation' AND h.database IN (0, (SELECT here.oid FROM here))
    WHERE a.locktype IS NOT NULL OR w.oid IS NOT NULL
)
SELECT
    (SELECT pg_catalog.json_agg(pg_catalog.json_build_array(
         f.pid, f.virtualtransaction, f.mode, f.granted,
         extract(epoch FROM pg_catalog.clock_timestamp() - f.waitstart)::float8, f.locktype,
         pg_catalog.concat_ws('/', f.database, f.relation, f.page, f.tuple, f.virtualxid, f.transactionid, f.classid,
             f.objid, f.objsubid),
         CASE WHEN f.database IN (0, (SELECT here.oid FROM here)) THEN f.relation END))
     FROM found f) AS locks,
    -- Of a role that sees nothing of others: an autovacuum worker is the one that has a database and no user.
    (SELECT pg_catalog.json_agg(pg_catalog.json_build_array(
         a.pid, pg_catalog.to_char(a.backend_start AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'),
         CASE WHEN a.usesysid <> 0 THEN pg_catalog.pg_get_userbyid(a.usesysid) END, a.application_name,
         coalesce(a.backend_type, CASE WHEN coalesce(a.usesysid, 0) = 0 AND a.datid <> 0 THEN 'autovacuum worker' END),
         a.state, extract(epoch FROM pg_catalog.clock_timestamp() - a.xact_start)::float8,
         extract(epoch FROM pg_catalog.clock_timestamp() - a.state_change)::float8, a.leader_pid,
         pg_catalog.left(a.query, 1000), a.datid = (SELECT here.oid FROM here)))
     FROM pg_catalog.pg_stat_get_activity(NULL) a
     WHERE a.pid = $1::int OR a.pid IN (SELECT f.pid FROM found f)) AS sessions,
    -- Whether an autovacuum of it is one that prevents wraparound, where its query cannot be seen (autovacuum.c).
    (SELECT pg_catalog.json_agg(pg_catalog.json_build_array(
         c.oid, n.nspname, c.relname, c.relkind IN ('r', 'm', 't') AND (
             pg_catalog.age(c.relfrozenxid) > least(
                 pg_catalog.current_setting('autovacuum_freeze_max_age')::int,
                 (SELECT o.option_value::int FROM pg_catalog.pg_options_to_table(c.reloptions) o
                  WHERE o.option_name = 'autovacuum_freeze_max_age'))
             OR pg_catalog.mxid_age(c.relminmxid) > least(
                 pg_catalog.current_setting('autovacuum_multixact_freeze_max_age')::int,
                 (SELECT o.option_value::int FROM pg_catalog.pg_options_to_table(c.reloptions) o
                  WHERE o.option_name = 'autovacuum_multixact_freeze_max_age')))))
     FROM (SELECT DISTINCT f.relation FROM found f WHERE f.database IN (0, (SELECT here.oid FROM here))) f
     JOIN pg_catalog.pg_class c ON c.oid = f.relation
     JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace) AS relations,
    (SELECT pg_catalog.json_agg(pg_catalog.json_build_array(
         h.virtualtransaction, p.gid, pg_catalog.pg_get_userbyid(p.ownerid),
         extract(epoch FROM pg_catalog.clock_timestamp() - p.prepared)::float8, p.dbid = (SELECT here.oid FROM here)))
     FROM held h
     JOIN pg_catalog.pg_prepared_xact() p ON p.transaction = h.transactionid
     WHERE h.pid IS NULL AND EXISTS (SELECT FROM found f WHERE f.pid IS NULL)) AS prepared,
    (SELECT pg_catalog.row_to_json(p) FROM pg_catalog.pg_stat_progress_create_index p WHERE p.pid = $1::int) AS building
