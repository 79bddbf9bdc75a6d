//! What holds for all integrations at once: names, problems, pages of the documentation.

use crate::{
    integration::{Integration, Progress},
    message::{Audience, Kind, Lang},
};

#[test]
fn every_problem_says_in_two_languages_what_to_do() {
    let mut codes = std::collections::BTreeSet::new();
    for integration in crate::INTEGRATIONS {
        for problem in integration.problems() {
            assert!(codes.insert(problem.code), "{} twice", problem.code);
            for lang in [Lang::Ru, Lang::En] {
                let text = problem.text(lang);
                assert!(text.problem.ends_with('.') && text.fix.ends_with('.'), "{problem:?}");
            }
            let is_russian = |text: &str| text.chars().any(|c| ('а'..='я').contains(&c));
            assert!(is_russian(problem.ru.problem) && !is_russian(problem.en.problem));
        }
    }
}

#[test]
fn every_integration_has_a_name_of_its_own_and_a_wish() {
    let mut names = std::collections::BTreeSet::new();
    for integration in crate::INTEGRATIONS {
        assert!(names.insert(integration.name()), "{} twice", integration.name());
        assert!(integration.name().bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit()));
        let audiences = [Audience::Payer, Audience::Shop];
        assert!(audiences.iter().any(|audience| integration.wants(Kind::Test, *audience)));
        assert!(integration.limits().gap_ms > 0 && integration.limits().max_text_chars > 0);
        let found = crate::find_integration(integration.name());
        assert_eq!(found.map(Integration::name), Some(integration.name()));
    }
}

#[test]
fn progress_is_read_as_it_is_written() {
    let progress = Progress::at("comment").with("57:a b");
    for progress in [progress, Progress::start(), Progress::at("callback")] {
        assert_eq!(Progress::parse(&progress.to_text()), progress);
    }
}

#[test]
fn every_problem_is_in_the_integrations_page() {
    for integration in crate::INTEGRATIONS {
        let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        let path = root.join("docs/integrations").join(format!("{}.md", page(integration.name())));
        let page = std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{path:?}: {e}"));
        for problem in integration.problems() {
            let code = format!("`{}`", problem.code);
            assert!(page.contains(&code), "{path:?} does not know {code}");
        }
        for setting in integration.settings() {
            let name = format!("`{}`", setting.name);
            assert!(page.contains(&name), "{path:?} does not know the setting {name}");
        }
    }
}

/// One page may serve several ways to the same place.
fn page(name: &str) -> &str {
    match name {
        "wazzup" | "greenapi" => "whatsapp",
        other => other,
    }
}
