-- The foundation: shops, their banks, payments, refunds, events, jobs and the journal.
-- Times are integer milliseconds UTC, money integer kopecks, flags 0 or 1, lists and maps JSON text.

create table shops (
    id text primary key,
    name text not null,
    -- Last number given to an event; its row lock keeps a shop's events gapless and in order.
    event_seq bigint not null default 0,
    created_ms bigint not null
);

create table api_keys (
    id text primary key,
    shop_id text not null references shops (id),
    name text not null,
    -- SHA-256 of the key; the key itself is shown once and never stored.
    hash text not null unique,
    -- The first characters, so that people recognise a key in a list.
    prefix text not null,
    created_ms bigint not null,
    revoked_ms bigint
);

create table connections (
    id text primary key,
    shop_id text not null references shops (id),
    bank text not null,
    name text not null,
    -- The bank's settings as JSON, sealed with the key outside the database.
    sealed bytea not null,
    -- When the access token ends, if it is known; refreshed before.
    token_expires_ms bigint,
    -- Who refreshes the token now holds this lease, since a refresh token works once.
    refresh_lease_ms bigint not null default 0,
    notice_keys text not null default '',
    notice_keys_ms bigint not null default 0,
    swept_ms bigint not null default 0,
    created_ms bigint not null,
    disabled_ms bigint
);
create index connections_by_shop on connections (shop_id, created_ms);

create table payments (
    id text primary key,
    shop_id text not null references shops (id),
    connection_id text not null references connections (id),
    bank text not null,
    order_id text,
    reference text not null,
    amount_kopecks bigint not null,
    purpose text not null,
    methods text not null,
    capture text not null,
    ttl_minutes bigint not null,
    success_url text,
    fail_url text,
    customer text,
    receipt text,
    metadata text not null,
    created_ms bigint not null,
    expires_ms bigint not null,
    -- Intents: what was asked of the bank, written before the request leaves.
    open_asked_ms bigint,
    open_tries bigint not null default 0,
    capture_requested_ms bigint,
    capture_asked_ms bigint,
    failure text,
    capture_failure text,
    -- Facts: what the bank said; they only ever grow.
    bank_id text,
    bank_url text,
    authorized_kopecks bigint not null default 0,
    paid_kopecks bigint not null default 0,
    bank_refunds text not null default '{}',
    bank_fully_refunded bigint not null default 0,
    bank_expired bigint not null default 0,
    bank_canceled bigint not null default 0,
    bank_declined bigint not null default 0,
    method text,
    paid_ms bigint,
    payer_id text,
    -- Looking: when the bank was last asked, until when it is asked every minute.
    asked_ms bigint not null default 0,
    dense_until_ms bigint not null,
    -- Derived, for lists and filters.
    status text not null,
    refunded_kopecks bigint not null default 0,
    unique (connection_id, reference)
);
create index payments_by_shop on payments (shop_id, id);
create index payments_by_order on payments (shop_id, order_id);
create index payments_by_bank_id on payments (connection_id, bank_id);

create table refunds (
    id text primary key,
    payment_id text not null references payments (id),
    shop_id text not null,
    amount_kopecks bigint not null,
    reason text,
    -- 'shop', or 'bank' for one made in the bank's own cabinet.
    origin text not null,
    state text not null,
    -- The bank's id of it, once it is found in the bank's own list.
    bank_refund_id text,
    asked_ms bigint,
    asks bigint not null default 0,
    failure text,
    created_ms bigint not null
);
create index refunds_by_payment on refunds (payment_id, created_ms, id);

create table events (
    id text primary key,
    shop_id text not null,
    seq bigint not null,
    kind text not null,
    payment_id text not null,
    -- What makes the event one of a kind for its payment: the kind, with the refund's id if any.
    once text not null,
    at_ms bigint not null,
    body text not null,
    unique (shop_id, seq),
    unique (payment_id, once)
);

create table notices (
    id text primary key,
    connection_id text not null,
    hash text not null,
    body bytea not null,
    kind text not null,
    payment_id text,
    received_ms bigint not null,
    times bigint not null default 1,
    unique (connection_id, hash)
);
create index notices_by_payment on notices (payment_id);

create table exchanges (
    id text primary key,
    connection_id text not null,
    payment_id text,
    op text not null,
    at_ms bigint not null,
    took_ms bigint not null,
    request text not null,
    status bigint,
    reply text not null
);
create index exchanges_by_payment on exchanges (payment_id, id);
create index exchanges_by_time on exchanges (at_ms);

create table idempotency (
    shop_id text not null,
    key text not null,
    fingerprint text not null,
    subject text not null,
    created_ms bigint not null,
    status bigint,
    reply bytea,
    primary key (shop_id, key)
);

create table jobs (
    id text primary key,
    kind text not null,
    subject text not null,
    due_ms bigint not null,
    lease_until_ms bigint not null default 0,
    lease text,
    -- Grows with every nudge, so that a nudge during a run is not forgotten by its end.
    nudges bigint not null default 0,
    tries bigint not null default 0,
    last_error text,
    unique (kind, subject)
);
create index jobs_by_due on jobs (due_ms);
