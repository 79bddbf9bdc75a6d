//! Settings: `config.default.toml`, then a file, then the environment, then flags.
//!
//! The default file is embedded; it is the documentation, the list of known keys and of their
//! types, all in one.

use std::{
    env, fs,
    net::SocketAddr,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, bail};
use serde::Deserialize;
use toml::{Table, Value};

use super::{
    log::LogFormat,
    net::{AddressPolicy, NetSettings},
    secret::{KEY_VARIABLE, Secret, Vault},
};

/// The default settings with a comment for each, as shown by `kopeck config`.
pub const DEFAULTS: &str = include_str!("../../../../config.default.toml");
const FILE_VARIABLE: &str = "KOPECK_CONFIG";
const FILE: &str = "kopeck.toml";

/// All settings. What each means stands in `config.default.toml`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    pub server: Server,
    pub shop: Shop,
    pub data: Data,
    pub database: Database,
    pub net: Net,
    pub log: Log,
    pub limits: Limits,
    /// `[[plans]]`: what is sold again and again. Read by whoever knows what a plan is.
    #[serde(skip)]
    pub plans: Vec<Table>,
    /// `[[integrations]]`: who else is told. Read by whoever knows what an integration is; they may
    /// hold passwords.
    #[serde(skip)]
    pub integrations: Secret<Vec<Table>>,
    /// From the environment only: a key in a file beside the database would protect nothing.
    #[serde(skip)]
    pub secret_key: Option<Secret<String>>,
}

/// `[server]`: where Kopeck is reached.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Server {
    pub listen: SocketAddr,
    /// Without a slash at the end; empty when not set.
    pub public_url: String,
}

/// `[shop]`: where the shop is.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Shop {
    #[serde(deserialize_with = "zone")]
    pub time_zone: String,
}

/// A name that the calendar knows.
fn zone<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    let name = String::deserialize(deserializer)?;
    match jiff::tz::TimeZone::get(&name) {
        Ok(_) => Ok(name),
        Err(_) => Err(serde::de::Error::custom(format!(
            "`{name}` is no time zone: take a name such as Europe/Moscow or Asia/Vladivostok"
        ))),
    }
}

/// `[data]`: where files are kept.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Data {
    pub dir: PathBuf,
}

/// `[database]`: which database.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Database {
    /// It may hold a password, so it does not print. Read it with [`Config::database_url`].
    #[serde(deserialize_with = "secret")]
    url: Secret<String>,
}

/// `[net]`: how others are reached.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Net {
    /// Empty when not set.
    pub extra_ca_file: PathBuf,
    pub connect_timeout_ms: u64,
    pub timeout_ms: u64,
    pub private_addresses: AddressPolicy,
}

/// `[log]`: what is logged.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Log {
    pub level: String,
    pub format: LogFormat,
}

/// `[limits]`: the sizes accepted.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Limits {
    pub notice_body_bytes: usize,
    pub api_body_bytes: usize,
}

fn secret<'de, D: serde::Deserializer<'de>>(from: D) -> Result<Secret<String>, D::Error> {
    String::deserialize(from).map(Secret::new)
}

impl Config {
    /// `path` is `--config`; `overrides` are flags: `("server.listen", "0.0.0.0:80")`.
    pub fn load(path: Option<&Path>, overrides: &[(&str, &str)]) -> anyhow::Result<Config> {
        let variable = |name: &str| env::var(name).ok();
        let named = path.map(Path::to_owned).or_else(|| variable(FILE_VARIABLE).map(PathBuf::from));
        let file = named.or_else(|| Some(PathBuf::from(FILE)).filter(|file| file.exists()));
        let text = match &file {
            Some(file) => Some(
                fs::read_to_string(file)
                    .with_context(|| format!("cannot read the settings in {}", file.display()))?,
            ),
            None => None,
        };
        let read = Config::merge(text.as_deref(), variable, overrides);
        read.with_context(|| match &file {
            Some(file) => format!("the settings are wrong (file: {})", file.display()),
            None => "the settings are wrong".to_owned(),
        })
    }

