-- Telling of a charge before it, as a condition of charging, and each plan's own time for it.

-- How long before a charge of this plan its customer is told; null: as the shop's rules say.
alter table plan_versions add column notice_hours integer;
-- no, announced, delivered: whether a charge waits until it was told of for so long.
alter table subscription_rules add column notice_first text not null default 'no';

-- What was ever taken from an account or a card is found by it.
create index payments_by_account on payments (account_id) where account_id is not null;
create index payments_by_card on payments (card_id) where card_id is not null;
