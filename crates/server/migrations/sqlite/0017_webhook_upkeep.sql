-- Attempts are forgotten after a while; deliveries are listed by what became of them.

create index delivery_attempts_by_time on delivery_attempts (at_ms);
create index deliveries_by_state on deliveries (shop_id, state, id);
