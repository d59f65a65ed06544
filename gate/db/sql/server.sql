-- The server, the session and the role that will run the release; no row when that role does not exist.
SELECT pg_catalog.current_setting('server_version_num')::int4 / 10000 AS major,
       pg_catalog.split_part(pg_catalog.current_setting('server_version'), ' ', 1) AS version,
       pg_catalog.current_database()::text AS database,
       r.rolname::text AS role,
       current_user::text AS reader,
       r.oid AS role_oid,
       r.rolname = current_user AS is_own_role,
       r.rolsuper AS is_superuser,
       ARRAY(SELECT m.rolname::text FROM pg_catalog.pg_roles m
             WHERE pg_catalog.pg_has_role(r.oid, m.oid, 'USAGE') ORDER BY 1) AS memberships,
       ARRAY(SELECT p.name::text FROM pg_catalog.unnest(pg_catalog.current_schemas(false)) p(name)
             WHERE p.name <> 'pg_catalog') AS session_path,
       -- With the builtin provider, C and C.UTF-8 text sorts by its bytes.
       (SELECT coalesce(pg_catalog.to_jsonb(d) ->> 'datlocprovider', 'c') = 'b'
               OR (coalesce(pg_catalog.to_jsonb(d) ->> 'datlocprovider', 'c') = 'c'
                   AND pg_catalog.lower(d.datcollate::text) IN ('c', 'posix', 'c.utf8', 'c.utf-8'))
        FROM pg_catalog.pg_database d WHERE d.datname = pg_catalog.current_database()) AS sorts_by_bytes,
       pg_catalog.pg_is_in_recovery() AS is_standby,
       pg_catalog.pg_backend_pid() AS backend_pid,
       pg_catalog.has_database_privilege(r.oid, pg_catalog.current_database(), 'CREATE') AS may_create_in_database,
       pg_catalog.has_table_privilege('pg_catalog.pg_statistic', 'SELECT') AS sees_statistics,
       pg_catalog.pg_has_role(current_user, 'pg_read_all_stats', 'USAGE') AS sees_sessions,
       pg_catalog.current_setting('block_size')::int4 AS block_size,
       pg_catalog.to_char(pg_catalog.transaction_timestamp() AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') AS taken_at
FROM pg_catalog.pg_roles r
WHERE r.rolname = coalesce(%(role)s::text, current_user::text)
