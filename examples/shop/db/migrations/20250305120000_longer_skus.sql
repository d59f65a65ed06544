-- migrate:up
ALTER TABLE products ALTER COLUMN sku TYPE varchar(40); -- longer: only the catalog changes
ALTER TABLE orders ALTER COLUMN customer_id TYPE bigint; -- wider: every row is written again

-- migrate:down
