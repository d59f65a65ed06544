SELECT t.oid, n.nspname::text AS schema, t.typname::text AS name, t.typrelid AS relation, w.schema IS NULL AS is_unqualified
FROM ROWS FROM (pg_catalog.unnest(%(schemas)s::text[]), pg_catalog.unnest(%(names)s::text[])) w(schema, name)
JOIN pg_catalog.pg_type t ON t.typname = w.name::pg_catalog.name
JOIN pg_catalog.pg_namespace n ON n.oid = t.typnamespace AND (w.schema IS NULL OR n.nspname = w.schema::pg_catalog.name)
WHERE n.nspname !~ '^pg_temp'
