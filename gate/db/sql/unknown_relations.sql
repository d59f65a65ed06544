-- Which of these names, each `schema.name` as the catalog stores both, no relation has.
SELECT wanted.name
FROM pg_catalog.unnest(%s::text[]) AS wanted (name)
WHERE NOT EXISTS (SELECT FROM pg_catalog.pg_class c
                  JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
                  WHERE n.nspname || '.' || c.relname = wanted.name)
ORDER BY 1
