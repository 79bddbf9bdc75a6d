-- A shop's numbers read what was told of its subscriptions, not of all its payments.

create index events_of_subscriptions on events (shop_id, seq) where kind like 'subscription.%';
