-- Chats of customers with the shop's bots, and the links by which they began.

create table chats (
    integration_id text not null references integrations (id),
    address_key text not null,
    shop_id text not null references shops (id),
    -- The shop's own number of the customer.
    customer_id text not null,
    -- Sealed.
    address bytea not null,
    bound_ms bigint not null,
    -- Why nothing goes there any more: chat_stopped, chat_unbound, a problem's code.
    ended_ms bigint,
    ended_code text,
    primary key (integration_id, address_key)
);
create index chats_by_customer on chats (shop_id, customer_id, bound_ms);

-- Each is good for one chat.
create table start_links (
    id text primary key,
    integration_id text not null references integrations (id),
    shop_id text not null references shops (id),
    customer_id text not null,
    until_ms bigint not null,
    used_ms bigint,
    created_ms bigint not null
);
