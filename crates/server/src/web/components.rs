//! Every part of the pages in every state, light and dark: for people who make pages, served by the
//! sandbox only. It knows no payment and reads nothing.

use askama::Template;
use axum::{
    Router,
    extract::Path,
    http::{HeaderMap, StatusCode},
    response::{IntoResponse as _, Response},
    routing::get,
};

use super::{assets, base::Base, headers, lang::Lang, parts::Chart};
use crate::http::query::RawQuery;

const CACHE: &str = "no-store";

#[derive(Template)]
#[template(path = "components.html")]
struct ComponentsPage {
    base: Base,
    theme: &'static str,
    tabs: Vec<(&'static str, &'static str, bool)>,
    chart: Chart,
}

/// With the styles that they need: the sandbox has no pages of its own besides.
pub fn routes<S: Clone + Send + Sync + 'static>() -> Router<S> {
    Router::new()
        .route("/_components", get(show))
        .route("/_components/{theme}", get(show_in))
        .merge(assets::routes())
}

async fn show(query: RawQuery, headers: HeaderMap) -> Response {
    draw("", &query, &headers)
}

/// As somebody sees it who likes it dark, or light, whatever this browser is set to.
async fn show_in(Path(theme): Path<String>, query: RawQuery, headers: HeaderMap) -> Response {
    let theme = ["light", "dark"].into_iter().find(|known| *known == theme);
    draw(theme.unwrap_or(""), &query, &headers)
}

fn draw(theme: &'static str, query: &RawQuery, headers: &HeaderMap) -> Response {
    let lang = Lang::of(query, headers);
    let days = [120_000, 340_050, 0, 910_000, 560_000, 1_234_550, 875_000];
    let bars = (16..).zip(days).map(|(day, kopecks)| {
        (format!("{day}.11"), kopecks, kopeck_banks::Money::from_kopecks(kopecks))
    });
    let bars = bars.filter_map(|(day, kopecks, sum)| Some((day, kopecks, sum.ok()?.to_human())));
    let page = ComponentsPage {
        base: Base::new(lang),
        theme,
        tabs: vec![
            ("/_components", lang.pick("Как в системе", "As the system"), theme.is_empty()),
            ("/_components/light", lang.pick("Светлая", "Light"), theme == "light"),
            ("/_components/dark", lang.pick("Тёмная", "Dark"), theme == "dark"),
        ],
        chart: Chart::of_bars(lang.pick("Поступления по дням", "Income by day"), bars.collect()),
    };
    match page.render() {
        Ok(html) => headers::page(StatusCode::OK, html, CACHE),
        Err(error) => {
            tracing::error!(%error, "the page of components");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}
