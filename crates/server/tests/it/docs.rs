//! The documentation's commands exist: what a reader copies from README or a guide must be
//! understood by the program.

mod samples;

use std::{fs, path::Path};

use crate::harness::process::{Folder, Kopeck, text};

/// Every line `kopeck …` of the code blocks, comments and continuations removed.
fn commands(file: &Path) -> Vec<String> {
    let page = fs::read_to_string(file).unwrap_or_else(|e| panic!("{}: {e}", file.display()));
    let (mut found, mut in_code) = (Vec::new(), false);
    for line in page.lines() {
        if line.trim_start().starts_with("```") {
            in_code = !in_code;
        }
        let line = line.trim();
        let command = line.strip_prefix("kopeck ").filter(|_| in_code);
        found.extend(command.map(|rest| rest.split(" #").next().unwrap_or(rest).to_owned()));
        // Commands named within a sentence or a table.
        if !in_code {
            let quoted = line.split('`').skip(1).step_by(2);
            found
                .extend(quoted.filter_map(|quoted| quoted.strip_prefix("kopeck ")).map(Into::into));
        }
    }
    found
}

/// The words up to the first value: enough to find the command and its flags.
fn words(command: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut rest = command.trim().trim_end_matches(" &").trim_end();
    while !rest.is_empty() {
        let (word, after) = match rest.strip_prefix('"') {
            Some(quoted) => quoted.split_once('"').unwrap_or((quoted, "")),
            None => rest.split_once(' ').unwrap_or((rest, "")),
        };
        words.push(word.to_owned());
        rest = after.trim_start();
    }
    words
}

#[test]
fn every_command_in_the_documentation_is_one_of_ours() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let folder = Folder::new("docs");
    let kopeck = Kopeck { folder: folder.0.clone(), env: Vec::new() };
    let pages = [
        "README.md",
        "README.ru.md",
        "ARCHITECTURE.md",
        "docs/guides/qr.md",
        "docs/guides/receipts.md",
        "docs/guides/sandbox.md",
        "docs/guides/subscriptions.md",
        "docs/guides/two-banks.md",
        "docs/guides/webhooks.md",
        "docs/banks/tochka.md",
        "docs/banks/tbank.md",
        "docs/integrations/bitrix24.md",
        "docs/integrations/max.md",
        "docs/integrations/salebot.md",
        "docs/integrations/sms.md",
        "docs/integrations/telegram.md",
        "docs/integrations/whatsapp.md",
        "docs/integrations/n8n.md",
    ];
    let mut tried = 0;
    for page in pages {
        for command in commands(&root.join(page)) {
            let mut words = words(&command);
            // Clap answers --help only if all that stands before it is understood.
            words.push("--help".to_owned());
            let words: Vec<&str> = words.iter().map(String::as_str).collect();
            let output = kopeck.run(&words);
            let said = text(&output.stderr);
            assert!(output.status.success(), "{page}: kopeck {command}\n{said}");
            tried += 1;
        }
    }
    assert!(tried > 30, "only {tried} commands found");
}
