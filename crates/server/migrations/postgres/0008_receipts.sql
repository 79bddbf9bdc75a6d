-- Fiscal receipts (54-FZ).

-- What the shop said once of its receipts; JSON. Null: nothing.
alter table shops add column receipt_defaults text;

-- Which receipt is for what, and what became of it.
create table receipts (
    id text primary key,
    shop_id text not null references shops (id),
    payment_id text not null references payments (id),
    -- The refund that it goes with; null for the payment's own.
    refund_id text,
    -- income, refund, closing, correction
    kind text not null,
    -- none (the bank makes none: by hand, or nothing was sold), queued, sent, registered, failed
    state text not null,
    amount_kopecks bigint not null,
    -- The receipt in our own form; JSON. Null where a person made it.
    body text,
    -- What of the first receipt's lines it gives back; JSON.
    taken text not null default '[]',
    -- What the cash register said: numbers, link, QR code; JSON.
    fiscal text,
    -- Why it failed; JSON.
    failure text,
    -- A person made it, or has to.
    by_hand bigint not null default 0,
    note text,
    -- Until when a person has to make another one after it: the closing one, or the self-employed's.
    due_ms bigint,
    -- When the bank was asked for it, where that is a request of its own, and how often.
    asked_ms bigint,
    asks bigint not null default 0,
    created_ms bigint not null,
    changed_ms bigint not null
);
create index receipts_by_payment on receipts (payment_id, created_ms);
create index receipts_by_due on receipts (shop_id, due_ms) where due_ms is not null;