    /// As [`Config::load`], with the world as arguments.
    pub fn merge(
        file: Option<&str>,
        variable: impl Fn(&str) -> Option<String>,
        overrides: &[(&str, &str)],
    ) -> anyhow::Result<Config> {
        let mut settings: Table = DEFAULTS.parse().context("config.default.toml")?;
        let (mut plans, mut integrations) = (Vec::new(), Vec::new());
        if let Some(text) = file {
            let mut file: Table = text.parse().context("not a TOML file")?;
            plans = take_tables(&mut file, "plans")?;
            integrations = take_tables(&mut file, "integrations")?;
            merge_file(&mut settings, file)?;
        }
        for (section, keys) in &mut settings {
            let Value::Table(keys) = keys else { continue };
            for (key, value) in keys.iter_mut() {
                let name = format!("KOPECK_{section}_{key}").to_uppercase();
                if let Some(text) = variable(&name) {
                    *value = parse_as(value, &text).with_context(|| format!("variable {name}"))?;
                }
            }
        }
        for (path, text) in overrides {
            let (section, key) = path.split_once('.').unwrap_or((path, ""));
            let keys = settings.get_mut(section).and_then(Value::as_table_mut);
            let Some(value) = keys.and_then(|keys| keys.get_mut(key)) else {
                bail!("unknown setting `{path}`");
            };
            *value = parse_as(value, text).with_context(|| format!("setting {path}"))?;
        }
        let mut config: Config = settings.try_into()?;
        config.secret_key = variable(KEY_VARIABLE).filter(|key| !key.is_empty()).map(Secret::new);
        config.plans = plans;
        config.integrations = Secret::new(integrations);
        config.check()?;
        Ok(config)
    }

    fn check(&mut self) -> anyhow::Result<()> {
        let url = self.server.public_url.trim_end_matches('/').to_owned();
        if !url.is_empty() && !url.starts_with("https://") && !url.starts_with("http://") {
            bail!("server.public_url must begin with https:// (or http:// for trying out)");
        }
        self.server.public_url = url;
        if self.net.timeout_ms == 0 || self.net.connect_timeout_ms == 0 {
            bail!("net.timeout_ms and net.connect_timeout_ms must be more than 0");
        }
        Ok(())
    }

    /// For [`super::db::Db::open`].
    pub fn database_url(&self) -> String {
        if self.database.url.reveal().is_empty() {
            return self.data.dir.join("kopeck.db").display().to_string();
        }
        self.database.url.reveal().clone()
    }

    /// Whether there is a database already; of one on a server that is taken for granted.
    pub fn has_database(&self) -> bool {
        super::db::exists(&self.database_url())
    }

    /// The vault with the key of this installation; makes the key file at the first start.
    pub fn vault(&self) -> anyhow::Result<Vault> {
        match &self.secret_key {
            Some(key) => Vault::from_key_text(key.reveal()),
            None => Vault::load_or_create(&self.data.dir.join("secret.key")),
        }
    }

    /// For [`super::net::NetWire::new`].
    pub fn net_settings(&self) -> NetSettings {
        let file = &self.net.extra_ca_file;
        NetSettings {
            policy: self.net.private_addresses,
            extra_ca_file: Some(file.clone()).filter(|file| !file.as_os_str().is_empty()),
            connect_timeout_ms: self.net.connect_timeout_ms,
            timeout_ms: self.net.timeout_ms,
        }
    }
}

/// `[[plans]]` and the like are lists of tables, unlike every setting.
fn take_tables(file: &mut Table, name: &str) -> anyhow::Result<Vec<Table>> {
    let Some(tables) = file.remove(name) else { return Ok(Vec::new()) };
    let wrong = || anyhow::anyhow!("`{name}` is a list: each of them begins with `[[{name}]]`");
    let Value::Array(tables) = tables else { return Err(wrong()) };
    let table = |one: Value| if let Value::Table(one) = one { Ok(one) } else { Err(wrong()) };
    tables.into_iter().map(table).collect()
}

/// Lays the file over the defaults. A misspelt key would silently leave its default in force.
fn merge_file(settings: &mut Table, file: Table) -> anyhow::Result<()> {
    for (section, keys) in file {
        let Some(Value::Table(known)) = settings.get_mut(&section) else {
            let hint = nearest(&section, settings.keys());
            bail!("unknown section `[{section}]`{hint}");
        };
        let Value::Table(keys) = keys else { bail!("`{section}` is a section: `[{section}]`") };
        for (key, value) in keys {
            let Some(default) = known.get_mut(&key) else {
                let hint = nearest(&key, known.keys());
                bail!("unknown setting `{section}.{key}`{hint}");
            };
            if !value.same_type(default) {
                let (is, wanted) = (value.type_str(), default.type_str());
                bail!("`{section}.{key}` is of type {is}, it must be {wanted}");
            }
            *default = value;
        }
    }
    Ok(())
}

/// Text from the environment or a flag, as the type that the default has. The text itself stays out
/// of the error: it may be a password in the wrong place.
fn parse_as(default: &Value, text: &str) -> anyhow::Result<Value> {
    match default {
        Value::String(_) => Ok(Value::String(text.to_owned())),
        Value::Integer(_) => Ok(Value::Integer(text.parse().context("must be a whole number")?)),
        Value::Boolean(_) => Ok(Value::Boolean(text.parse().context("must be true or false")?)),
        Value::Float(_) | Value::Datetime(_) | Value::Array(_) | Value::Table(_) => {
            bail!("can be set in the file only")
        }
    }
}

/// ``; did you mean `listen`?``
fn nearest<'a>(wrong: &str, known: impl Iterator<Item = &'a String>) -> String {
    let best = known.min_by_key(|name| distance(wrong, name));
    best.map(|name| format!("; did you mean `{name}`?")).unwrap_or_default()
}

