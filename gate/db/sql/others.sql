-- Objects of any other kind by name. A name without a schema is looked for everywhere; the search path chooses later.
WITH known (catalog, oid, schema, name, owner) AS (
    SELECT 'pg_collation', x.oid, n.nspname::text, x.collname::text, x.collowner
    FROM pg_catalog.pg_collation x JOIN pg_catalog.pg_namespace n ON n.oid = x.collnamespace
    WHERE x.collname = ANY (%(names)s::pg_catalog.name[])
    UNION ALL SELECT 'pg_conversion', x.oid, n.nspname::text, x.conname::text, x.conowner
    FROM pg_catalog.pg_conversion x JOIN pg_catalog.pg_namespace n ON n.oid = x.connamespace
    UNION ALL SELECT 'pg_opclass', x.oid, n.nspname::text, x.opcname::text, x.opcowner
    FROM pg_catalog.pg_opclass x JOIN pg_catalog.pg_namespace n ON n.oid = x.opcnamespace
    UNION ALL SELECT 'pg_opfamily', x.oid, n.nspname::text, x.opfname::text, x.opfowner
    FROM pg_catalog.pg_opfamily x JOIN pg_catalog.pg_namespace n ON n.oid = x.opfnamespace
    UNION ALL SELECT 'pg_operator', x.oid, n.nspname::text, x.oprname::text, x.oprowner
    FROM pg_catalog.pg_operator x JOIN pg_catalog.pg_namespace n ON n.oid = x.oprnamespace
    WHERE x.oprname = ANY (%(names)s::pg_catalog.name[])
    UNION ALL SELECT 'pg_ts_config', x.oid, n.nspname::text, x.cfgname::text, x.cfgowner
    FROM pg_catalog.pg_ts_config x JOIN pg_catalog.pg_namespace n ON n.oid = x.cfgnamespace
    UNION ALL SELECT 'pg_ts_dict', x.oid, n.nspname::text, x.dictname::text, x.dictowner
    FROM pg_catalog.pg_ts_dict x JOIN pg_catalog.pg_namespace n ON n.oid = x.dictnamespace
    UNION ALL SELECT 'pg_ts_parser', x.oid, n.nspname::text, x.prsname::text, 10
    FROM pg_catalog.pg_ts_parser x JOIN pg_catalog.pg_namespace n ON n.oid = x.prsnamespace
    UNION ALL SELECT 'pg_ts_template', x.oid, n.nspname::text, x.tmplname::text, 10
    FROM pg_catalog.pg_ts_template x JOIN pg_catalog.pg_namespace n ON n.oid = x.tmplnamespace
    UNION ALL SELECT 'pg_statistic_ext', x.oid, n.nspname::text, x.stxname::text, x.stxowner
    FROM pg_catalog.pg_statistic_ext x JOIN pg_catalog.pg_namespace n ON n.oid = x.stxnamespace
    WHERE x.stxname = ANY (%(names)s::pg_catalog.name[])
    UNION ALL SELECT 'pg_type', x.oid, n.nspname::text, x.typname::text, x.typowner
    FROM pg_catalog.pg_type x JOIN pg_catalog.pg_namespace n ON n.oid = x.typnamespace
    WHERE x.typname = ANY (%(names)s::pg_catalog.name[])
    UNION ALL SELECT 'pg_proc', x.oid, n.nspname::text, x.proname::text, x.proowner
    FROM pg_catalog.pg_proc x JOIN pg_catalog.pg_namespace n ON n.oid = x.pronamespace
    WHERE x.proname = ANY (%(names)s::pg_catalog.name[])
    UNION ALL SELECT 'pg_class', x.oid, n.nspname::text, x.relname::text, x.relowner
    FROM pg_catalog.pg_class x JOIN pg_catalog.pg_namespace n ON n.oid = x.relnamespace
    WHERE x.relname = ANY (%(names)s::pg_catalog.name[])
    UNION ALL SELECT 'pg_namespace', x.oid, NULL, x.nspname::text, x.nspowner FROM pg_catalog.pg_namespace x
    UNION ALL SELECT 'pg_extension', x.oid, NULL, x.extname::text, x.extowner FROM pg_catalog.pg_extension x
    UNION ALL SELECT 'pg_language', x.oid, NULL, x.lanname::text, x.lanowner FROM pg_catalog.pg_language x
    UNION ALL SELECT 'pg_foreign_data_wrapper', x.oid, NULL, x.fdwname::text, x.fdwowner FROM pg_catalog.pg_foreign_data_wrapper x
    UNION ALL SELECT 'pg_foreign_server', x.oid, NULL, x.srvname::text, x.srvowner FROM pg_catalog.pg_foreign_server x
    UNION ALL SELECT 'pg_event_trigger', x.oid, NULL, x.evtname::text, x.evtowner FROM pg_catalog.pg_event_trigger x
    UNION ALL SELECT 'pg_publication', x.oid, NULL, x.pubname::text, x.pubowner FROM pg_catalog.pg_publication x
    UNION ALL SELECT 'pg_subscription', x.oid, NULL, x.subname::text, x.subowner FROM pg_catalog.pg_subscription x
    WHERE x.subdbid = (SELECT d.oid FROM pg_catalog.pg_database d WHERE d.datname = pg_catalog.current_database())
    UNION ALL SELECT 'pg_am', x.oid, NULL, x.amname::text, 10 FROM pg_catalog.pg_am x
    UNION ALL SELECT 'pg_tablespace', x.oid, NULL, x.spcname::text, x.spcowner FROM pg_catalog.pg_tablespace x
    UNION ALL SELECT 'pg_database', x.oid, NULL, x.datname::text, x.datdba FROM pg_catalog.pg_database x
    UNION ALL SELECT 'pg_authid', x.oid, NULL, x.rolname::text, x.oid FROM pg_catalog.pg_roles x
)
SELECT k.catalog, k.oid, k.schema, k.name, pg_catalog.pg_get_userbyid(k.owner)::text AS owner, w.schema IS NULL AS is_unqualified
FROM ROWS FROM (pg_catalog.unnest(%(catalogs)s::text[]), pg_catalog.unnest(%(schemas)s::text[]),
               pg_catalog.unnest(%(names)s::text[])) w(catalog, schema, name)
JOIN known k ON k.catalog = w.catalog AND k.name = w.name AND (w.schema IS NULL OR k.schema IS NULL OR k.schema = w.schema)
