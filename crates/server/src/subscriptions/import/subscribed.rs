//! Subscriptions that run elsewhere: each goes on here with its own price, paid until the day of
//! its next charge. What was paid before is not charged again.

use serde_json::json;

use super::{
    Mode, Verdict,
    saved::{consent, request_key, said},
    table::Row,
};
use crate::{
    events::EventKind,
    http::{json::read, query::moment_ms},
    instruments::{
        self,
        model::{Instrument, InstrumentStatus, Kind},
    },
    kit::{Ctx, db::Tx, jobs},
    shops::model::Connection,
    subscriptions::{
        flow::{
            JOB, NewConsent, Problem, announce,
            begin::{self, NewSubscription},
            plans::get_offer,
        },
        model::{Cause, Consent, How, Period, PeriodStatus, Subscription, Version, kind_of},
        request::CreateSubscription,
        schedule::{Calendar, Interval, Unit, find_zone},
        state::State,
        store::{self, SubscriptionFilter},
    },
};

pub const COLUMNS: [&str; 18] = [
    "customer",
    "plan",
    "amount",
    "quantity",
    "collection",
    "next_charge_at",
    "charge_day",
    "started_at",
    "bank",
    "rebill_id",
    "time_zone",
    "email",
    "phone",
    "consent_version",
    "consent_channel",
    "consent_at",
    "consent_ip",
    "max_amount",
];
/// The mark of an imported one, among what the shop may write there itself.
pub const MARK: &str = "kopeck_imported";
/// Subscriptions of one customer that are looked through.
const MANY: i64 = 1_000;

/// A row that makes sense by itself.
pub struct Subscribed {
    pub new: NewSubscription,
    /// What it costs there; the plan's version of that price.
    amount: Option<kopeck_banks::Money>,
    consent: Option<(NewConsent, i64)>,
    next_ms: i64,
    /// Of the month, where the next charge falls on a shorter one's last.
    charge_day: Option<i8>,
    started_ms: i64,
    token: Option<String>,
}

impl Subscribed {
    pub fn read(row: &Row) -> Result<Subscribed, String> {
        let quantity: u32 = match row.find("quantity") {
            Some(text) => text.parse().map_err(|_| "`quantity` is no whole number")?,
            None => 1,
        };
        let given = match row.find("consent_version") {
            Some(_) => Some(consent(row)?),
            None => None,
        };
        let contact = json!({ "email": row.find("email"), "phone": row.find("phone") });
        let has_contact = row.find("email").or(row.find("phone")).is_some();
        let fields = json!({
            "plan": row.find("plan"), "customer_id": row.find("customer"), "quantity": quantity,
            "bank": row.find("bank"), "time_zone": row.find("time_zone"),
            "customer": has_contact.then_some(contact), "metadata": { MARK: "yes" },
            "collection": row.find("collection").unwrap_or(match given {
                Some(_) => "charge",
                None => "link",
            }),
        });
        let input: CreateSubscription = read(fields.to_string().as_bytes()).map_err(said)?;
        let new = input.read().map_err(said)?;
        if new.collection == How::Charge && given.is_none() {
            return Err("`consent_version` is missing: nothing is charged without a consent".into());
        }
        let moment = |name| row.find(name).map(|text| moment_ms(name, text)).transpose();
        let next_ms = moment("next_charge_at").map_err(said)?;
        let next_ms = next_ms.ok_or("`next_charge_at` is missing: until when is it paid?")?;
        let amount = match row.find("amount") {
            Some(text) => Some(
                kopeck_banks::Money::parse_rubles(text)
                    .map_err(|_| "`amount` is no sum such as 2450.00")?,
            ),
            None => None,
        };
        let charge_day = match row.find("charge_day") {
            Some(text) => Some(
                text.parse()
                    .ok()
                    .filter(|day| (1..=31).contains(day))
                    .ok_or("`charge_day` is no day of a month, such as 31")?,
            ),
            None => None,
        };
        Ok(Subscribed {
            charge_day,
            started_ms: moment("started_at").map_err(said)?.unwrap_or(next_ms),
            new,
            amount,
            consent: given,
            next_ms,
            token: row.find("rebill_id").map(str::to_owned),
        })
    }

