//! T-Bank's test cases at the command line: the emulator is the bank, the test types the cards at
//! its page.

use std::{
    io::{BufRead as _, BufReader, Read as _},
    process::{Command, Stdio},
};

use serde_json::{Value, json};

use super::bank::{Kid, Shop, wait_for_port};

const GOOD: &str = "4300000000000777";
const BAD: &str = "2201382000000021";

/// A shop at T-Bank alone.
fn shop() -> Shop {
    let mut shop = Shop::new();
    shop.set("TOCHKA_ACCESS_TOKEN", "");
    shop
}

/// Its server, which takes the bank's notices.
fn serve(shop: &Shop) -> Kid {
    let mut server = shop.command(&["serve"]);
    let server = server.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("starts");
    wait_for_port(shop.port);
    Kid(server)
}

/// The payer types the card at the bank's page.
fn pay(url: &str, card: &str) {
    let form = format!("method=card&card={card}&expiry=12%2F30&cvc=123");
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    runtime.block_on(async {
        let client =
            reqwest::Client::builder().no_proxy().redirect(reqwest::redirect::Policy::none());
        let client = client.build().expect("a client");
        client.get(url).send().await.expect("the page").error_for_status().expect("a page");
        let kind = "application/x-www-form-urlencoded";
        let request = client.post(url).header("content-type", kind).body(form);
        let status = request.send().await.expect("an answer").status().as_u16();
        assert_eq!(status, 303, "{url}");
    });
}

/// T-Bank does the next request to each of these paths and does not answer it.
fn lose_replies(shop: &Shop, paths: &[&str]) {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    runtime.block_on(async {
        let client = reqwest::Client::builder().no_proxy().build().expect("a client");
        for path in paths {
            let fault = json!({ "fault": "lose-reply", "times": 1, "path": path }).to_string();
            let request = client.post(format!("{}/_control/faults?bank=tbank", shop.at));
            let request = request.header("content-type", "application/json").body(fault);
            request.send().await.expect("an answer").error_for_status().expect("it is set");
        }
    });
}

/// What a run told.
struct Told {
    code: i32,
    lines: Vec<Value>,
    err: String,
}

impl Told {
    fn of(&self, event: &str) -> Vec<&Value> {
        self.lines.iter().filter(|line| line["event"] == event).collect()
    }

    #[track_caller]
    fn result(&self, case: u8) -> &Value {
        let found = self.of("result").into_iter().find(|line| line["case"] == case);
        found.unwrap_or_else(|| panic!("no result of {case}: {:?}\n{}", self.lines, self.err))
    }

    #[track_caller]
    fn fail(&self) -> Value {
        serde_json::from_str(&self.err).unwrap_or_else(|e| panic!("{e}: {}", self.err))
    }

    #[track_caller]
    fn summary(&self) -> &Value {
        self.lines.last().filter(|line| line["event"] == "summary").expect("a summary at the end")
    }
}

/// Runs the cases; `payer` is called with each link.
fn run(shop: &Shop, args: &[&str], mut payer: impl FnMut(&Value, &Kid)) -> Told {
    let all = [&["tbank", "terminal-tests", "--json"], args].concat();
    let kid = shop.command(&all).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
    let mut kid = Kid(kid.expect("starts"));
    let mut lines = Vec::new();
    for line in BufReader::new(kid.0.stdout.take().expect("piped")).lines() {
        let line: Value = serde_json::from_str(&line.expect("text")).expect("a line of JSON");
        if line["event"] == "link" {
            payer(&line, &kid);
        }
        lines.push(line);
    }
    let mut err = String::new();
    kid.0.stderr.take().expect("piped").read_to_string(&mut err).expect("text");
    Told { code: kid.0.wait().expect("it ends").code().unwrap_or(-1), lines, err }
}

/// A payer who does as told.
fn obedient(link: &Value, _: &Kid) {
    let url = link["url"].as_str().expect("an address");
    pay(url, link["card"]["number"].as_str().expect("the emulator's card"));
}

