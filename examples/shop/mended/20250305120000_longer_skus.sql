-- migrate:up
ALTER TABLE products ALTER COLUMN sku TYPE varchar(40); -- longer: only the catalog changes

-- migrate:down
