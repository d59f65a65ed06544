-- A name without a schema is looked for everywhere; the search path chooses later. `table` is an index's own table.
SELECT c.oid, n.nspname::text AS schema, c.relname::text AS name, coalesce(i.indrelid, c.oid) AS table,
       w.schema IS NULL AS is_unqualified
FROM ROWS FROM (pg_catalog.unnest(%(schemas)s::text[]), pg_catalog.unnest(%(names)s::text[])) w(schema, name)
JOIN pg_catalog.pg_class c ON c.relname = w.name::pg_catalog.name
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace AND (w.schema IS NULL OR n.nspname = w.schema::pg_catalog.name)
LEFT JOIN pg_catalog.pg_index i ON i.indexrelid = c.oid
WHERE n.nspname !~ '^pg_temp'
