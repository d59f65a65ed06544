-- migrate:up
-- gate: allow drops-column because no release since January reads or writes it
ALTER TABLE customers DROP COLUMN phone;

-- migrate:down
ALTER TABLE customers ADD COLUMN phone varchar(40);
