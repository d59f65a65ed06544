SELECT p.oid, p.pubname::text AS name, pg_catalog.pg_get_userbyid(p.pubowner)::text AS owner,
       p.puballtables AS is_for_all_tables, p.pubviaroot AS via_root,
       ARRAY(SELECT m.prrelid FROM pg_catalog.pg_publication_rel m WHERE m.prpubid = p.oid ORDER BY 1) AS relations,
       ARRAY(SELECT n.nspname::text FROM pg_catalog.pg_publication_namespace m
             JOIN pg_catalog.pg_namespace n ON n.oid = m.pnnspid WHERE m.pnpubid = p.oid ORDER BY 1) AS schemas
FROM pg_catalog.pg_publication p ORDER BY p.pubname
