"""PostgreSQL through psycopg: connect, read the catalog and the present moment; the SQL stands in `sql/`, a query a file."""
