-- Codes of the Faster Payments System (SBP).

-- Facts: what the QR code of one payment holds; the transfer that paid it, by its id in SBP and by
-- the bank's own.
alter table payments add column qr_payload text;
alter table payments add column sbp_trx_id text;
alter table payments add column sbp_ref_id text;
-- When the bank was last asked for the code of a payment that it keeps, and how often.
alter table payments add column qr_asked_ms bigint;
alter table payments add column qr_tries bigint not null default 0;
-- The place whose code it was paid by; null for a payment of its own.
alter table payments add column place_id text;
-- What the bank calls a refund while it is under way, to ask about it.
alter table refunds add column bank_request_id text;
-- The account's statement that was asked for to find a refund whose answer was lost.
alter table refunds add column statement_id text;
