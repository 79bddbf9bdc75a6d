-- Places: codes of SBP that are put up somewhere and paid again and again, or sent to a company and
-- paid once. Each payment by one becomes a payment of its own, linked to the place.

create table places (
    id text primary key,
    shop_id text not null references shops (id),
    connection_id text not null references connections (id),
    bank text not null,
    -- static, desk, invoice
    kind text not null,
    name text not null,
    -- null: the payer enters the sum
    amount_kopecks bigint,
    -- The VAT within the amount of an invoice; null: without VAT.
    vat_kopecks bigint,
    -- What the payer and the statement read. Ends in a number of its own, by which a line of the
    -- statement is known to be this place's.
    purpose text not null,
    -- How long an invoice lives; null: without end.
    ttl_minutes bigint,
    -- Where the code was registered.
    point_id text,
    account_id text,
    code_id text,
    code_url text,
    -- The registration is about to leave, or left.
    asked_ms bigint,
    -- Why the bank refused it.
    failure text,
    suspended_ms bigint,
    created_ms bigint not null,
    unique (connection_id, code_id),
    unique (connection_id, purpose)
);
create index places_by_shop on places (shop_id, id);

-- What came by the codes of places. A row of the bank's list or of a notice has the bank's id of
-- the transfer for its key; a row that only the statement told of has an id of ours, until a notice
-- tells whose it is.
create table transfers (
    connection_id text not null references connections (id),
    key text not null,
    place_id text not null references places (id),
    -- null: only the bank's list told of it, which has no sums
    amount_kopecks bigint,
    -- It came between these two.
    after_ms bigint not null,
    seen_ms bigint not null,
    -- Only the statement told of it.
    is_line bigint not null default 0,
    -- The place was suspended when it came.
    is_late bigint not null default 0,
    payment_id text references payments (id),
    primary key (connection_id, key)
);
create index transfers_by_place on transfers (place_id, seen_ms);

-- How far the bank's list was read, and the statement that is being made.
create table listings (
    connection_id text primary key references connections (id),
    listed_ms bigint not null,
    statement_id text,
    statement_account text,
    -- No statement is asked for before then.
    statement_due_ms bigint not null default 0,
    statement_tries bigint not null default 0
);
