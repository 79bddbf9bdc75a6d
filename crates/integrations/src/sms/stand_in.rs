//! sms.ru: `sms/send` and `my/balance`, with its two levels of codes.

use std::collections::BTreeMap;

use kopeck_banks::http::{HttpReply, HttpRequest, Method, parse_query};
use serde_json::{Value, json};

use super::{API_ID, API_URL, MOST_PARTS, segments};
use crate::{
    integration::Settings,
    stand_in::{Arrived, Shell, StandIn},
};

const GOOD_ID: &str = "5A1B2C3D-4E5F-6071-8293-A4B5C6D7E8F9";
/// As many a day to one number as a fresh cabinet has here.
const DAY_LIMIT: usize = 60;
const DAY_MS: u64 = 86_400_000;

pub struct SmsStandIn {
    shell: Shell,
    /// What is left, in kopecks.
    pub balance: u64,
    pub stop_list: Vec<String>,
    /// Numbers that its operators do not take.
    pub unreachable: Vec<String>,
    pub senders: Vec<String>,
    /// What all of a number's parts cost.
    pub part_price: u64,
    next_id: u64,
}

impl Default for SmsStandIn {
    fn default() -> SmsStandIn {
        SmsStandIn {
            shell: Shell::default(),
            balance: 1_000_000,
            stop_list: vec!["79001110002".to_owned()],
            unreachable: vec!["79001110003".to_owned()],
            senders: vec!["KOPECK".to_owned()],
            part_price: 350,
            next_id: 1,
        }
    }
}

fn refused(code: u16, words: &str) -> HttpReply {
    let body = json!({ "status": "ERROR", "status_code": code, "status_text": words });
    HttpReply::json(200, &body)
}

impl SmsStandIn {
    fn one(&mut self, now_ms: u64, to: &str, text: &str) -> Result<String, (u16, &'static str)> {
        let is_number = to.len() == 11 && to.bytes().all(|b| b.is_ascii_digit());
        if !is_number || !to.starts_with("79") {
            return Err((202, "Неправильно указан номер телефона получателя"));
        }
        if self.stop_list.iter().any(|number| number == to) {
            return Err((209, "Вы добавили этот номер в стоп-лист"));
        }
        if self.unreachable.iter().any(|number| number == to) {
            return Err((207, "На этот номер нельзя отправлять сообщения"));
        }
        let parts = segments::parts(text);
        if parts > MOST_PARTS {
            return Err((205, "Сообщение слишком длинное (превышает 8 СМС)"));
        }
        let price = self.part_price * u64::try_from(parts).unwrap_or(u64::MAX);
        if price > self.balance {
            return Err((201, "Не хватает средств на лицевом счету"));
        }
        if self.shell.count(&format!("{to}/{text}"), now_ms, 1, 60_000).is_err() {
            return Err((231, "Превышен лимит одинаковых сообщений на этот номер в минуту"));
        }
        if self.shell.count(to, now_ms, DAY_LIMIT, DAY_MS).is_err() {
            return Err((230, "Превышен общий лимит сообщений на этот номер в день"));
        }
        self.balance -= price;
        self.shell.arrived.push(Arrived {
            at_ms: now_ms,
            to: to.to_owned(),
            text: text.to_owned(),
            link: None,
            has_picture: false,
        });
        self.next_id += 1;
        Ok(format!("202648-{:07}", self.next_id))
    }
}

impl StandIn for SmsStandIn {
    fn name(&self) -> &'static str {
        "sms"
    }

    fn settings(&self, base_url: &str) -> Settings {
        let values = [(API_ID, GOOD_ID), (API_URL, base_url)];
        Settings::new(values.map(|(name, value)| (name.to_owned(), value.to_owned())))
    }

    fn shell(&mut self) -> &mut Shell {
        &mut self.shell
    }

    fn answer(&mut self, now_ms: u64, request: &HttpRequest) -> HttpReply {
        let is_form =
            request.find_header("content-type") == Some("application/x-www-form-urlencoded");
        if request.method != Method::Post || !is_form {
            return refused(210, "Используется GET, где необходимо использовать POST");
        }
        let Ok(body) = std::str::from_utf8(&request.body) else {
            return refused(212, "Текст сообщения необходимо передать в кодировке UTF-8");
        };
        let fields: BTreeMap<String, String> = parse_query(body).into_iter().collect();
        let field = |name: &str| fields.get(name).map_or("", String::as_str);
        if field("api_id") != GOOD_ID {
            return refused(200, "Неправильный api_id");
        }
        if field("json") != "1" {
            // Without it the answer is plain lines.
            return HttpReply::new(200, "text/plain", "100\n");
        }
        if request.path() == "/my/balance" {
            let rubles = format!("{}.{:02}", self.balance / 100, self.balance % 100);
            let body = json!({ "status": "OK", "status_code": 100, "balance": rubles });
            return HttpReply::json(200, &body);
        }
        if request.path() != "/sms/send" {
            return refused(211, "Метод не найден");
        }
        if field("msg").is_empty() {
            return refused(203, "Нет текста сообщения");
        }
        let sender = field("from");
        if !sender.is_empty() && !self.senders.iter().any(|known| known == sender) {
            return refused(204, "Имя отправителя не согласовано с администрацией");
        }
        let to = field("to").to_owned();
        let one = match self.one(now_ms, &to, field("msg")) {
            Ok(id) => json!({ "status": "OK", "status_code": 100, "sms_id": id }),
            Err((code, words)) => {
                json!({ "status": "ERROR", "status_code": code, "status_text": words })
            }
        };
        let mut sms = serde_json::Map::new();
        sms.insert(to, one);
        let body = json!({ "status": "OK", "status_code": 100, "sms": Value::Object(sms) });
        HttpReply::json(200, &body)
    }
}
