//! `kopeck todo`: what needs a person.

use clap::{Args, Subcommand};
use serde_json::json;

use super::{
    context::{Globals, World},
    evidence::read_lang,
    fail::Fail,
    print::{FAINT, GOOD, HINT, STRONG, moscow, paint},
};
use crate::{
    http::{ApiError, codes},
    kit::db::DbError,
    qr::Lang,
    todos::{api::TodoView, model::Todo, store},
};

/// What needs a person: money nobody expected, charges without an answer, blocked subscriptions
#[derive(Debug, Args)]
pub struct TodoArgs {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// List what is open, the newest first
    List {
        /// What is settled, too
        #[arg(long)]
        all: bool,
        /// In which language it says what to do
        #[arg(long, value_name = "LANG", default_value = "en", value_parser = read_lang)]
        lang: Lang,
        #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(i64).range(1..=1000))]
        limit: i64,
    },
    /// Close what was looked after
    Done {
        /// The todo's id
        id: String,
    },
}

impl TodoArgs {
    pub async fn run(self, globals: &Globals) -> Result<(), Fail> {
        let world = globals.open().await?;
        match self.command {
            Command::List { all, lang, limit } => list(&world, all, lang, limit).await,
            Command::Done { id } => close(&world, id).await,
        }
    }
}

async fn list(world: &World, is_all: bool, lang: Lang, limit: i64) -> Result<(), Fail> {
    let shop_id = world.shop.id.clone();
    let found: Result<Vec<Todo>, DbError> =
        world.ctx.db.read(move |tx| store::list(tx, (&shop_id, is_all), None, limit)).await;
    let todos = found?;
    let views: Vec<TodoView> = todos.iter().map(TodoView::new).collect();
    world.out.show(&json!({ "todos": views }), || {
        if todos.is_empty() {
            return match lang {
                Lang::Ru => "Ничего не требует внимания.".to_owned(),
                Lang::En => "Nothing needs a person.".to_owned(),
            };
        }
        let lines: Vec<String> = todos.iter().map(|todo| words(todo, lang)).collect();
        lines.join("\n\n")
    })
}

fn words(todo: &Todo, lang: Lang) -> String {
    let (ru, en) = todo.kind.action();
    let action = match lang {
        Lang::Ru => ru,
        Lang::En => en,
    };
    let state = todo.done_by.as_ref().map(|by| format!("  settled by {by}")).unwrap_or_default();
    format!(
        "{}  {}  {}  {}{}\n  {}: {}\n  {}",
        paint(STRONG, &todo.id),
        moscow(todo.created_ms),
        todo.kind.as_str(),
        todo.subject_id,
        paint(FAINT, &state),
        todo.why.code,
        todo.why.message,
        paint(HINT, action),
    )
}

async fn close(world: &World, id: String) -> Result<(), Fail> {
    let (shop_id, now_ms) = (world.shop.id.clone(), world.ctx.now_ms());
    let closed: Result<Option<Todo>, DbError> =
        world.ctx.db.write(move |tx| store::close(tx, (&shop_id, &id), (now_ms, "cli"))).await;
    let closed = closed?.ok_or_else(|| ApiError::of(codes::TODO_NOT_FOUND))?;
    world
        .out
        .show(&TodoView::new(&closed), || format!("{} {} is settled", paint(GOOD, "✓"), closed.id))
}
