-- Integrations: who else is told of payments (messengers, SMS, bots, CRMs), and what each was told.

create table integrations (
    id text primary key,
    shop_id text not null references shops (id),
    -- telegram, sms, salebot …
    service text not null,
    -- Its settings, sealed; JSON inside.
    sealed blob not null,
    -- The shop's own address there, which hears of payments; sealed.
    news_to blob,
    -- What is told there: paid, refunded …; a JSON list.
    news text not null,
    -- The last event of the shop that was looked at.
    seen_seq integer not null,
    -- When the last request left.
    sent_ms integer not null default 0,
    -- Why nothing is sent: a problem's code. What waits goes on when it is mended.
    stopped_ms integer,
    stopped_code text,
    removed_ms integer,
    created_ms integer not null
);
create index integrations_by_shop on integrations (shop_id, id);

-- Who hears of one payment by one integration: a bot's client, a deal.
create table recipients (
    payment_id text not null references payments (id),
    integration_id text not null references integrations (id),
    address_key text not null,
    address blob not null,
    -- The shop's last event then: what came before is not told.
    since_seq integer not null,
    created_ms integer not null,
    primary key (payment_id, integration_id, address_key)
);

-- Addresses that refused for good: blocked, unknown.
create table ended_addresses (
    integration_id text not null references integrations (id),
    address_key text not null,
    code text not null,
    ended_ms integer not null,
    primary key (integration_id, address_key)
);

-- One message on its way.
create table sendings (
    id text primary key,
    shop_id text not null,
    integration_id text not null references integrations (id),
    payment_id text not null references payments (id),
    -- The event that it tells of; a link that somebody sends has none.
    event_id text,
    -- link, paid, refunded …
    kind text not null,
    -- payer, shop
    audience text not null,
    -- ru, en
    lang text not null,
    address blob not null,
    address_key text not null,
    -- How far its requests have come.
    progress text not null default '',
    -- pending, delivered, unknown, failed, dropped
    state text not null,
    tries integer not null default 0,
    due_ms integer not null,
    -- When the request of this step first left; null before it does.
    step_ms integer,
    -- When the request left whose answer is not known yet; null once it is.
    asked_ms integer,
    remote_id text,
    -- A problem's code, and the service's words or what was heard.
    code text,
    why text,
    ended_ms integer,
    created_ms integer not null
);
create unique index sendings_of_event on sendings (integration_id, event_id, address_key)
    where event_id is not null;
create index sendings_due on sendings (integration_id, due_ms) where state = 'pending';
create index sendings_by_payment on sendings (payment_id, id);

-- Requests and replies, masked.
create table sending_attempts (
    id text primary key,
    sending_id text not null references sendings (id),
    at_ms integer not null,
    took_ms integer not null,
    request text not null,
    status integer,
    reply text not null
);
create index sending_attempts_by_sending on sending_attempts (sending_id, at_ms);
