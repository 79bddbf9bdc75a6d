//! `kopeck webhook`, `deliveries`, `events` and `listen`, as a developer uses them.

use std::{
    fs,
    process::Stdio,
    time::{Duration, Instant},
};

use serde_json::{Value, json};

use super::bank::{Kid, Shop, wait_for_port};
use crate::webhooks::receiver::{Behave, Receiver};

/// A shop with one open payment, so with two events.
fn shop() -> Shop {
    let shop = Shop::new();
    shop.json(&["link", "create", "--amount", "500", "--purpose", "Чай"]);
    shop
}

fn word<'a>(value: &'a Value, name: &str) -> &'a str {
    value[name].as_str().unwrap_or_else(|| panic!("{name}: {value}"))
}

#[test]
fn a_webhook_is_made_tried_told_and_removed() {
    let (shop, receiver) = (shop(), Receiver::start());
    let url = receiver.url();
    let header = "X-Key: hush";
    let args = ["webhook", "add", &url, "--events", "payment.*", "--header", header, "--ordered"];
    let made = shop.json(&args);
    let (id, secret) = (word(&made, "id"), word(&made, "secret"));
    assert!(!made.to_string().contains("hush"));
    assert_eq!(shop.json(&["webhook", "test", id])["ok"], true);
    assert!(receiver.seen()[0].is_signed_with(secret));
    assert_eq!(receiver.seen()[0].header("x-key"), "hush");
    receiver.then([Behave::status(500)]);
    shop.fails(&["webhook", "test", id], "webhook_refused");

    // No server runs, so the command sends by itself.
    let replays = shop.json(&["events", "replay", "--from", "1"]);
    assert_eq!(replays["replays"][0]["deliveries"], 2);
    assert_eq!(receiver.kinds()[2..], ["payment.created", "payment.opened"]);
    let list = shop.json(&["deliveries", "list", "--webhook", id, "--status", "delivered"]);
    assert_eq!(list["deliveries"].as_array().unwrap().len(), 2);
    let delivery = word(&list["deliveries"][0], "id");
    let again = shop.json(&["deliveries", "retry", delivery]);
    assert_eq!((&again["status"], &again["attempts"]), (&json!("delivered"), &json!(2)));
    let event = shop.json(&["events", "list", "--type", "payment.created"])["events"][0].clone();
    shop.json(&["events", "replay", word(&event, "id"), "--webhook", id]);
    assert_eq!(receiver.seen().last().unwrap().id(), word(&event, "id"));
    let story = shop.json(&["payment", "timeline", word(&event, "payment_id")]);
    let told = story["timeline"].as_array().unwrap().iter().filter(|it| it["kind"] == "webhook");
    assert_eq!(told.count(), 4, "{story}");

    let rotated = shop.json(&["webhook", "rotate", id, "--overlap", "0"]);
    assert_eq!(shop.json(&["webhook", "test", id])["ok"], true);
    let last = receiver.seen().pop().unwrap();
    assert!(last.is_signed_with(word(&rotated, "secret")) && !last.is_signed_with(secret));
    let edit = ["webhook", "edit", id, "--disable", "--events", "refund.*", "--header", ""];
    let edited = shop.json(&edit);
    assert_eq!((&edited["status"], &edited["header_name"]), (&json!("disabled"), &json!(null)));
    shop.fails(&["deliveries", "retry", delivery], "webhook_disabled");
    shop.fails(&["events", "replay", "--from", "1"], "webhook_not_found");
    assert_eq!(shop.json(&["webhook", "list"])["webhooks"].as_array().unwrap().len(), 1);
    shop.json(&["webhook", "remove", id]);
    shop.fails(&["webhook", "show", id], "webhook_not_found");
    shop.fails(&["webhook", "add", "shop.ru"], "webhook_url_invalid");
    shop.fails(&["webhook", "add", "https://10.0.0.1/"], "webhook_url_private");
}

