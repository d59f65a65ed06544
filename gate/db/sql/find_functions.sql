-- All overloads: which one a call means, its arguments' types decide.
SELECT p.oid, n.nspname::text AS schema, p.proname::text AS name, w.schema IS NULL AS is_unqualified
FROM ROWS FROM (pg_catalog.unnest(%(schemas)s::text[]), pg_catalog.unnest(%(names)s::text[])) w(schema, name)
JOIN pg_catalog.pg_proc p ON p.proname = w.name::pg_catalog.name
JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace AND (w.schema IS NULL OR n.nspname = w.schema::pg_catalog.name)
WHERE n.nspname !~ '^pg_temp'
