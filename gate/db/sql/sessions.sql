-- Other sessions that matter: with a transaction, a snapshot or a lock in this database; a snapshot of another database
-- counts only for what waits for all (`backend_xmin`). What the role may not see is NULL, the query included.
SELECT a.pid, a.usename::text AS user, nullif(a.application_name, '') AS application,
       coalesce(a.backend_type, 'client backend') AS backend, a.state,
       CASE WHEN a.query <> '<insufficient privilege>' THEN nullif(a.query, '') END AS query,
       extract(epoch FROM pg_catalog.clock_timestamp() - a.xact_start)::float8 AS transaction_age_s,
       extract(epoch FROM pg_catalog.clock_timestamp() - a.query_start)::float8 AS query_age_s,
       extract(epoch FROM pg_catalog.clock_timestamp() - a.state_change)::float8 AS state_age_s,
       a.backend_xmin IS NOT NULL AS holds_snapshot,
       a.query IS DISTINCT FROM '<insufficient privilege>' AS is_visible
FROM pg_catalog.pg_stat_activity a
WHERE a.pid <> pg_catalog.pg_backend_pid()
  AND a.datname = pg_catalog.current_database()
  AND (a.xact_start IS NOT NULL OR a.backend_xid IS NOT NULL OR a.backend_xmin IS NOT NULL
       OR a.query = '<insufficient privilege>'
       OR a.backend_type = 'autovacuum worker')
UNION ALL
-- A base backup is no session of any database.
SELECT b.pid, a.usename::text, coalesce(nullif(a.application_name, ''), 'pg_basebackup'), 'walsender', 'active', 'BASE_BACKUP',
       NULL, extract(epoch FROM pg_catalog.clock_timestamp() - a.backend_start)::float8, NULL, false, true
FROM pg_catalog.pg_stat_progress_basebackup b
LEFT JOIN pg_catalog.pg_stat_activity a ON a.pid = b.pid
ORDER BY 1
