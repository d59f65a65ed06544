-- A plain role sees that another's build runs, and neither where nor how far: relation 0.
SELECT p.pid, coalesce(p.relid, 0) AS relation, coalesce(p.phase, '') AS phase
FROM pg_catalog.pg_stat_progress_create_index p
WHERE p.datname = pg_catalog.current_database()
ORDER BY p.pid
