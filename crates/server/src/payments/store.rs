//! SQL of payments and refunds.

mod columns;
mod keys;
mod search;
pub mod shared;
pub mod totals;

use kopeck_banks::Money;

use self::columns::{
    capture_word, count, decode_ids, decode_means, decode_refunds, decode_routes, decode_schedule,
    decode_transfer, encode_ids, encode_refunds, encode_routes, encode_schedule, is_kept,
    join_methods, opt_money, origin_word, parse_capture, parse_methods, parse_origin, saves_for,
};
pub use self::columns::{decode_failure, encode_failure};
pub use self::keys::{Remembered, delete_key, find_key, insert_key, is_taken_since, update_reply};
use super::model::{Attempt, Facts, Intents, Payment, Refund, RefundState, Status};
use crate::{
    instruments::model::Kind,
    kit::db::{DbError, Row, Tx, Value},
};

const COLUMNS: &str = "id, shop_id, connection_id, bank, order_id, reference, amount_kopecks, \
     purpose, methods, capture, ttl_minutes, success_url, fail_url, customer, receipt, metadata, \
     created_ms, expires_ms, open_asked_ms, open_tries, capture_requested_ms, capture_asked_ms, \
     failure, capture_failure, bank_id, bank_url, authorized_kopecks, paid_kopecks, bank_refunds, \
     bank_fully_refunded, bank_expired, bank_canceled, bank_declined, method, paid_ms, payer_id, \
     asked_ms, dense_until_ms, capture_kopecks, void_requested_ms, void_asked_ms, void_failure, \
     bank_left_kopecks, bank_paid_guessed, routes, bank_methods, attempt_of, move_to, moves, \
     qr_payload, sbp_trx_id, sbp_ref_id, place_id, qr_asked_ms, qr_tries, account_id, \
     save_account_for, charge_asked_ms, decline, heard_paid_ms, card_id, save_card_for, \
     card_kept, approval, approvals_before, charge_taken, bank_schedule";

/// Which payments to list. Empty fields do not filter.
#[derive(Clone, Debug, Default)]
pub struct PaymentFilter {
    pub status: Option<Status>,
    pub order_id: Option<String>,
    /// The shop's own number of the customer.
    pub customer_id: Option<String>,
    pub bank: Option<String>,
    pub place_id: Option<String>,
    pub created_from_ms: Option<i64>,
    pub created_to_ms: Option<i64>,
    /// Whatever somebody remembers of it: an order, a sum, the end of a phone, a purpose.
    pub search: Option<String>,
    /// Only payments older than this id: the last one of the page before.
    pub before_id: Option<String>,
}

pub fn insert_payment(tx: &mut dyn Tx, payment: &Payment) -> Result<(), DbError> {
    let p = payment;
    tx.execute(
        "insert into payments (id, shop_id, connection_id, bank, order_id, reference, \
         amount_kopecks, purpose, methods, capture, ttl_minutes, success_url, fail_url, customer, \
         receipt, metadata, created_ms, expires_ms, dense_until_ms, status, attempt_of, \
         place_id, account_id, save_account_for, card_id, save_card_for, card_kept, \
         bank_schedule) \
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, \
         $19, $20, $21, $22, $23, $24, $25, $26, $27, $28)",
        &[
            p.id.as_str().into(),
            p.shop_id.as_str().into(),
            p.connection_id.as_str().into(),
            p.bank.as_str().into(),
            p.order_id.clone().into(),
            p.reference.as_str().into(),
            p.amount.into(),
            p.purpose.as_str().into(),
            join_methods(&p.methods).into(),
            capture_word(p.capture).into(),
            p.ttl_minutes.into(),
            p.success_url.clone().into(),
            p.fail_url.clone().into(),
            p.customer.clone().into(),
            p.receipt.clone().into(),
            p.metadata.as_str().into(),
            p.created_ms.into(),
            p.expires_ms.into(),
            p.dense_until_ms.into(),
            p.status().as_str().into(),
            p.attempt_of.clone().into(),
            p.place_id.clone().into(),
            p.instrument_id(Kind::Account).into(),
            saves_for(&p.means, Kind::Account).into(),
            p.instrument_id(Kind::Card).into(),
            saves_for(&p.means, Kind::Card).into(),
            is_kept(&p.means).into(),
            p.schedule.map(encode_schedule).into(),
        ],
    )?;
    update_payment(tx, payment)
}

