SELECT p.gid, p.owner::text AS owner, extract(epoch FROM pg_catalog.clock_timestamp() - p.prepared)::float8 AS age_s
FROM pg_catalog.pg_prepared_xacts p
WHERE p.database = pg_catalog.current_database()
ORDER BY p.prepared
