//! E-mail: letters that mail programs can show, and what each refusal of a server ends.

use proptest::prelude::*;

use super::{
    Email, EmailStandIn,
    wire::{Step, Submission, Tls},
};
use crate::{
    contract::{self, LINK, PNG, Setup, message, payment},
    integration::{Integration as _, Progress, Reading, Settings},
    message::{Audience, Kind, Message, Payment},
    problem::Scope,
    stand_in::StandIn as _,
};

const TO: &str = "anna@example.com";

const SETUP: Setup = Setup {
    integration: &Email,
    stand_in: || Box::new(EmailStandIn::default()),
    audience: Audience::Payer,
    address: TO,
    refused: &[("nobody@example.com", "email_address_unknown")],
    no_address: &[
        "",
        "anna",
        "anna@",
        "@example.com",
        "anna@localhost",
        "анна@example.com",
        "a b@example.com",
        "anna@example.com, ivan@example.com",
        "anna@example.com\r\nBcc: all@example.com",
    ],
    wrong: &[
        ("host", "", "email_host_missing"),
        ("host", "https://smtp.example.ru", "email_settings_invalid"),
        ("port", "587x", "email_settings_invalid"),
        ("tls", "ssl", "email_settings_invalid"),
        ("tls", "none", "email_password_in_clear"),
        ("user", "", "email_login_incomplete"),
        ("password", "wrong", "email_password_refused"),
    ],
    shows_links: true,
    flood: 301,
};

#[test]
fn email_keeps_the_contract() {
    contract::run(&SETUP);
}

#[test]
fn the_shop_hears_by_email_too() {
    contract::run(&Setup { audience: Audience::Shop, ..SETUP });
}

fn settings() -> Settings {
    EmailStandIn::default().settings("smtp://smtp.example.ru:587")
}

fn submitted(message: &Message) -> Submission {
    let request = Email.request(&settings(), message, &Progress::start()).unwrap();
    Submission::parse(&request).unwrap()
}

fn text(message: &Message) -> String {
    String::from_utf8(submitted(message).letter.unwrap().bytes).unwrap()
}

#[test]
fn a_sender_that_is_none_ends_everything() {
    for (name, value) in [("from", ""), ("from", "shop"), ("reply_to", "x@")] {
        let mut settings = settings();
        settings.set(name, value);
        let message = message(Kind::Link, Audience::Payer, TO);
        let request = Email.request(&settings, &message, &Progress::start());
        if value.is_empty() && name == "reply_to" {
            continue;
        }
        let broken = request.unwrap_err();
        assert_eq!((broken.code(), broken.scope()), ("email_from_invalid", Scope::Account));
    }
}

#[test]
fn an_address_keeps_its_user_and_loses_its_capitals_behind_the_at() {
    assert_eq!(Email.address(" Anna.K+pay@Example.COM ").unwrap(), "Anna.K+pay@example.com");
}

#[test]
fn a_submission_is_read_as_it_is_written() {
    for to in [None, Some(TO.to_owned())] {
        let message = Message { to, ..message(Kind::Test, Audience::Shop, TO) };
        let mut settings = settings();
        settings.set("tls", "tls");
        settings.set("port", "");
        let request = Email.request(&settings, &message, &Progress::start()).unwrap();
        let submission = Submission::parse(&request).unwrap();
        assert_eq!((submission.port, submission.tls), (465, Tls::Implicit));
        assert_eq!(submission.hello, "example.ru");
        assert!(submission.to_request() == request);
    }
}

#[test]
fn a_letter_has_one_sender_one_date_and_no_second_recipient() {
    let evil = Message {
        shop: "Shop\r\nBcc: all@example.com".to_owned(),
        payment: Some(Payment {
            order: Some("1\r\nBcc: all@example.com\r\n\r\nbody".to_owned()),
            ..payment()
        }),
        ..message(Kind::Link, Audience::Payer, TO)
    };
    let text = text(&evil);
    let (head, _) = text.split_once("\r\n\r\n").unwrap();
    assert!(!head.lines().any(|line| line.to_lowercase().starts_with("bcc:")), "{head}");
    assert_eq!(head.matches("\r\nTo: ").count(), 1, "{head}");
    assert!(head.contains("Date: Sat, 21 Nov 2026 10:00:00 +0000"), "{head}");
    let id = format!("Message-ID: <{}@example.ru>", evil.id);
    assert!(head.contains(&id) && head.contains("Auto-Submitted: auto-generated"), "{head}");
}

#[test]
fn only_what_nobody_asked_for_can_be_unsubscribed_from() {
    let url = "https://pay.example.ru/unsubscribe/abc/def";
    let mut message = message(Kind::Renewal, Audience::Payer, TO);
    assert!(!text(&message).contains("List-Unsubscribe"));
    message.unsubscribe_url = Some(url.to_owned());
    let text = text(&message);
    assert!(text.contains(&format!("List-Unsubscribe: <{url}>\r\n")), "{text}");
    assert!(text.contains("List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n"), "{text}");
}

