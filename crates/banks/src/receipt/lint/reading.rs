//! What can only be wrong in a text that a receipt is read from: rules without a check of their
//! own, found by the readers.

use super::{Check::Reading, Finding, Rule, Severity::Wrong, rule};

pub(super) static RULES: &[Rule] = &[
    UNREADABLE, SHAPE, FIELD, UNKNOWN, TYPE, UNCARRIED, NUMBER, QUANTITY, VAT, ENVD, WORD, LINE_SUM,
];

macro_rules! reading {
    ($($(#[$doc:meta])* $name:ident $code:literal $basis:literal $ru:tt $en:tt)+) => {
        $($(#[$doc])* pub const $name: Rule = rule($code, Wrong, $basis, $ru, $en, Reading);)+
    };
}

reading! {
    UNREADABLE "receipt_unreadable" "JSON"
        ["Текст чека не читается.", "Пришлите JSON: двойные кавычки, запятые, скобки."]
        ["The text of the receipt cannot be read.",
         "Send JSON: double quotes, commas, brackets."]
    SHAPE "receipt_shape_unknown" "products_for_receipt: vat_code (рубли) или tax (копейки)"
        ["По строкам не понять, рубли это или копейки.",
         "Пришлите каждую строку с vat_code (тогда суммы в рублях) или с tax (тогда в копейках), \
          но не с обоими."]
        ["The lines do not tell whether they count in rubles or in kopecks.",
         "Send each line with vat_code (then sums are rubles) or with tax (then kopecks), not \
          with both."]
    FIELD "receipt_field_missing" "теги 1030, 1079, 1199"
        ["Нет обязательного поля.", "Добавьте это поле."]
        ["A required field is missing.", "Add the field."]
    UNKNOWN "receipt_field_unknown" "форма чека Kopeck"
        ["Такого поля в чеке нет.", "Сверьте его имя с документацией или уберите поле."]
        ["A receipt has no such field.", "Compare its name with the docs, or leave it out."]
    TYPE "receipt_value_invalid" "форма чека Kopeck"
        ["Значение не того вида, что нужно полю: указаны строка и столбец.",
         "Сверьте его с примером в документации."]
        ["A value is not of the kind that its field takes; the row and column are named.",
         "Compare it with the example in the docs."]
    UNCARRIED "receipt_field_uncarried" "теги 54-ФЗ, которых нет в модели чека Kopeck"
        ["Этого поля Kopeck в чек не передаёт.",
         "Уберите поле, если чек обходится без него; если оно обязательно, сделайте чек на своей \
          кассе и отметьте его."]
        ["Kopeck carries no such field into a receipt.",
         "Leave it out if the receipt can do without it; if it is a must, make the receipt at your \
          cash register and note it."]
    NUMBER "receipt_number_invalid" "теги 1079 и 1043: целые копейки"
        ["Сумма — не число или с долями копейки.",
         "Запишите рубли как 4900.00, а в полях в копейках — целое число."]
        ["A sum is no number, or has a fraction of a kopeck.",
         "Write rubles as 4900.00, and a whole number where kopecks are counted."]
    QUANTITY "receipt_quantity_unreadable" "тег 1023: три знака после точки"
        ["Количество — не положительное число с тремя знаками после точки.",
         "Запишите его как 1, 2 или 1.500; мельче тысячной доли кассы не считают."]
        ["The quantity is not a positive number with three decimals.",
         "Write 1, 2 or 1.500; cash registers count nothing finer."]
    VAT "receipt_vat_unknown" "тег 1199"
        ["Такой ставки НДС нет.",
         "Слова: none, vat0, vat5, vat7, vat10, vat22, vat105, vat107, vat110, vat122; номера \
          vat_code: от 1 до 12."]
        ["There is no such rate of VAT.",
         "Words: none, vat0, vat5, vat7, vat10, vat22, vat105, vat107, vat110, vat122; numbers \
          of vat_code: 1 to 12."]
    ENVD "receipt_taxation_abolished" "ЕНВД отменён с 01.01.2021; тег 1055"
        ["ЕНВД отменён с 2021 года.",
         "Укажите свою систему: osn, usn_income, usn_income_outcome, esn или patent."]
        ["ENVD was abolished in 2021.",
         "Send your own system: osn, usn_income, usn_income_outcome, esn or patent."]
    WORD "receipt_word_unknown" "теги 1055, 1212, 1214, 2108"
        ["Такого значения у поля нет.", "Сверьте его со списком значений в документации."]
        ["The field has no such value.", "Compare it with the values in the docs."]
    LINE_SUM "receipt_line_mismatch" "тег 1043: цена × количество"
        ["Сумма строки не равна цене, умноженной на количество.",
         "Исправьте amount, price или quantity."]
        ["The sum of a line is not its price × quantity.",
         "Mend amount, price or quantity."]
}

/// A finding of a reader, about a line if it knows which.
pub fn finding(rule: &'static Rule, line: Option<usize>, value: impl Into<String>) -> Finding {
    Finding { rule, line, value: value.into() }
}
