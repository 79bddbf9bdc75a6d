//! The guide's own code, run against the specification's vector in every language of it.

use std::{fs, path::Path, process::Command};

use crate::harness::process::{Folder, text};

const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const ID: &str = "msg_p5jXN8AQM9LWM0D4loKWxJek";
const AT: &str = "1614265330";
const BODY: &str = r#"{"test": 2432232314}"#;
const SIGNATURE: &str = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";

/// The first block of this language.
fn block(language: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/guides/webhooks.md");
    let page = fs::read_to_string(path).unwrap();
    let start = page.find(&format!("```{language}\n")).expect("such a block") + language.len() + 4;
    let length = page[start..].find("\n```").expect("its end");
    page[start..start + length].to_owned()
}

/// Runs the program; it ends well only if the good request is taken and each bad one refused.
fn run(program: &str, extension: &str, source: &str) {
    let folder = Folder::new("guide");
    let file = folder.0.join(format!("check.{extension}"));
    fs::create_dir_all(&folder.0).unwrap();
    fs::write(&file, source).unwrap();
    let output = Command::new(program).arg(&file).output();
    let output = output.unwrap_or_else(|e| panic!("{program}, which test.sh installs: {e}"));
    let said = format!("{}{}", text(&output.stdout), text(&output.stderr));
    assert!(output.status.success() && said.contains("all right"), "{program}: {said}");
}

#[test]
fn the_python_example_takes_the_good_and_refuses_the_bad() {
    let check = format!(
        r#"
head = {{"webhook-id": "{ID}", "webhook-timestamp": "{AT}", "webhook-signature": "v1,AAAA {SIGNATURE}"}}
verify("{SECRET}", head, b'{BODY}', now={AT})
def refused(*args, **more):
    try:
        verify(*args, **more)
    except ValueError:
        return
    raise SystemExit("taken")
refused("{SECRET}", head, b'{BODY} ', now={AT})
refused("{SECRET}", head, b'{BODY}', now={AT} + 301)
refused("{SECRET}", head, b'{BODY}')
refused("whsec_" + "A" * 32, head, b'{BODY}', now={AT})
refused("{SECRET}", head | {{"webhook-id": "msg_x"}}, b'{BODY}', now={AT})
print("all right")
"#
    );
    run("python3", "py", &(block("python") + &check));
}

#[test]
fn the_node_example_takes_the_good_and_refuses_the_bad() {
    let check = format!(
        r#"
const head = {{'webhook-id': '{ID}', 'webhook-timestamp': '{AT}', 'webhook-signature': 'v1,AAAA {SIGNATURE}'}};
verify('{SECRET}', head, '{BODY}', {AT});
verify('{SECRET}', head, Buffer.from('{BODY}'), {AT});
const refused = (...args) => {{
  try {{ verify(...args); }} catch {{ return; }}
  throw new Error('taken');
}};
refused('{SECRET}', head, '{BODY} ', {AT});
refused('{SECRET}', head, '{BODY}', {AT} + 301);
refused('{SECRET}', head, '{BODY}');
refused('{SECRET}', {{...head, 'webhook-timestamp': 'x'}}, '{BODY}', {AT});
refused('whsec_' + 'A'.repeat(32), head, '{BODY}', {AT});
console.log('all right');
"#
    );
    run("node", "js", &(block("js") + &check));
}

#[test]
fn the_php_example_takes_the_good_and_refuses_the_bad() {
    let check = format!(
        r#"
$head = ['webhook-id' => '{ID}', 'webhook-timestamp' => '{AT}', 'webhook-signature' => 'v1,AAAA {SIGNATURE}'];
verify('{SECRET}', $head, '{BODY}', {AT});
foreach ([['{SECRET}', '{BODY} ', {AT}], ['{SECRET}', '{BODY}', {AT} + 301], ['whsec_AAAA', '{BODY}', {AT}]] as [$s, $b, $n]) {{
    try {{ verify($s, $head, $b, $n); }} catch (RuntimeException $e) {{ continue; }}
    throw new Exception('taken');
}}
echo 'all right';
"#
    );
    run("php", "php", &format!("<?php\n{}{check}", block("php")));
}

#[test]
fn the_shell_example_and_a_text_key_make_the_same_signature() {
    // The last `sh` block is curl's; the first is the one that signs.
    let output = Command::new("sh")
        .args(["-c", &block("sh")])
        .env("SECRET_TEXT", "n8nFriendlySecret0123456789abcde")
        .env("WEBHOOK_ID", "msg_01JTEST")
        .env("WEBHOOK_TIMESTAMP", "1767225600")
        .env(
            "BODY",
            r#"{"type":"payment.succeeded","timestamp":"2026-01-01T00:00:00Z","data":{"id":"pay_1","amount":123450,"currency":"RUB"}}"#,
        )
        .output()
        .unwrap();
    let wanted = "v870i7x19d3pk5C2fU2AB/Bl76IhDgKUSq5c7nGoABc=\n";
    assert_eq!(text(&output.stdout), wanted, "{}", text(&output.stderr));
}
