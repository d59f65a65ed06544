-- `uses` are the columns in expressions and predicates; a plain index has none.
SELECT i.indexrelid AS oid, n.nspname::text AS schema, c.relname::text AS name, i.indrelid AS relation, a.amname::text AS method,
       i.indnkeyatts::int4 AS key_count,
       pg_catalog.string_to_array(i.indkey::text, ' ')::int4[] AS attributes,
       pg_catalog.string_to_array(i.indclass::text, ' ')::oid[] AS opclasses,
       pg_catalog.string_to_array(i.indcollation::text, ' ')::oid[] AS collations,
       CASE WHEN i.indexprs IS NULL AND i.indpred IS NULL THEN '{}'::int4[]
            ELSE ARRAY(SELECT d.refobjsubid FROM pg_catalog.pg_depend d
                       WHERE d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.objid = i.indexrelid
                         AND d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.refobjid = i.indrelid
                         AND d.refobjsubid > 0) END AS uses,
       i.indisunique AS is_unique, i.indisprimary AS is_primary, i.indisexclusion AS is_exclusion,
       i.indisvalid AS is_valid, i.indisreplident AS is_replica_identity, i.indisclustered AS is_clustered,
       i.indexprs IS NOT NULL AS has_expressions, i.indpred IS NOT NULL AS has_predicate,
       c.relkind = 'I' AS is_partitioned, c.relpages AS pages,
       CASE WHEN (c.relkind = 'I' OR i.indexprs IS NOT NULL OR i.indpred IS NOT NULL) AND NOT w.oid = ANY (%(locked)s::oid[])
            THEN pg_catalog.pg_get_indexdef(i.indexrelid) END AS definition,
       CASE WHEN NOT w.oid = ANY (%(locked)s::oid[]) THEN pg_catalog.pg_get_indexdef(i.indexrelid) END AS written,
       d.description AS comment,
       coalesce(h.inhparent, 0) AS parent,
       pg_catalog.pg_get_userbyid(c.relowner)::text AS owner, coalesce(s.spcname::text, '') AS tablespace
FROM pg_catalog.unnest(%(relations)s::oid[]) w(oid)
JOIN pg_catalog.pg_index i ON i.indrelid = w.oid
JOIN pg_catalog.pg_class c ON c.oid = i.indexrelid
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
JOIN pg_catalog.pg_am a ON a.oid = c.relam
LEFT JOIN pg_catalog.pg_inherits h ON h.inhrelid = i.indexrelid
LEFT JOIN pg_catalog.pg_tablespace s ON s.oid = c.reltablespace
LEFT JOIN pg_catalog.pg_description d ON d.classoid = 'pg_catalog.pg_class'::pg_catalog.regclass
    AND d.objoid = c.oid AND d.objsubid = 0
ORDER BY i.indrelid, c.relname, c.oid
