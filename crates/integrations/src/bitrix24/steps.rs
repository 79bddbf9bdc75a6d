//! One message as requests: read the deal, write what differs, comment, tell its owner if somebody
//! has to look, pull the trigger.
//!
//! ```text
//!   (start) ─► write ─► comment ─► notify ─► trigger ─► done
//!      │         │ refused  ▲
//!      │         └─► fields ┘      the stage is given up, the rest is not
//!      └─► comment                 nothing to write
//! ```
//!
//! Reading and writing may be repeated: the same values again. A comment may not, so after silence
//! the timeline is searched for its last line, which names the delivery.

use kopeck_banks::http::{HttpReply, HttpRequest};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{
    DEAL, LIMITS,
    deal::{Change, Deal, Stays, change},
    problems,
    rest::{self, Called, Refusal},
    settings, setup,
};
use crate::{
    integration::{Duplicate, Progress, Reading, Settings},
    message::{Kind, Lang, Message},
    problem::Broken,
    wording::{Sums, compose, cut},
};

const WRITE: &str = "write";
const FIELDS: &str = "fields";
const COMMENT: &str = "comment";
const LOOK: &str = "look";
const NOTIFY: &str = "notify";
const TRIGGER: &str = "trigger";

/// What of a portal's words stands in a comment.
const MAX_WORDS: usize = 300;

/// What one step leaves to the next.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Note {
    /// What is still to be written.
    #[serde(default, skip_serializing_if = "Value::is_null")]
    fields: Value,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    stage: Option<String>,
    /// Why the deal stays, for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    why: Option<String>,
    /// Whom to tell.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    owner: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    comment: Option<String>,
}

impl Note {
    fn of(progress: &Progress) -> Note {
        serde_json::from_str(&progress.note).unwrap_or_default()
    }

    fn at(&self, step: &str) -> Progress {
        // Plain values always serialise.
        Progress::at(step).with(serde_json::to_string(self).unwrap_or_default())
    }
}

pub(super) fn duplicate(progress: &Progress) -> Duplicate {
    match progress.step.as_str() {
        COMMENT => Duplicate::Findable(Note::of(progress).at(LOOK)),
        TRIGGER => Duplicate::Harmful("the portal's automation runs twice"),
        NOTIFY => Duplicate::Harmless("the same notice to the deal's owner again"),
        WRITE | FIELDS => Duplicate::Harmless("the same values again"),
        _ => Duplicate::Harmless("the deal is read again"),
    }
}

pub(super) fn request(
    settings: &Settings,
    message: &Message,
    deal_id: &str,
    progress: &Progress,
) -> Result<HttpRequest, Broken> {
    let id: i64 = deal_id.parse().map_err(|_| Broken::of(&problems::DEAL_INVALID))?;
    let note = Note::of(progress);
    let update = |fields: Value| {
        rest::call(
            settings,
            "crm.item.update",
            json!({ "entityTypeId": DEAL, "id": id, "fields": fields }),
        )
    };
    match progress.step.as_str() {
        WRITE => {
            let mut fields = note.fields.clone();
            if let (Some(stage), Some(map)) = (&note.stage, fields.as_object_mut()) {
                map.insert("stageId".to_owned(), json!(stage));
            }
            update(fields)
        }
        FIELDS => update(note.fields),
        COMMENT => {
            let fields = json!({ "ENTITY_ID": id, "ENTITY_TYPE": "deal",
                "COMMENT": comment(message, note.why.as_deref()) });
            rest::call(settings, "crm.timeline.comment.add", json!({ "fields": fields }))
        }
        LOOK => {
            let params = json!({ "filter": { "ENTITY_ID": id, "ENTITY_TYPE": "deal" },
                "order": { "ID": "DESC" }, "select": ["ID", "COMMENT"] });
            rest::call(settings, "crm.timeline.comment.list", params)
        }
        NOTIFY => {
            let text = format!(
                "{}\n[URL=/crm/deal/details/{id}/]{}[/URL]",
                comment(message, note.why.as_deref()),
                message.lang.pick("Сделка", "Deal")
            );
            let params = json!({ "USER_ID": note.owner.unwrap_or_default(), "MESSAGE": text });
            rest::call(settings, "im.notify.system.add", params)
        }
        TRIGGER => pull(settings, message, id),
        _ => rest::call(settings, "crm.item.get", json!({ "entityTypeId": DEAL, "id": id })),
    }
}

