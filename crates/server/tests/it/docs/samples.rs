//! What the page of the API shows to be pasted runs, in each of its languages.

use std::process::{Command, Stdio};

use serde_json::Value;

use crate::harness::process::{Folder, Kopeck, free_port, http, until_up};

/// A sample of the page, as a browser would copy it.
fn sample(page: &str, operation: &str, language: &str) -> String {
    let mark = format!("<code id=\"{operation}-{language}\">");
    let rest = page.split(&mark).nth(1).unwrap_or_else(|| panic!("no {mark}"));
    let escaped = rest.split("</code>").next().expect("an end");
    let signs = [("&#60;", "<"), ("&#62;", ">"), ("&#34;", "\""), ("&#39;", "'"), ("&#38;", "&")];
    signs.iter().fold(escaped.to_owned(), |text, (sign, plain)| text.replace(sign, plain))
}

fn run(language: &str, code: &str, key: &str, id: &str) -> Value {
    let (program, args) = match language {
        "curl" => ("bash", vec!["-c".to_owned(), format!("{} -sS --noproxy '*'", code)]),
        "Python" => ("python3", vec!["-c".to_owned(), code.to_owned()]),
        "Node" => {
            ("node", vec!["--input-type=module".to_owned(), "-e".to_owned(), code.to_owned()])
        }
        "PHP" => ("php", vec!["-r".to_owned(), code.replace("<?php", "")]),
        other => panic!("no {other}"),
    };
    let mut command = Command::new(program);
    command.args(args).env("KOPECK_KEY", key).env("ID", id).env("NO_PROXY", "*");
    command.env("no_proxy", "*").stdin(Stdio::null());
    let output = command.output().unwrap_or_else(|e| panic!("this test needs {program}: {e}"));
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let said = String::from_utf8_lossy(&output.stderr);
    serde_json::from_str(&text).unwrap_or_else(|e| panic!("{language}: {e}: {text}{said}\n{code}"))
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_page_of_the_api_shows_runs_in_four_languages() {
    let folder = Folder::new("samples");
    let mut kopeck = Kopeck { folder: folder.0.clone(), env: Vec::new() };
    let (server, bank) = (free_port(), free_port());
    let (server, bank) = (format!("127.0.0.1:{server}"), format!("127.0.0.1:{bank}"));
    let _sandbox = kopeck.start(&["sandbox", "--listen", &bank], "sandbox.log");
    until_up(&http(), &format!("http://{bank}/")).await;
    let at = format!("http://{bank}");
    let env = kopeck.json(&["sandbox", "env", "--at", &at, "--json"]);
    for (name, value) in env.as_object().expect("variables") {
        if name.starts_with("TOCHKA_") {
            kopeck.env.push((name.clone(), value.as_str().unwrap_or("").to_owned()));
        }
    }
    kopeck.env.push(("KOPECK_SERVER_LISTEN".to_owned(), server.clone()));
    let key = kopeck.json(&["keys", "create", "samples", "--json"]);
    let key = key["key"].as_str().expect("a key").to_owned();
    // Which makes the connection of what the environment names.
    kopeck.json(&["retailers", "--json"]);
    kopeck.json(&["link", "create", "--amount", "1", "--purpose", "Первая", "--json"]);
    let _serve = kopeck.start(&["serve", "--listen", &server], "serve.log");
    until_up(&http(), &format!("http://{server}/healthz")).await;
    let page = http().get(format!("http://{server}/docs")).send().await.expect("the page");
    let page = page.text().await.expect("text");
    for language in ["curl", "Python", "Node", "PHP"] {
        // A key belongs to one request byte for byte, and each language writes JSON its own way.
        let own = |operation: &str| {
            let key = format!("order-{language}-{operation}");
            sample(&page, operation, language).replace("order-4711", &key)
        };
        let me = run(language, &own("get_me"), &key, "");
        assert_eq!(me["object"], "shop", "{language}: {me}");
        let payment = run(language, &own("create_payment"), &key, "");
        assert_eq!(payment["amount"], "5000.00", "{language}: {payment}");
        let id = payment["id"].as_str().expect("an id");
        let bank_id = payment["bank_payment_id"].as_str().expect("open");
        kopeck.json(&["sandbox", "pay", bank_id, "--at", &at, "--json"]);
        kopeck.json(&["payment", "show", id, "--json"]);
        let shown = run(language, &own("get_payment"), &key, id);
        assert_eq!(shown["status"], "paid", "{language}: {shown}");
        let back = run(language, &own("create_refund"), &key, id);
        assert_eq!(back["amount"], "1000.00", "{language}: {back}");
        let shown = kopeck.json(&["payment", "show", id, "--json"]);
        assert_eq!(shown["refundable_kopecks"], 400_000, "{language}: {shown}");
    }
}
