-- The functions asked for and those that triggers call. A body parsed by the server (BEGIN ATOMIC) has no source:
-- its `relations` are complete. For the others only what pg_depend knows is there.
SELECT p.oid, n.nspname::text AS schema, p.proname::text AS name, p.prokind AS kind,
       pg_catalog.string_to_array(p.proargtypes::text, ' ')::oid[] AS arguments, coalesce(p.proargnames, '{}') AS argument_names,
       p.pronargdefaults::int4 AS argument_defaults,
       p.provariadic <> 0 AS is_variadic, p.prorettype AS returns, p.proretset AS returns_set, p.provolatile AS volatility,
       l.lanname::text AS language,
       CASE WHEN l.lanname IN ('sql', 'plpgsql') AND p.prosqlbody IS NULL THEN nullif(p.prosrc, '')
            -- Printing a parsed body opens what it names: not where another session is in the way.
            WHEN p.prosqlbody IS NOT NULL AND NOT EXISTS (
                SELECT FROM pg_catalog.pg_locks k
                JOIN pg_catalog.pg_depend d ON d.classid = 'pg_catalog.pg_proc'::pg_catalog.regclass AND d.objid = p.oid
                    AND d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.refobjid = k.relation
                WHERE k.mode = 'AccessExclusiveLock')
            THEN pg_catalog.pg_get_function_sqlbody(p.oid) END AS source,
       pg_catalog.pg_get_userbyid(p.proowner)::text AS owner, p.prosecdef AS is_security_definer,
       coalesce(p.proconfig, '{}') AS settings,
       ARRAY(SELECT DISTINCT d.refobjid FROM pg_catalog.pg_depend d
             WHERE d.classid = 'pg_catalog.pg_proc'::pg_catalog.regclass AND d.objid = p.oid
               AND d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass ORDER BY 1) AS relations
FROM (SELECT f.oid FROM pg_catalog.unnest(%(functions)s::oid[]) f(oid)
      UNION
      SELECT t.tgfoid
      FROM pg_catalog.unnest(%(relations)s::oid[]) r(oid)
      JOIN pg_catalog.pg_trigger t ON t.tgrelid = r.oid AND NOT t.tgisinternal
      UNION
      SELECT e.evtfoid FROM pg_catalog.pg_event_trigger e WHERE e.evtenabled <> 'D') w(oid)
JOIN pg_catalog.pg_proc p ON p.oid = w.oid
JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace
JOIN pg_catalog.pg_language l ON l.oid = p.prolang
