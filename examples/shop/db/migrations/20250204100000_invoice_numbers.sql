-- migrate:up
ALTER TABLE orders ADD COLUMN invoice_number text;
ALTER TABLE orders ADD CONSTRAINT orders_invoice_number_known CHECK (invoice_number IS NOT NULL);

-- migrate:down
ALTER TABLE orders DROP COLUMN invoice_number;
