//! `kopeck staff`: who may see the dashboard.

use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::{
    context::{Globals, World},
    fail::Fail,
    print::{GOOD, STRONG, moscow, paint, table},
};
use crate::{
    kit::{clock::iso, db::DbError},
    staff::{
        flow::{
            Actor, Problem, begin_change, end_change,
            members::{NewMember, add, invite_url, is_unclaimed, setup_url, update},
            sessions::plain_login,
        },
        model::{Member, Outcome, Role},
        store,
    },
};

/// Who may see the dashboard, and what each may do there.
#[derive(Debug, Args)]
pub struct StaffArgs {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// The link by which the first owner sets the dashboard up
    Setup,
    /// Add somebody; prints a link by which the person sets a password
    Add {
        /// What the person types to come in: a name or an e-mail address
        login: String,
        /// How the person is called; the login when left out
        #[arg(long)]
        name: Option<String>,
        /// owner (everything), accountant (receipts, files), operator (sells, refunds), reader
        #[arg(long, value_name = "ROLE", default_value = "reader", value_parser = parse_role)]
        role: Role,
        /// The dashboard's language
        #[arg(long, value_name = "LANG", default_value = "ru", value_parser = ["ru", "en"])]
        lang: String,
    },
    /// List everybody
    List,
    /// A new link to set a password: for one who forgot it. Good once, for three days
    Link { login: String },
    /// Give somebody another role
    Role {
        login: String,
        #[arg(value_parser = parse_role)]
        role: Role,
    },
    /// Take away the authenticator of somebody who lost the telephone
    ForgetCode { login: String },
    /// Let somebody in no more; whoever is in is out at once
    Disable { login: String },
    /// Let somebody in again
    Enable { login: String },
}

fn parse_role(text: &str) -> Result<Role, String> {
    let words = Role::ALL.map(Role::as_str).join(", ");
    Role::parse(text).ok_or_else(|| format!("takes one of: {words}"))
}

impl StaffArgs {
    pub async fn run(self, globals: &Globals) -> Result<(), Fail> {
        let world = globals.open().await?;
        match self.command {
            Command::Setup => setup(&world).await,
            Command::Add { login, name, role, lang } => {
                let name = name.unwrap_or_else(|| login.clone());
                create(&world, NewMember { login, name, role, lang }).await
            }
            Command::List => list(&world).await,
            Command::Link { login } => link(&world, &login).await,
            Command::Role { login, role } => {
                change(&world, &login, "staff.role", move |it| it.role = role).await
            }
            Command::ForgetCode { login } => {
                let forget = |it: &mut Member| (it.totp, it.totp_next) = (None, None);
                change(&world, &login, "staff.forget_code", forget).await
            }
            Command::Disable { login } => {
                let now_ms = world.ctx.now_ms();
                let disable = move |it: &mut Member| it.disabled_ms = Some(now_ms);
                change(&world, &login, "staff.disable", disable).await
            }
            Command::Enable { login } => {
                change(&world, &login, "staff.enable", |it| it.disabled_ms = None).await
            }
        }
    }
}

impl From<Problem> for Fail {
    fn from(problem: Problem) -> Fail {
        let (code, message, hint) = match problem {
            Problem::LoginTaken => {
                ("login_taken", "Somebody has this login", "`kopeck staff list` shows everybody")
            }
            Problem::LoginInvalid => (
                "login_invalid",
                "A login is 1 to 100 characters without spaces",
                "Take a name such as anna or an e-mail address",
            ),
            Problem::NameInvalid => {
                ("name_invalid", "A name is 1 to 100 characters", "Give another --name")
            }
            Problem::NoSuchMember => {
                ("staff_not_found", "There is nobody with this login", "`kopeck staff list`")
            }
            Problem::LastOwner => (
                "owner_missing",
                "Nobody could manage the shop any more: this is its last owner",
                "Make somebody else an owner first: kopeck staff role LOGIN owner",
            ),
            Problem::Wrong | Problem::Wait { .. } | Problem::LinkOver | Problem::Weak(_) => {
                ("login_refused", "That did not let anybody in", "kopeck staff link LOGIN")
            }
            Problem::Broken(error) => return Fail::from(error),
        };
        Fail::new(code, message, hint)
    }
}

