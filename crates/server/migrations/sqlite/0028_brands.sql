-- How a shop looks to its payers: an accent colour and a picture. Its name is the shop's own.
create table brands (
    shop_id text primary key references shops (id),
    accent text,
    logo_kind text,
    logo_hash text,
    logo blob,
    changed_ms integer not null
);
