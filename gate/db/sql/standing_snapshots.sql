-- Whose snapshots a step CONCURRENTLY has to outlive, the oldest first: those of this database, but for VACUUM, autovacuum
-- and index builds CONCURRENTLY without expressions, which it lets be (indexcmds.c, WaitForOlderSnapshots). Then prepared
-- transactions with locks on the relations, for which it waits as for any writer.
SELECT a.pid, pg_catalog.to_char(a.backend_start AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') AS started_at,
       CASE WHEN a.usesysid <> 0 THEN pg_catalog.pg_get_userbyid(a.usesysid)::text END AS user,
       a.application_name AS application, a.backend_type AS kind, a.state,
       extract(epoch FROM pg_catalog.clock_timestamp() - a.xact_start)::float8 AS transaction_age_s,
       extract(epoch FROM pg_catalog.clock_timestamp() - a.state_change)::float8 AS state_age_s,
       pg_catalog.left(a.query, 1000) AS query
FROM pg_catalog.pg_stat_get_activity(NULL) a
WHERE a.datid = (SELECT d.oid FROM pg_catalog.pg_database d WHERE d.datname = pg_catalog.current_database())
  AND a.pid <> pg_catalog.pg_backend_pid() AND a.backend_xmin IS NOT NULL
  AND a.backend_type NOT IN ('autovacuum worker', 'parallel worker')
  AND NOT EXISTS (SELECT FROM pg_catalog.pg_stat_progress_vacuum v WHERE v.pid = a.pid)
  AND NOT EXISTS (
      SELECT FROM pg_catalog.pg_stat_progress_create_index b
      JOIN pg_catalog.pg_index i ON i.indexrelid = b.index_relid
      WHERE b.pid = a.pid AND b.command ~ 'CONCURRENTLY$' AND i.indexprs IS NULL AND i.indpred IS NULL)
UNION ALL
SELECT DISTINCT 0, '', pg_catalog.pg_get_userbyid(p.ownerid)::text, p.gid, 'prepared transaction', NULL,
       extract(epoch FROM pg_catalog.clock_timestamp() - p.prepared)::float8, NULL::float8, NULL
FROM pg_catalog.pg_prepared_xact() p
JOIN pg_catalog.pg_locks x ON x.pid IS NULL AND x.locktype = 'transactionid' AND x.transactionid = p.transaction
JOIN pg_catalog.pg_locks l ON l.pid IS NULL AND l.virtualtransaction = x.virtualtransaction AND l.locktype = 'relation'
JOIN pg_catalog.pg_class c ON c.oid = l.relation
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE p.dbid = (SELECT d.oid FROM pg_catalog.pg_database d WHERE d.datname = pg_catalog.current_database())
  AND l.database = p.dbid AND n.nspname || '.' || c.relname = ANY (%s::text[])
ORDER BY transaction_age_s DESC NULLS LAST