async fn setup(world: &World) -> Result<(), Fail> {
    if !is_unclaimed(&world.ctx, &world.shop.id).await? {
        let message = "The dashboard has its owner already";
        let hint = "`kopeck staff link LOGIN` lets somebody set a new password";
        return Err(Fail::new("owner_exists", message, hint));
    }
    let url = setup_url(&world.ctx, &world.shop.id);
    world.out.show(&json!({ "url": url }), || {
        format!("Open this to become the owner:\n\n  {}\n", paint(STRONG, &url))
    })
}

fn view(member: &Member) -> Value {
    json!({
        "id": member.id, "login": member.login, "name": member.name,
        "role": member.role.as_str(), "lang": member.lang,
        "has_password": member.password.is_some(), "has_code": member.totp.is_some(),
        "created_at": iso(member.created_ms), "disabled_at": member.disabled_ms.map(iso),
    })
}

/// Written down before it is done, as what is done in the dashboard.
async fn note<T>(
    world: &World,
    (action, subject): (&str, &str),
    work: impl Future<Output = Result<T, Problem>>,
) -> Result<T, Fail> {
    let actor = Actor::command_line(&world.shop.id);
    let id = begin_change(&world.ctx, &actor, (action, subject), "{}".to_owned()).await?;
    let result = work.await;
    let outcome = if result.is_ok() { Outcome::Done } else { Outcome::Refused };
    end_change(&world.ctx, id, outcome).await?;
    Ok(result?)
}

async fn create(world: &World, new: NewMember) -> Result<(), Fail> {
    let login = plain_login(&new.login);
    let member = note(world, ("staff.add", &login), add(&world.ctx, &world.shop.id, new)).await?;
    show_link(world, &member)
}

fn show_link(world: &World, member: &Member) -> Result<(), Fail> {
    let url = invite_url(&world.ctx, member);
    let mut shown = view(member);
    shown["url"] = json!(url);
    world.out.show(&shown, || {
        let head = paint(GOOD, "✓");
        format!(
            "{head} {} ({}), {}. The link to set a password, once, within three days:\n\n  {}\n",
            member.name,
            member.login,
            member.role.as_str(),
            paint(STRONG, &url)
        )
    })
}

async fn find(world: &World, login: &str) -> Result<Member, Fail> {
    let (login, shop_id) = (plain_login(login), world.shop.id.clone());
    let found: Result<Option<Member>, DbError> =
        world.ctx.db.read(move |tx| store::find_by_login(tx, &login)).await;
    let found = found?.filter(|member| member.shop_id == shop_id);
    Ok(found.ok_or(Problem::NoSuchMember)?)
}

async fn link(world: &World, login: &str) -> Result<(), Fail> {
    let member = find(world, login).await?;
    let work = async { Ok(()) };
    note(world, ("staff.link", &member.id), work).await?;
    show_link(world, &member)
}

async fn change(
    world: &World,
    login: &str,
    action: &str,
    change: impl FnOnce(&mut Member) + Send + 'static,
) -> Result<(), Fail> {
    let member = find(world, login).await?;
    let whose = (world.shop.id.as_str(), member.id.as_str());
    let member = note(world, (action, &member.id), update(&world.ctx, whose, change)).await?;
    world.out.show(&view(&member), || {
        let state = if member.disabled_ms.is_some() { "disabled" } else { member.role.as_str() };
        format!("{} {}: {state}", paint(GOOD, "✓"), member.login)
    })
}

async fn list(world: &World) -> Result<(), Fail> {
    let shop_id = world.shop.id.clone();
    let all: Result<Vec<Member>, DbError> =
        world.ctx.db.read(move |tx| store::list_members(tx, &shop_id)).await;
    let all = all?;
    let shown: Vec<Value> = all.iter().map(view).collect();
    world.out.show(&json!({ "staff": shown }), || {
        if all.is_empty() {
            return "Nobody yet: `kopeck staff setup` shows the owner's link.".to_owned();
        }
        let mut rows = table(&["Login", "Name", "Role", "Code", "Since (Moscow)", "Disabled"]);
        for it in &all {
            let (login, name, role) = (it.login.clone(), it.name.clone(), it.role.as_str());
            let code = if it.totp.is_some() { "yes" } else { "no" };
            let disabled = it.disabled_ms.map(moscow).unwrap_or_default();
            rows.add_row([login, name, role.into(), code.into(), moscow(it.created_ms), disabled]);
        }
        rows.to_string()
    })
}