#[test]
fn every_case_passes_and_is_not_run_again() {
    let shop = shop();
    let _server = serve(&shop);
    let told = run(&shop, &["--yes", "--timeout", "60s"], obedient);
    assert_eq!(told.code, 0, "{:?}\n{}", told.lines, told.err);
    assert_eq!(told.summary()["passed"], json!([1, 2, 3, 5, 6, 7, 8]), "{:?}", told.lines);
    assert_eq!(told.of("link").len(), 6, "case 6 needs no payer");
    assert!(told.of("result").iter().all(|line| line["is_earlier"] == false), "{:?}", told.lines);

    // What has a place in the books is there, with its receipt and its refund.
    let status = |order: &str| shop.json(&["payment", "show", order])["status"].clone();
    let wanted = [("1", "paid"), ("2", "failed"), ("3", "refunded"), ("7", "paid")];
    for (case, wanted) in wanted.into_iter().chain([("8", "refunded")]) {
        assert_eq!(status(&format!("terminal-test-{case}")), wanted, "case {case}");
    }
    let story = shop.json(&["payment", "timeline", "terminal-test-7"]);
    let sent = |name: &str| {
        let lines = story["timeline"].as_array().expect("lines").iter();
        let mut requests = lines.filter_map(|line| line["request"].as_str());
        requests.any(|request| request.contains(name))
    };
    assert!(sent("\"Receipt\""), "no receipt in {story}");
    assert!(!sent("\"Recurrent\""), "recurrent: {story}");
    let saved = told.result(5)["bank_payment_id"].as_str().expect("an id").to_owned();
    let at_bank = shop.json(&["sandbox", "show", &saved]);
    assert!(at_bank["rebill_id"].as_str().is_some_and(|id| !id.is_empty()), "{at_bank}");
    let charged = told.result(6)["bank_payment_id"].as_str().expect("an id").to_owned();
    assert_eq!(shop.json(&["sandbox", "show", &charged])["status"], "CONFIRMED");

    let again = run(&shop, &["--yes"], |link, _| panic!("asked to pay again: {link}"));
    assert_eq!(again.code, 0, "{:?}\n{}", again.lines, again.err);
    for line in again.of("result") {
        assert_eq!(line["is_earlier"], line["case"] != 6, "{line}");
    }
    let anew = run(&shop, &["--yes", "--case", "1", "--again"], obedient);
    assert_eq!((anew.code, anew.of("link").len()), (0, 1), "{}", anew.err);
}

#[test]
fn the_wrong_card_fails_its_case_and_the_right_one_mends_it() {
    let shop = shop();
    let told = run(&shop, &["--yes", "--case", "1,2,5"], |link, _| {
        let card = if link["case"] == 2 { GOOD } else { BAD };
        pay(link["url"].as_str().expect("an address"), card);
    });
    assert_eq!((told.code, told.fail()["code"].as_str()), (1, Some("cases_failed")));
    assert_eq!(told.summary()["failed"], json!([1, 2, 5]));
    let reason = |case: u8| told.result(case)["reason"].as_str().expect("a reason").to_owned();
    assert!(reason(1).contains("declined") && reason(1).contains("code 99"), "{}", reason(1));
    assert!(reason(2).contains("paid") && reason(2).contains("wants a declined"), "{}", reason(2));
    assert!(reason(5).contains("declined"), "{}", reason(5));
    for case in [1, 2, 5] {
        let next = told.result(case)["next"].as_str().expect("a hint");
        assert!(next.contains("card"), "{next}");
    }
    let six = run(&shop, &["--yes", "--case", "6"], obedient);
    let next = six.result(6)["next"].as_str().expect("a hint");
    assert!(next.contains("case 5"), "{next}");

    // Nobody serves here: the bank cannot tell of the decline, which is what it checks in case 2.
    let two = run(&shop, &["--yes", "--case", "2", "--timeout", "5s"], obedient);
    assert_eq!(two.result(2)["status"], "failed");
    let next = two.result(2)["next"].as_str().expect("a hint");
    assert!(next.contains("kopeck serve"), "{next}");
    let two = run(&shop, &["--yes", "--case", "1,2,5", "--no-notice"], obedient);
    assert_eq!(two.summary()["passed"], json!([1, 2, 5]), "{:?}", two.lines);
}

#[test]
fn an_interrupted_case_goes_on_with_the_same_link() {
    let shop = shop();
    let mut first = String::new();
    let told = run(&shop, &["--yes", "--case", "3"], |link, kid| {
        link["url"].as_str().expect("an address").clone_into(&mut first);
        let pid = kid.0.id().to_string();
        assert!(Command::new("kill").args(["-INT", &pid]).status().expect("kill").success());
    });
    assert_eq!((told.code, told.fail()["code"].as_str()), (130, Some("interrupted")));
    let told = run(&shop, &["--yes", "--case", "3,6", "--timeout", "1s"], |link, _| {
        assert_eq!(link["url"], first.as_str(), "another link");
    });
    assert_eq!((told.code, told.fail()["code"].as_str()), (1, Some("cases_unpaid")));
    assert_eq!((&told.summary()["unpaid"], &told.summary()["not_run"]), (&json!([3]), &json!([6])));
    // Paid while nobody looked.
    pay(&first, GOOD);
    let told =
        run(&shop, &["--yes", "--case", "3"], |link, _| panic!("asked to pay again: {link}"));
    assert_eq!(told.result(3)["status"], "passed", "{}", told.err);
    assert_eq!(shop.json(&["payment", "show", "terminal-test-3"])["status"], "refunded");
}