    /// Takes it over, or says what would become of it.
    pub fn take(
        &self,
        tx: &mut dyn Tx,
        ctx: &Ctx,
        (shop_id, banks): (&str, &[Connection]),
        mode: Mode,
    ) -> Result<Verdict, Problem> {
        let refused = |why: &str| Ok(Verdict::Refused(why.to_owned()));
        let (new, now_ms) = (&self.new, ctx.now_ms());
        if self.next_ms <= now_ms {
            return refused("`next_charge_at` is past: nothing is charged for the time before");
        }
        let offer = match get_offer(tx, shop_id, &new.plan) {
            Err(Problem::NoSuchPlan) => return refused("there is no such plan: import it first"),
            other => other?,
        };
        if mode == Mode::Write {
            store::lock_plan(tx, shop_id, &offer.plan.code)?;
        }
        if self.is_here(tx, shop_id, &offer.plan.id)? {
            return Ok(Verdict::Same);
        }
        let Some(version) = self.version(tx, &offer.plan.id, offer.version)? else {
            return refused("the plan never had this price: apply a plan with it first");
        };
        let zone = new.zone.clone().unwrap_or_else(|| ctx.zone.to_string());
        if find_zone(&zone).is_none() {
            return refused("`time_zone` is no zone");
        }
        let Some(anchor) = self.anchor(&zone, version.terms.interval) else {
            return refused("`next_charge_at` is on no `charge_day`, nor on its month's last");
        };
        let costs = version.terms.price_of(new.quantity).ok_or(Problem::SumTooLarge)?;
        let ceiling = self.consent.as_ref().and_then(|(consent, _)| consent.ceiling);
        if ceiling.is_some_and(|ceiling| ceiling < costs) {
            return refused("`max_amount` is less than the subscription costs");
        }
        let instrument = match self.instrument(tx, ctx, (shop_id, banks))? {
            Ok(instrument) => instrument,
            Err(why) => return Ok(Verdict::Refused(why)),
        };
        let fits = |it: &&Connection| match (&instrument, &new.bank) {
            (Some(own), _) => it.id == own.connection_id,
            (None, Some(bank)) => it.bank == *bank || it.id == *bank,
            (None, None) => true,
        };
        let Some(connection) = banks.iter().rev().find(fits) else {
            return refused("no such bank is connected");
        };
        if mode == Mode::Write {
            self.write(tx, ctx, connection, (version, instrument, zone, anchor))?;
        }
        Ok(Verdict::New)
    }

    /// A living one of the plan, or one that was imported before and is over since: it is not
    /// brought to life by importing it again.
    fn is_here(&self, tx: &mut dyn Tx, shop_id: &str, plan_id: &str) -> Result<bool, Problem> {
        let filter = SubscriptionFilter {
            customer_id: Some(self.new.customer_id.clone()),
            ..SubscriptionFilter::default()
        };
        let all = store::list_subscriptions(tx, shop_id, &filter, MANY)?;
        let is_here = |it: &Subscription| {
            it.plan_id == plan_id && (!it.state.status().is_over() || is_imported(it))
        };
        Ok(all.iter().any(is_here))
    }

    fn version(
        &self,
        tx: &mut dyn Tx,
        plan_id: &str,
        newest: Version,
    ) -> Result<Option<Version>, Problem> {
        let Some(amount) = self.amount else { return Ok(Some(newest)) };
        let all = store::list_versions(tx, plan_id)?;
        Ok(all.into_iter().find(|version| version.terms.price == amount))
    }

    /// What will be charged: the one that is named, else the only one there is.
    fn instrument(
        &self,
        tx: &mut dyn Tx,
        ctx: &Ctx,
        (shop_id, banks): (&str, &[Connection]),
    ) -> Result<Result<Option<Instrument>, String>, Problem> {
        if self.new.collection == How::Link {
            return Ok(Ok(None));
        }
        let refused = |why: &str| Ok(Err(why.to_owned()));
        if let Some(token) = &self.token {
            let key = request_key(ctx, token);
            for connection in banks {
                let found = instruments::store::find_by_request(tx, &connection.id, &key)?;
                let Some(own) = found else { continue };
                if own.customer_id != self.new.customer_id {
                    return refused("this `rebill_id` is another customer's");
                }
                return match own.status {
                    InstrumentStatus::Active => Ok(Ok(Some(own))),
                    InstrumentStatus::Pending | InstrumentStatus::Inactive => {
                        refused("this `rebill_id` was taken back")
                    }
                };
            }
            return refused("there is no such `rebill_id`: import the customers first");
        }
        let customer = &self.new.customer_id;
        let mut saved = instruments::store::list_saved(tx, shop_id, customer, Kind::Card)?;
        saved.extend(instruments::store::list_saved(tx, shop_id, customer, Kind::Account)?);
        saved.retain(|own| {
            let is_at = self.new.bank.as_ref().is_none_or(|bank| own.bank == *bank);
            own.status == InstrumentStatus::Active && is_at
        });
        Ok(match saved.len() {
            // The customer saves one by the link of the next period.
            0 => Ok(None),
            1 => Ok(saved.pop()),
            _ => Err("the customer saved several: say which by `rebill_id`".to_owned()),
        })
    }

    /// The calendar goes on from the day that it was paid until; one that falls on a shorter
    /// month's last day comes back to its own. Its anchor, and the number of that boundary.
    fn anchor(&self, zone: &str, interval: Interval) -> Option<(i64, u32)> {
        let plain = Some((self.next_ms, 0));
        let next = Calendar::new(zone, self.next_ms, interval)?;
        let is_by_days = matches!(interval.unit, Unit::Day | Unit::Week);
        let day = match self.charge_day {
            Some(day) if day == next.day() || is_by_days => return plain,
            Some(day) => day,
            None => {
                let started = Calendar::new(zone, self.started_ms, interval)?;
                let is_clamped = !is_by_days && started.day() > next.day();
                if !is_clamped {
                    return plain;
                }
                let found = Calendar::through(zone, self.next_ms, started.day(), interval);
                return found.map(|(own, cycle)| (own.anchor_ms(), cycle)).or(plain);
            }
        };
        let found = Calendar::through(zone, self.next_ms, day, interval);
        found.map(|(own, cycle)| (own.anchor_ms(), cycle))
    }

