-- Money of a period that went back to its customer after a change had credited a part of it; and
-- trials that were canceled.

-- What of its money went back is accounted for so far; of that, what left the balance; and what
-- this period used of a balance whose money went back.
alter table subscription_periods add column refunded_kopecks integer not null default 0;
alter table subscription_periods add column uncredited_kopecks integer not null default 0;
alter table subscription_periods add column unbacked_kopecks integer not null default 0;

-- What went back before is accounted for: later changes have credited the less.
update subscription_periods set refunded_kopecks = (
    select coalesce(sum(p.refunded_kopecks), 0) from subscription_attempts a
    join payments p on p.id = a.payment_id
    where a.subscription_id = subscription_periods.subscription_id
    and a.period = subscription_periods.number and a.outcome = 'paid')
where status = 'paid' and amount_kopecks > 0;

-- Of a canceled one it says that all there was of it was its trial.
update subscriptions set ends = 1 where status = 'canceled' and periods = 0;
