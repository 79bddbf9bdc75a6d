//! Reads the source tree itself: sizes, names, roles and directions that no compiler checks.
//!
//! The rules are ARCHITECTURE.md's. A file that must break one is named in an exception list here,
//! with the reason.

use std::{
    fs,
    path::{Path, PathBuf},
};

/// Lower never imports higher. Folders on one line may not import each other unless
/// [`SAME_LINE`] says so.
const LAYERS: &[&[&str]] = &[
    &["kit", "ids"],
    &["http"],
    &["qr"],
    &["events", "todos"],
    &["shops", "gateway"],
    &["staff"],
    &["receipts", "instruments"],
    &["payments"],
    &["places"],
    &["desks", "customers", "claims"],
    &["subscriptions"],
    &["reconcile"],
    &["webhooks"],
    &["integrations"],
    &["runner"],
    &["sandbox", "web"],
    &["app"],
    &["cli"],
];

/// `gateway` opens credentials, which `shops` keeps. `kit` mints ids; `ids` reads the kit's clock.
const SAME_LINE: &[(&str, &str)] = &[("gateway", "shops"), ("kit", "ids"), ("ids", "kit")];

/// The font library hands out points of outlines as floats; they become integers at once.
const FLOATS_OF_A_LIBRARY: &[&str] = &["crates/server/src/qr/font.rs"];

/// Translation only: no sockets, clock, database, randomness.
const PURE_CRATES: [&str; 2] = ["crates/banks/src", "crates/integrations/src"];

const MAX_FILE_LINES: usize = 600;
const MAX_COLUMNS: usize = 100;

struct Source {
    path: String,
    text: String,
}

impl Source {
    /// Without its tests and without comment lines.
    fn code(&self) -> String {
        let body = self.text.split("#[cfg(test)]\nmod tests {").next().unwrap_or("");
        let lines = body.lines().filter(|line| !line.trim_start().starts_with("//"));
        lines.collect::<Vec<_>>().join("\n")
    }

    fn file_name(&self) -> &str {
        self.path.rsplit('/').next().unwrap_or("")
    }

    fn is_test(&self) -> bool {
        self.path.contains("/tests/") || self.path.ends_with("/tests.rs")
    }
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().expect("the repository")
}

fn sources(folder: &str) -> Vec<Source> {
    let (root, mut found, mut todo) = (root(), Vec::new(), vec![root().join(folder)]);
    while let Some(folder) = todo.pop() {
        for entry in fs::read_dir(folder).expect("readable").flatten() {
            let path = entry.path();
            if path.is_dir() {
                todo.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let text = fs::read_to_string(&path).expect("UTF-8");
                let path = path.strip_prefix(&root).expect("inside").display().to_string();
                found.push(Source { path, text });
            }
        }
    }
    assert!(!found.is_empty(), "{folder} holds sources");
    found.sort_by(|a, b| a.path.cmp(&b.path));
    found
}

fn all() -> Vec<Source> {
    PURE_CRATES
        .into_iter()
        .chain(["crates/server/src", "crates/server/tests", "bench/src"])
        .flat_map(sources)
        .collect()
}

#[track_caller]
fn none(findings: Vec<String>) {
    assert!(findings.is_empty(), "\n  {}\n", findings.join("\n  "));
}

#[test]
fn files_are_small_and_lines_fit() {
    let mut findings = Vec::new();
    for source in all() {
        let lines = source.text.lines().count();
        if lines > MAX_FILE_LINES {
            findings.push(format!("{}: {lines} lines, {MAX_FILE_LINES} at most", source.path));
        }
        for (at, line) in source.text.lines().enumerate() {
            // Recorded bodies in tests stay as they came.
            if line.chars().count() > MAX_COLUMNS && !source.is_test() {
                findings.push(format!("{}:{}: over {MAX_COLUMNS} columns", source.path, at + 1));
            }
        }
    }
    none(findings);
}

#[test]
fn every_file_says_what_it_is() {
    let silent = all().into_iter().filter(|source| !source.text.starts_with("//!"));
    none(silent.map(|source| format!("{}: no header", source.path)).collect());
}

#[test]
fn no_file_is_a_drawer_for_the_rest() {
    let banned = ["util", "utils", "helper", "helpers", "common", "misc", "manager"];
    let is_drawer = |source: &Source| {
        source.path.split('/').any(|part| banned.contains(&part.trim_end_matches(".rs")))
    };
    none(all().into_iter().filter(is_drawer).map(|source| source.path).collect());
}

