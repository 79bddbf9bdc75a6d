-- What the receipts of one subscription's payments say, and the plan while which it is on: in place
-- of the plan's own.
alter table subscriptions add column receipt text;
alter table subscriptions add column receipt_plan_id text;
