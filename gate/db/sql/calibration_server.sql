SELECT pg_catalog.current_setting('server_version_num')::int4 / 10000, pg_catalog.split_part(pg_catalog.current_setting('server_version'), ' ', 1),
       pg_catalog.current_database()::text, current_user::text, pg_catalog.pg_is_in_recovery(),
       pg_catalog.has_database_privilege(pg_catalog.current_database(), 'CREATE')