/// Saves what can change: intents, facts, refunds and what is derived from them.
pub fn update_payment(tx: &mut dyn Tx, payment: &Payment) -> Result<(), DbError> {
    let (intents, facts) = (&payment.intents, &payment.facts);
    let refunded = sum_refunded(payment)?;
    tx.execute(
        "update payments set open_asked_ms = $1, open_tries = $2, capture_requested_ms = $3, \
         capture_asked_ms = $4, failure = $5, capture_failure = $6, bank_id = $7, bank_url = $8, \
         authorized_kopecks = $9, paid_kopecks = $10, bank_refunds = $11, \
         bank_fully_refunded = $12, bank_expired = $13, bank_canceled = $14, bank_declined = $15, \
         method = $16, paid_ms = $17, payer_id = $18, asked_ms = $19, dense_until_ms = $20, \
         status = $21, refunded_kopecks = $22, reference = $23, capture_kopecks = $24, \
         void_requested_ms = $25, void_asked_ms = $26, void_failure = $27, \
         bank_left_kopecks = $28, bank_paid_guessed = $29, connection_id = $30, bank = $31, \
         routes = $32, bank_methods = $33, move_to = $34, moves = $35, \
         qr_payload = $36, sbp_trx_id = $37, sbp_ref_id = $38, qr_asked_ms = $39, \
         qr_tries = $40, ttl_minutes = $41, charge_asked_ms = $42, decline = $43, \
         heard_paid_ms = $44, approval = $45, approvals_before = $46, charge_taken = $47 \
         where id = $48 and shop_id = $49",
        &[
            intents.open_asked_ms.into(),
            intents.open_tries.into(),
            intents.capture_requested_ms.into(),
            intents.capture_asked_ms.into(),
            intents.failure.as_ref().map(encode_failure).into(),
            intents.capture_failure.as_ref().map(encode_failure).into(),
            facts.bank_id.clone().into(),
            facts.bank_url.clone().into(),
            facts.authorized.into(),
            facts.paid.into(),
            encode_refunds(&facts.refunds).into(),
            facts.fully_refunded.into(),
            facts.expired.into(),
            facts.canceled.into(),
            facts.declined.into(),
            facts.method.clone().into(),
            facts.paid_ms.into(),
            facts.payer_id.clone().into(),
            payment.asked_ms.into(),
            payment.dense_until_ms.into(),
            payment.status().as_str().into(),
            refunded.into(),
            payment.reference.as_str().into(),
            intents.capture_amount.map(Money::kopecks).into(),
            intents.void_requested_ms.into(),
            intents.void_asked_ms.into(),
            intents.void_failure.as_ref().map(encode_failure).into(),
            facts.left.map(Money::kopecks).into(),
            facts.is_paid_guessed.into(),
            payment.connection_id.as_str().into(),
            payment.bank.as_str().into(),
            encode_routes(&payment.routes).into(),
            join_methods(&payment.bank_methods).into(),
            intents.move_to.map(|at| i64::try_from(at).unwrap_or(0)).into(),
            payment.moves.into(),
            facts.qr_payload.clone().into(),
            facts.transfer.as_ref().and_then(|transfer| transfer.trx_id.clone()).into(),
            facts.transfer.as_ref().and_then(|transfer| transfer.ref_id.clone()).into(),
            intents.qr_asked_ms.into(),
            intents.qr_tries.into(),
            payment.ttl_minutes.into(),
            intents.charge_asked_ms.into(),
            facts.decline.as_ref().map(encode_failure).into(),
            facts.heard_paid_ms.into(),
            facts.approval.clone().into(),
            encode_ids(&intents.approvals_before).into(),
            intents.is_charge_taken.into(),
            payment.id.as_str().into(),
            payment.shop_id.as_str().into(),
        ],
    )?;
    payment.refunds.iter().try_for_each(|refund| upsert_refund(tx, payment, refund))
}

/// Never more than was paid.
fn sum_refunded(payment: &Payment) -> Result<Money, DbError> {
    let refunded = payment.refunded();
    if refunded > payment.facts.paid {
        return Err(DbError::Other(format!("{}: refunded more than paid", payment.id)));
    }
    Ok(refunded)
}