#[test]
fn a_listener_runs_a_command_and_goes_on_where_it_stopped() {
    let shop = shop();
    let (out, flag) = (shop.path("told.txt"), shop.path("mended"));
    // Takes what is signed; the second event only once a file says that it is mended.
    let script = format!(
        "[ -n \"$WEBHOOK_SIGNATURE\" ] || exit 1; \
         [ \"$KOPECK_EVENT_TYPE\" = payment.created ] || [ -e {} ] || exit 3; \
         cat >> {}; echo >> {}",
        flag.display(),
        out.display(),
        out.display()
    );
    let listen = ["listen", "--exec", &script, "--once", "--from-start"];
    let ran = shop.run(&listen);
    assert!(ran.code == 1 && ran.err.contains("payment.opened was not taken"), "{}", ran.err);
    let told = |path| -> Vec<Value> {
        let text = fs::read_to_string(path).unwrap();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    };
    assert_eq!(told(&out).len(), 1);
    fs::write(&flag, "").unwrap();
    let ran = shop.run(&listen);
    assert_eq!(ran.code, 0, "{}", ran.err);
    assert_eq!(shop.run(&listen).code, 0, "nothing new is nothing wrong");
    let told = told(&out);
    let kinds: Vec<&str> = told.iter().map(|event| word(event, "type")).collect();
    assert_eq!(kinds, ["payment.created", "payment.opened"], "each once");
    assert_eq!(word(&told[0]["data"], "object"), "event");
    let other = ["listen", "--exec", "true", "--once", "--name", "a/b"];
    assert_eq!(shop.run(&other).code, 2, "a name is a file's");
}

#[test]
fn a_listener_forwards_from_a_server_as_events_come() {
    let (shop, receiver) = (shop(), Receiver::start());
    let key = word(&shop.json(&["keys", "create", "listener"]), "key").to_owned();
    let serving = shop.command(&["serve"]).stdout(Stdio::null()).stderr(Stdio::null()).spawn();
    let _serving = Kid(serving.unwrap());
    wait_for_port(shop.port);
    let (server, url) = (format!("http://127.0.0.1:{}", shop.port), receiver.url());
    let args = ["listen", "--server", &server, "--forward-to", &url, "--json"];
    let listen = || {
        let mut command = shop.command(&args);
        command.env("KOPECK_API_KEY", &key).stdout(Stdio::piped()).stderr(Stdio::piped());
        Kid(command.spawn().unwrap())
    };
    let file = shop.path("kopeck-data").join("listen/default.json");
    let mut listening = listen();
    let deadline = Instant::now() + Duration::from_secs(30);
    let wait = |what: &dyn Fn() -> bool| {
        while !what() {
            assert!(Instant::now() < deadline, "{:?} {}", receiver.kinds(), file.display());
            std::thread::sleep(Duration::from_millis(50));
        }
    };
    wait(&|| file.exists());
    receiver.then([Behave::status(503)]);
    shop.json(&["link", "create", "--amount", "700", "--purpose", "Кофе"]);
    wait(&|| receiver.count() == 3);
    let seen = receiver.seen();
    assert_eq!(seen[0].id(), seen[1].id(), "offered again after the 503");
    assert_eq!(receiver.kinds()[1..], ["payment.created", "payment.opened"], "only what is new");
    let place: Value = serde_json::from_str(&fs::read_to_string(&file).unwrap()).unwrap();
    assert!(seen.iter().all(|hook| hook.is_signed_with(word(&place, "secret"))));
    // Killed without a word; the next one goes on.
    wait(&|| fs::read_to_string(&file).unwrap().contains(&seen[2].id()));
    listening.0.kill().unwrap();
    shop.json(&["link", "create", "--amount", "800", "--purpose", "Торт"]);
    let _listening = listen();
    wait(&|| receiver.count() == 5);
    let ids: std::collections::BTreeSet<String> =
        receiver.seen().iter().map(|hook| hook.id()).collect();
    assert_eq!(ids.len(), 4);
}
