-- The relations of a check as they are now, one row a column: `hides_rows` where row security applies to us, `has_odd_key`
-- where a partition key hashes by a user's operator class, `is_key` for the primary key, `is_plain` where the value can
-- be printed without a user's function. `has_foreign` where rows below them would be fetched from elsewhere.
WITH RECURSIVE below (oid) AS (
    SELECT w.oid FROM pg_catalog.unnest(%(relations)s::oid[]) w(oid)
    UNION
    SELECT i.inhrelid FROM below b JOIN pg_catalog.pg_inherits i ON i.inhparent = b.oid
)
SELECT c.oid, n.nspname::text AS schema, c.relname::text AS table, c.relkind AS kind,
       pg_catalog.row_security_active(c.oid) AS hides_rows,
       EXISTS (SELECT FROM pg_catalog.pg_partitioned_table p
               CROSS JOIN LATERAL pg_catalog.unnest(pg_catalog.string_to_array(p.partclass::text, ' ')) k(opclass)
               WHERE p.partrelid = c.oid AND k.opclass::oid >= 16384) AS has_odd_key,
       EXISTS (SELECT FROM below b JOIN pg_catalog.pg_class f ON f.oid = b.oid AND f.relkind = 'f') AS has_foreign,
       a.attnum AS number, a.attname::text AS name, a.atttypid AS type,
       CASE WHEN l.oid IS NOT NULL THEN pg_catalog.format('%%I.%%I', s.nspname, l.collname) END AS collation,
       coalesce(a.attnum = ANY (k.conkey), false) AS is_key,
       (t.oid < 16384 AND t.typtype = 'b') OR t.typtype = 'e' AS is_plain
FROM pg_catalog.unnest(%(relations)s::oid[]) w(oid)
JOIN pg_catalog.pg_class c ON c.oid = w.oid
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
JOIN pg_catalog.pg_type t ON t.oid = a.atttypid
LEFT JOIN pg_catalog.pg_collation l ON l.oid = a.attcollation
LEFT JOIN pg_catalog.pg_namespace s ON s.oid = l.collnamespace
LEFT JOIN pg_catalog.pg_constraint k ON k.conrelid = c.oid AND k.contype = 'p'
ORDER BY c.oid, a.attnum
