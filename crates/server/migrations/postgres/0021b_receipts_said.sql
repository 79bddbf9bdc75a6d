-- When the subscription's own receipt was said: the day of whose VAT it speaks.
alter table subscriptions add column receipt_said_ms bigint;
