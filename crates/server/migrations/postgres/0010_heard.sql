-- When we first heard that a payment was paid: not every bank tells when it was.

alter table payments add column heard_paid_ms bigint;

-- What was paid before is dated by its announcement.
update payments set heard_paid_ms = (select min(events.at_ms) from events
    where events.payment_id = payments.id and events.kind in ('payment.paid', 'payment.amount_mismatch', 'duplicate.paid'))
    where paid_kopecks > 0;

-- Transfers by the codes of cash desks of which it is not known yet which sale they paid; gone as
-- soon as they are payments.
create table desk_doubts (
    id text primary key,
    place_id text not null references places (id),
    code_id text not null,
    trx_id text,
    ref_id text,
    amount_kopecks bigint,
    at_ms bigint,
    payer_name text,
    payer_phone text,
    purpose text,
    seen_ms bigint not null
);
