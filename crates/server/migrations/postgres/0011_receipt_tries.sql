-- Receipts that failed: tried again, looked at by a person, reminded of until that is done.

-- When what is prepaid has to be closed, and since when a person has to look at this receipt; the
-- earlier of both is due_ms.
alter table receipts add column closes_ms bigint;
alter table receipts add column look_ms bigint;
update receipts set closes_ms = due_ms where kind = 'income' and by_hand = 0;
update receipts set look_ms = due_ms where closes_ms is null;
-- What failed or was lost before is looked at too.
update receipts set look_ms = changed_ms
    where look_ms is null and by_hand = 0
    and (state = 'failed' or (state = 'sent' and kind = 'closing' and note is not null));
update receipts set due_ms = case
    when closes_ms is null or look_ms < closes_ms then look_ms else closes_ms end
    where look_ms is not null;
-- How often it failed, when it is tried again by itself, and why it was tried again.
alter table receipts add column failures bigint not null default 0;
alter table receipts add column retry_ms bigint;
alter table receipts add column retry_reason text;
-- How many reminders were given of what is due now.
alter table receipts add column reminders bigint not null default 0;
-- When its sale was paid, as far as we know: the cash register's word may come first.
alter table receipts add column sold_ms bigint;
update receipts set sold_ms = changed_ms
    where kind = 'income' and state in ('sent', 'registered', 'failed');
-- By when the cash register's word is expected, where the bank passes it on.
alter table receipts add column expected_ms bigint;
create index receipts_by_expected on receipts (shop_id, expected_ms) where expected_ms is not null;

-- What became of a receipt, one row per change.
create table receipt_steps (
    id text primary key,
    receipt_id text not null references receipts (id),
    at_ms bigint not null,
    state text not null,
    -- Why it failed, or why it was tried again.
    why text
);
create index receipt_steps_by_receipt on receipt_steps (receipt_id, id);

-- Reminders come again and again now: also of what was reminded of once.
insert into jobs (id, kind, subject, due_ms)
    select 'job_' || id, 'receipt', id, due_ms from receipts where due_ms is not null
    on conflict (kind, subject) do nothing;
