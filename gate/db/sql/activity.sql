-- The counters of some tables since the statistics were reset, and the server's own clock.
SELECT s.relid AS oid, (coalesce(s.seq_scan, 0) + coalesce(s.idx_scan, 0))::int8 AS scans,
       (coalesce(s.n_tup_ins, 0) + coalesce(s.n_tup_upd, 0) + coalesce(s.n_tup_del, 0))::int8 AS writes
FROM pg_catalog.unnest(%(relations)s::oid[]) w(oid)
JOIN pg_catalog.pg_stat_all_tables s ON s.relid = w.oid
