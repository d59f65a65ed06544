-- ALTER ROLE / DATABASE ... SET, the more specific first.
SELECT s.setrole <> 0 AS is_role, s.setdatabase <> 0 AS is_database, s.setconfig AS settings
FROM pg_catalog.pg_db_role_setting s
WHERE s.setrole IN (0, (SELECT r.oid FROM pg_catalog.pg_roles r WHERE r.rolname = coalesce(%(role)s::text, current_user::text)))
  AND s.setdatabase IN (0, (SELECT d.oid FROM pg_catalog.pg_database d WHERE d.datname = pg_catalog.current_database()))
ORDER BY s.setrole <> 0 DESC, s.setdatabase <> 0 DESC
