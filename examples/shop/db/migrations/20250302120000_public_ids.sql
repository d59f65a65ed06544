-- migrate:up
-- A new value for every row: the whole table is written again.
ALTER TABLE customers ADD COLUMN public_id uuid NOT NULL DEFAULT gen_random_uuid();

-- migrate:down
ALTER TABLE customers DROP COLUMN public_id;
