//! Signatures against published vectors, and what answers mean.

use super::{
    drive::retry_after_ms,
    model::{Health, Kinds, Reason},
    sign::{Keyring, SigningKey},
    state::{Fate, Heard, PATIENCE_MS, settle},
};
use crate::kit::clock::{DAY_MS, HOUR_MS, MINUTE_MS};

const NOW: i64 = 1_795_262_400_000;

fn refused(status: u16) -> Heard {
    Heard::Refused { status, retry_after_ms: None }
}

#[test]
fn signatures_are_those_of_the_specification() {
    let key = SigningKey::parse("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").unwrap();
    let (id, at) = ("msg_p5jXN8AQM9LWM0D4loKWxJek", 1_614_265_330);
    let body = br#"{"test": 2432232314}"#;
    let wanted = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";
    assert_eq!(key.sign(id, at, body), wanted);
    assert!(key.verify(id, at, body, wanted));
    assert!(key.verify(id, at, body, &format!("v1,AAAA {wanted} v1a,zzz")));
    assert!(!key.verify(id, at + 1, body, wanted) && !key.verify("msg_other", at, body, wanted));
    assert!(!key.verify(id, at, br#"{"test": 2432232315}"#, wanted));

    let key = SigningKey::parse("whsec_bjhuRnJpZW5kbHlTZWNyZXQwMTIzNDU2Nzg5YWJjZGU=").unwrap();
    assert_eq!(key.key_text().reveal(), "n8nFriendlySecret0123456789abcde");
    let body = br#"{"type":"payment.succeeded","timestamp":"2026-01-01T00:00:00Z","data":{"id":"pay_1","amount":123450,"currency":"RUB"}}"#;
    let wanted = "v1,v870i7x19d3pk5C2fU2AB/Bl76IhDgKUSq5c7nGoABc=";
    assert_eq!(key.sign("msg_01JTEST", 1_767_225_600, body), wanted);
}

#[test]
fn a_secret_is_24_to_64_bytes_and_never_prints() {
    for text in ["", "whsec_", "whsec_AAAA", "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_%%%"] {
        assert!(SigningKey::parse(text).is_none(), "{text}");
    }
    let clock = crate::kit::clock::ManualClock::new(NOW);
    let key = SigningKey::generate(&crate::ids::Mint::seeded(clock, 1));
    assert!(!format!("{key:?} {}", key.to_text()).contains("whsec_"));
    let text = key.key_text().into_revealed();
    assert!(text.len() == 32 && text.bytes().all(|byte| byte.is_ascii_graphic()), "{text}");
    assert_eq!(SigningKey::parse(key.to_text().reveal()), Some(key));
}

#[test]
fn in_an_overlap_both_secrets_sign_and_afterwards_the_new_one() {
    let clock = crate::kit::clock::ManualClock::new(NOW);
    let mint = crate::ids::Mint::seeded(clock, 1);
    let (old, new) = (SigningKey::generate(&mint), SigningKey::generate(&mint));
    let mut keyring = Keyring::new(old.clone(), None);
    keyring.rotate(new.clone(), NOW, NOW + DAY_MS);
    let header = |now_ms| keyring.signature(now_ms, "ev_1", 1, b"{}");
    let both = format!("{} {}", new.sign("ev_1", 1, b"{}"), old.sign("ev_1", 1, b"{}"));
    assert_eq!(header(NOW + DAY_MS - 1), both);
    assert_eq!(header(NOW + DAY_MS), new.sign("ev_1", 1, b"{}"));
    assert_eq!(keyring.overlap_until_ms(NOW), Some(NOW + DAY_MS));
    let kept = Keyring::parse(keyring.to_bytes().unwrap().reveal()).unwrap();
    assert_eq!(kept.signature(NOW, "ev_1", 1, b"{}"), both);
    // A leaked secret is cut off at once, also one that an earlier overlap would have kept.
    let third = SigningKey::generate(&mint);
    keyring.rotate(third.clone(), NOW, NOW);
    assert_eq!(keyring.signature(NOW, "ev_1", 1, b"{}"), third.sign("ev_1", 1, b"{}"));
}

#[test]
fn a_webhook_gets_the_events_it_names() {
    let kinds = |words: &[&str]| Kinds(words.iter().map(|word| (*word).to_owned()).collect());
    assert!(kinds(&["*"]).want("refund.failed"));
    assert!(kinds(&["payment.*"]).want("payment.paid"));
    assert!(!kinds(&["payment.*"]).want("refund.created"));
    assert!(!kinds(&["payment.paid"]).want("payment.expired"));
    assert_eq!(kinds(&["payment.paid", "refund.*", "*"]).find_unknown(), None);
    for word in ["payment.payed", "pay*", "payments.*", "", "payment", ".*"] {
        assert_eq!(kinds(&["*", word]).find_unknown(), Some(word));
    }
}

#[test]
fn a_delivery_is_tried_for_seven_days_with_growing_waits() {
    let (mut now, mut tries, mut health) = (NOW, 1, Health::default());
    let mut waits = Vec::new();
    // Between the attempts something else is taken, so that only this delivery fails.
    let last = loop {
        let settled = settle(health, (tries, NOW), &refused(500), now, 20);
        match settled.fate {
            Fate::Again { due_ms } => {
                assert!(due_ms > now && settled.disable.is_none());
                waits.push(due_ms - now);
                (now, tries) = (due_ms, tries + 1);
            }
            Fate::Failed => break now,
            Fate::Delivered => unreachable!("nothing was taken"),
        }
        health = Health::default();
    };
    assert_eq!(last, NOW + PATIENCE_MS);
    assert!((20..40).contains(&tries), "{tries} attempts");
    assert_eq!(waits[0], 5_000);
    let (end, rest) = waits.split_last().unwrap();
    assert!(rest.is_sorted() && *end <= 12 * HOUR_MS, "{waits:?}");
}

#[test]
fn waits_are_spread() {
    let wait = |chance| match settle(Health::default(), (4, NOW), &Heard::Silence, NOW, chance).fate
    {
        Fate::Again { due_ms } => due_ms - NOW,
        Fate::Delivered | Fate::Failed => 0,
    };
    let all: Vec<i64> = (0..1_000).map(wait).collect();
    assert_eq!(all.iter().min(), Some(&(4 * MINUTE_MS)));
    assert_eq!(all.iter().max(), Some(&(6 * MINUTE_MS)));
}

#[test]
fn retry_after_is_honoured_within_bounds() {
    let after = |status, ms| {
        let heard = Heard::Refused { status, retry_after_ms: Some(ms) };
        settle(Health::default(), (1, NOW), &heard, NOW, 20)
    };
    let asked = after(429, 10 * MINUTE_MS);
    assert_eq!(asked.fate, Fate::Again { due_ms: NOW + 10 * MINUTE_MS });
    assert_eq!(asked.health.rest_until_ms, NOW + 10 * MINUTE_MS);
    // Too long, too short, and one that speaks of this event only.
    let long = after(503, 30 * DAY_MS);
    assert_eq!(long.fate, Fate::Again { due_ms: NOW + DAY_MS });
    assert_eq!(long.health.rest_until_ms, NOW + HOUR_MS);
    assert_eq!(after(429, 1).fate, Fate::Again { due_ms: NOW + 5_000 });
    assert_eq!(after(500, MINUTE_MS).health.rest_until_ms, 0);
    assert_eq!(retry_after_ms("120", NOW), Some(120_000));
    assert_eq!(retry_after_ms("Sat, 21 Nov 2026 12:02:00 GMT", NOW), Some(120_000));
    assert_eq!(retry_after_ms("Sat, 21 Nov 2020 12:02:00 GMT", NOW), Some(0));
    for text in ["", "-1", "soon", "99999999999999999999"] {
        assert_eq!(retry_after_ms(text, NOW), None, "{text}");
    }
}

#[test]
fn a_webhook_that_is_down_rests_and_is_back_with_one_success() {
    let mut health = Health::default();
    for streak in 1..=4 {
        health = settle(health, (1, NOW), &Heard::Silence, NOW, 20).health;
        assert_eq!((health.streak, health.rest_until_ms), (streak, 0));
    }
    let mut rests = Vec::new();
    for _ in 0..12 {
        health = settle(health, (1, NOW), &refused(502), NOW, 20).health;
        assert!(health.is_down());
        rests.push(health.rest_until_ms - NOW);
        health.rest_until_ms = 0;
    }
    assert_eq!((rests[0], rests[11]), (5_000, 15 * MINUTE_MS));
    assert!(rests.is_sorted());
    // A refusal with a reason comes from somebody who is there.
    let there = settle(health, (1, NOW), &refused(404), NOW, 20);
    assert!(there.is_back && there.health.streak == 0 && there.health.failing_since_ms.is_some());
    let back = settle(health, (1, NOW), &Heard::Taken, NOW, 20);
    assert!(back.is_back && back.health == Health::default() && back.fate == Fate::Delivered);
}

#[test]
fn a_webhook_is_disabled_when_it_is_gone_or_took_nothing_for_a_week() {
    let gone = settle(Health::default(), (1, NOW), &refused(410), NOW, 0);
    assert_eq!(gone.disable, Some(Reason::Gone));
    assert!(matches!(gone.fate, Fate::Again { .. }), "enabled again, it is sent");
    let since = |ms| Health { streak: 9, failing_since_ms: Some(NOW - ms), rest_until_ms: 0 };
    let at = |health| settle(health, (3, NOW), &Heard::Silence, NOW, 0).disable;
    assert_eq!(at(since(PATIENCE_MS - 1)), None);
    assert_eq!(at(since(PATIENCE_MS)), Some(Reason::Failing));
}
