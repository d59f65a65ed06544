-- Where the values come from, asked for another role's sake; operators by their full name, as `begin` comes later.
-- `is_given` is true where the connection itself set the value (options=, PGOPTIONS): that holds for any role.
-- The server's own command line ranks below the roles' settings.
SELECT s.name, s.boot_val AS fallback,
       s.source OPERATOR(pg_catalog.=) ANY (ARRAY['client', 'session', 'override']) AS is_given,
       s.source OPERATOR(pg_catalog.=) ANY (ARRAY['user', 'database user']) AS is_of_session_role
FROM pg_catalog.pg_show_all_settings() s
WHERE s.name OPERATOR(pg_catalog.=) ANY (%(names)s::text[])
