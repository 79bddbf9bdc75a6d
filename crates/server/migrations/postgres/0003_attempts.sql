-- One link, several banks: a payment whose bank the shop's rule chose may be tried at another one.
-- What is left behind at the first bank becomes a row of its own, an attempt, driven like any
-- other payment and shown to nobody but as a part of its link.

-- The shop's rule: which bank is preferred, in general and by the way to pay; JSON.
alter table shops add column routing text not null default '{}';
-- The banks that may carry the link, the best first; JSON. Empty: the shop named one.
alter table payments add column routes text not null default '[]';
-- What the bank is asked to offer now; null: all of methods.
alter table payments add column bank_methods text;
-- The link that this is an earlier or a later try of.
alter table payments add column attempt_of text references payments (id);
-- Where the payer wants to pay instead: a place in routes.
alter table payments add column move_to bigint;
alter table payments add column moves bigint not null default 0;
create index payments_by_link on payments (attempt_of) where attempt_of is not null;
-- How a bank has been lately is read when a payment is routed.
create index exchanges_by_connection on exchanges (connection_id, at_ms);
