-- migrate:up
-- Every row in one transaction: they stay locked until it commits.
UPDATE orders SET shipping_note = '' WHERE shipping_note IS NULL;

-- migrate:down
