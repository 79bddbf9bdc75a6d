//! The bank's refusals: HTTP 200, `Success:false`, a code as text, the reason in `Details`.

use crate::{emulator::json::Obj, http::HttpReply};

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Problem {
    pub(super) code: String,
    pub(super) message: String,
    pub(super) details: String,
    /// What is known of the payment, as pairs of key and JSON.
    about: Vec<(&'static str, String)>,
}

/// What the bank says about anything wrong with fields.
const WRONG_PARAMETERS: &str = "Неверные параметры.";

impl Problem {
    /// A wrong field.
    pub(super) fn field(code: &str, details: impl Into<String>) -> Problem {
        Problem::new(code, WRONG_PARAMETERS, details)
    }

    /// A code of the bank's table, its text as the message.
    pub(super) fn coded(code: &str) -> Problem {
        Problem::new(code, text_of(code), text_of(code))
    }

    pub(super) fn new(code: &str, message: &str, details: impl Into<String>) -> Problem {
        Problem {
            code: code.to_owned(),
            message: message.to_owned(),
            details: details.into(),
            about: Vec::new(),
        }
    }

    pub(super) fn empty_field(name: &str) -> Problem {
        Problem::field("201", format!("Поле {name} не должно быть пустым."))
    }

    /// The transition that cannot be.
    pub(super) fn wrong_status(status: &str, wanted: &str) -> Problem {
        let details = format!("Изменение статуса с {status} на {wanted} не разрешено.");
        Problem::new("4", "Изменение статуса не разрешено.", details)
    }

    /// Malformed due dates end here instead of in an error of format.
    pub(super) fn internal() -> Problem {
        Problem::new("9999", "Внутренняя ошибка системы.", "Внутренняя ошибка системы.")
    }

    #[must_use]
    pub(super) fn about(mut self, key: &'static str, json: String) -> Problem {
        self.about.push((key, json));
        self
    }

    pub(super) fn reply(&self, terminal: Option<&str>) -> HttpReply {
        let body = Obj::new()
            .text_if("TerminalKey", terminal)
            .flag("Success", false)
            .text("ErrorCode", &self.code)
            .text("Message", &self.message)
            .text("Details", &self.details);
        let body = self.about.iter().fold(body, |body, (key, json)| body.raw(key, json));
        HttpReply::new(200, "application/json", body.end())
    }
}

/// The bank's texts for the codes that are answered without more words.
pub(super) fn text_of(code: &str) -> &'static str {
    match code {
        "7" => "Неверный статус покупателя.",
        "9" => "Переадресовываемый URL пуст.",
        "10" => "Метод Charge заблокирован для данного терминала.",
        "12" => "Неверный параметр RedirectDueDate.",
        "20" => "Ошибка повторного идентификатора заказа.",
        "63" => "Не найдена операция.",
        "64" => "Невалидные данные в запросе.",
        "99" => "Банк, выпустивший карту, отклонил операцию.",
        "101" => "Не пройдена идентификация 3DS.",
        "104" => "Ошибка выполнения рекуррента.",
        "107" => "Неверно введен CardId. Проверьте, что такая карта была ранее привязана.",
        "202" => "Терминал заблокирован.",
        "255" => "Платеж не найден.",
        "308" => "Сумма всех позиций в чеке должна равняться сумме всех видов оплаты.",
        "309" => "Поле Receipt не должно быть пустым.",
        "329" => "email или Phone обязательны при передаче чека.",
        "330" => "Сумма в запросе больше чем в оригинальной транзакции.",
        "334" => "Суммы в чеке и в платеже не совпадают.",
        "1014" => "Карта недействительна.",
        "1051" => "Недостаточно средств на карте.",
        "1054" => "Истек срок действия карты.",
        "1125" => "Некорректное значение OperationInitiatorType. Должно быть одно из списка.",
        "1126" => {
            "Несопоставимые значения rebillId или Recurrent с переданным значением \
             OperationInitiatorType."
        }
        "3001" => "Оплата через СБП недоступна.",
        "3008" => "У получателя нет расчетного счета в этом банке. Выберите другой банк.",
        "3012" => "Привязка счета не найдена.",
        "3013" => "Рекуррентные платежи недоступны.",
        "3014" => "AccountToken не найден.",
        "3015" => "Неверный статус AccountToken.",
        "3016" => "Невозможно создать QR.",
        "3017" => "Переданное значение RedirectDueDate вне допустимого диапазона.",
        "3029" => "Слишком много неудачных попыток за час. Попробуйте снова через час.",
        "3030" => "Слишком много неудачных попыток за сутки. Попробуйте еще раз завтра.",
        "I05043" => "У покупателя нет счёта в этом банке: верните деньги в другой его банк.",
        "3037" => "Повторный вызов метода недоступен.",
        "3044" => "Передан неверный bankid.",
        "3101" => "Оплата по Mir Pay недоступна для магазина.",
        "5031" => "Привязка счета не найдена.",
        "5043" => "Банк покупателя отклонил операцию.",
        "5060" => "У покупателя недостаточно денежных средств для проведения операции.",
        _ => "Операция отклонена.",
    }
}
