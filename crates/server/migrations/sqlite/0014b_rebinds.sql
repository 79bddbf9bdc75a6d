-- Subscriptions that go on to another card or account, at the same bank or another.

-- A link by which the customer saves what is charged from then on. What it takes is the customer's,
-- for the periods to come.
create table subscription_rebinds (
    payment_id text primary key references payments (id),
    subscription_id text not null references subscriptions (id),
    connection_id text not null references connections (id),
    -- account, card
    saves text not null,
    -- open, paid (and nothing is saved yet), done, over
    outcome text not null,
    created_ms integer not null,
    -- When the subscription went on to what was saved.
    done_ms integer
);
create index subscription_rebinds_of on subscription_rebinds (subscription_id, payment_id);
