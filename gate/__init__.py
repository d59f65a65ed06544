"""gate: stands between a deploy and a PostgreSQL database."""
