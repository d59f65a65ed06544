-- An index as it stands, with the names of its collations and operator classes, key by key. CREATE INDEX makes none that
-- belongs to a constraint, or whose uniqueness is checked late.
SELECT pg_catalog.pg_get_indexdef(i.indexrelid) AS definition, tn.nspname::text AS table_schema, t.relname::text AS table_name,
       i.indisexclusion OR NOT i.indimmediate OR EXISTS (
           SELECT FROM pg_catalog.pg_constraint c WHERE c.conindid = i.indexrelid AND c.contype IN ('p', 'u', 'x')
       ) AS is_of_constraint,
       coalesce(ts.spcname, dts.spcname)::text AS tablespace,
       (SELECT pg_catalog.json_agg(pg_catalog.json_build_array(
                   cn.nspname, c.collname, pg_catalog.pg_collation_is_visible(c.oid),
                   n.nspname, o.opcname, pg_catalog.pg_opclass_is_visible(o.oid)) ORDER BY k.place)
        FROM ROWS FROM (pg_catalog.unnest(i.indclass::oid[]), pg_catalog.unnest(i.indcollation::oid[]))
             WITH ORDINALITY k(class, collated, place)
        JOIN pg_catalog.pg_opclass o ON o.oid = k.class
        JOIN pg_catalog.pg_namespace n ON n.oid = o.opcnamespace
        LEFT JOIN pg_catalog.pg_collation c ON c.oid = k.collated
        LEFT JOIN pg_catalog.pg_namespace cn ON cn.oid = c.collnamespace) AS keys
FROM pg_catalog.pg_class x
JOIN pg_catalog.pg_namespace xn ON xn.oid = x.relnamespace
JOIN pg_catalog.pg_index i ON i.indexrelid = x.oid
JOIN pg_catalog.pg_class t ON t.oid = i.indrelid
JOIN pg_catalog.pg_namespace tn ON tn.oid = t.relnamespace
JOIN pg_catalog.pg_database d ON d.datname = pg_catalog.current_database()
JOIN pg_catalog.pg_tablespace dts ON dts.oid = d.dattablespace
LEFT JOIN pg_catalog.pg_tablespace ts ON ts.oid = x.reltablespace
WHERE xn.nspname = %s AND x.relname = %s