#[test]
fn lower_folders_never_import_higher_ones() {
    let layer_of = |name: &str| LAYERS.iter().position(|layer| layer.contains(&name));
    let mut findings = Vec::new();
    for source in sources("crates/server/src") {
        let own = source.path.trim_start_matches("crates/server/src/");
        let own = own.split('/').next().unwrap_or("").trim_end_matches(".rs");
        if ["lib", "main"].contains(&own) || source.is_test() {
            continue;
        }
        let Some(own_layer) = layer_of(own) else {
            findings.push(format!("{}: `{own}` has no place in LAYERS", source.path));
            continue;
        };
        for used in imports(&source.code()) {
            let Some(layer) = layer_of(&used) else { continue };
            let allowed =
                layer < own_layer || used == own || SAME_LINE.contains(&(own, used.as_str()));
            if !allowed {
                findings.push(format!("{}: {own} imports {used}", source.path));
            }
        }
    }
    none(findings);
}

/// The first segments after `crate::`, grouped imports included.
fn imports(code: &str) -> Vec<String> {
    let mut names = Vec::new();
    for part in code.split("crate::").skip(1) {
        if let Some(group) = part.strip_prefix('{') {
            let mut depth = 0;
            let mut name = String::new();
            for c in group.chars() {
                match c {
                    '{' => depth += 1,
                    '}' if depth == 0 => break,
                    '}' => depth -= 1,
                    ',' if depth == 0 => names.push(std::mem::take(&mut name)),
                    _ if depth == 0 => name.push(c),
                    _ => {}
                }
            }
            names.push(name);
        } else {
            names.push(part.to_owned());
        }
    }
    let first = |name: String| {
        let name: String =
            name.trim().chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '_').collect();
        name
    };
    names.into_iter().map(first).filter(|name| !name.is_empty()).collect()
}

/// A role (a file name) and what it must not contain.
const ROLES: &[(&[&str], &[&str])] = &[
    (
        &["model.rs", "state.rs", "schedule.rs"],
        &["async ", "tx.", "axum", "reqwest", "Serialize", "tracing::", "std::env", "now_ms()"],
    ),
    (&["flow.rs", "drive.rs"], &["\"select ", "\"insert ", "\"update ", "axum", "<html"]),
    (&["store.rs"], &["axum", "reqwest", "BankOp", "async "]),
    (&["api.rs"], &["\"select ", "\"insert ", "\"update ", "BankOp", ".execute("]),
];

#[test]
fn a_file_does_what_its_role_allows() {
    let mut findings = Vec::new();
    for source in sources("crates/server/src") {
        let roles = ROLES.iter().filter(|(names, _)| names.contains(&source.file_name()));
        for (_, banned) in roles {
            let code = source.code();
            let found = banned.iter().filter(|word| code.contains(**word));
            findings.extend(found.map(|word| format!("{}: holds `{word}`", source.path)));
        }
    }
    none(findings);
}

#[test]
fn the_pure_crates_and_the_drawings_are_pure() {
    let heavy = ["tokio", "axum", "reqwest", "rusqlite", "postgres", "rand"];
    let mut findings: Vec<String> = Vec::new();
    for sources in PURE_CRATES {
        let path = sources.replace("/src", "/Cargo.toml");
        let manifest = fs::read_to_string(root().join(&path)).expect("readable");
        let found =
            heavy.into_iter().filter(|name| manifest.lines().any(|line| line.starts_with(name)));
        findings.extend(found.map(|name| format!("{path}: depends on {name}")));
    }
    let impure = [
        "async ",
        "TcpStream",
        "TcpListener",
        "ToSocketAddrs",
        "std::fs",
        "std::env",
        "SystemTime",
        "Instant::",
    ];
    // What draws is as pure as the banks.
    let pure = PURE_CRATES.into_iter().chain(["crates/server/src/qr"]).flat_map(sources);
    for source in pure.filter(|source| !source.is_test()) {
        let code = source.code();
        let found = impure.iter().filter(|word| code.contains(**word));
        findings.extend(found.map(|word| format!("{}: holds `{word}`", source.path)));
    }
    none(findings);
}

#[test]
fn no_float_comes_near_money() {
    let mut findings = Vec::new();
    // As a whole word, or the end of a name (`as_f64`): an id in hex may hold `f64` too.
    let is_float = |word: &str| matches!(word.rsplit('_').next(), Some("f64" | "f32"));
    let is_apart = |c: char| !c.is_alphanumeric() && c != '_';
    let all = PURE_CRATES.into_iter().chain(["crates/server/src"]).flat_map(sources);
    for source in all.filter(|source| !FLOATS_OF_A_LIBRARY.contains(&source.path.as_str())) {
        for (at, line) in source.code().lines().enumerate() {
            if line.split(is_apart).any(is_float) {
                findings.push(format!("{}: {}: {line}", source.path, at + 1));
            }
        }
    }
    none(findings);
}

#[test]
fn both_databases_have_the_same_migrations() {
    let names = |database: &str| {
        let folder = root().join("crates/server/migrations").join(database);
        let files = fs::read_dir(folder).expect("readable").flatten();
        let mut names: Vec<_> = files.map(|file| file.file_name()).collect();
        names.sort();
        names
    };
    assert_eq!(names("sqlite"), names("postgres"));
}
