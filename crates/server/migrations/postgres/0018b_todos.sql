-- What a person has to look after.

create table todos (
    id text primary key,
    shop_id text not null references shops (id),
    -- subscription_blocked, charge_unexpected, charge_unanswered, notice_undelivered
    kind text not null,
    -- The subscription, or the payment.
    subject_id text not null,
    -- What of it: a period's number, a boundary's time; empty when there is only one.
    about text not null,
    code text not null,
    message text not null,
    hint text not null,
    created_ms bigint not null,
    done_ms bigint,
    done_by text,
    -- Raised once for each cause.
    unique (subject_id, kind, about)
);
create index todos_open on todos (shop_id, id) where done_ms is null;

-- How long a notice that a charge waits for may be taken by nobody before the shop is told.
alter table subscription_rules add column notice_wait_hours bigint not null default 24;
