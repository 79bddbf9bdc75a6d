//! What applications have registered at a portal: places, events, robots, triggers, fields,
//! handlers of pay systems.

use kopeck_banks::http::HttpReply;
use serde_json::{Map, Value, json};

use super::{portal::number, refused};

/// Everything that one application registered.
#[derive(Clone, Debug, Default)]
pub struct Registry {
    /// Place and address.
    pub places: Vec<(String, String)>,
    /// Event and address.
    pub events: Vec<(String, String)>,
    /// By its code.
    pub robots: Vec<(String, Value)>,
    /// Codes and names.
    pub triggers: Vec<(String, String)>,
    pub fields: Vec<String>,
    /// Handlers of pay systems.
    pub handlers: Vec<Value>,
    /// Robots that wait for an answer, by their tokens; what was answered.
    pub waiting: Vec<String>,
    pub answers: Vec<Value>,
}

fn text<'a>(params: &'a Map<String, Value>, name: &str) -> &'a str {
    params.get(name).and_then(Value::as_str).unwrap_or("")
}

fn https(address: &str) -> Result<String, HttpReply> {
    if address.starts_with("https://") {
        return Ok(address.to_owned());
    }
    Err(refused(400, "ERROR_UNSUPPORTED_PROTOCOL", "Unsupported event handler protocol"))
}

fn missing(name: &str) -> HttpReply {
    refused(400, "ERROR_ARGUMENT", &format!("Argument '{name}' is null or empty"))
}

impl Registry {
    /// `None` for a method that registers nothing.
    pub(super) fn call(
        &mut self,
        method: &str,
        params: &Map<String, Value>,
    ) -> Option<Result<Value, HttpReply>> {
        Some(match method {
            "placement.bind" => self.bind_place(params),
            "placement.unbind" => Ok(self.unbind_place(params)),
            "event.get" => Ok(self.list_events()),
            "event.bind" => self.bind_event(params),
            "event.unbind" => {
                let (event, handler) = (text(params, "event"), text(params, "handler"));
                let before = self.events.len();
                self.events.retain(|(name, to)| name != event || to != handler);
                Ok(json!({ "count": before - self.events.len() }))
            }
            "bizproc.robot.list" => Ok(self.robots.iter().map(|(code, _)| json!(code)).collect()),
            "bizproc.robot.add" => self.add_robot(params),
            "bizproc.robot.update" => self.update_robot(params),
            "bizproc.event.send" => self.answer_robot(params),
            "crm.automation.trigger.add" => self.add_trigger(params),
            "crm.deal.userfield.add" => self.add_field(params),
            "sale.paysystem.handler.list" => Ok(Value::Array(self.handlers.clone())),
            "sale.paysystem.handler.add" => self.add_handler(params),
            "sale.paysystem.handler.update" => self.update_handler(params),
            _ => return None,
        })
    }

    fn bind_place(&mut self, params: &Map<String, Value>) -> Result<Value, HttpReply> {
        let place = text(params, "PLACEMENT");
        if place.is_empty() {
            return Err(missing("PLACEMENT"));
        }
        let one = (place.to_owned(), https(text(params, "HANDLER"))?);
        if self.places.contains(&one) {
            return Err(refused(400, "ERROR_CORE", "Handler already binded"));
        }
        self.places.push(one);
        Ok(json!(true))
    }

    fn unbind_place(&mut self, params: &Map<String, Value>) -> Value {
        let (place, handler) = (text(params, "PLACEMENT"), text(params, "HANDLER"));
        let before = self.places.len();
        self.places.retain(|(name, to)| name != place || (!handler.is_empty() && to != handler));
        json!({ "count": before - self.places.len() })
    }

    fn list_events(&self) -> Value {
        let all = self.events.iter();
        all.map(|(event, handler)| {
            json!({ "event": event, "handler": handler, "auth_type": "0", "offline": 0 })
        })
        .collect()
    }

    fn bind_event(&mut self, params: &Map<String, Value>) -> Result<Value, HttpReply> {
        let event = text(params, "event").to_ascii_uppercase();
        if event.is_empty() {
            return Err(missing("EVENT"));
        }
        let one = (event, https(text(params, "handler"))?);
        if self.events.contains(&one) {
            let words = "Unable to set event handler: Handler already binded";
            return Err(refused(400, "ERROR_CORE", words));
        }
        self.events.push(one);
        Ok(json!(true))
    }

