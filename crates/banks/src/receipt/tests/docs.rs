//! docs/reference/receipts.md is made of the tables and nothing else; `KOPECK_BLESS=1` writes it.

use std::{fmt::Write as _, path::Path};

use super::*;
use crate::receipt::{
    lint::{Severity, rules},
    preset::PRESETS,
    vat::RATES,
};

fn severity(severity: Severity) -> &'static str {
    match severity {
        Severity::Wrong => "ошибка / wrong",
        Severity::Unsupported => "банк не передаёт / not carried",
        Severity::Doubtful => "сомнение / doubtful",
    }
}

fn page() -> String {
    let mut page = "# Чеки (54-ФЗ) / Receipts\n\nGenerated from the tables of \
                    `crates/banks/src/receipt`; do not edit.\n\n"
        .to_owned();
    page += "## Что бывает не так / What may be wrong\n\nОшибки и то, чего банк не передаёт, \
             останавливают запрос до отправки; сомнения — нет. A doubt stops nothing.\n\n\
             | code | | основание / basis | по-русски | in English |\n|---|---|---|---|---|\n";
    for rule in rules() {
        let _ = writeln!(
            page,
            "| `{}` | {} | {} | {} {} | {} {} |",
            rule.code,
            severity(rule.severity),
            rule.basis,
            rule.ru.problem,
            rule.ru.fix,
            rule.en.problem,
            rule.en.fix
        );
    }
    page += "\n## НДС по датам / VAT by date\n\nВозврат повторяет ставку исходной строки. A refund \
             repeats the rate of its original line.\n\n| vat | с / from | по / until | затем / \
             then | основание / basis |\n|---|---|---|---|---|\n";
    for rate in &RATES {
        let day = |day: Option<jiff::civil::Date>| day.map(|d| d.to_string()).unwrap_or_default();
        let then = rate.successor.map_or("", Vat::as_str);
        let (from, until) = (day(rate.from), day(rate.until));
        let _ = writeln!(
            page,
            "| `{}` | {from} | {until} | {then} | {} |",
            rate.vat.as_str(),
            rate.law
        );
    }
    page += "\n## Заготовки / Presets\n\n| name | | subject | method | когда / when |\n\
             |---|---|---|---|---|\n";
    for preset in PRESETS {
        let (subject, method) = (preset.subject.as_str(), preset.method.as_str());
        let _ = writeln!(
            page,
            "| `{}` | {} | `{subject}` | `{method}` | {} |",
            preset.name, preset.ru, preset.about
        );
    }
    page
}

#[test]
fn the_page_about_receipts_is_the_committed_one() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/reference/receipts.md");
    if std::env::var_os("KOPECK_BLESS").is_some() {
        std::fs::write(&path, page()).unwrap();
    }
    let committed = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        committed == page(),
        "docs/reference/receipts.md is old: run the tests once with KOPECK_BLESS=1"
    );
}
