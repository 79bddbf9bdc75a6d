-- What portals asked of us is given up in the open, tried anew and told in the payment's story; a
-- look at a portal goes on where it was; an installation survives a portal that falls silent; a link
-- may give way to a newer one.

-- Why it was given up, as errors are named.
alter table bitrix24_errands add column code text;
-- The payment that it is about.
alter table bitrix24_errands add column payment_id text;
-- When its day began: when it was asked for, or tried anew.
alter table bitrix24_errands add column begun_ms integer not null default 0;
update bitrix24_errands set begun_ms = created_ms;
create index bitrix24_errands_of_payment on bitrix24_errands (payment_id)
    where payment_id is not null;
create index bitrix24_errands_failed on bitrix24_errands (integration_id, id)
    where state = 'failed';

-- Where the look that is under way goes on; JSON.
alter table bitrix24_apps add column place text;
-- Tokens that Bitrix24's own server gave for an installation whose employee is not known yet;
-- sealed. And by which posted word that installation is known again.
alter table bitrix24_apps add column unproven blob;
alter table bitrix24_apps add column posted text;
-- The rights that the application had when it registered everything.
alter table bitrix24_apps add column scopes text;

-- Links in whose place a newer one is, of the sum that is due now: whoever opens one is led on.
create table replaced_links (
    payment_id text primary key references payments (id),
    by_id text not null references payments (id),
    at_ms integer not null
);