    /// What the portal's own check says of a robot.
    fn check_robot(robot: &Value) -> Result<(), HttpReply> {
        https(robot["HANDLER"].as_str().unwrap_or(""))?;
        let wrong = |words: &str| refused(400, "ERROR_ACTIVITY_VALIDATION_FAILURE", words);
        if number(robot.get("AUTH_USER_ID")) == 0 {
            return Err(wrong("Wrong AUTH_USER_ID"));
        }
        let names =
            robot["PROPERTIES"].as_object().ok_or_else(|| wrong("Wrong properties array!"))?;
        let is_key = |key: &String| key.starts_with(|c: char| c.is_ascii_alphabetic());
        if let Some(key) = names.keys().find(|key| !is_key(key)) {
            return Err(wrong(&format!("Wrong property key {key}!")));
        }
        if names.values().any(|it| it["Name"].is_null() || it["Type"].is_null()) {
            return Err(wrong("Empty property NAME"));
        }
        // As a list, whatever a query's keys were.
        let parts = match &robot["DOCUMENT_TYPE"] {
            Value::Array(list) => list.len(),
            Value::Object(map) => map.len(),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => 0,
        };
        if parts == 3 { Ok(()) } else { Err(wrong("Wrong activity DOCUMENT_TYPE!")) }
    }

    fn add_robot(&mut self, params: &Map<String, Value>) -> Result<Value, HttpReply> {
        let (code, robot) = (text(params, "CODE"), Value::Object(params.clone()));
        if code.is_empty() {
            let words = "Empty activity code!";
            return Err(refused(400, "ERROR_ACTIVITY_VALIDATION_FAILURE", words));
        }
        Registry::check_robot(&robot)?;
        if self.robots.iter().any(|(known, _)| known == code) {
            let words = "Activity or Robot already installed!";
            return Err(refused(400, "ERROR_ACTIVITY_ALREADY_INSTALLED", words));
        }
        self.robots.push((code.to_owned(), robot));
        Ok(json!(true))
    }

    fn update_robot(&mut self, params: &Map<String, Value>) -> Result<Value, HttpReply> {
        let code = text(params, "CODE");
        let robot = params.get("FIELDS").cloned().unwrap_or_default();
        Registry::check_robot(&robot)?;
        let words = "Activity or Robot not found!";
        let known = self.robots.iter_mut().find(|(known, _)| known == code);
        let known = known.ok_or_else(|| refused(400, "ERROR_ACTIVITY_NOT_FOUND", words))?;
        known.1 = robot;
        Ok(json!(true))
    }

    /// An answer is taken once.
    fn answer_robot(&mut self, params: &Map<String, Value>) -> Result<Value, HttpReply> {
        let token = text(params, "event_token");
        let at = self.waiting.iter().position(|known| known == token);
        let at = at.ok_or_else(|| refused(403, "ACCESS_DENIED", "Access denied!"))?;
        self.waiting.remove(at);
        self.answers.push(params.get("return_values").cloned().unwrap_or_default());
        Ok(json!(true))
    }

    fn add_trigger(&mut self, params: &Map<String, Value>) -> Result<Value, HttpReply> {
        let (code, name) = (text(params, "CODE"), text(params, "NAME"));
        let is_code = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "._-".contains(c);
        if code.is_empty() || !code.chars().all(is_code) || name.is_empty() {
            return Err(refused(400, "", "Wrong trigger code!"));
        }
        // The same code again gives it another name.
        self.triggers.retain(|(known, _)| known != code);
        self.triggers.push((code.to_owned(), name.to_owned()));
        Ok(json!(true))
    }

    fn add_field(&mut self, params: &Map<String, Value>) -> Result<Value, HttpReply> {
        let name = params.get("fields").and_then(|fields| fields["FIELD_NAME"].as_str());
        let name = name.filter(|name| name.len() <= 50).ok_or_else(|| missing("FIELD_NAME"))?;
        if self.fields.iter().any(|known| known == name) {
            let words = format!("Поле UF_CRM_{name} для объекта CRM_DEAL уже существует.");
            return Err(refused(400, "", &words));
        }
        self.fields.push(name.to_owned());
        Ok(json!(100 + self.fields.len()))
    }

    fn add_handler(&mut self, params: &Map<String, Value>) -> Result<Value, HttpReply> {
        let code = text(params, "CODE");
        let mut handler = Value::Object(params.clone());
        https(handler["SETTINGS"]["CHECKOUT_DATA"]["ACTION_URI"].as_str().unwrap_or(""))?;
        if self.handlers.iter().any(|known| known["CODE"] == code) {
            return Err(refused(400, "ERROR_HANDLER_ALREADY_EXIST", "Handler already exists!"));
        }
        let id = self.handlers.len() + 1;
        handler["ID"] = json!(id.to_string());
        self.handlers.push(handler);
        Ok(json!(id))
    }

    fn update_handler(&mut self, params: &Map<String, Value>) -> Result<Value, HttpReply> {
        let id = number(params.get("ID"));
        let fields = params.get("FIELDS").unwrap_or(&Value::Null);
        https(fields["SETTINGS"]["CHECKOUT_DATA"]["ACTION_URI"].as_str().unwrap_or(""))?;
        let known = self.handlers.iter_mut().find(|known| number(known.get("ID")) == id);
        let known = known.ok_or_else(|| refused(400, "ERROR_HANDLER_NOT_FOUND", "Not found"))?;
        for (name, value) in params.get("FIELDS").and_then(Value::as_object).into_iter().flatten() {
            known[name] = value.clone();
        }
        Ok(json!(true))
    }
}
