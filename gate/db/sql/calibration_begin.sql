-- Nobody is waited for, and nothing outlives the client: a backend whose client is gone is told so by its own check (on
-- systems that have it), or by the time that it may be idle.
SELECT pg_catalog.set_config('lock_timeout', '2s', true), pg_catalog.set_config('idle_in_transaction_session_timeout', '10s', true),
       pg_catalog.set_config('row_security', 'on', true), pg_catalog.set_config('default_tablespace', '', true)
