-- Cards that a bank keeps as subscriptions: the first payment and every charge after it stand in one
-- operation of the bank's, each as an approval.

-- The card of `card_id`, or the one to be saved, is kept by its bank.
alter table payments add column card_kept integer not null default 0;
-- The operation and its approval that is this payment's money: no other payment's.
alter table payments add column approval text;
create unique index payments_by_approval on payments (connection_id, approval)
    where approval is not null;
-- The approvals that were there before the charge was sent; JSON.
alter table payments add column approvals_before text;
-- The bank said that it took the charge.
alter table payments add column charge_taken integer not null default 0;
