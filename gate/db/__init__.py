"""PostgreSQL through psycopg: connect, read the catalog and the moment; the SQL stands in `sql/`, a query a file."""
