-- Positions are read elsewhere: the function that tells them takes a stronger lock than gate allows itself.
SELECT s.seqrelid AS oid, s.seqtypid AS type, s.seqmax AS maximum, s.seqincrement AS increment,
       coalesce(d.refobjid, 0) AS owner_table, coalesce(d.refobjsubid, 0) AS owner_column,
       coalesce(d.deptype = 'i', false) AS is_identity,
       pg_catalog.has_sequence_privilege(s.seqrelid, 'SELECT') AS is_readable
FROM pg_catalog.unnest(%(relations)s::oid[]) w(oid)
JOIN pg_catalog.pg_sequence s ON s.seqrelid = w.oid
LEFT JOIN pg_catalog.pg_depend d ON d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.objid = s.seqrelid
    AND d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.deptype IN ('a', 'i')