    fn write(
        &self,
        tx: &mut dyn Tx,
        ctx: &Ctx,
        connection: &Connection,
        (version, instrument, zone, anchor): (Version, Option<Instrument>, String, (i64, u32)),
    ) -> Result<(), Problem> {
        let (new, now_ms) = (&self.new, ctx.now_ms());
        let saves = match &instrument {
            Some(own) => Some(kind_of(&own.id)),
            None => new.saves.or_else(|| begin::choose_kind(connection)),
        };
        let mut subscription = Subscription {
            id: ctx.mint.id("sub"),
            shop_id: connection.shop_id.clone(),
            customer_id: new.customer_id.clone(),
            plan_id: version.plan_id.clone(),
            version_id: version.id.clone(),
            quantity: new.quantity,
            coupon_id: None,
            coupon_left: None,
            connection_id: connection.id.clone(),
            collection: new.collection,
            instrument_id: instrument.map(|own| own.id),
            saves: saves.unwrap_or(Kind::Account),
            bank_count: None,
            zone,
            anchor_ms: anchor.0,
            cycle: anchor.1,
            periods: 1,
            balance_kopecks: 0,
            next_version_id: None,
            next_quantity: None,
            state: State::Active { until_ms: self.next_ms, ends: false },
            told_ms: None,
            contact: new.contact.clone(),
            success_url: None,
            receipt: None,
            fail_url: None,
            metadata: new.metadata.clone(),
            revision: 1,
            created_ms: now_ms,
        };
        store::insert_subscription(tx, &subscription)?;
        store::insert_period(tx, &self.paid_period(&subscription, now_ms))?;
        if let Some((agreed, given_ms)) = &self.consent {
            let costs = version.terms.price_of(new.quantity).ok_or(Problem::SumTooLarge)?;
            let row = Consent {
                id: ctx.mint.id("cons"),
                shop_id: subscription.shop_id.clone(),
                customer_id: subscription.customer_id.clone(),
                subscription_id: subscription.id.clone(),
                text_version: agreed.text_version.clone(),
                text: None,
                channel: agreed.channel.clone(),
                ip: agreed.ip.clone(),
                user_agent: None,
                ceiling: agreed.ceiling.unwrap_or(costs),
                given_ms: *given_ms,
                withdrawn_ms: None,
                withdrawn_by: None,
            };
            store::insert_consent(tx, &row)?;
        }
        store::update_subscription(tx, &mut subscription)?;
        announce(tx, ctx, &subscription, EventKind::SubscriptionCreated)?;
        Ok(jobs::nudge(tx, &ctx.mint, JOB, &subscription.id, now_ms)?)
    }

    /// The time that was paid elsewhere: here it cost nothing.
    fn paid_period(&self, subscription: &Subscription, now_ms: i64) -> Period {
        Period {
            subscription_id: subscription.id.clone(),
            number: 1,
            cause: Cause::First,
            version_id: subscription.version_id.clone(),
            quantity: subscription.quantity,
            start_ms: self.started_ms.min(now_ms),
            end_ms: self.next_ms,
            lines: Vec::new(),
            amount: kopeck_banks::Money::ZERO,
            status: PeriodStatus::Paid,
            by_link: false,
            next_try_ms: None,
            give_up_ms: self.next_ms,
            paid_ms: Some(now_ms),
            refunded: kopeck_banks::Money::ZERO,
            uncredited: kopeck_banks::Money::ZERO,
            unbacked: kopeck_banks::Money::ZERO,
            created_ms: now_ms,
        }
    }
}

/// Whether it came from another system.
pub fn is_imported(subscription: &Subscription) -> bool {
    let read: Result<serde_json::Value, _> = serde_json::from_str(&subscription.metadata);
    read.is_ok_and(|metadata| metadata.get(MARK).is_some())
}

/// Imported subscriptions that charge and go on, the newest first: how far a campaign is in which
/// customers save anew what another bank or system cannot give away.
pub fn list_imported(tx: &mut dyn Tx, shop_id: &str) -> Result<Vec<Subscription>, Problem> {
    let mut imported = Vec::new();
    let mut filter = SubscriptionFilter::default();
    loop {
        let page = store::list_subscriptions(tx, shop_id, &filter, MANY)?;
        let Some(last) = page.last() else { return Ok(imported) };
        filter.before_id = Some(last.id.clone());
        let is_wanted = |it: &Subscription| {
            it.collection == How::Charge && !it.state.status().is_over() && is_imported(it)
        };
        imported.extend(page.into_iter().filter(is_wanted));
    }
}
