-- migrate:up
-- orders_invoice_number_known, valid since the last release, proves it: no row is read.
ALTER TABLE orders ALTER COLUMN invoice_number SET NOT NULL;

-- migrate:down
ALTER TABLE orders ALTER COLUMN invoice_number DROP NOT NULL;
