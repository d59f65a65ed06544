-- migrate:up
-- now() is the same for every row: no row is touched.
ALTER TABLE orders ADD COLUMN updated_at timestamptz NOT NULL DEFAULT now();

-- migrate:down
ALTER TABLE orders DROP COLUMN updated_at;
