-- News of subscriptions to their payers: a message may be about a subscription instead of a payment;
-- what payers hear of by themselves; who wants no more of it.

-- Of one of the two; a period's link has both.
alter table sendings alter column payment_id drop not null;
alter table sendings add column subscription_id text references subscriptions (id);
create index sendings_by_subscription on sendings (subscription_id, id)
    where subscription_id is not null;
create index sending_attempts_by_time on sending_attempts (at_ms);

-- What payers hear of without anybody sending it; a JSON list.
alter table integrations add column payer_news text not null default '["renewal","renewal_failed"]';

-- Addresses that want no more of what nobody asked for; by shop and service, so that a service that
-- is set up anew knows them still.
create table opt_outs (
    shop_id text not null references shops (id),
    service text not null,
    address_key text not null,
    created_ms bigint not null,
    primary key (shop_id, service, address_key)
);
