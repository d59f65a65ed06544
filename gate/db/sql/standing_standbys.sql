-- Which synchronous standbys a COMMIT would wait for, and which are there; what the role may not see of them is null.
SELECT pg_catalog.current_setting('synchronous_standby_names') AS names,
       pg_catalog.current_setting('synchronous_commit') AS synchronous_commit,
       (SELECT pg_catalog.json_agg(pg_catalog.json_build_array(r.application_name, r.sync_state))
        FROM pg_catalog.pg_stat_replication r) AS replicas
