-- Types and functions that are not the server's own; row types and arrays come with what they belong to.
SELECT 'pg_type' AS catalog, t.oid
FROM pg_catalog.pg_type t
JOIN pg_catalog.pg_namespace n ON n.oid = t.typnamespace
LEFT JOIN pg_catalog.pg_class c ON c.oid = t.typrelid
WHERE n.nspname !~ '^pg_(temp|toast|catalog$)' AND n.nspname <> 'information_schema'
  AND coalesce(c.relkind, 'c') = 'c' AND NOT (t.typelem <> 0 AND t.typsubscript = 'pg_catalog.array_subscript_handler'::pg_catalog.regproc)
UNION ALL
SELECT 'pg_proc', p.oid
FROM pg_catalog.pg_proc p
JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace
WHERE n.nspname !~ '^pg_(temp|toast|catalog$)' AND n.nspname <> 'information_schema'
