-- Bank accounts that customers saved, to be charged again.

create table saved_accounts (
    id text primary key,
    shop_id text not null references shops (id),
    -- The shop's own number of the customer.
    customer_id text not null,
    connection_id text not null references connections (id),
    bank text not null,
    purpose text not null,
    -- Where the bank is asked about it, and what the payer opens.
    request_key text not null,
    link text not null,
    -- pending, active, inactive
    status text not null,
    -- The bank's token, sealed as credentials are.
    sealed blob,
    member_id text,
    member_name text,
    created_ms integer not null,
    unique (connection_id, request_key)
);
create index saved_accounts_by_customer on saved_accounts (shop_id, customer_id, id);

-- Payments that are taken from saved accounts.
create table account_charges (
    payment_id text primary key references payments (id),
    account_id text not null references saved_accounts (id),
    -- The request is about to leave, or left: it is sent once.
    asked_ms integer,
    failure text,
    created_ms integer not null
);

-- The saved account that a payment is taken from; null for one that its payer pays.
alter table payments add column account_id text;
