-- All of them, or those that the indexes of these relations use.
SELECT o.oid, a.amname::text AS method, o.opcintype AS input, o.opcname::text AS name, n.nspname::text AS schema,
       o.opcdefault AS is_default
FROM (SELECT x.oid FROM pg_catalog.pg_opclass x WHERE %(all)s
      UNION
      SELECT k.opclass::oid
      FROM pg_catalog.unnest(%(relations)s::oid[]) w(oid)
      JOIN pg_catalog.pg_index i ON i.indrelid = w.oid
      CROSS JOIN LATERAL pg_catalog.unnest(pg_catalog.string_to_array(i.indclass::text, ' ')) k(opclass)) u(oid)
JOIN pg_catalog.pg_opclass o ON o.oid = u.oid
JOIN pg_catalog.pg_am a ON a.oid = o.opcmethod
JOIN pg_catalog.pg_namespace n ON n.oid = o.opcnamespace
ORDER BY o.oid