pub(super) fn read(
    settings: &Settings,
    message: &Message,
    progress: &Progress,
    reply: &HttpReply,
) -> Reading {
    let called = match rest::read(reply) {
        Called::Other(reading) => return after_trouble(settings, message, progress, reading),
        called @ (Called::Result(_) | Called::Refused(_)) => called,
    };
    let note = Note::of(progress);
    match (progress.step.as_str(), called) {
        (WRITE | FIELDS, Called::Result(_)) => Reading::More(note.at(COMMENT)),
        (WRITE, Called::Refused(refusal)) => without_stage(message, note, &refusal),
        (FIELDS, Called::Refused(refusal)) => {
            let why = note.why.clone().unwrap_or_default();
            let why = format!("{why} {}", told(message.lang, &refusal)).trim().to_owned();
            Reading::More(Note { why: Some(why), ..note }.at(COMMENT))
        }
        (COMMENT, Called::Result(id)) => commented(settings, message, note, id.trim_matches('"')),
        (LOOK, Called::Result(list)) => match find_comment(&list, message) {
            Some(id) => commented(settings, message, note, &id),
            None => Reading::More(note.at(COMMENT)),
        },
        (NOTIFY | TRIGGER, Called::Result(_)) => next_of(settings, message, progress, note),
        // The news itself is written: a bell that nobody may ring must not undo it.
        (NOTIFY, Called::Refused(_)) => next_of(settings, message, progress, note),
        (COMMENT | LOOK | TRIGGER, Called::Refused(refusal)) => {
            let words = format!("{} {}", refusal.code, refusal.words);
            Reading::Broken(Broken::of(&problems::REFUSED).because(&words))
        }
        (_, Called::Result(result)) => of_deal(settings, message, &result),
        (_, Called::Refused(refusal)) => no_deal(&refusal),
        (_, Called::Other(reading)) => reading,
    }
}

/// The portal's automation: the merchant's own trigger by its code, or the application's.
fn pull(settings: &Settings, message: &Message, id: i64) -> Result<HttpRequest, Broken> {
    let code = settings.find(settings::PAID_TRIGGER).filter(|_| message.kind == Kind::Paid);
    match (code, app_trigger(settings, message)) {
        (None, Some(code)) => {
            let params = json!({ "CODE": code, "OWNER_TYPE_ID": DEAL, "OWNER_ID": id });
            rest::call(settings, "crm.automation.trigger.execute", params)
        }
        (code, _) => {
            let code = code.unwrap_or_default().trim();
            let params = json!({ "target": format!("DEAL_{id}"), "code": code });
            rest::call(settings, "crm.automation.trigger", params)
        }
    }
}

/// The trigger that the application registered for this news, if it did.
fn app_trigger(settings: &Settings, message: &Message) -> Option<&'static str> {
    let is_on = settings.find(settings::APP_TRIGGERS) == Some("yes") && settings::is_app(settings);
    let left = message.payment.as_ref().and_then(|payment| payment.left);
    let code = match message.kind {
        Kind::Paid => setup::PAID_TRIGGER,
        Kind::Failed | Kind::Expired => setup::FAILED_TRIGGER,
        // A part that went back is no refund of the deal.
        Kind::Refunded if left.is_some_and(|left| !left.is_zero()) => return None,
        Kind::Refunded => setup::REFUNDED_TRIGGER,
        Kind::Test
        | Kind::Link
        | Kind::Reminder
        | Kind::Mismatch
        | Kind::Canceled
        | Kind::Receipt
        | Kind::Renewal
        | Kind::RenewalFailed
        | Kind::Rebind
        | Kind::Welcome => return None,
    };
    is_on.then_some(code)
}

/// The last steps are about people and robots: that the connection may not do them must not undo
/// the news.
fn after_trouble(
    settings: &Settings,
    message: &Message,
    progress: &Progress,
    reading: Reading,
) -> Reading {
    let may_skip = [NOTIFY, TRIGGER].contains(&progress.step.as_str())
        && matches!(&reading, Reading::Broken(broken) if broken.problem == &problems::SCOPE_MISSING
            || broken.problem == &problems::RIGHTS);
    if may_skip { next_of(settings, message, progress, Note::of(progress)) } else { reading }
}

fn of_deal(settings: &Settings, message: &Message, result: &str) -> Reading {
    let Some(deal) = Deal::read(result) else {
        return Reading::unclear("the answer is no deal");
    };
    let Change { fields, stage, stays } = match change(settings, message, &deal) {
        Ok(change) => change,
        Err(broken) => return Reading::Broken(broken),
    };
    let why = stays.map(|stays| stays_text(message.lang, stays));
    let has_changes = !fields.is_empty() || stage.is_some();
    let owner = deal.assigned_by.filter(|_| stays.is_none_or(Stays::is_odd));
    let note = Note { fields: Value::Object(fields), stage, why, owner, comment: None };
    Reading::More(note.at(if has_changes { WRITE } else { COMMENT }))
}