fn upsert_refund(tx: &mut dyn Tx, payment: &Payment, refund: &Refund) -> Result<(), DbError> {
    let (asked_ms, asks) = match refund.state {
        RefundState::Asked { at_ms, asks } => (Some(at_ms), asks),
        RefundState::Requested | RefundState::Succeeded | RefundState::Failed(_) => (None, 0),
    };
    let failure = match &refund.state {
        RefundState::Failed(failure) => Some(encode_failure(failure)),
        RefundState::Requested | RefundState::Asked { .. } | RefundState::Succeeded => None,
    };
    tx.execute(
        "insert into refunds (id, payment_id, shop_id, amount_kopecks, reason, origin, state, \
         bank_refund_id, asked_ms, asks, failure, created_ms, left_before_kopecks, \
         bank_request_id, statement_id) \
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15) \
         on conflict (id) do update set payment_id = excluded.payment_id, \
         state = excluded.state, \
         bank_refund_id = excluded.bank_refund_id, asked_ms = excluded.asked_ms, \
         asks = excluded.asks, failure = excluded.failure, \
         left_before_kopecks = excluded.left_before_kopecks, \
         bank_request_id = excluded.bank_request_id, statement_id = excluded.statement_id",
        &[
            refund.id.as_str().into(),
            payment.id.as_str().into(),
            payment.shop_id.as_str().into(),
            refund.amount.into(),
            refund.reason.clone().into(),
            origin_word(refund.origin).into(),
            refund.state.as_str().into(),
            refund.bank_refund_id.clone().into(),
            asked_ms.into(),
            asks.into(),
            failure.into(),
            refund.created_ms.into(),
            refund.left_before.map(Money::kopecks).into(),
            refund.bank_request_id.clone().into(),
            refund.statement_id.clone().into(),
        ],
    )?;
    Ok(())
}

/// The shop's payment with its refunds; not one of a link's attempts.
pub fn find_payment(
    tx: &mut dyn Tx,
    shop_id: &str,
    payment_id: &str,
) -> Result<Option<Payment>, DbError> {
    let sql = format!(
        "select {COLUMNS} from payments where shop_id = $1 and id = $2 and attempt_of is null"
    );
    find_one(tx, &sql, &[shop_id.into(), payment_id.into()])
}

/// As [`find_payment`] and holds the row until the transaction ends, so that changes to one
/// payment come one after the other.
pub fn lock_payment(
    tx: &mut dyn Tx,
    shop_id: &str,
    payment_id: &str,
) -> Result<Option<Payment>, DbError> {
    let lock = tx.dialect().for_update();
    lock_link_of(tx, "shop_id = $1 and id = $2", [shop_id.into(), payment_id.into()])?;
    let sql = format!("select {COLUMNS} from payments where shop_id = $1 and id = $2{lock}");
    find_one(tx, &sql, &[shop_id.into(), payment_id.into()])
}

/// For the payer's page and the job runner, which hold an id that cannot be guessed and no shop.
pub fn find_payment_by_id(tx: &mut dyn Tx, payment_id: &str) -> Result<Option<Payment>, DbError> {
    let sql = format!("select {COLUMNS} from payments where id = $1");
    find_one(tx, &sql, &[payment_id.into()])
}

/// The payment that a bank speaks of: by the bank's id, else by our reference there. Locked.
pub fn lock_payment_of_bank(
    tx: &mut dyn Tx,
    connection_id: &str,
    bank_id: Option<&str>,
    reference: Option<&str>,
) -> Result<Option<Payment>, DbError> {
    let lock = tx.dialect().for_update();
    for (column, value) in [("bank_id", bank_id), ("reference", reference)] {
        let Some(value) = value.filter(|value| !value.is_empty()) else { continue };
        let its = format!("connection_id = $1 and {column} = $2");
        lock_link_of(tx, &its, [connection_id.into(), value.into()])?;
        let sql = format!("select {COLUMNS} from payments where {its}{lock}");
        if let Some(found) = find_one(tx, &sql, &[connection_id.into(), value.into()])? {
            return Ok(Some(found));
        }
    }
    Ok(None)
}

/// Locks the link of an attempt before the attempt itself: all who touch both lock them in this
/// order, else two of them would wait for each other.
fn lock_link_of(tx: &mut dyn Tx, its: &str, params: [Value; 2]) -> Result<(), DbError> {
    let lock = tx.dialect().for_update();
    if lock.is_empty() {
        return Ok(());
    }
    let sql = format!(
        "select id from payments where id = (select attempt_of from payments where {its} \
         and attempt_of is not null limit 1){lock}"
    );
    tx.find(&sql, &params).map(|_| ())
}

