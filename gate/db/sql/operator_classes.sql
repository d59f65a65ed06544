SELECT o.oid, a.amname::text AS method, o.opcintype AS input, o.opcname::text AS name, n.nspname::text AS schema,
       o.opcdefault AS is_default
FROM pg_catalog.pg_opclass o
JOIN pg_catalog.pg_am a ON a.oid = o.opcmethod
JOIN pg_catalog.pg_namespace n ON n.oid = o.opcnamespace
ORDER BY o.oid
