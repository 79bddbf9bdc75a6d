//! The templates themselves: both languages side by side, nothing from elsewhere, nothing that the
//! policy of our pages would not let run.

use std::{fs, path::Path};

/// The sandbox's own page speaks Russian only, has a policy of its own, and comes before these.
const APART: &[&str] = &["sandbox.html"];
/// Shows Russian titles beside English ones.
const BILINGUAL: &[&str] = &["docs.html"];

fn templates() -> Vec<(String, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("templates");
    let (mut found, mut todo) = (Vec::new(), vec![root.clone()]);
    while let Some(folder) = todo.pop() {
        for entry in fs::read_dir(folder).expect("readable").flatten() {
            let path = entry.path();
            if path.is_dir() {
                todo.push(path);
                continue;
            }
            let name = path.strip_prefix(&root).expect("inside").display().to_string();
            if !APART.contains(&name.as_str()) {
                found.push((name, fs::read_to_string(&path).expect("UTF-8")));
            }
        }
    }
    assert!(found.len() > 8, "{found:?}");
    found
}

fn is_russian(text: &str) -> bool {
    text.chars().any(|c| matches!(c, 'а'..='я' | 'А'..='Я' | 'ё' | 'Ё'))
}

/// Without what is said in both languages by `pick("…", "…")`.
fn without_pairs(text: &str) -> String {
    let mut rest = String::new();
    for (at, part) in text.split(".pick(").enumerate() {
        let own = if at == 0 { Some(part) } else { after_pair(part) };
        rest.push_str(own.unwrap_or(part));
    }
    rest
}

/// What follows `"russian", "english")`; `None` when that is not what stands there.
fn after_pair(part: &str) -> Option<&str> {
    let (russian, rest) = part.strip_prefix('"')?.split_once('"')?;
    let (english, rest) = rest.strip_prefix(", \"")?.split_once('"')?;
    let is_pair = !english.trim().is_empty() && !is_russian(english) && !russian.trim().is_empty();
    rest.strip_prefix(')').filter(|_| is_pair)
}

#[test]
fn every_text_stands_in_both_languages() {
    for (name, text) in templates() {
        if BILINGUAL.contains(&name.as_str()) {
            continue;
        }
        let rest = without_pairs(&text);
        let alone: Vec<&str> = rest.lines().filter(|line| is_russian(line)).collect();
        assert!(alone.is_empty(), "{name}: not in English: {alone:#?}");
    }
    let half = "{{ lang.pick(\"Да\", \"Да\") }}";
    assert!(is_russian(&without_pairs(half)), "one language twice is no pair");
}

#[test]
fn no_template_holds_what_the_policy_forbids_or_asks_others_for_anything() {
    // A portal's own script, which tells it that the installation is over.
    let known = "https://api.bitrix24.com/api/v1/";
    for (name, text) in templates() {
        let text = text.replace(known, "");
        for bad in [" style=", "<style", " onclick=", " onload=", "javascript:", "src=\"http"] {
            assert!(!text.contains(bad), "{name} holds `{bad}`");
        }
        let inline = text.split("<script").skip(1).any(|part| !part.starts_with(" src="));
        assert!(!inline, "{name} holds a script of its own");
        let styles = text.split("rel=\"stylesheet\"").skip(1);
        for style in styles {
            let own = style.trim_start().strip_prefix("href=\"").unwrap_or("");
            assert!(own.starts_with('/') || own.starts_with("{{"), "{name}: a style of elsewhere");
        }
    }
}
