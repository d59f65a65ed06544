-- Other sessions' temporary schemas and the TOAST schemas are left out.
SELECT n.oid, n.nspname::text AS name, pg_catalog.pg_get_userbyid(n.nspowner)::text AS owner,
       pg_catalog.has_schema_privilege(r.oid, n.oid, 'CREATE') AS may_create,
       pg_catalog.has_schema_privilege(r.oid, n.oid, 'USAGE') AS may_use
FROM pg_catalog.pg_namespace n
JOIN pg_catalog.pg_roles r ON r.rolname = coalesce(%(role)s::text, current_user::text)
WHERE n.nspname !~ '^pg_(toast|temp)'