/// The payment that a refund gives back from.
pub fn find_payment_of_refund(
    tx: &mut dyn Tx,
    shop_id: &str,
    refund_id: &str,
) -> Result<Option<Payment>, DbError> {
    let sql = "select payment_id from refunds where id = $1";
    let Some(row) = tx.find(sql, &[refund_id.into()])? else { return Ok(None) };
    find_payment(tx, shop_id, &row.text(0)?)
}

/// Of the customer `$9`: asked for by a subscription of his, what saved a card or an account of
/// his, what was taken from it.
const OF_CUSTOMER: &str = "id in (\
    select a.payment_id from subscription_attempts a \
    join subscriptions s on s.id = a.subscription_id \
    where s.shop_id = $1 and s.customer_id = $9 \
    union select i.payment_id from instruments i \
    where i.shop_id = $1 and i.customer_id = $9 and i.payment_id is not null \
    union select p.id from instruments i join payments p on p.account_id = i.id \
    where i.shop_id = $1 and i.customer_id = $9 \
    union select p.id from instruments i join payments p on p.card_id = i.id \
    where i.shop_id = $1 and i.customer_id = $9)";

/// The shop's payments, newest first, at most `limit`.
pub fn list_payments(
    tx: &mut dyn Tx,
    shop_id: &str,
    filter: &PaymentFilter,
    limit: i64,
) -> Result<Vec<Payment>, DbError> {
    let (search, words) = search::condition(filter.search.as_deref().unwrap_or(""), 11);
    let sql = format!(
        "select {COLUMNS} from payments where shop_id = $1 and ($2 = '' or status = $2) \
         and ($3 = '' or order_id = $3) and ($4 = '' or bank = $4) and created_ms >= $5 \
         and created_ms < $6 and ($7 = '' or id < $7) and ($8 = '' or place_id = $8) \
         and ($9 = '' or {OF_CUSTOMER}) {search} \
         and attempt_of is null order by id desc limit $10"
    );
    let mut params: Vec<Value> = vec![
        shop_id.into(),
        filter.status.map_or("", Status::as_str).into(),
        filter.order_id.as_deref().unwrap_or("").into(),
        filter.bank.as_deref().unwrap_or("").into(),
        filter.created_from_ms.unwrap_or(0).into(),
        filter.created_to_ms.unwrap_or(i64::MAX).into(),
        filter.before_id.as_deref().unwrap_or("").into(),
        filter.place_id.as_deref().unwrap_or("").into(),
        filter.customer_id.as_deref().unwrap_or("").into(),
        limit.into(),
    ];
    params.extend(words);
    let rows = tx.query(&sql, &params)?;
    rows.iter().map(|row| decode(tx, row)).collect()
}

/// The bank's ids of the connection's payments since then that may still change there, the one
/// asked about longest ago first.
pub fn list_changeable(
    tx: &mut dyn Tx,
    connection_id: &str,
    since_ms: i64,
    limit: i64,
) -> Result<Vec<String>, DbError> {
    let rows = tx.query(
        "select bank_id from payments where connection_id = $1 and created_ms >= $2 \
         and bank_id is not null and status not in ('refunded', 'canceled', 'failed') \
         order by asked_ms, id limit $3",
        &[connection_id.into(), since_ms.into(), limit.into()],
    )?;
    rows.iter().map(|row| row.text(0)).collect()
}

/// The connection's open codes of SBP but this one, those asked about longest ago first.
pub fn list_open_codes(
    tx: &mut dyn Tx,
    connection_id: &str,
    but_id: &str,
    limit: i64,
) -> Result<Vec<Payment>, DbError> {
    let sql = format!(
        "select {COLUMNS} from payments where connection_id = $1 and status = 'open' \
         and qr_payload = bank_url and id <> $2 order by asked_ms, id limit $3"
    );
    let rows = tx.query(&sql, &[connection_id.into(), but_id.into(), limit.into()])?;
    rows.iter().map(|row| decode(tx, row)).collect()
}