fn stays_text(lang: Lang, stays: Stays) -> String {
    match (stays, lang) {
        (Stays::Final, Lang::Ru) => "Сделка уже закрыта, стадия не изменена.".to_owned(),
        (Stays::Final, Lang::En) => "The deal is closed already; its stage stays.".to_owned(),
        (Stays::OtherSum { sum }, Lang::Ru) => {
            format!("Сумма сделки — {}, стадия не изменена.", sum.to_human())
        }
        (Stays::OtherSum { sum }, Lang::En) => {
            format!("The deal's sum is {}; its stage stays.", sum.to_human())
        }
        (Stays::Part { left }, Lang::Ru) => {
            format!("Возвращена часть, остаётся {}; стадия не изменена.", left.to_human())
        }
        (Stays::Part { left }, Lang::En) => {
            format!("A part went back, {} is left; the stage stays.", left.to_human())
        }
        (Stays::NewerLink, Lang::Ru) => {
            "В сделке есть новая ссылка, стадия не изменена.".to_owned()
        }
        (Stays::NewerLink, Lang::En) => "The deal has a newer link; its stage stays.".to_owned(),
    }
}

/// Mostly a field that the stage asks for is empty.
fn without_stage(message: &Message, note: Note, refusal: &Refusal) -> Reading {
    let why = match (&note.stage, message.lang) {
        (Some(stage), Lang::Ru) => {
            format!("Не удалось перевести на стадию {stage}: {}", told(message.lang, refusal))
        }
        (Some(stage), Lang::En) => {
            format!("The deal could not move to {stage}: {}", told(message.lang, refusal))
        }
        (None, _) => told(message.lang, refusal),
    };
    let has_fields = note.fields.as_object().is_some_and(|fields| !fields.is_empty());
    let goes_on = has_fields && note.stage.is_some();
    let note = Note { stage: None, why: Some(why), ..note };
    Reading::More(note.at(if goes_on { FIELDS } else { COMMENT }))
}

/// The portal's words without its markup.
fn told(lang: Lang, refusal: &Refusal) -> String {
    let words = if refusal.words.is_empty() { &refusal.code } else { &refusal.words };
    let mut plain = String::new();
    let mut is_tag = false;
    for c in words.chars() {
        match c {
            '<' => is_tag = true,
            '>' => is_tag = false,
            c if !is_tag => plain.push(c),
            _ => {}
        }
    }
    let plain = cut(plain.trim(), MAX_WORDS);
    if plain.is_empty() {
        lang.pick("без объяснения", "without a reason").to_owned()
    } else {
        plain
    }
}

fn no_deal(refusal: &Refusal) -> Reading {
    let problem = match refusal.code.as_str() {
        "NOT_FOUND" => &problems::DEAL_UNKNOWN,
        "ACCESS_DENIED" => &problems::DEAL_CLOSED,
        _ => &problems::REFUSED,
    };
    Reading::Broken(Broken::of(problem).because(&refusal.words))
}

/// What follows the comment.
fn commented(settings: &Settings, message: &Message, note: Note, id: &str) -> Reading {
    let note = Note { comment: Some(id.to_owned()), ..note };
    let must_look = note.why.is_some() || message.kind == Kind::Mismatch;
    if must_look && note.owner.is_some() {
        return Reading::More(note.at(NOTIFY));
    }
    next_of(settings, message, &note.at(NOTIFY), note)
}

/// What follows the notice, and the end.
fn next_of(settings: &Settings, message: &Message, progress: &Progress, note: Note) -> Reading {
    let has_own = message.kind == Kind::Paid && settings.find(settings::PAID_TRIGGER).is_some();
    let has_trigger = has_own || app_trigger(settings, message).is_some();
    if progress.step == NOTIFY && note.why.is_none() && has_trigger {
        return Reading::More(note.at(TRIGGER));
    }
    Reading::Delivered { remote_id: note.comment }
}

/// The news, why the deal stays, and the line that finds it again.
fn comment(message: &Message, why: Option<&str>) -> String {
    let mark = mark(message);
    let words = compose(message, Sums::Typographic, LIMITS.is_domestic);
    let room = LIMITS.max_text_chars.saturating_sub(mark.chars().count() + 1 + MAX_WORDS * 2);
    let mut text = escape(&words.with_link(room));
    for line in [why.map(escape), Some(mark)].into_iter().flatten() {
        text.push('\n');
        text.push_str(&line);
    }
    text
}

fn mark(message: &Message) -> String {
    format!("Kopeck · {}", message.id)
}

/// Brackets would begin the portal's markup.
fn escape(text: &str) -> String {
    text.replace('[', "(").replace(']', ")")
}

#[derive(Deserialize)]
struct Listed {
    #[serde(rename = "ID")]
    id: Value,
    #[serde(rename = "COMMENT", default)]
    comment: Option<String>,
}

fn find_comment(list: &str, message: &Message) -> Option<String> {
    let listed: Vec<Listed> = serde_json::from_str(list).ok()?;
    let mark = mark(message);
    let is_ours = |one: &&Listed| one.comment.as_deref().is_some_and(|text| text.contains(&mark));
    let found = listed.iter().find(is_ours)?;
    Some(found.id.to_string().trim_matches('"').to_owned())
}
