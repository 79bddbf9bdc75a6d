//! Who may: keys that are wrong, ended or withdrawn, and the OAuth way.

use std::collections::BTreeSet;

use super::bench::{Bench, DAY, check_class};
use crate::{
    emulator::Control,
    http::{HttpRequest, Method},
    op::{Answer, AuthOp, BankOp, Outcome, Refusal, RefusalClass, Tokens},
};

/// All are configuration, each by a code of its own, and each says what to do.
pub fn wrong_keys_differ(bench: &mut Bench<'_>) {
    let keys = &bench.setup.keys;
    let good = bench.credentials.clone();
    let op = BankOp::CreateLink(bench.link("10"));
    let spoil = |bench: &mut Bench<'_>, state: &str| {
        let (token, state) = (good.get(keys.spoiled).to_owned(), state.to_owned());
        bench.control(&Control::Token { token, state }).unwrap();
    };
    bench.credentials.set(keys.secret, "");
    bench.refused_unsent(&op);
    bench.credentials.set(keys.secret, keys.malformed);
    let mut told: Vec<Refusal> = vec![bench.refused_unsent(&op)];
    for (setting, value) in keys.wrong {
        bench.credentials = good.clone();
        bench.credentials.set(setting, *value);
        told.push(bench.refused(&op));
    }
    bench.credentials = good.clone();
    for state in keys.states {
        spoil(bench, state);
        told.push(bench.refused(&op));
    }
    told.iter().for_each(|refusal| check_class(refusal, &[RefusalClass::Credentials]));
    let codes: BTreeSet<&str> = told.iter().map(|refusal| refusal.code).collect();
    assert!(told.len() > 2 && codes.len() == told.len(), "{told:#?}");
    let secrets = bench.setup.bank.settings().iter().filter(|setting| setting.is_secret);
    for secret in secrets.filter_map(|setting| good.find(setting.name)) {
        let text = format!("{told:?}");
        assert!(!text.contains(secret), "a secret is in {text}");
    }
    spoil(bench, "valid");
    bench.done(&op);
}

#[track_caller]
fn tokens(bench: &mut Bench<'_>, op: AuthOp) -> Tokens {
    let answer = bench.done(&BankOp::Auth(op));
    let Answer::Tokens(tokens) = answer else { panic!("{answer:?}") };
    assert!(tokens.expires_in_s > 0);
    tokens
}

fn use_tokens(bench: &mut Bench<'_>, tokens: Tokens) {
    bench.credentials.set(bench.setup.keys.secret, tokens.access_token);
    bench.credentials.set("refresh_token", tokens.refresh_token.expect("a refresh token"));
}

/// Through the whole dance, until the bench acts with a user's token. The answer is the consent.
#[track_caller]
fn connect(bench: &mut Bench<'_>) -> String {
    let oauth = bench.setup.oauth.as_ref().expect("checked by the list");
    bench.credentials.set(bench.setup.keys.secret, "");
    let own = tokens(bench, AuthOp::ClientToken { scope: oauth.scope.to_owned() });
    let permissions = oauth.permissions.iter().map(|word| (*word).to_owned()).collect();
    let answer = bench.done(&BankOp::Auth(AuthOp::CreateConsent {
        client_token: own.access_token,
        permissions,
        expires: Some(bench.now + DAY * 365),
    }));
    let Answer::Consents(consents) = answer else { panic!("{answer:?}") };
    let consent_id = consents[0].consent_id.clone();
    let form = (oauth.allow)(&bench.credentials, &consent_id, "state-1");
    let reply = bench.carry(&form).expect("the bank answers the browser");
    let location = reply.find_header("location").expect("a way back").to_owned();
    assert!(location.starts_with(oauth.redirect_uri), "{location}");
    let query = HttpRequest::new(Method::Get, location).query();
    let find = |name: &str| {
        let pair = query.iter().find(|(key, _)| key == name);
        pair.map(|(_, value)| value.clone()).unwrap_or_default()
    };
    assert_eq!(find("state"), "state-1");
    let exchange = AuthOp::ExchangeCode {
        code: find("code"),
        redirect_uri: oauth.redirect_uri.to_owned(),
        scope: oauth.scope.to_owned(),
    };
    let user = tokens(bench, exchange.clone());
    let again = bench.refused(&BankOp::Auth(exchange));
    check_class(&again, &[RefusalClass::Credentials]);
    use_tokens(bench, user);
    consent_id
}

pub fn oauth(bench: &mut Bench<'_>) {
    let consent_id = connect(bench);
    bench.paid("10");
    let answer = bench.done(&BankOp::Auth(AuthOp::Introspect));
    let Answer::Introspection { customer_code, .. } = answer else { panic!("{answer:?}") };
    assert_eq!(customer_code, bench.credentials.get("customer_code"));
    let answer = bench.done(&BankOp::Auth(AuthOp::ListConsents));
    let Answer::Consents(consents) = answer else { panic!("{answer:?}") };
    let ours = consents.iter().find(|consent| consent.consent_id == consent_id);
    assert!(ours.is_some(), "{consents:?}");
}

pub fn refresh_once(bench: &mut Bench<'_>) {
    connect(bench);
    let old = bench.credentials.clone();
    let fresh = tokens(bench, AuthOp::Refresh);
    assert_ne!(fresh.refresh_token.as_deref(), old.find("refresh_token"), "it is replaced");
    use_tokens(bench, fresh);
    let new = std::mem::replace(&mut bench.credentials, old);
    let refusal = bench.refused(&BankOp::Auth(AuthOp::Refresh));
    check_class(&refusal, &[RefusalClass::Credentials]);
    bench.credentials = new;
    let fresh = tokens(bench, AuthOp::Refresh);
    use_tokens(bench, fresh);
    bench.paid("10");
}

pub fn token_ends(bench: &mut Bench<'_>) {
    connect(bench);
    let fresh = tokens(bench, AuthOp::Refresh);
    let life = jiff::SignedDuration::from_secs(i64::try_from(fresh.expires_in_s).unwrap());
    use_tokens(bench, fresh);
    bench.now += life;
    let op = BankOp::CreateLink(bench.link("10"));
    let refusal = bench.refused(&op);
    check_class(&refusal, &[RefusalClass::Credentials]);
    let fresh = tokens(bench, AuthOp::Refresh);
    use_tokens(bench, fresh);
    let outcome = bench.ask(&op);
    assert!(matches!(outcome, Outcome::Done(Answer::Link { .. })), "{outcome:?}");
}
