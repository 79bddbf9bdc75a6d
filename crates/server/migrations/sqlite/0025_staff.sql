-- Who works at a shop and may see its dashboard: people with roles, their sessions, and what each
-- of them changed.

create table staff (
    id text primary key,
    shop_id text not null references shops (id),
    -- In lower case; one person, whatever the shop.
    login text not null unique,
    name text not null,
    -- owner, accountant, operator, reader
    role text not null,
    lang text not null,
    -- argon2id; null until the invitation is followed.
    password text,
    -- Sealed; of the program that shows codes.
    totp blob,
    -- Sealed; shown to be scanned, not confirmed yet.
    totp_next blob,
    -- The half minute whose code was used last: no code counts twice.
    totp_step integer not null default 0,
    created_ms integer not null,
    disabled_ms integer
);
create index staff_by_shop on staff (shop_id, id);

create table staff_sessions (
    id text primary key,
    staff_id text not null references staff (id),
    -- Hashes: whoever reads the table opens nothing.
    token text not null unique,
    -- The one before the last rotation, good for another minute: two tabs, two requests.
    earlier_token text unique,
    rotated_ms integer not null,
    created_ms integer not null,
    seen_ms integer not null,
    -- The password was right, the code is still awaited.
    is_half integer not null
);
create index staff_sessions_by_person on staff_sessions (staff_id);

-- Wrong passwords and codes, by a keyed hash of the login: what nobody has is counted as well.
create table login_tries (
    word text primary key,
    tries integer not null,
    -- Nothing is tried before.
    until_ms integer not null
);
create index login_tries_by_time on login_tries (until_ms);

-- Who changed what. Written before it is done; the outcome follows.
create table audit (
    id text primary key,
    shop_id text not null references shops (id),
    at_ms integer not null,
    -- Null when it was the command line.
    staff_id text,
    -- As it was then.
    name text not null,
    -- payment.refund, key.create
    action text not null,
    subject text not null,
    -- What was typed, without secrets; JSON.
    detail text not null,
    -- asked, done, refused
    outcome text not null
);
create index audit_by_shop on audit (shop_id, id);

-- The dashboard counts the money of a day.
create index payments_by_paid on payments (shop_id, coalesce(paid_ms, heard_paid_ms));
create index payments_by_time on payments (shop_id, created_ms);
create index refunds_by_shop on refunds (shop_id, created_ms);
