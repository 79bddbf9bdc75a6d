-- Bank accounts that are saved by paying, and charges as a step of their payment.

-- The customer for whom the payment saves the account it is paid from; null for others. Then
-- `account_id` is the account that it saved, else the one that it is taken from.
alter table payments add column save_account_for text;
-- The request to take it from its saved account is about to leave, or left: it is sent once.
alter table payments add column charge_asked_ms integer;
-- Why it was declined for good, as a failure is kept.
alter table payments add column decline text;

-- The payment that an account was saved by; null for one saved without paying.
alter table saved_accounts add column payment_id text;
-- Since when the bank is asked about it; null for one saved without paying: since it was begun.
alter table saved_accounts add column watched_ms integer;
create unique index saved_accounts_by_payment on saved_accounts (payment_id);

-- What was asked stays asked: a charge is never sent twice.
update payments set charge_asked_ms = (
    select asked_ms from account_charges where account_charges.payment_id = payments.id
) where account_id is not null;
-- What the bank refused is refused, and a charge that nobody will take any more has failed.
update payments set failure = (
    select failure from account_charges where account_charges.payment_id = payments.id
) where account_id is not null and failure is null;
update payments set status = 'failed' where account_id is not null
    and (status = 'expired' or (status = 'open' and failure is not null));
-- From now on the payment's own job sends it.
delete from jobs where kind = 'charge';
drop table account_charges;
