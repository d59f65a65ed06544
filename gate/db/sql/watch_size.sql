-- Apart from the rest: the server looks at every file of the database, which in a large one may take its time.
SELECT pg_catalog.pg_database_size(pg_catalog.current_database()) AS database_bytes
