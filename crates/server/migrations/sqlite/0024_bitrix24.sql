-- Bitrix24 as a local application: its installation, what its portal asked of us, the portals' own
-- payments. And what any service needs that counts requests over several integrations, or whose
-- tokens end.

-- How full the bucket is that a service counts our requests by: a portal's host.
create table paces (
    word text primary key,
    -- When it is empty again.
    empty_ms integer not null
);

-- Whoever renews an integration's tokens: one at a time among all processes.
create table token_renewals (
    integration_id text primary key references integrations (id),
    -- The one at it is given up then.
    until_ms integer not null
);

create table bitrix24_apps (
    integration_id text primary key references integrations (id),
    installed_ms integer,
    uninstalled_ms integer,
    -- What was registered at the portal, and what it refused; JSON.
    registered text not null default '[]',
    -- The last look for what was lost.
    looked_ms integer not null
);

-- What a portal asked of us and was answered for at once; done afterwards.
create table bitrix24_errands (
    id text primary key,
    integration_id text not null references integrations (id),
    -- The same word again is the same errand.
    word text not null,
    -- What is to be done; JSON, empty once it is.
    what text not null,
    -- pending, done, failed
    state text not null,
    tries integer not null default 0,
    due_ms integer not null,
    why text,
    created_ms integer not null,
    ended_ms integer,
    unique (integration_id, word)
);
create index bitrix24_errands_due on bitrix24_errands (integration_id, due_ms)
    where state = 'pending';

-- Payments of portals' own that are paid by ours.
create table bitrix24_checkouts (
    payment_id text primary key references payments (id),
    integration_id text not null references integrations (id),
    portal_payment_id text not null,
    pay_system_id text not null,
    created_ms integer not null
);
create index bitrix24_checkouts_by_portal
    on bitrix24_checkouts (integration_id, portal_payment_id, created_ms);

-- The payments of one deal.
create index recipients_by_address on recipients (integration_id, address_key, payment_id);
