-- Money of links by which subscriptions went on to another card or account, after it was given back.

-- So much of the link's money is on the subscription's balance, or was used from there.
alter table subscription_rebinds add column credited_kopecks bigint not null default 0;
update subscription_rebinds set credited_kopecks = (
    select p.paid_kopecks - p.refunded_kopecks from payments p where p.id = subscription_rebinds.payment_id
) where outcome in ('paid', 'done');
