//! `kopeck coupon`: discounts under a word.

use clap::{Args, Subcommand};
use kopeck_banks::Money;
use serde_json::json;

use super::{
    context::{Globals, World},
    evidence::read_lang,
    fail::Fail,
    link::parse_money,
    print::{GOOD, moscow, paint, right, table},
};
use crate::{
    http::json::read,
    kit::db::DbError,
    qr::Lang,
    subscriptions::{
        flow::{Problem, plans},
        model::Coupon,
        pricing::Discount,
        request::CreateCoupon,
        store,
        view::CouponView,
    },
};

/// More coupons than any shop has at a time.
const MANY: i64 = 500;

/// Coupons: a part or a sum off, for so many periods, so many times
#[derive(Debug, Args)]
pub struct CouponArgs {
    /// In which language people are told: ru or en
    #[arg(long, global = true, value_name = "LANG", default_value = "en", value_parser = read_lang)]
    lang: Lang,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Make a coupon
    Create(NewOne),
    /// List the coupons
    List,
    /// Show one
    Show {
        /// The coupon's code
        code: String,
    },
    /// Let nobody take it any more; who has it keeps it
    End {
        /// The coupon's code
        code: String,
    },
}

#[derive(Debug, Args)]
struct NewOne {
    /// The word that customers give: WINTER
    code: String,
    /// A part of the price: 1 to 100
    #[arg(long, conflicts_with = "amount", required_unless_present = "amount")]
    percent: Option<i64>,
    /// A sum in rubles, never more than the price
    #[arg(long, value_name = "RUBLES", value_parser = parse_money)]
    amount: Option<Money>,
    /// How many periods it counts for; all if absent
    #[arg(long, value_name = "COUNT")]
    periods: Option<i64>,
    /// How many subscriptions may take it
    #[arg(long, value_name = "COUNT")]
    max_uses: Option<i64>,
    /// Until when it may be taken: 2027-01-01T00:00:00+03:00
    #[arg(long, value_name = "TIME")]
    until: Option<String>,
}

const fn pick(lang: Lang, ru: &'static str, en: &'static str) -> &'static str {
    match lang {
        Lang::Ru => ru,
        Lang::En => en,
    }
}

impl CouponArgs {
    pub async fn run(self, globals: &Globals) -> Result<(), Fail> {
        let world = globals.open().await?;
        match self.command {
            Command::Create(new) => create(&world, new, self.lang).await,
            Command::List => list(&world, self.lang).await,
            Command::Show { code } => show(&world, code, self.lang).await,
            Command::End { code } => end(&world, code, self.lang).await,
        }
    }
}

async fn create(world: &World, new: NewOne, lang: Lang) -> Result<(), Fail> {
    // The same checks as the API's, by the same code.
    let fields = json!({
        "code": new.code, "percent": new.percent,
        "amount_kopecks": new.amount.map(Money::kopecks), "periods": new.periods,
        "max_uses": new.max_uses, "valid_until": new.until,
    });
    let wanted = read::<CreateCoupon>(fields.to_string().as_bytes())?.read()?;
    let (ctx, shop_id) = (world.ctx.clone(), world.shop.id.clone());
    let made: Result<Coupon, Problem> =
        world.ctx.db.write(move |tx| plans::create_coupon(tx, &ctx, &shop_id, wanted)).await;
    tell(world, &made?, lang)
}

async fn show(world: &World, code: String, lang: Lang) -> Result<(), Fail> {
    let shop_id = world.shop.id.clone();
    let found: Result<Option<Coupon>, DbError> =
        world.ctx.db.read(move |tx| store::find_coupon(tx, &shop_id, &code)).await;
    tell(world, &found?.ok_or(Problem::CouponMissing)?, lang)
}

async fn end(world: &World, code: String, lang: Lang) -> Result<(), Fail> {
    let (ctx, shop_id) = (world.ctx.clone(), world.shop.id.clone());
    let ended: Result<Coupon, Problem> =
        world.ctx.db.write(move |tx| plans::end_coupon(tx, &ctx, (&shop_id, &code))).await;
    tell(world, &ended?, lang)
}

fn tell(world: &World, coupon: &Coupon, lang: Lang) -> Result<(), Fail> {
    let now_ms = world.ctx.now_ms();
    world.out.show(&CouponView::new(coupon), || {
        format!(
            "{} {}: {}, {}; {}; {}",
            paint(GOOD, "✓"),
            coupon.code,
            off(coupon),
            periods(coupon, lang),
            uses(coupon, lang),
            state(coupon, now_ms, lang),
        )
    })
}

fn off(coupon: &Coupon) -> String {
    match coupon.discount {
        Discount::Percent(percent) => format!("−{percent} %"),
        Discount::Amount(amount) => format!("−{}", amount.to_human()),
    }
}

fn periods(coupon: &Coupon, lang: Lang) -> String {
    match coupon.periods {
        None => pick(lang, "все периоды", "every period").to_owned(),
        Some(count) => format!("{} {count}", pick(lang, "периодов:", "periods:")),
    }
}

fn uses(coupon: &Coupon, lang: Lang) -> String {
    let used = pick(lang, "использован", "taken");
    match coupon.max_uses {
        None => format!("{used} {}", coupon.uses),
        Some(most) => format!("{used} {}/{most}", coupon.uses),
    }
}

fn state(coupon: &Coupon, now_ms: i64, lang: Lang) -> String {
    if !coupon.is_good(now_ms) {
        return pick(lang, "закончился", "over").to_owned();
    }
    match coupon.until_ms {
        None => pick(lang, "действует", "good").to_owned(),
        Some(until_ms) => {
            format!("{} {}", pick(lang, "действует до", "good until"), moscow(until_ms))
        }
    }
}

async fn list(world: &World, lang: Lang) -> Result<(), Fail> {
    let (shop_id, now_ms) = (world.shop.id.clone(), world.ctx.now_ms());
    let found: Result<Vec<Coupon>, DbError> =
        world.ctx.db.read(move |tx| store::list_coupons(tx, &shop_id, MANY)).await;
    let coupons = found?;
    let views: Vec<CouponView> = coupons.iter().map(CouponView::new).collect();
    world.out.show(&json!({ "coupons": views }), || {
        if coupons.is_empty() {
            return pick(
                lang,
                "Купонов нет: их создаёт `kopeck coupon create`.",
                "No coupons yet: `kopeck coupon create` makes one.",
            )
            .to_owned();
        }
        let head = match lang {
            Lang::Ru => ["Код", "Скидка", "Периоды", "Взят", "Срок"],
            Lang::En => ["Code", "Off", "Periods", "Taken", "State"],
        };
        let mut rows = table(&head);
        for coupon in &coupons {
            rows.add_row(vec![
                coupon.code.as_str().into(),
                right(off(coupon)),
                periods(coupon, lang).into(),
                uses(coupon, lang).into(),
                comfy_table::Cell::new(state(coupon, now_ms, lang)),
            ]);
        }
        rows.to_string()
    })
}
