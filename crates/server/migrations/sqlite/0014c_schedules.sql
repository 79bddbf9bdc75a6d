-- Subscriptions that the bank charges by a schedule of its own.

-- Of the payment that opens one, and of each charge of it: the schedule, such as `month 12`.
alter table payments add column bank_schedule text;
-- The bank charges the card by itself; nobody else can.
alter table instruments add column scheduled integer not null default 0;
-- How often the bank charges by itself, the first payment counted; null: the shop charges.
alter table subscriptions add column bank_count integer;
