-- For banks that tell what is left in place of a list of refunds, capture parts of a hold and
-- release holds.

-- Intents: how much of the hold, null for all; the release of the hold.
alter table payments add column capture_kopecks integer;
alter table payments add column void_requested_ms integer;
alter table payments add column void_asked_ms integer;
alter table payments add column void_failure text;
-- Facts: the least that was ever left; whether paid_kopecks is only what was expected.
alter table payments add column bank_left_kopecks integer;
alter table payments add column bank_paid_guessed integer not null default 0;
-- What was left when the request for the refund left.
alter table refunds add column left_before_kopecks integer;
