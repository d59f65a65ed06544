-- A transaction, and the cache beside it, sees the counters as they were at the first look.
SELECT pg_catalog.pg_stat_clear_snapshot() IS NULL AS is_cleared
