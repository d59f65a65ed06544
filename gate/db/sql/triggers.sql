SELECT t.oid, t.tgname::text AS name, t.tgrelid AS relation, t.tgfoid AS function, t.tgtype::int4 AS bits,
       pg_catalog.string_to_array(t.tgattr::text, ' ')::int4[] AS columns,
       t.tgisinternal AS is_internal, t.tgenabled IN ('O', 'A') AS is_enabled, t.tgconstraint AS constraint, t.tgparentid AS parent,
       t.tgoldtable IS NOT NULL OR t.tgnewtable IS NOT NULL AS has_transition
FROM pg_catalog.unnest(%(relations)s::oid[]) w(oid)
JOIN pg_catalog.pg_trigger t ON t.tgrelid = w.oid
ORDER BY t.tgrelid, t.tgname, t.oid
