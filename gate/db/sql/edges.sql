-- Every dependency between objects that users made, less what leads nowhere: memory has to stay bounded.
SELECT e.classid::pg_catalog.regclass::text AS catalog, e.objid, e.objsubid, e.refclassid::pg_catalog.regclass::text AS refcatalog,
       e.refobjid, e.refobjsubid, e.deptype::text AS deptype, e.relation,
       CASE WHEN e.deptype = 'n' THEN pg_catalog.pg_describe_object(e.classid, e.objid, e.objsubid) ELSE '' END AS name
FROM (
    SELECT d.*,
           CASE d.classid
               WHEN 'pg_catalog.pg_class'::pg_catalog.regclass THEN coalesce(
                   (SELECT i.indrelid FROM pg_catalog.pg_index i WHERE i.indexrelid = d.objid), d.objid)
               WHEN 'pg_catalog.pg_constraint'::pg_catalog.regclass THEN
                   (SELECT nullif(c.conrelid, 0) FROM pg_catalog.pg_constraint c WHERE c.oid = d.objid)
               WHEN 'pg_catalog.pg_attrdef'::pg_catalog.regclass THEN
                   (SELECT a.adrelid FROM pg_catalog.pg_attrdef a WHERE a.oid = d.objid)
               WHEN 'pg_catalog.pg_rewrite'::pg_catalog.regclass THEN
                   (SELECT r.ev_class FROM pg_catalog.pg_rewrite r WHERE r.oid = d.objid)
               WHEN 'pg_catalog.pg_trigger'::pg_catalog.regclass THEN
                   (SELECT t.tgrelid FROM pg_catalog.pg_trigger t WHERE t.oid = d.objid)
               WHEN 'pg_catalog.pg_policy'::pg_catalog.regclass THEN
                   (SELECT p.polrelid FROM pg_catalog.pg_policy p WHERE p.oid = d.objid)
               WHEN 'pg_catalog.pg_statistic_ext'::pg_catalog.regclass THEN
                   (SELECT s.stxrelid FROM pg_catalog.pg_statistic_ext s WHERE s.oid = d.objid)
               WHEN 'pg_catalog.pg_publication_rel'::pg_catalog.regclass THEN
                   (SELECT p.prrelid FROM pg_catalog.pg_publication_rel p WHERE p.oid = d.objid)
               WHEN 'pg_catalog.pg_type'::pg_catalog.regclass THEN
                   (SELECT nullif(t.typrelid, 0) FROM pg_catalog.pg_type t WHERE t.oid = d.objid)
           END AS relation
    FROM pg_catalog.pg_depend d
    LEFT JOIN pg_catalog.pg_class c ON d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND c.oid = d.objid
    WHERE d.objid >= 16384 AND d.deptype <> 'p'
      AND (d.refobjid >= 16384 OR d.refclassid IN ('pg_catalog.pg_extension'::pg_catalog.regclass,
                                                   'pg_catalog.pg_language'::pg_catalog.regclass))
      AND d.refclassid <> 'pg_catalog.pg_namespace'::pg_catalog.regclass
      AND coalesce(c.relkind, 'r') <> 't'
      -- Nothing depends on an index that is not unique, and its columns are known from itself.
      AND (coalesce(c.relkind, 'r') NOT IN ('i', 'I')
           OR EXISTS (SELECT FROM pg_catalog.pg_index i WHERE i.indexrelid = d.objid AND i.indisunique AND i.indrelid >= 16384))
      AND NOT (d.classid = 'pg_catalog.pg_attrdef'::pg_catalog.regclass
               AND EXISTS (SELECT FROM pg_catalog.pg_attrdef a
                           WHERE a.oid = d.objid AND a.adrelid = d.refobjid AND a.adnum = d.refobjsubid))
      -- A row type or an array counts where something is made of it.
      AND NOT (d.classid = 'pg_catalog.pg_type'::pg_catalog.regclass AND d.deptype = 'i'
               AND NOT EXISTS (
                   SELECT FROM pg_catalog.pg_depend u
                   WHERE u.refclassid = 'pg_catalog.pg_type'::pg_catalog.regclass AND u.refobjid = d.objid
                     AND NOT (u.classid = 'pg_catalog.pg_type'::pg_catalog.regclass AND u.deptype = 'i'
                              AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend v
                                              WHERE v.refclassid = 'pg_catalog.pg_type'::pg_catalog.regclass
                                                AND v.refobjid = u.objid))))
) e
