-- The types asked for and those of all columns read, with their bases, elements and arrays.
WITH RECURSIVE wanted (oid) AS (
    SELECT t.oid FROM pg_catalog.unnest(%(types)s::oid[]) t(oid)
    UNION
    SELECT a.atttypid
    FROM pg_catalog.unnest(%(relations)s::oid[]) r(oid)
    JOIN pg_catalog.pg_attribute a ON a.attrelid = r.oid AND a.attnum > 0 AND NOT a.attisdropped
    UNION
    SELECT e.oid
    FROM wanted w
    JOIN pg_catalog.pg_type t ON t.oid = w.oid
    CROSS JOIN LATERAL (VALUES (t.typbasetype), (t.typelem), (t.typarray)) e(oid)
    WHERE e.oid <> 0
)
SELECT t.oid, n.nspname::text AS schema, t.typname::text AS name, t.typtype AS kind, t.typcategory AS category,
       pg_catalog.pg_get_userbyid(t.typowner)::text AS owner, t.typrelid AS relation, t.typbasetype AS base,
       t.typtypmod AS base_typmod, t.typelem AS element, t.typarray AS array, t.typlen::int4 AS length,
       t.typcollation AS collation, t.typnotnull AS is_not_null, t.typdefault IS NOT NULL AS has_default,
       CASE WHEN t.typdefaultbin IS NOT NULL THEN
           greatest('i', (
               SELECT max(coalesce(p.provolatile::text, CASE f.node[2] WHEN 'NEXTVALUEEXPR' THEN 'v' ELSE 's' END))
               FROM pg_catalog.regexp_matches(t.typdefaultbin::text,
                   ':(?:op)?funcid (\d+)|{(NEXTVALUEEXPR|SQLVALUEFUNCTION|COERCEVIAIO) ', 'g') f(node)
               LEFT JOIN pg_catalog.pg_proc p ON p.oid = f.node[1]::oid))
            WHEN t.typdefault IS NOT NULL THEN 'i' END AS default_volatility,
       CASE WHEN t.typtype = 'e' THEN ARRAY(SELECT e.enumlabel::text FROM pg_catalog.pg_enum e
                                            WHERE e.enumtypid = t.oid ORDER BY e.enumsortorder)
            ELSE '{}' END AS labels
FROM wanted w
JOIN pg_catalog.pg_type t ON t.oid = w.oid
JOIN pg_catalog.pg_namespace n ON n.oid = t.typnamespace
