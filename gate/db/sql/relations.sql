-- pg_class with all that needs no look at the relation itself. `toast` is the TOAST table's oid.
SELECT c.oid, n.nspname::text AS schema, c.relname::text AS name, c.relkind AS kind,
       pg_catalog.pg_get_userbyid(c.relowner)::text AS owner, c.relpersistence AS persistence,
       coalesce(a.amname::text, '') AS access_method, coalesce(s.spcname::text, '') AS tablespace,
       coalesce(c.reloptions, '{}') AS options, c.reltype AS row_type, c.reloftype AS of_type,
       c.relpages AS pages,
       CASE WHEN c.reltuples >= 0 AND c.relkind IN ('r', 'p', 'm', 't', 'f') THEN c.reltuples::float8 END AS rows,
       c.reltoastrelid AS toast,
       (SELECT t.relpages FROM pg_catalog.pg_class t WHERE t.oid = c.reltoastrelid) AS toast_pages,
       c.relispartition AS is_partition,
       c.relispartition AND EXISTS (SELECT FROM pg_catalog.pg_partitioned_table d WHERE d.partdefid = c.oid) AS is_default_partition,
       CASE WHEN c.relispartition AND NOT c.oid = ANY (%(locked)s::oid[])
            THEN pg_catalog.pg_get_expr(c.relpartbound, c.oid) END AS partition_bound,
       coalesce(p.partstrat::text, '') AS partition_strategy,
       CASE WHEN p.partrelid IS NOT NULL AND NOT c.oid = ANY (%(locked)s::oid[])
            THEN pg_catalog.pg_get_partkeydef(c.oid) END AS partition_key,
       coalesce(pg_catalog.string_to_array(p.partattrs::text, ' ')::int4[], '{}') AS partition_keys,
       coalesce(pg_catalog.string_to_array(p.partclass::text, ' ')::oid[], '{}') AS partition_classes,
       CASE WHEN p.partrelid IS NULL THEN '{}'::int4[]
            ELSE ARRAY(SELECT k.number::int4 FROM pg_catalog.unnest(pg_catalog.string_to_array(p.partattrs::text, ' ')) k(number)
                       WHERE k.number <> '0'
                       UNION
                       SELECT d.objsubid FROM pg_catalog.pg_depend d
                       WHERE d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.objid = c.oid AND d.objsubid > 0
                         AND d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.refobjid = c.oid
                         AND d.refobjsubid = 0 AND d.deptype = 'i'
                       ORDER BY 1) END AS partition_columns,
       c.relreplident AS replica_identity, c.relrowsecurity AS has_row_security,
       c.relforcerowsecurity AS forces_row_security, c.relispopulated AS is_populated,
       n.nspname IN ('pg_catalog', 'information_schema', 'pg_toast') AS is_system,
       coalesce((SELECT e.extname::text FROM pg_catalog.pg_depend d JOIN pg_catalog.pg_extension e ON e.oid = d.refobjid
                 WHERE d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.objid = c.oid AND d.objsubid = 0
                   AND d.refclassid = 'pg_catalog.pg_extension'::pg_catalog.regclass AND d.deptype = 'e'), '') AS extension,
       ARRAY(SELECT i.inhparent FROM pg_catalog.pg_inherits i WHERE i.inhrelid = c.oid ORDER BY i.inhseqno) AS parents,
       ARRAY(SELECT i.inhrelid FROM pg_catalog.pg_inherits i WHERE i.inhparent = c.oid ORDER BY i.inhrelid) AS children,
       ARRAY(SELECT w.privilege FROM pg_catalog.unnest(%(privileges)s::text[]) w(privilege)
             WHERE pg_catalog.has_table_privilege(%(role)s::oid, c.oid, w.privilege)) AS privileges
FROM pg_catalog.unnest(%(relations)s::oid[]) w(oid)
JOIN pg_catalog.pg_class c ON c.oid = w.oid
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
LEFT JOIN pg_catalog.pg_am a ON a.oid = c.relam
LEFT JOIN pg_catalog.pg_tablespace s ON s.oid = c.reltablespace
LEFT JOIN pg_catalog.pg_partitioned_table p ON p.partrelid = c.oid