#[test]
fn a_lost_answer_is_asked_about_and_nothing_is_done_twice() {
    let shop = shop();
    assert_eq!(run(&shop, &["--yes", "--case", "5"], obedient).summary()["passed"], json!([5]));
    lose_replies(&shop, &["/Charge", "/Cancel"]);
    let told = run(&shop, &["--yes", "--case", "3,6"], obedient);
    assert_eq!(told.summary()["passed"], json!([3, 6]), "{:?}\n{}", told.lines, told.err);
    let story = shop.json(&["payment", "timeline", "terminal-test-3"]).to_string();
    assert!(story.contains("did not answer"), "no answer was lost: {story}");
    for case in [3, 6] {
        let id = told.result(case)["bank_payment_id"].as_str().expect("an id").to_owned();
        let at_bank = shop.json(&["sandbox", "show", &id]);
        let history = at_bank["history"].as_array().expect("a history");
        let count = |word: &str| history.iter().filter(|line| line["status"] == word).count();
        assert_eq!(
            (count("CONFIRMED"), count("REFUNDED")),
            (1, usize::from(case == 3)),
            "{at_bank}"
        );
    }
}

#[test]
fn two_stages_and_a_closing_receipt() {
    let shop = shop();
    let args = ["--yes", "--hold", "--closing-receipt", "--case", "3,5,6,7", "--amount", "12.50"];
    let told = run(&shop, &args, obedient);
    assert_eq!(told.summary()["passed"], json!([3, 5, 6, 7]), "{:?}\n{}", told.lines, told.err);
    let steps = told.result(7)["steps"].to_string();
    assert!(steps.contains("is held") && steps.contains("SendClosingReceipt"), "{steps}");
    let paid = shop.json(&["payment", "show", "terminal-test-7"]);
    assert_eq!(paid["paid_kopecks"], 1_250);
}

#[test]
fn a_working_terminal_is_refused_unless_it_is_wanted() {
    let mut shop = shop();
    let demo = shop.var("TBANK_TERMINAL_KEY").to_owned();
    shop.set("TBANK_TERMINAL_KEY", demo.trim_end_matches("DEMO"));
    shop.set("TBANK_PASSWORD", "emulator-password-2");
    let args = ["tbank", "terminal-tests", "--yes", "--case", "1"];
    let fail = shop.fails(&args, "terminal_not_demo");
    let hint = fail["hint"].as_str().expect("a hint");
    assert!(hint.contains("DEMO") && hint.contains("--allow-working-terminal"), "{hint}");
    assert_eq!(shop.json(&["payment", "list"])["payments"], json!([]));
    let args = ["--yes", "--case", "1", "--allow-working-terminal"];
    assert_eq!(run(&shop, &args, obedient).summary()["passed"], json!([1]));
}

#[test]
fn the_cases_are_listed_and_shown() {
    let shop = shop();
    let cases = shop.json(&["tbank", "terminal-tests", "--list"]);
    let cases = cases["cases"].as_array().expect("a list");
    let numbers: Vec<&Value> = cases.iter().map(|case| &case["case"]).collect();
    assert_eq!(numbers, [1, 2, 3, 5, 6, 7, 8]);
    assert_eq!((&cases[0]["card"]["number"], &cases[1]["card"]), (&json!(GOOD), &Value::Null));
    let table = shop.run(&["tbank", "terminal-tests", "--list", "--case", "5"]).out;
    assert!(table.contains("GetCardList") && !table.contains("REJECTED"), "{table}");
    let four = shop.run(&["tbank", "terminal-tests", "--case", "4"]);
    assert!(four.code == 2 && four.err.contains("nothing about a case 4"), "{}", four.err);
    let args = ["tbank", "terminal-tests", "--yes", "--case", "1", "--timeout", "1s", "--qr"];
    let shown = shop.run(&args);
    for wanted in ["Case 1 · General", "4300 0000 0000 0777 · 12/30", "████", "not paid in time"]
    {
        assert!(shown.out.contains(wanted), "no {wanted}:\n{}\n{}", shown.out, shown.err);
    }
}
