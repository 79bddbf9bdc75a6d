-- Sales at cash desks: a desk is a place whose one code is armed with a sum for each sale.

create table sales (
    id text primary key,
    shop_id text not null references shops (id),
    place_id text not null references places (id),
    connection_id text not null references connections (id),
    -- The place while the sale goes on, then null: so a desk has one at a time.
    live_place_id text unique,
    amount_kopecks bigint not null,
    -- What the payer reads; ends in a number of its own, by which the arming is known again.
    purpose text not null,
    ttl_minutes bigint not null,
    -- Who armed the desk, in the shop's words.
    clerk text,
    -- The request that arms the code is about to leave, or left; how often its fate was looked for.
    asked_ms bigint,
    looks bigint not null default 0,
    looked_ms bigint not null default 0,
    -- The bank's id of the arming.
    arming_id text,
    -- Somebody is paying.
    is_paying bigint not null default 0,
    cancel_ms bigint,
    disarm_asked_ms bigint,
    until_ms bigint not null,
    -- canceled, expired, failed; null while it goes on, and of what was paid
    ending text,
    ended_ms bigint,
    failure text,
    payment_id text references payments (id),
    trx_id text,
    created_ms bigint not null
);
create index sales_by_place on sales (place_id, id);

-- Links by which clerks reach a desk without a login. Only their hashes are kept.
create table clerk_links (
    id text primary key,
    place_id text not null references places (id),
    name text not null,
    hash text not null unique,
    created_ms bigint not null,
    revoked_ms bigint
);
