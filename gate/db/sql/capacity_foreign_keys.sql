-- Foreign keys that are narrower than their key, told by the operators that compare the two: int84eq, int82eq, int42eq;
-- numeric_eq compares all whole numbers with a numeric key. Those of a partition are told by its parent's.
SELECT c.conname::text AS name, n.nspname::text AS schema, t.relname::text AS table, a.attname::text AS column,
       a.atttypid AS type, a.atttypmod AS typmod, pg_catalog.format_type(a.atttypid, a.atttypmod) AS type_name,
       rn.nspname::text AS key_schema, r.relname::text AS key_table, k.attname::text AS key_column,
       k.atttypid AS key_type, k.atttypmod AS key_typmod, pg_catalog.format_type(k.atttypid, k.atttypmod) AS key_type_name,
       c.confrelid AS key_table_oid, k.attnum::int4 AS key_number
FROM (SELECT c.* FROM pg_catalog.pg_constraint c
      WHERE c.contype = 'f' AND c.conparentid = 0 AND c.conpfeqop && '{416,1868,533,1752}'::oid[]
      ORDER BY c.oid LIMIT %(most)s) c
CROSS JOIN LATERAL ROWS FROM (pg_catalog.unnest(c.conkey), pg_catalog.unnest(c.confkey)) p(own, other)
JOIN pg_catalog.pg_attribute a ON a.attrelid = c.conrelid AND a.attnum = p.own
JOIN pg_catalog.pg_attribute k ON k.attrelid = c.confrelid AND k.attnum = p.other AND k.atttypid <> a.atttypid
JOIN pg_catalog.pg_class t ON t.oid = c.conrelid
JOIN pg_catalog.pg_namespace n ON n.oid = t.relnamespace
JOIN pg_catalog.pg_class r ON r.oid = c.confrelid
JOIN pg_catalog.pg_namespace rn ON rn.oid = r.relnamespace
ORDER BY c.oid, p.own