/// Notes that the bank was asked about it in passing.
pub fn touch_payment(tx: &mut dyn Tx, payment: &Payment, now_ms: i64) -> Result<(), DbError> {
    let params: [Value; 3] =
        [now_ms.into(), payment.id.as_str().into(), payment.shop_id.as_str().into()];
    tx.execute("update payments set asked_ms = $1 where id = $2 and shop_id = $3", &params)
        .map(|_| ())
}

fn find_one(tx: &mut dyn Tx, sql: &str, params: &[Value]) -> Result<Option<Payment>, DbError> {
    let row = tx.find(sql, params)?;
    row.map(|row| decode(tx, &row)).transpose()
}

fn decode(tx: &mut dyn Tx, row: &Row) -> Result<Payment, DbError> {
    let id = row.text(0)?;
    let methods = parse_methods(&row.text(8)?)?;
    let bank_methods = row.opt_text(45)?.as_deref().map(parse_methods).transpose()?;
    let refunds = list_refunds(tx, &id)?;
    let moves = count(row, 48)?;
    // Only a link that went on to another bank has any.
    let attempts = if moves > 0 { list_attempts(tx, &id)? } else { Vec::new() };
    let move_to = row.opt_int(47)?.map(usize::try_from).transpose();
    Ok(Payment {
        routes: decode_routes(&row.text(44)?)?,
        bank_methods: bank_methods.unwrap_or_else(|| methods.clone()),
        attempt_of: row.opt_text(46)?,
        place_id: row.opt_text(52)?,
        means: decode_means(row, [55, 56, 60, 61, 62])?,
        schedule: row.opt_text(66)?.as_deref().map(decode_schedule).transpose()?,
        moves,
        attempts,
        shop_id: row.text(1)?,
        connection_id: row.text(2)?,
        bank: row.text(3)?,
        order_id: row.opt_text(4)?,
        reference: row.text(5)?,
        amount: row.money(6)?,
        purpose: row.text(7)?,
        methods,
        capture: parse_capture(&row.text(9)?)?,
        ttl_minutes: count(row, 10)?,
        success_url: row.opt_text(11)?,
        fail_url: row.opt_text(12)?,
        customer: row.opt_text(13)?,
        receipt: row.opt_text(14)?,
        metadata: row.text(15)?,
        created_ms: row.int(16)?,
        expires_ms: row.int(17)?,
        intents: Intents {
            open_asked_ms: row.opt_int(18)?,
            open_tries: count(row, 19)?,
            capture_requested_ms: row.opt_int(20)?,
            capture_asked_ms: row.opt_int(21)?,
            failure: row.opt_text(22)?.as_deref().map(decode_failure).transpose()?,
            capture_failure: row.opt_text(23)?.as_deref().map(decode_failure).transpose()?,
            capture_amount: opt_money(row, 38)?,
            void_requested_ms: row.opt_int(39)?,
            void_asked_ms: row.opt_int(40)?,
            void_failure: row.opt_text(41)?.as_deref().map(decode_failure).transpose()?,
            qr_asked_ms: row.opt_int(53)?,
            qr_tries: count(row, 54)?,
            charge_asked_ms: row.opt_int(57)?,
            approvals_before: decode_ids(row.opt_text(64)?.as_deref())?,
            is_charge_taken: row.flag(65)?,
            move_to: move_to.map_err(|_| DbError::Decode("move_to is no place".into()))?,
        },
        facts: decode_facts(row)?,
        refunds,
        asked_ms: row.int(36)?,
        dense_until_ms: row.int(37)?,
        id,
    })
}

fn decode_facts(row: &Row) -> Result<Facts, DbError> {
    Ok(Facts {
        bank_id: row.opt_text(24)?,
        approval: row.opt_text(63)?,
        bank_url: row.opt_text(25)?,
        authorized: row.money(26)?,
        paid: row.money(27)?,
        left: opt_money(row, 42)?,
        is_paid_guessed: row.flag(43)?,
        refunds: decode_refunds(&row.text(28)?)?,
        fully_refunded: row.flag(29)?,
        expired: row.flag(30)?,
        canceled: row.flag(31)?,
        declined: row.flag(32)?,
        decline: row.opt_text(58)?.as_deref().map(decode_failure).transpose()?,
        method: row.opt_text(33)?,
        paid_ms: row.opt_int(34)?,
        heard_paid_ms: row.opt_int(59)?,
        payer_id: row.opt_text(35)?,
        qr_payload: row.opt_text(49)?,
        transfer: decode_transfer(row, 50)?,
    })
}