/// How many letters to insert, delete or change (Levenshtein).
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, left) in a.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, right) in b.iter().enumerate() {
            let change = diagonal + usize::from(left != *right);
            diagonal = row[j + 1];
            row[j + 1] = change.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn nothing(_: &str) -> Option<String> {
        None
    }

    fn error(file: &str) -> String {
        format!("{:#}", Config::merge(Some(file), nothing, &[]).unwrap_err())
    }

    /// No field has a default of its own and unknown keys are refused, so this proves that the file
    /// names every setting and nothing else.
    #[test]
    fn the_default_file_is_complete_and_every_key_of_it_is_used() {
        let config = Config::merge(None, nothing, &[]).unwrap();
        assert_eq!(config.server.listen.port(), 8080);
        assert_eq!(config.database_url(), "kopeck-data/kopeck.db");
        assert!(config.net_settings().extra_ca_file.is_none());
        let defaults: Table = DEFAULTS.parse().unwrap();
        for (section, keys) in &defaults {
            for key in keys.as_table().unwrap().keys() {
                let mut without = defaults.clone();
                without[section].as_table_mut().unwrap().remove(key);
                assert!(without.try_into::<Config>().is_err(), "{section}.{key} is not needed");
            }
        }
    }

    #[test]
    fn every_setting_has_a_sentence() {
        let mut commented = false;
        for line in DEFAULTS.lines() {
            let is_key = line.contains(" = ") && !line.starts_with('#');
            assert!(commented || !is_key, "no sentence above `{line}`");
            commented = line.starts_with('#');
        }
    }

    #[test]
    fn plans_stand_beside_the_settings() {
        let file = "[server]\nlisten = \"1.1.1.1:1\"\n[[plans]]\ncode = \"start\"\n\
                    [plans.features]\nseats = 3\n[[plans]]\ncode = \"pro\"\n";
        let config = Config::merge(Some(file), nothing, &[]).unwrap();
        let codes: Vec<&str> =
            config.plans.iter().map(|plan| plan["code"].as_str().unwrap()).collect();
        assert_eq!(codes, ["start", "pro"]);
        assert_eq!(config.plans[0]["features"]["seats"].as_integer(), Some(3));
        assert!(Config::merge(None, nothing, &[]).unwrap().plans.is_empty());
    }

    #[test]
    fn flags_beat_the_environment_which_beats_the_file() {
        let file = "[server]\nlisten = \"1.1.1.1:1\"\npublic_url = \"https://a.ru/\"\n\
                    [net]\ntimeout_ms = 1\n[log]\nformat = \"json\"";
        let variable = |name: &str| match name {
            "KOPECK_SERVER_LISTEN" => Some("2.2.2.2:2".to_owned()),
            "KOPECK_NET_TIMEOUT_MS" => Some("2".to_owned()),
            "KOPECK_SECRET_KEY" => Some("ab".repeat(32)),
            _ => None,
        };
        let flags = [("server.listen", "3.3.3.3:3")];
        let config = Config::merge(Some(file), variable, &flags).unwrap();
        assert_eq!(config.server.listen.port(), 3);
        assert_eq!(config.net.timeout_ms, 2);
        assert_eq!(config.server.public_url, "https://a.ru");
        assert_eq!(config.log.format, LogFormat::Json);
        assert!(config.vault().is_ok());
        assert!(!format!("{config:?}").contains("abab"));
    }

    #[test]
    fn mistakes_are_named() {
        for (file, wanted) in [
            ("[server]\nlistne = \"x\"", "unknown setting `server.listne`; did you mean `listen`?"),
            ("[sever]\nlisten = \"x\"", "unknown section `[sever]`; did you mean `server`?"),
            ("[net]\ntimeout_ms = \"5\"", "`net.timeout_ms` is of type string, it must be integer"),
            ("[server]\nlisten = \"nowhere\"", "listen"),
            ("[server]\npublic_url = \"pay.example.ru\"", "https://"),
            ("[net]\nprivate_addresses = \"maybe\"", "loopback"),
            ("[net]\ntimeout_ms = 0", "net.timeout_ms"),
            ("listen = 1", "unknown section"),
            ("[server", "not a TOML file"),
            ("[plans]\ncode = \"x\"", "each of them begins with `[[plans]]`"),
            ("plans = [1]", "each of them begins with `[[plans]]`"),
        ] {
            let error = error(file);
            assert!(error.contains(wanted), "{file}: {error}");
        }
        let wrong = Config::merge(None, nothing, &[("server.port", "1")]).unwrap_err();
        assert!(wrong.to_string().contains("server.port"));
        let text = |name: &str| (name == "KOPECK_NET_TIMEOUT_MS").then(|| "soon".to_owned());
        assert!(Config::merge(None, text, &[]).is_err());
    }
}
