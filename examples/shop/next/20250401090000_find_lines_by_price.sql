-- migrate:up
CREATE INDEX order_lines_price ON order_lines (price_cents, quantity);

-- migrate:down
DROP INDEX order_lines_price;
