-- News of subscriptions to their payers: a message may be about a subscription instead of a payment;
-- what payers hear of by themselves; who wants no more of it.

create table sendings_next (
    id text primary key,
    shop_id text not null,
    integration_id text not null references integrations (id),
    -- Of one of the two; a period's link has both.
    payment_id text references payments (id),
    subscription_id text references subscriptions (id),
    event_id text,
    kind text not null,
    audience text not null,
    lang text not null,
    address blob not null,
    address_key text not null,
    progress text not null default '',
    state text not null,
    tries integer not null default 0,
    due_ms integer not null,
    step_ms integer,
    asked_ms integer,
    remote_id text,
    code text,
    why text,
    ended_ms integer,
    created_ms integer not null
);
insert into sendings_next (id, shop_id, integration_id, payment_id, event_id, kind, audience, lang,
    address, address_key, progress, state, tries, due_ms, step_ms, asked_ms, remote_id, code, why,
    ended_ms, created_ms)
select id, shop_id, integration_id, payment_id, event_id, kind, audience, lang, address,
    address_key, progress, state, tries, due_ms, step_ms, asked_ms, remote_id, code, why, ended_ms,
    created_ms from sendings;
create table sending_attempts_next (
    id text primary key,
    sending_id text not null references sendings_next (id),
    at_ms integer not null,
    took_ms integer not null,
    request text not null,
    status integer,
    reply text not null
);
insert into sending_attempts_next select id, sending_id, at_ms, took_ms, request, status, reply
    from sending_attempts;
drop table sending_attempts;
drop table sendings;
alter table sendings_next rename to sendings;
alter table sending_attempts_next rename to sending_attempts;
create unique index sendings_of_event on sendings (integration_id, event_id, address_key)
    where event_id is not null;
create index sendings_due on sendings (integration_id, due_ms) where state = 'pending';
create index sendings_by_payment on sendings (payment_id, id);
create index sendings_by_subscription on sendings (subscription_id, id)
    where subscription_id is not null;
create index sending_attempts_by_sending on sending_attempts (sending_id, at_ms);
create index sending_attempts_by_time on sending_attempts (at_ms);

-- What payers hear of without anybody sending it; a JSON list.
alter table integrations add column payer_news text not null default '["renewal","renewal_failed"]';

-- Addresses that want no more of what nobody asked for; by shop and service, so that a service that
-- is set up anew knows them still.
create table opt_outs (
    shop_id text not null references shops (id),
    service text not null,
    address_key text not null,
    created_ms integer not null,
    primary key (shop_id, service, address_key)
);