fn list_refunds(tx: &mut dyn Tx, payment_id: &str) -> Result<Vec<Refund>, DbError> {
    let rows = tx.query(
        "select id, amount_kopecks, reason, origin, state, bank_refund_id, asked_ms, asks, \
         failure, created_ms, left_before_kopecks, bank_request_id, \
         statement_id from refunds where payment_id = $1 \
         order by created_ms, id",
        &[payment_id.into()],
    )?;
    rows.iter().map(decode_refund).collect()
}

fn decode_refund(row: &Row) -> Result<Refund, DbError> {
    let failure = row.opt_text(8)?.as_deref().map(decode_failure).transpose()?;
    let state = match (row.text(4)?.as_str(), row.opt_int(6)?, failure) {
        ("requested", _, _) => RefundState::Requested,
        ("asked", Some(at_ms), _) => RefundState::Asked { at_ms, asks: count(row, 7)? },
        ("succeeded", _, _) => RefundState::Succeeded,
        ("failed", _, Some(failure)) => RefundState::Failed(failure),
        (other, _, _) => return Err(DbError::Decode(format!("refund state {other}"))),
    };
    Ok(Refund {
        id: row.text(0)?,
        amount: row.money(1)?,
        reason: row.opt_text(2)?,
        origin: parse_origin(&row.text(3)?)?,
        state,
        bank_refund_id: row.opt_text(5)?,
        left_before: opt_money(row, 10)?,
        bank_request_id: row.opt_text(11)?,
        statement_id: row.opt_text(12)?,
        created_ms: row.int(9)?,
    })
}

/// The link's other tries, in a few words each.
fn list_attempts(tx: &mut dyn Tx, link_id: &str) -> Result<Vec<Attempt>, DbError> {
    let rows = tx.query(
        "select id, bank, reference, bank_id, status, paid_kopecks, refunded_kopecks \
         from payments where attempt_of = $1 order by id",
        &[link_id.into()],
    )?;
    let decode = |row: &Row| {
        let status = row.text(4)?;
        Ok(Attempt {
            id: row.text(0)?,
            bank: row.text(1)?,
            reference: row.text(2)?,
            bank_id: row.opt_text(3)?,
            status: Status::parse(&status)
                .ok_or_else(|| DbError::Decode(format!("status {status}")))?,
            paid: row.money(5)?,
            refunded: row.money(6)?,
        })
    };
    rows.iter().map(decode).collect()
}

/// The link's attempts themselves, held until the transaction ends.
pub fn lock_attempts(tx: &mut dyn Tx, link_id: &str) -> Result<Vec<Payment>, DbError> {
    let lock = tx.dialect().for_update();
    let sql = format!("select {COLUMNS} from payments where attempt_of = $1 order by id{lock}");
    let rows = tx.query(&sql, &[link_id.into()])?;
    rows.iter().map(|row| decode(tx, row)).collect()
}

/// The payment saved this instrument. Its event is announced by whoever heard of it.
pub fn update_saved(tx: &mut dyn Tx, payment: &Payment) -> Result<(), DbError> {
    tx.execute(
        "update payments set account_id = $1, card_id = $2 where id = $3 and shop_id = $4",
        &[
            payment.instrument_id(Kind::Account).into(),
            payment.instrument_id(Kind::Card).into(),
            payment.id.as_str().into(),
            payment.shop_id.as_str().into(),
        ],
    )?;
    Ok(())
}

/// Who paid, told later than that somebody did.
pub fn update_customer(tx: &mut dyn Tx, payment: &Payment) -> Result<(), DbError> {
    tx.execute(
        "update payments set customer = $1 where id = $2 and shop_id = $3",
        &[
            payment.customer.clone().into(),
            payment.id.as_str().into(),
            payment.shop_id.as_str().into(),
        ],
    )?;
    Ok(())
}

/// Saves a link and its attempt that changed sides: their numbers at the banks are unique, so one
/// of them gives its own up first.
pub fn trade_payments(tx: &mut dyn Tx, link: &Payment, attempt: &Payment) -> Result<(), DbError> {
    tx.execute(
        "update payments set reference = id where id = $1 and shop_id = $2",
        &[attempt.id.as_str().into(), attempt.shop_id.as_str().into()],
    )?;
    update_payment(tx, link)?;
    update_payment(tx, attempt)
}
