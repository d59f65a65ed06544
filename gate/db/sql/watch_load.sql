-- What long work does to others, as one row: lags of streaming replicas, WAL that slots hold back, the database's size,
-- and who is at work beside our backend ($1). What the role may not see is NULL.
SELECT
    -- A replica that has caught up tells no lag.
    (SELECT coalesce(extract(epoch FROM max(r.replay_lag)), 0)::float8
     FROM pg_catalog.pg_stat_replication r WHERE r.state = 'streaming' HAVING count(*) > 0) AS lag_s,
    CASE WHEN NOT pg_catalog.pg_is_in_recovery() THEN
        (SELECT max(pg_catalog.pg_wal_lsn_diff(pg_catalog.pg_current_wal_lsn(), r.replay_lsn))::int8
         FROM pg_catalog.pg_stat_replication r WHERE r.state = 'streaming') END AS lag_bytes,
    CASE WHEN NOT pg_catalog.pg_is_in_recovery() THEN
        (SELECT max(pg_catalog.pg_wal_lsn_diff(pg_catalog.pg_current_wal_lsn(), s.restart_lsn))::int8
         FROM pg_catalog.pg_replication_slots s) END AS retained_bytes,
    (SELECT count(*) FROM pg_catalog.pg_stat_replication r WHERE r.state IS NULL) AS replicas_unseen,
    (SELECT CASE WHEN count(*) FILTER (WHERE a.query = '<insufficient privilege>' AND a.usesysid <> 0) = 0
            THEN count(*) FILTER (WHERE a.state = 'active' AND a.backend_type = 'client backend') END
     FROM pg_catalog.pg_stat_get_activity(NULL) a
     WHERE a.pid NOT IN ($1::int, pg_catalog.pg_backend_pid())) AS active
