-- Read before `begin` changes some of them, hence the operators by their full name. `is_given` is true where the
-- connection itself set the value (options=, PGOPTIONS): that holds for any role.
SELECT s.name,
       pg_catalog.current_setting(s.name) AS value,
       s.boot_val AS fallback,
       s.source OPERATOR(pg_catalog.=) ANY (ARRAY['client', 'session', 'command line', 'environment variable', 'override']) AS is_given,
       s.source OPERATOR(pg_catalog.=) ANY (ARRAY['user', 'database user']) AS is_of_session_role
FROM pg_catalog.pg_show_all_settings() s
WHERE s.name OPERATOR(pg_catalog.=) ANY (%(names)s::text[])
