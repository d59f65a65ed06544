SELECT i.indisvalid AND i.indisready AND i.indislive AS is_valid, pg_catalog.pg_get_indexdef(c.oid) AS definition
FROM pg_catalog.pg_class c
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
JOIN pg_catalog.pg_index i ON i.indexrelid = c.oid
WHERE n.nspname = %s AND c.relname = %s
