-- All sequences, or, where there are very many, those that the fullest tables own: each position is a read of its own.
WITH few (are) AS (SELECT count(*) <= %(most)s FROM (SELECT FROM pg_catalog.pg_sequence LIMIT %(most)s + 1) s),
wanted AS (
    SELECT s.seqrelid
    FROM pg_catalog.pg_sequence s
    WHERE (SELECT are FROM few)
    UNION
    SELECT s.seqrelid
    FROM pg_catalog.unnest(%(tables)s::oid[]) t(oid)
    JOIN pg_catalog.pg_depend d ON d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.refobjid = t.oid
        AND d.refobjsubid > 0 AND d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.deptype IN ('a', 'i')
    JOIN pg_catalog.pg_sequence s ON s.seqrelid = d.objid
    WHERE NOT (SELECT are FROM few)
)
SELECT s.seqrelid AS oid, n.nspname::text AS schema, c.relname::text AS name, s.seqmax AS maximum, s.seqmin AS minimum,
       s.seqincrement AS increment, s.seqcycle AS is_cyclic, coalesce(d.deptype = 'i', false) AS is_identity,
       tn.nspname::text AS table_schema, t.relname::text AS table_name, a.attname::text AS column_name,
       a.atttypid AS column_type, coalesce(t.oid, 0) AS table_oid, coalesce(a.attnum, 0)::int4 AS column_number,
       pg_catalog.has_sequence_privilege(s.seqrelid, 'SELECT') AS is_readable, (SELECT are FROM few) AS are_all
FROM wanted w
JOIN pg_catalog.pg_sequence s ON s.seqrelid = w.seqrelid
JOIN pg_catalog.pg_class c ON c.oid = s.seqrelid AND c.relpersistence <> 't'
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
LEFT JOIN pg_catalog.pg_depend d ON d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.objid = s.seqrelid
    AND d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.deptype IN ('a', 'i')
LEFT JOIN pg_catalog.pg_class t ON t.oid = d.refobjid
LEFT JOIN pg_catalog.pg_namespace tn ON tn.oid = t.relnamespace
LEFT JOIN pg_catalog.pg_attribute a ON a.attrelid = d.refobjid AND a.attnum = d.refobjsubid
ORDER BY s.seqrelid
