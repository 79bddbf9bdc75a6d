//! Rules about one line: its name, numbers, VAT and words.

use super::{
    Check, Context, Rule,
    Severity::{Doubtful, Unsupported, Wrong},
    absent, bare, rule,
};
use crate::{
    money::Money,
    receipt::{
        model::{Line, Receipt},
        quantity::{ONE_MILLI, quantity_text},
        vat,
        words::{Ffd, Measure, Taxation, Vat},
    },
};

/// Tag 1030.
const MAX_NAME_CHARS: usize = 128;
/// Five digits before the point.
const MAX_QUANTITY_MILLI: u64 = 99_999_999;
/// Ten digits of kopecks.
const MAX_LINE_KOPECKS: i64 = 9_999_999_999;

pub(super) static RULES: &[Rule] = &[
    rule(
        "receipt_name_invalid",
        Wrong,
        "тег 1030; Т-Банк: 1–128 знаков; Точка: 1–256",
        ["Название строки пустое или слишком длинное.", "Оставьте от 1 до 128 знаков."],
        ["The name of a receipt line is empty or too long.", "Keep it within 1 to 128 characters."],
        Check::Line(|context, _, line| {
            let most = context.limits.map_or(MAX_NAME_CHARS, |limits| limits.max_name_chars);
            let chars = line.name.chars().count();
            let is_empty = line.name.trim().is_empty();
            (is_empty || chars > most).then(|| format!("{chars}, 1–{most}"))
        }),
    ),
    rule(
        "receipt_name_long",
        Doubtful,
        "тег 1030: 128 знаков",
        [
            "Название длиннее, чем помещается в чеке: касса может его обрезать.",
            "Сократите название до 128 знаков.",
        ],
        [
            "The name is longer than a receipt holds: the cash register may cut it.",
            "Shorten the name to 128 characters.",
        ],
        Check::Line(|_, _, line| {
            let chars = line.name.chars().count();
            (chars > MAX_NAME_CHARS).then(|| format!("{chars} > {MAX_NAME_CHARS}"))
        }),
    ),
    rule(
        "receipt_price_invalid",
        Wrong,
        "тег 1079",
        ["Цена строки — ноль.", "Уберите бесплатные строки или разнесите скидку по остальным."],
        [
            "The price of a receipt line must be more than zero.",
            "Leave free lines out, or spread the discount over the other lines.",
        ],
        Check::Line(|_, _, line| bare(line.price.is_zero())),
    ),
    rule(
        "receipt_quantity_invalid",
        Wrong,
        "тег 1023; Т-Банк: пять знаков до точки, три после",
        [
            "Количество должно быть больше нуля и меньше 100 000.",
            "Уберите строку или разделите её.",
        ],
        [
            "The quantity of a receipt line must be more than zero and less than 100 000.",
            "Leave the line out, or split it.",
        ],
        Check::Line(|context, _, line| {
            let most =
                context.limits.map_or(MAX_QUANTITY_MILLI, |limits| limits.max_quantity_milli);
            let is_bad = !(1..=most).contains(&line.quantity_milli);
            is_bad.then(|| quantity_text(line.quantity_milli))
        }),
    ),
    rule(
        "receipt_sum_invalid",
        Wrong,
        "тег 1043; Т-Банк: не больше десяти знаков в копейках",
        [
            "Сумма строки должна быть больше нуля и не длиннее десяти знаков в копейках.",
            "Уберите бесплатные строки или разнесите скидку по остальным.",
        ],
        [
            "The sum of a receipt line must be more than zero and have at most ten digits.",
            "Leave free lines out, or spread the discount over the other lines.",
        ],
        Check::Line(|context, _, line| {
            let most = context.limits.map_or(MAX_LINE_KOPECKS, |limits| limits.max_line_kopecks);
            let is_good = |sum: Money| (1..=most).contains(&sum.kopecks());
            bare(!line.sum().is_some_and(is_good))
        }),
    ),
    rule(
        "receipt_vat_date_mismatch",
        Wrong,
        "425-ФЗ (28.11.2025); ФНС АБ-4-20/11248@ (15.12.2025)",
        [
            "В этот день такой ставки НДС нет.",
            "Укажите ставку, которая действует в день чека; 20 % остаётся только возвратам и \
             исправлениям чеков до 2026 года.",
        ],
        [
            "There is no such rate of VAT on that day.",
            "Send the rate of the day; 20 % stays for refunds and corrections of receipts before \
             2026 only.",
        ],
        Check::Line(vat_date_mismatch),
    ),
    rule(
        "receipt_vat_unsupported",
        Unsupported,
        "Точка: VatType запросов без vat20 и vat120",
        [
            "Такую ставку НДС банк не принимает: с 2026 года вместо 20 % действует 22 %.",
            "Укажите vat22 (или vat122); чек со старой ставкой выбейте на своей кассе.",
        ],
        [
            "The bank does not take this rate of VAT: since 2026 22 % stands in place of 20 %.",
            "Send vat22 (or vat122) for vat20 (or vat120); make an older rate's receipt at your \
             cash register.",
        ],
        Check::Line(|context, _, line| {
            absent(context.limits.map(|limits| limits.vats), line.vat, line.vat.as_str())
        }),
    ),
    rule(
        "receipt_vat_prepayment",
        Doubtful,
        "теги 1214 и 1199: до передачи товара ставка расчётная",
        [
            "Предоплата облагается по расчётной ставке, а указана обычная.",
            "Для предоплаты укажите vat122 вместо vat22, vat110 вместо vat10 и так далее.",
        ],
        [
            "A prepayment bears the calculated rate of VAT, not the plain one.",
            "For a prepayment send vat122 for vat22, vat110 for vat10 and so on.",
        ],
        Check::Line(|_, _, line| {
            let is_odd = line.method.is_prepaid() && vat::calculated(line.vat) != line.vat;
            is_odd.then(|| line.vat.as_str().to_owned())
        }),
    ),
    rule(
        "receipt_vat_calculated",
        Doubtful,
        "теги 1214 и 1199: при передаче товара ставка обычная",
        [
            "Расчётная ставка НДС указана там, где товар уже передан.",
            "Для полного расчёта укажите обычную ставку: vat22 вместо vat122 и так далее.",
        ],
        [
            "A calculated rate of VAT stands where the goods are delivered.",
            "For a full payment send the plain rate: vat22 for vat122 and so on.",
        ],
        Check::Line(|_, _, line| {
            let is_odd = !line.method.is_prepaid() && vat::plain(line.vat) != line.vat;
            is_odd.then(|| line.vat.as_str().to_owned())
        }),
    ),
    rule(
        "receipt_vat_taxation",
        Doubtful,
        "тег 1055: 5 и 7 % — для плательщиков УСН; патент НДС не облагается",
        [
            "Такой НДС не подходит к системе налогообложения.",
            "Ставки 5 и 7 % бывают на УСН, на патенте НДС нет: проверьте taxation и vat.",
        ],
        [
            "This VAT does not go with the tax system.",
            "5 and 7 % are for USN, a patent has no VAT: check taxation and vat.",
        ],
        Check::Line(vat_taxation),
    ),
    rule(
        "receipt_method_unsupported",
        Unsupported,
        "тег 1214; Точка: full_payment и full_prepayment",
        [
            "Такой признак способа расчёта банк не передаёт.",
            "Укажите full_payment или full_prepayment; другие чеки выбейте на своей кассе.",
        ],
        [
            "The bank makes receipts only for a full payment or a full prepayment.",
            "Send full_payment or full_prepayment; make other receipts at your cash register.",
        ],
        Check::Line(|context, _, line| {
            absent(context.limits.map(|limits| limits.methods), line.method, line.method.as_str())
        }),
    ),
    rule(
        "receipt_subject_unsupported",
        Unsupported,
        "тег 1212; Точка: goods, service, work",
        [
            "Такой предмет расчёта банк не передаёт.",
            "Укажите goods, service или work, если это одно из них; другие чеки выбейте на своей \
             кассе.",
        ],
        [
            "The bank does not carry this subject of a receipt.",
            "Send goods, service or work if it is one of them; make other receipts at your cash \
             register.",
        ],
        Check::Line(|context, _, line| {
            let word = line.subject.as_str();
            absent(context.limits.map(|limits| limits.subjects), line.subject, word)
        }),
    ),
    rule(
        "receipt_subject_format",
        Wrong,
        "тег 1212: перечни ФФД 1.05 и 1.2",
        [
            "Такого предмета расчёта в этом формате чеков нет.",
            "Выберите другой предмет или формат (ffd_version), если касса его поддерживает.",
        ],
        [
            "This format of receipts has no such subject.",
            "Choose another subject, or the other format (ffd_version) if the register has it.",
        ],
        Check::Line(|context, receipt, line| {
            let format = context.format(receipt);
            let is_used = context.limits.is_none_or(|limits| limits.has_formats);
            let is_broken = is_used && !line.subject.fits(format);
            is_broken.then(|| format!("{}, {}", line.subject.as_str(), format.as_str()))
        }),
    ),
    rule(
        "receipt_measure_unsupported",
        Unsupported,
        "тег 2108; Точка: 23 единицы",
        [
            "Такой единицы измерения у банка нет.",
            "Выберите единицу из списка или пересчитайте количество в неё.",
        ],
        ["The bank has no such unit.", "Choose a unit of its list, or count the quantity in one."],
        Check::Line(|context, _, line| {
            let measure = line.measure?;
            absent(context.limits.map(|limits| limits.measures), measure, measure.as_str())
        }),
    ),
    rule(
        "receipt_measure_missing",
        Wrong,
        "ФФД 1.2: тег 2108 обязателен; Т-Банк: код 201",
        [
            "Количество дробное, а единица не указана: ФФД 1.2 требует её, и штуки здесь не \
             подходят.",
            "Укажите measure: kilogram, hour и так далее.",
        ],
        [
            "The quantity is a fraction without a unit: format 1.2 needs one, and pieces will not \
             do.",
            "Send measure: kilogram, hour and so on.",
        ],
        Check::Line(|context, receipt, line| {
            let is_new = match context.format(receipt) {
                Ffd::V105 => false,
                Ffd::V12 => context.limits.is_none_or(|limits| limits.has_formats),
            };
            let is_fraction = !line.quantity_milli.is_multiple_of(ONE_MILLI);
            let is_broken = is_new && is_fraction && line.measure.is_none();
            is_broken.then(|| quantity_text(line.quantity_milli))
        }),
    ),
    rule(
        "receipt_measure_piece",
        Doubtful,
        "тег 2108: 0 — штуки и единицы",
        [
            "Дробное количество указано в штуках.",
            "Если товар весовой или мерный, укажите его единицу.",
        ],
        ["A fraction is counted in pieces.", "If it is sold by weight or length, send that unit."],
        Check::Line(|_, _, line| {
            let is_odd = line.measure == Some(Measure::Piece)
                && !line.quantity_milli.is_multiple_of(ONE_MILLI);
            is_odd.then(|| quantity_text(line.quantity_milli))
        }),
    ),
];

fn vat_date_mismatch(context: &Context<'_>, _: &Receipt, line: &Line) -> Option<String> {
    let occasion = context.occasion?;
    let rate = vat::find_date_problem(line.vat, occasion)?;
    let on = occasion.rate_date();
    let since = rate.from.map(|day| day.to_string()).unwrap_or_default();
    let until = rate.until.map(|day| day.to_string()).unwrap_or_default();
    Some(format!("{}: {since}…{until}, {on}", line.vat.as_str()))
}

fn vat_taxation(context: &Context<'_>, receipt: &Receipt, line: &Line) -> Option<String> {
    let taxation = receipt.taxation.or(context.taxation)?;
    let is_small = matches!(line.vat, Vat::Vat5 | Vat::Vat7 | Vat::Vat105 | Vat::Vat107);
    let is_odd = match taxation {
        Taxation::Osn | Taxation::Esn => is_small,
        Taxation::UsnIncome | Taxation::UsnIncomeOutcome => false,
        Taxation::Patent => line.vat != Vat::None,
    };
    is_odd.then(|| format!("{}, {}", taxation.as_str(), line.vat.as_str()))
}
