-- gate's own connections to this database, and whether they hold a runner's lock, whose first key is the parameter.
-- The name of a run's connection is gate/RUN/WHAT; whoever holds the lock is there too, whatever it is called.
SELECT a.pid, pg_catalog.to_char(a.backend_start AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') AS started_at,
       CASE WHEN a.usesysid <> 0 THEN pg_catalog.pg_get_userbyid(a.usesysid)::text END AS user,
       a.application_name AS application, a.state,
       extract(epoch FROM pg_catalog.clock_timestamp() - a.xact_start)::float8 AS transaction_age_s,
       extract(epoch FROM pg_catalog.clock_timestamp() - a.state_change)::float8 AS state_age_s,
       CASE WHEN a.query <> '<insufficient privilege>' THEN pg_catalog.left(a.query, 1000) END AS query,
       l.pid IS NOT NULL AS has_lock, w.pid IS NOT NULL AS is_waiting
FROM pg_catalog.pg_stat_get_activity(NULL) a
LEFT JOIN (SELECT DISTINCT k.pid FROM pg_catalog.pg_locks k WHERE NOT k.granted) w ON w.pid = a.pid
LEFT JOIN (
    SELECT DISTINCT k.pid
    FROM pg_catalog.pg_locks k
    WHERE k.locktype = 'advisory' AND k.granted AND k.objsubid = 2 AND k.classid = (%s::int)::oid
      AND k.database = (SELECT d.oid FROM pg_catalog.pg_database d WHERE d.datname = pg_catalog.current_database())
) l ON l.pid = a.pid
WHERE a.datid = (SELECT d.oid FROM pg_catalog.pg_database d WHERE d.datname = pg_catalog.current_database())
  AND (l.pid IS NOT NULL OR a.application_name ~ '^gate/[^/]+/[^/]+$')
  AND a.leader_pid IS NULL
ORDER BY is_waiting DESC, a.backend_start
