-- The counters of some tables since the statistics were reset, and the server's own clock: what pg_stat_all_tables adds
-- up, asked of its functions, for the view joins and groups before it knows which tables are meant.
SELECT c.oid,
       (coalesce(pg_catalog.pg_stat_get_numscans(c.oid), 0)
        + coalesce((SELECT pg_catalog.sum(pg_catalog.pg_stat_get_numscans(i.indexrelid))
                    FROM pg_catalog.pg_index i WHERE i.indrelid = c.oid), 0))::int8 AS scans,
       (coalesce(pg_catalog.pg_stat_get_tuples_inserted(c.oid), 0)
        + coalesce(pg_catalog.pg_stat_get_tuples_updated(c.oid), 0)
        + coalesce(pg_catalog.pg_stat_get_tuples_deleted(c.oid), 0))::int8 AS writes
FROM pg_catalog.unnest(%(relations)s::oid[]) w(oid)
JOIN pg_catalog.pg_class c ON c.oid = w.oid AND c.relkind IN ('r', 't', 'm', 'p')
