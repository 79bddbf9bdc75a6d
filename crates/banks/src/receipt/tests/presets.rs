//! Presets, a shop's defaults and the self-employed.

use std::collections::BTreeSet;

use jiff::civil::{Date, date};

use super::*;
use crate::{
    bank::BANKS,
    receipt::{
        lint::{Context, lint},
        npd::{NpdMeans, remind},
        preset::{FillProblem, Filled, PRESETS, Sale, ShopDefaults, Taxpayer, fill, find_preset},
        vat::{Occasion, ShopVat, VatPlan, VatStep},
    },
};

const ON: Date = date(2026, 11, 21);

fn shop(preset: &str, vat: ShopVat) -> ShopDefaults {
    ShopDefaults {
        taxpayer: Taxpayer::Register,
        preset: find_preset(preset).unwrap(),
        taxation: Some(if vat == ShopVat::General { Taxation::Osn } else { Taxation::UsnIncome }),
        vat: VatPlan::always(vat),
        ffd: None,
    }
}

fn buyer() -> Sale {
    Sale { email: Some("buyer@example.ru".to_owned()), ..Sale::default() }
}

/// One field (the buyer's e-mail) makes a receipt that no rule, not even a doubt, is against.
#[test]
fn every_preset_makes_a_clean_receipt_at_both_banks_in_every_format_and_year() {
    let amount = rubles("4900");
    for preset in PRESETS {
        for vat in ShopVat::ALL {
            for on in [date(2025, 6, 1), ON] {
                let filled = fill(&shop(preset.name, *vat), &buyer(), amount, on).unwrap();
                let Filled::Receipt(receipt) = filled else { panic!("{filled:?}") };
                for bank in BANKS {
                    for ffd in Ffd::ALL {
                        let limits = Some(bank.capabilities().receipts);
                        let occasion = Some(Occasion::Sale { on });
                        let amount = Some(amount);
                        let context =
                            Context { limits, ffd: *ffd, taxation: None, amount, occasion };
                        let found = lint(&context, &receipt);
                        // Tochka has dropped the rates of 2025.
                        let is_old = on.year() == 2025 && *vat == ShopVat::General;
                        let is_dropped = is_old && bank.name() == "tochka";
                        let codes: Vec<&str> = found.iter().map(|f| f.rule.code).collect();
                        let expect: &[&str] =
                            if is_dropped { &["receipt_vat_unsupported"] } else { &[] };
                        assert_eq!(codes, expect, "{} {vat:?} {on}", preset.name);
                    }
                }
            }
        }
    }
}

#[test]
fn presets_are_found_by_both_of_their_names() {
    for (name, ru) in [
        ("service", "услуга"),
        ("online_course", "онлайн-курс"),
        ("membership", "абонемент"),
        ("goods", "товар"),
        ("prepayment", "предоплата"),
    ] {
        assert_eq!(find_preset(name).unwrap().name, find_preset(ru).unwrap().name);
    }
    assert_eq!(find_preset("казино"), None);
    let names: BTreeSet<&str> = PRESETS.iter().map(|preset| preset.name).collect();
    assert_eq!(names.len(), PRESETS.len());
}

#[test]
fn a_prepayment_bears_the_calculated_rate_and_goods_may_have_their_own() {
    let filled = fill(&shop("membership", ShopVat::General), &buyer(), rubles("1"), ON).unwrap();
    let Filled::Receipt(receipt) = filled else { panic!("{filled:?}") };
    assert_eq!(receipt.lines[0].vat, Vat::Vat122);
    assert_eq!(receipt.lines[0].name, "Абонемент");
    assert!(receipt.is_prepaid());
    let sale = Sale { vat: Some(Vat::Vat10), name: Some("Хлеб".to_owned()), ..buyer() };
    let filled = fill(&shop("goods", ShopVat::General), &sale, rubles("1"), ON).unwrap();
    let Filled::Receipt(receipt) = filled else { panic!("{filled:?}") };
    assert_eq!((receipt.lines[0].vat, receipt.lines[0].name.as_str()), (Vat::Vat10, "Хлеб"));
}

#[test]
fn a_day_without_a_rate_is_told() {
    let vat = VatPlan::of(vec![VatStep { valid_from: ON, vat: ShopVat::Usn5 }]);
    let shop = ShopDefaults { vat, ..shop("goods", ShopVat::Usn5) };
    let before = date(2026, 11, 20);
    let problem = fill(&shop, &buyer(), rubles("1"), before);
    assert_eq!(problem, Err(FillProblem::VatUnknown(before)));
}

#[test]
fn the_self_employed_get_a_reminder_in_place_of_a_receipt() {
    let defaults = shop("service", ShopVat::NotPayer);
    let shop = ShopDefaults { taxpayer: Taxpayer::SelfEmployed, ..defaults };
    let filled = fill(&shop, &Sale::default(), rubles("1500"), ON).unwrap();
    let Filled::Reminder(reminder) = filled else { panic!("{filled:?}") };
    assert_eq!((reminder.due_on, reminder.amount), (ON, rubles("1500")));
    assert_eq!(reminder.name, "Услуга");
    let transfer = |on| remind("Урок", rubles("1"), on, NpdMeans::Transfer).due_on;
    assert_eq!(transfer(date(2026, 11, 1)), date(2026, 12, 9));
    assert_eq!(transfer(date(2026, 12, 31)), date(2027, 1, 9));
    assert_eq!(transfer(date(2028, 1, 31)), date(2028, 2, 9));
}
