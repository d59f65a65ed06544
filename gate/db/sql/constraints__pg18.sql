SELECT c.oid, c.conname::text AS name, c.conrelid AS relation, c.contype AS kind, coalesce(c.conkey, '{}')::int4[] AS columns,
       c.convalidated AS is_valid, c.conenforced AS is_enforced, c.condeferrable AS is_deferrable,
       c.condeferred AS is_deferred, c.conislocal AS is_local,
       c.coninhcount::int4 AS inherit_count, c.connoinherit AS no_inherit,
       CASE WHEN NOT c.conrelid = ANY (%(locked)s::oid[]) THEN pg_catalog.pg_get_expr(c.conbin, c.conrelid) END AS expression,
       c.conindid AS index, c.confrelid AS referenced, coalesce(c.confkey, '{}')::int4[] AS referenced_columns,
       c.confdeltype AS on_delete, c.confupdtype AS on_update, c.confmatchtype AS match, c.conparentid AS parent,
       coalesce(c.confdelsetcols, '{}')::int4[] AS set_columns, c.conperiod AS is_period,
       d.description AS comment
FROM pg_catalog.unnest(%(relations)s::oid[]) w(oid)
JOIN pg_catalog.pg_constraint c ON c.conrelid = w.oid
LEFT JOIN pg_catalog.pg_description d ON d.classoid = 'pg_catalog.pg_constraint'::pg_catalog.regclass
    AND d.objoid = c.oid AND d.objsubid = 0
ORDER BY c.conrelid, c.conname, c.oid
