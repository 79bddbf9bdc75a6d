-- News of one payment in the order of its events, and messages that are sent again.

-- The number of the event that it tells of; of a link that somebody sent, the shop's last one then.
alter table sendings add column event_seq integer not null default 0;
-- When its day began: when it was made, or sent again.
alter table sendings add column begun_ms integer not null default 0;
update sendings set begun_ms = created_ms,
    event_seq = coalesce((select seq from events where events.id = sendings.event_id), 0);

create index sendings_in_order
    on sendings (integration_id, coalesce(payment_id, subscription_id, ''), event_seq)
    where state = 'pending';
create index sendings_by_shop on sendings (shop_id, id);
create index sendings_failed on sendings (integration_id, id) where state = 'failed';
