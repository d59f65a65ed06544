-- A plain role sees the application's name only. A standby cannot tell the distance: it has no current position.
SELECT coalesce(r.application_name, '') AS application, r.state, coalesce(r.sync_state IN ('sync', 'quorum'), false) AS is_synchronous,
       extract(epoch FROM r.replay_lag)::float8 AS replay_lag_s,
       CASE WHEN NOT pg_catalog.pg_is_in_recovery()
            THEN pg_catalog.pg_wal_lsn_diff(pg_catalog.pg_current_wal_lsn(), r.replay_lsn)::int8 END AS replay_lag_bytes
FROM pg_catalog.pg_stat_replication r
ORDER BY 1, r.pid
