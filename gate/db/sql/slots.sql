SELECT s.slot_name::text AS name, s.slot_type AS kind, s.active AS is_active,
       CASE WHEN NOT pg_catalog.pg_is_in_recovery()
            THEN pg_catalog.pg_wal_lsn_diff(pg_catalog.pg_current_wal_lsn(), s.restart_lsn)::int8 END AS retained_bytes
FROM pg_catalog.pg_replication_slots s
ORDER BY 1
