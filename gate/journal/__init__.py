"""Where runs are written: in the database that they change, or in a file. Its queries are values that others run."""
