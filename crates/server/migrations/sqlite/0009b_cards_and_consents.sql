-- Saved cards beside saved accounts, and what payers agreed to.

alter table saved_accounts rename to instruments;
-- account, card. Of a card, `request_key` is the customer that the bank knows it by, `member_id` the
-- bank's id of the card and `member_name` its number with the middle hidden.
alter table instruments add column kind text not null default 'account';
-- Of a card: month and year, MMYY.
alter table instruments add column expires text;
-- The payer took his consent back: nothing is charged from then on, for ever.
alter table instruments add column withdrawn_ms integer;
-- The bank forgot it, too.
alter table instruments add column removed_ms integer;

-- As `account_id` and `save_account_for`, for a card.
alter table payments add column card_id text;
alter table payments add column save_card_for text;

-- What a payer agreed to, as he was shown it. A row is never changed.
create table consents (
    id text primary key,
    shop_id text not null references shops (id),
    customer_id text not null,
    -- The payment that it was given with, or the account that was saved without one.
    subject_id text not null unique,
    text_version text not null,
    channel text not null,
    ip text,
    user_agent text,
    -- The most that one charge may take; null: no ceiling was agreed.
    max_kopecks integer,
    period text,
    given_ms integer not null
);
create index consents_by_customer on consents (shop_id, customer_id, id);
