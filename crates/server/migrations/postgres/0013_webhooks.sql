-- Webhooks: who is told of a shop's events, what was told, and entitlements handed out once.

create table webhooks (
    id text primary key,
    shop_id text not null references shops (id),
    url text not null,
    description text,
    -- Which events: words of the list, `payment.*`, or `*`; a JSON list.
    kinds text not null,
    -- full, thin
    payload text not null,
    -- Events of one payment go one after the other.
    is_ordered bigint not null default 0,
    header_name text,
    -- Signing secrets and the header's value, sealed; JSON inside.
    sealed bytea not null,
    -- The last event of the shop that was looked at for this webhook.
    seen_seq bigint not null,
    -- Attempts in a row that failed, and since when.
    streak bigint not null default 0,
    failing_since_ms bigint,
    -- Nothing is sent before this.
    rest_until_ms bigint not null default 0,
    delivered_ms bigint,
    disabled_ms bigint,
    -- by_hand, gone, failing
    disabled_reason text,
    removed_ms bigint,
    created_ms bigint not null
);
create index webhooks_by_shop on webhooks (shop_id, id);

-- One event on its way to one webhook.
create table deliveries (
    id text primary key,
    shop_id text not null,
    webhook_id text not null references webhooks (id),
    event_id text not null,
    event_seq bigint not null,
    kind text not null,
    -- What the event is about: order is kept within it.
    subject text not null,
    -- pending, delivered, failed, dropped
    state text not null,
    attempts bigint not null default 0,
    -- Attempts since it was last sent off, and when that was: the waits go by these.
    tries bigint not null default 0,
    begun_ms bigint not null,
    due_ms bigint not null,
    -- Of the last attempt.
    status bigint,
    error text,
    delivered_ms bigint,
    created_ms bigint not null,
    unique (webhook_id, event_id)
);
create index deliveries_due on deliveries (webhook_id, due_ms) where state = 'pending';
create index deliveries_in_order on deliveries (webhook_id, subject, event_seq)
    where state = 'pending';
create index deliveries_by_webhook on deliveries (webhook_id, event_seq);
create index deliveries_by_shop on deliveries (shop_id, id);
create index deliveries_by_subject on deliveries (subject);

create table delivery_attempts (
    id text primary key,
    delivery_id text not null references deliveries (id),
    at_ms bigint not null,
    took_ms bigint not null,
    status bigint,
    error text,
    -- How the reply begins, masked.
    reply text not null
);
create index delivery_attempts_by_delivery on delivery_attempts (delivery_id, at_ms);

-- What a payment entitles to, handed out once for each purpose.
create table claims (
    payment_id text not null references payments (id),
    purpose text not null,
    shop_id text not null references shops (id),
    claimer text not null,
    claimed_ms bigint not null,
    primary key (payment_id, purpose)
);
