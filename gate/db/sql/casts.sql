SELECT c.castsource AS source, c.casttarget AS target, c.castmethod AS method, c.castcontext AS context, c.castfunc AS function
FROM pg_catalog.pg_cast c ORDER BY c.oid
