//! The OAuth way of `kopeck init`: for an application that acts for other companies.

use std::{collections::BTreeMap, time::Duration};

use axum::{Router, extract::Query, response::Html, routing::get};
use kopeck_banks::{
    Credentials,
    http::parse_query,
    op::{Answer, AuthOp, BankOp, Tokens},
    tochka::{authorize_url, settings},
};
use tokio::{net::TcpListener, sync::mpsc};

use super::InitArgs;
use crate::cli::{
    address::loopback_address,
    connect::{strange, try_op},
    context::World,
    fail::Fail,
    init::steps::Steps,
    print::{HINT, err_line, paint},
};

/// What the application asks for at the bank's OAuth server.
const SCOPE: &str = "accounts balances customers statements sbp payments acquiring";
/// What payments, refunds, registers and notices need, and nothing more.
const PERMISSIONS: [&str; 8] = [
    "ReadAccountsBasic",
    "ReadAccountsDetail",
    "ReadCustomerData",
    "ReadAcquiringData",
    "MakeAcquiringOperation",
    "ReadSBPData",
    "EditSBPData",
    "ManageWebhookData",
];
/// A code lives five minutes; the person needs some of them to sign in.
const CODE_WAIT: Duration = Duration::from_secs(10 * 60);

/// Through the consent page to tokens. The bank's page is opened by the person.
pub async fn connect(
    world: &World,
    steps: &mut Steps,
    args: &InitArgs,
    credentials: &Credentials,
) -> Result<Tokens, Fail> {
    let redirect_uri = credentials.get(settings::REDIRECT_URI).to_owned();
    if redirect_uri.is_empty() {
        let hint = "--redirect-uri https://… as registered with the application; with \
                    http://127.0.0.1:PORT/ the code comes back by itself";
        let message = "The application's redirect address is not set";
        return Err(Fail::new("redirect_uri_missing", message, hint).param("redirect_uri"));
    }
    let code = match &args.code {
        Some(code) => code.clone(),
        None => consent(world, steps, credentials, (&redirect_uri, args.may_ask())).await?,
    };
    let op = AuthOp::ExchangeCode { code, redirect_uri, scope: SCOPE.to_owned() };
    let tokens = tokens(world, credentials, op).await;
    let tokens = steps.check("The bank gives no tokens for the code", tokens)?;
    let days = if tokens.refresh_token.is_some() { "renewed by itself" } else { "for 24 hours" };
    steps.good(&format!("Access granted, {days}"))?;
    Ok(tokens)
}

async fn tokens(world: &World, credentials: &Credentials, op: AuthOp) -> Result<Tokens, Fail> {
    let answer = try_op(&world.ctx, credentials, &BankOp::Auth(op)).await?;
    let Answer::Tokens(tokens) = answer else { return Err(strange(answer)) };
    Ok(tokens)
}

/// Makes a consent, sends the person to the bank's page and waits for the code.
async fn consent(
    world: &World,
    steps: &mut Steps,
    credentials: &Credentials,
    (redirect_uri, may_ask): (&str, bool),
) -> Result<String, Fail> {
    let own = tokens(world, credentials, AuthOp::ClientToken { scope: SCOPE.to_owned() }).await;
    let own = steps.check("The bank refuses client_id and client_secret", own)?;
    steps.good("The application is known to the bank")?;
    let op = BankOp::Auth(AuthOp::CreateConsent {
        client_token: own.access_token,
        permissions: PERMISSIONS.map(str::to_owned).to_vec(),
        expires: None,
    });
    let answer = try_op(&world.ctx, credentials, &op).await?;
    let Answer::Consents(consents) = answer else { return Err(strange(answer)) };
    let Some(consent) = consents.first() else {
        return Err(Fail::new("consent_missing", "The bank made no consent", "Try again"));
    };
    // Comes back with the code, so that nobody slips us a code of theirs.
    let state = world.ctx.mint.code(32);
    let url = authorize_url(credentials, SCOPE, &state, &consent.consent_id);
    let listener = match loopback_address(redirect_uri) {
        Some(address) => TcpListener::bind(address).await.ok(),
        None => None,
    };
    // On standard error: with --json, too, a person must see it.
    err_line(&format!("Open this page, sign in and agree:\n\n  {}\n", paint(HINT, &url)));
    if let Some(listener) = listener {
        return wait_for_code(listener, redirect_uri, &state).await;
    }
    if !may_ask {
        let hint = "Open it, then run the same command again with --code CODE, the code of the \
                    address that the browser ends at; it lives 5 minutes";
        return Err(Fail::new("consent_pending", format!("Consent is needed: {url}"), hint));
    }
    let question = inquire::Text::new("The address that the browser ended at (or the code):");
    let pasted = question.prompt().map_err(super::not_asked)?;
    read_code(pasted.trim(), &state)
}

/// The code of a pasted address, or the pasted code itself.
fn read_code(pasted: &str, state: &str) -> Result<String, Fail> {
    let Some((_, query)) = pasted.split_once('?') else { return Ok(pasted.to_owned()) };
    check_return(&parse_query(query).into_iter().collect(), state)
}

fn check_return(fields: &BTreeMap<String, String>, state: &str) -> Result<String, Fail> {
    if let Some(error) = fields.get("error") {
        let message = format!("The bank's page ended with the error {error}");
        return Err(Fail::new("consent_refused", message, "Run the command again and agree"));
    }
    if fields.get("state").is_none_or(|got| got != state) {
        let message = "The address does not belong to this attempt (its state differs)";
        return Err(Fail::new("consent_foreign", message, "Run the command again"));
    }
    fields.get("code").cloned().ok_or_else(|| {
        Fail::new("code_missing", "The address holds no code", "Run the command again")
    })
}

/// Listens at the redirect address until the browser brings the code.
async fn wait_for_code(
    listener: TcpListener,
    redirect_uri: &str,
    state: &str,
) -> Result<String, Fail> {
    let (sender, mut receiver) = mpsc::channel(4);
    let path = redirect_uri.splitn(4, '/').nth(3).unwrap_or("");
    let path = format!("/{}", path.split('?').next().unwrap_or(""));
    let state = state.to_owned();
    let take = move |Query(fields): Query<BTreeMap<String, String>>| {
        let result = check_return(&fields, &state);
        let page = match &result {
            Ok(_) => "<h1>Готово</h1><p>Kopeck is connected; you may close this page.</p>",
            Err(_) => "<h1>Не вышло</h1><p>See the terminal.</p>",
        };
        let sender = sender.clone();
        async move {
            // Nobody waits any more when the code came twice.
            let _ = sender.send(result).await;
            Html(page)
        }
    };
    let app = Router::new().route(&path, get(take));
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let server = axum::serve(listener, app).with_graceful_shutdown(async {
        // Dropped or told: over either way.
        let _ = stopped.await;
    });
    let server = tokio::spawn(server.into_future());
    let came = tokio::time::timeout(CODE_WAIT, receiver.recv()).await;
    let _ = stop.send(());
    // The page that says "done" goes out before the server ends.
    let _ = tokio::time::timeout(Duration::from_secs(2), server).await;
    match came {
        Ok(Some(result)) => result,
        Ok(None) | Err(_) => {
            let message = "Nobody came back from the bank's page in time";
            Err(Fail::new("consent_pending", message, "Run the command again"))
        }
    }
}
