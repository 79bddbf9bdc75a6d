-- Plans, subscriptions, their periods, and what customers agreed to.

create table plans (
    id text primary key,
    shop_id text not null references shops (id),
    -- The shop's own word of it.
    code text not null,
    is_archived integer not null default 0,
    created_ms integer not null,
    unique (shop_id, code)
);

-- A version never changes: who subscribed to one keeps it.
create table plan_versions (
    id text primary key,
    plan_id text not null references plans (id),
    number integer not null,
    name text not null,
    price_kopecks integer not null,
    -- day, week, month, quarter, year
    unit text not null,
    unit_count integer not null,
    trial_days integer not null,
    setup_fee_kopecks integer not null,
    features text not null,
    -- What receipts of its payments say, in the short form of the API.
    receipt text,
    created_ms integer not null,
    unique (plan_id, number)
);

create table coupons (
    id text primary key,
    shop_id text not null references shops (id),
    code text not null,
    -- One of the two.
    percent integer,
    amount_kopecks integer,
    -- How many periods it counts for; null: all.
    periods integer,
    max_uses integer,
    uses integer not null default 0,
    until_ms integer,
    created_ms integer not null,
    unique (shop_id, code)
);

create table subscriptions (
    id text primary key,
    shop_id text not null references shops (id),
    customer_id text not null,
    plan_id text not null references plans (id),
    version_id text not null references plan_versions (id),
    quantity integer not null,
    coupon_id text references coupons (id),
    coupon_left integer,
    connection_id text not null references connections (id),
    -- charge, link
    collection text not null,
    instrument_id text references instruments (id),
    -- What a link saves to be charged later: account, card.
    saves text not null,
    zone text not null,
    anchor_ms integer not null,
    cycle integer not null,
    periods integer not null,
    balance_kopecks integer not null,
    next_version_id text references plan_versions (id),
    next_quantity integer,
    -- pending, trialing, active, past_due, paused, canceled, expired
    status text not null,
    -- Until when the state holds, or what of it is kept; by the status.
    until_ms integer,
    ends integer not null,
    resumes_ms integer,
    reason text,
    told_ms integer,
    contact text,
    success_url text,
    fail_url text,
    metadata text not null,
    revision integer not null,
    created_ms integer not null
);
create index subscriptions_by_shop on subscriptions (shop_id, id);
create index subscriptions_by_customer on subscriptions (shop_id, customer_id, id);

-- There before any bank is asked for the period's money: one row, one sum, one payment that counts.
create table subscription_periods (
    subscription_id text not null references subscriptions (id),
    number integer not null,
    -- first, renewal, change
    cause text not null,
    version_id text not null references plan_versions (id),
    quantity integer not null,
    start_ms integer not null,
    end_ms integer not null,
    lines text not null,
    amount_kopecks integer not null,
    -- open, paid, void
    status text not null,
    by_link integer not null,
    next_try_ms integer,
    give_up_ms integer not null,
    paid_ms integer,
    created_ms integer not null,
    primary key (subscription_id, number)
);

create table subscription_attempts (
    payment_id text primary key references payments (id),
    subscription_id text not null,
    period integer not null,
    number integer not null,
    -- charge, link
    how text not null,
    -- open, paid, failed, given_back
    outcome text not null,
    -- Of a failed one: what its decline means for the next.
    class text,
    created_ms integer not null,
    unique (subscription_id, period, number),
    foreign key (subscription_id, period) references subscription_periods (subscription_id, number)
);

-- Only the withdrawal is ever written into it.
create table subscription_consents (
    id text primary key,
    shop_id text not null references shops (id),
    customer_id text not null,
    subscription_id text not null references subscriptions (id),
    text_version text not null,
    wording text,
    channel text not null,
    ip text,
    user_agent text,
    ceiling_kopecks integer not null,
    given_ms integer not null,
    withdrawn_ms integer,
    withdrawn_by text
);
create index subscription_consents_of on subscription_consents (subscription_id, id);

-- When a shop asks again for money that did not come, and tells of money that will be asked for.
create table subscription_rules (
    shop_id text primary key references shops (id),
    max_tries integer not null,
    -- Days of the month, such as 5,10,20,25.
    paydays text not null,
    hour integer not null,
    keep_days integer not null,
    notice_hours integer not null,
    grace_hours integer not null
);

-- Whose job is due when something becomes of a payment or of a saved account.
create table job_waits (
    awaited text not null,
    kind text not null,
    subject text not null,
    primary key (awaited, kind, subject)
);

-- An event may be of something else than a payment: its subject is that, or a subscription.
alter table events rename column payment_id to subject_id;
