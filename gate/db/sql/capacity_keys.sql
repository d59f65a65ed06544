-- The highest value that ANALYZE saw in smallint and integer columns of keys of these tables, where it is near the end.
-- What the role may not read is not in pg_stats.
SELECT n.nspname::text AS schema, t.relname::text AS table, a.attname::text AS column, t.oid, a.attnum::int4 AS number,
       a.atttypid AS type, s.highest
FROM (SELECT DISTINCT c.conrelid AS oid, p.number
      FROM pg_catalog.unnest(%(tables)s::oid[]) w(oid)
      JOIN pg_catalog.pg_constraint c ON c.conrelid = w.oid AND c.contype IN ('p', 'u', 'f')
      CROSS JOIN LATERAL pg_catalog.unnest(c.conkey) p(number)) k
JOIN pg_catalog.pg_attribute a ON a.attrelid = k.oid AND a.attnum = k.number AND a.atttypid IN (21, 23)
JOIN pg_catalog.pg_class t ON t.oid = k.oid AND t.reltuples > 0
JOIN pg_catalog.pg_namespace n ON n.oid = t.relnamespace
CROSS JOIN LATERAL (
    SELECT greatest((SELECT max(b) FROM pg_catalog.unnest(g.histogram_bounds::text::int8[]) b),
                    (SELECT max(b) FROM pg_catalog.unnest(g.most_common_vals::text::int8[]) b)) AS highest
    FROM pg_catalog.pg_stats g
    WHERE g.schemaname = n.nspname AND g.tablename = t.relname AND g.attname = a.attname
) s
WHERE s.highest >= %(share)s * CASE a.atttypid WHEN 21 THEN 32767 ELSE 2147483647 END
ORDER BY 1, 2, 3
