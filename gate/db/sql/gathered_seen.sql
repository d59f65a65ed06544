-- The same through pg_stats, which shows the columns that the role may read. Names come as constants: only those are
-- looked for below the view's security barrier.
SELECT DISTINCT ON (c.oid, a.attnum)
       c.oid AS relation, a.attnum::int4 AS number, s.avg_width AS width_bytes, s.null_frac::float8 AS null_share,
       s.n_distinct::float8 AS distinct, s.correlation::float8 AS correlation,
       s.elem_count_histogram[pg_catalog.array_upper(s.elem_count_histogram, 1)]::float8 AS elements
FROM pg_catalog.pg_stats s
JOIN pg_catalog.pg_namespace n ON n.nspname = s.schemaname
JOIN pg_catalog.pg_class c ON c.relnamespace = n.oid AND c.relname = s.tablename AND c.oid = ANY (%(relations)s::oid[])
JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attname = s.attname
WHERE s.tablename = ANY (ARRAY(SELECT k.relname FROM pg_catalog.pg_class k WHERE k.oid = ANY (%(relations)s::oid[])))
ORDER BY c.oid, a.attnum, s.inherited
