//! `kopeck subscription change`: another plan or quantity, with its credit and its charge shown
//! before anything happens; and `assign`: money that nobody expected.

use clap::{Args, ValueEnum};
use kopeck_banks::Money;

use super::told;
use crate::{
    cli::{
        context::World,
        evidence::read_lang,
        fail::Fail,
        link::parse_money,
        print::{HINT, STRONG, moscow, paint, right, table},
    },
    qr::Lang,
    subscriptions::{
        api::PreviewView,
        drive,
        flow::{
            NewConsent, Problem, assign,
            change::{self, Preview, When, Wish},
        },
        model::Subscription,
        pricing::LineKind,
        request::check_code,
        store,
    },
};

#[derive(Debug, Args)]
pub(super) struct ChangeArgs {
    /// The subscription's id
    id: String,
    /// The plan's code; the same one for its newest version and price
    #[arg(long, value_name = "CODE", required_unless_present = "quantity")]
    plan: Option<String>,
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    quantity: Option<u32>,
    /// now: the rest of the period is settled to the kopeck; period-end: with the next period
    #[arg(long, value_enum, default_value_t = At::Now)]
    when: At,
    /// Only show what it would cost: the credit, the charge, and from when the new price holds
    #[arg(long)]
    preview: bool,
    /// Which text the customer agreed to; needed for a higher price than he agreed to
    #[arg(long, value_name = "VERSION")]
    consent: Option<String>,
    /// The most that one charge may take by that consent; the new price if absent
    #[arg(long, value_name = "RUBLES", requires = "consent", value_parser = parse_money)]
    max_amount: Option<Money>,
    /// The preview's language: ru or en
    #[arg(long, value_name = "LANG", default_value = "en", value_parser = read_lang)]
    lang: Lang,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum At {
    Now,
    PeriodEnd,
}

impl ChangeArgs {
    pub(super) async fn run(self, world: &World) -> Result<(), Fail> {
        if let Some(plan) = &self.plan {
            check_code("plan", plan)?;
        }
        let ceiling = self.max_amount;
        let wish = Wish {
            plan: self.plan,
            quantity: self.quantity,
            when: match self.when {
                At::Now => When::Now,
                At::PeriodEnd => When::PeriodEnd,
            },
            consent: self.consent.map(|it| NewConsent { ceiling, ..NewConsent::by_cli(it) }),
        };
        if self.preview {
            return preview(world, &self.id, wish, self.lang).await;
        }
        let (ctx, shop_id, subject) = (world.ctx.clone(), world.shop.id.clone(), self.id.clone());
        let done: Result<Subscription, Problem> = world
            .ctx
            .db
            .write(move |tx| change::change(tx, &ctx, (&shop_id, &subject), wish))
            .await;
        done?;
        drive::settle_now(&world.ctx, &self.id).await?;
        told(world, &self.id).await
    }
}

async fn preview(world: &World, id: &str, wish: Wish, lang: Lang) -> Result<(), Fail> {
    let (ctx, shop_id, subject) = (world.ctx.clone(), world.shop.id.clone(), id.to_owned());
    let found: Result<Preview, Problem> = world
        .ctx
        .db
        .read(move |tx| {
            let own = store::find_subscription(tx, &shop_id, &subject)?;
            change::preview(tx, &ctx, &own.ok_or(Problem::NoSuchSubscription)?, &wish)
        })
        .await;
    let preview = found?;
    world.out.show(&PreviewView::new(&preview), || words(&preview, lang))
}

const fn pick(lang: Lang, ru: &'static str, en: &'static str) -> &'static str {
    match lang {
        Lang::Ru => ru,
        Lang::En => en,
    }
}

const fn line(kind: LineKind, lang: Lang) -> &'static str {
    match kind {
        LineKind::Price => pick(lang, "цена оставшегося времени", "price of the time left"),
        LineKind::SetupFee => pick(lang, "подключение", "set-up"),
        LineKind::Discount => pick(lang, "скидка", "discount"),
        LineKind::Unused => pick(lang, "уже оплачено и не использовано", "paid and not used"),
        LineKind::Balance => pick(lang, "с баланса или на него", "from or to the balance"),
    }
}

fn sum(kopecks: i64) -> String {
    let whole = Money::from_kopecks(kopecks.abs());
    let text = whole.map_or_else(|_| kopecks.to_string(), |sum| sum.to_human());
    if kopecks < 0 { format!("−{text}") } else { text }
}

fn words(preview: &Preview, lang: Lang) -> String {
    let mut rows = table(&match lang {
        Lang::Ru => ["Что", "Сумма"],
        Lang::En => ["What", "Sum"],
    });
    for it in &preview.lines {
        rows.add_row(vec![line(it.kind, lang).into(), right(sum(it.kopecks))]);
    }
    let due = pick(lang, "к оплате сейчас", "to be paid now");
    rows.add_row(vec![due.into(), right(sum(preview.due.kopecks()))]);
    let name = format!("{} × {}", preview.quantity, preview.version.terms.name);
    let from = pick(lang, "с", "from");
    let mut lines = vec![
        format!("{}, {from} {}", paint(STRONG, &name), moscow(preview.from_ms)),
        rows.to_string(),
        format!(
            "{}: {}",
            pick(lang, "дальше за каждый период", "each period from then on"),
            sum(preview.price.kopecks())
        ),
    ];
    if preview.balance_kopecks != 0 {
        let what = pick(lang, "баланс после изменения", "balance after it");
        lines.push(format!("{what}: {}", sum(preview.balance_kopecks)));
    }
    lines.push(paint(HINT, pick(lang, "ничего не изменено", "nothing has changed")));
    lines.join("\n")
}

/// Lets a payment that nobody expected pay the period that waits.
pub(super) async fn assign(world: &World, id: &str, payment_id: String) -> Result<(), Fail> {
    let (ctx, shop_id, subject) = (world.ctx.clone(), world.shop.id.clone(), id.to_owned());
    let done: Result<(), Problem> = world
        .ctx
        .db
        .write(move |tx| assign::assign(tx, &ctx, (&shop_id, &subject), (&payment_id, "cli")))
        .await;
    done?;
    drive::settle_now(&world.ctx, id).await?;
    told(world, id).await
}