#[test]
fn the_code_is_a_picture_within_the_letter() {
    let payment = Payment { qr_png: Some(PNG.to_vec()), ..payment() };
    let message = Message { payment: Some(payment), ..message(Kind::Link, Audience::Payer, TO) };
    let text = text(&message);
    assert!(text.contains("multipart/related") && text.contains("Content-ID: <qr>"), "{text}");
    let paid = Message { kind: Kind::Paid, ..message };
    assert!(!self::text(&paid).contains("image/png"), "a paid one has nothing to scan");
}

#[test]
fn a_link_is_needed_to_ask_for_money() {
    let without = Message {
        payment: Some(Payment { pay_url: None, ..payment() }),
        ..message(Kind::Link, Audience::Payer, TO)
    };
    let broken = Email.request(&settings(), &without, &Progress::start()).unwrap_err();
    assert_eq!(broken.code(), "email_no_link");
    assert!(!LINK.is_empty());
}

/// As big services say it.
#[test]
fn every_refusal_ends_what_it_is_about() {
    use Step::{Auth, Data, End, Mail, Ready, Recipient, Starttls, Tls};
    let cases: &[(u16, Step, &str, &str, Scope)] = &[
        (535, Auth, "5.7.8 Error: authentication failed", "email_password_refused", Scope::Account),
        (
            534,
            Auth,
            "5.7.9 Application-specific password",
            "email_password_refused",
            Scope::Account,
        ),
        (502, Starttls, "not offered", "email_no_tls", Scope::Account),
        (495, Tls, "UnknownIssuer", "email_certificate", Scope::Account),
        (530, Mail, "5.7.0 Authentication Required", "email_login_needed", Scope::Account),
        (553, Mail, "5.7.1 Sender address rejected", "email_sender_refused", Scope::Account),
        (550, Recipient, "5.1.1 No such user", "email_address_unknown", Scope::Address),
        (550, Recipient, "non-local recipient", "email_address_unknown", Scope::Address),
        (554, Recipient, "5.7.1 Relay access denied", "email_relay_denied", Scope::Account),
        (550, Recipient, "5.7.1 Policy rejection", "email_refused", Scope::Message),
        (552, Recipient, "5.2.2 Mailbox full", "email_mailbox_full", Scope::Message),
        (550, Recipient, "user is over quota", "email_mailbox_full", Scope::Message),
        (554, End, "5.7.1 Message rejected: spam", "email_content_refused", Scope::Message),
        (552, End, "5.3.4 Message too big", "email_content_refused", Scope::Message),
        (550, End, "5.1.1 User unknown", "email_address_unknown", Scope::Address),
        (554, Data, "no valid recipients", "email_content_refused", Scope::Message),
        (554, Ready, "No SMTP service here", "email_refused", Scope::Message),
    ];
    let message = message(Kind::Paid, Audience::Payer, TO);
    for (code, step, words, expect, scope) in cases {
        let reply = step.reply(*code, words);
        let reading = Email.read(&settings(), &message, &Progress::start(), &reply);
        let Reading::Broken(broken) = reading else { panic!("{code} {step}: {reading:?}") };
        assert_eq!((broken.code(), broken.scope()), (*expect, *scope), "{code} {step} {words}");
    }
    for (code, step) in [(421, Ready), (450, Recipient), (451, End), (454, Auth), (432, Mail)] {
        let reading =
            Email.read(&settings(), &message, &Progress::start(), &step.reply(code, "later"));
        assert!(matches!(reading, Reading::Retry { .. }), "{code} {step}: {reading:?}");
    }
    let accepted = Data.reply(354, "go ahead");
    let reading = Email.read(&settings(), &message, &Progress::start(), &accepted);
    assert!(matches!(reading, Reading::Unclear { .. }), "{reading:?}");
}

proptest! {
    #[test]
    fn any_words_make_a_letter_that_a_server_takes(
        shop in ".{0,80}", purpose in ".{0,400}", order in "\\PC{0,60}"
    ) {
        let payment = Payment { purpose, order: Some(order), ..payment() };
        let message = Message {
            shop, payment: Some(payment), ..message(Kind::Link, Audience::Payer, TO)
        };
        let mut server = EmailStandIn::default();
        let settings = server.settings("smtp://smtp.example.ru:587");
        let request = Email.request(&settings, &message, &Progress::start()).unwrap();
        let reply = server.answer(0, &request);
        prop_assert_eq!(reply.status, 250, "{}", reply.text());
        prop_assert_eq!(server.shell().arrived[0].link.as_deref(), Some(LINK));
    }
}
