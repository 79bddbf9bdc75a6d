//! Which database a URL means.

use std::path::PathBuf;

use anyhow::{Context as _, bail};

/// Connections to PostgreSQL unless the URL says `pool=n`: more than the cores of a small machine
/// only wait for each other's locks.
const POOL_DEFAULT: usize = 4;
/// PostgreSQL itself allows 100 connections out of the box.
const POOL_MAX: usize = 64;

#[derive(Debug)]
pub(super) enum Address {
    Sqlite(PathBuf),
    Postgres(Box<PostgresSettings>),
}

#[derive(Debug)]
pub(super) struct PostgresSettings {
    pub config: postgres::Config,
    pub pool: usize,
    pub tls: bool,
    /// PEM file with further roots, for hosters with a certificate authority of their own.
    pub root_cert: Option<PathBuf>,
}

impl Address {
    pub fn parse(url: &str) -> anyhow::Result<Address> {
        if url.starts_with("postgres://") || url.starts_with("postgresql://") {
            return Ok(Address::Postgres(Box::new(parse_postgres(url)?)));
        }
        let path = match url.strip_prefix("sqlite:") {
            Some(rest) => rest.strip_prefix("//").unwrap_or(rest),
            None => url,
        };
        if let Some((scheme, _)) = path.split_once("://") {
            bail!("unknown database `{scheme}`: use a path, sqlite:… or postgres://…");
        }
        if path.is_empty() || path.starts_with(':') {
            bail!("the database URL `{url}` names no file");
        }
        Ok(Address::Sqlite(PathBuf::from(path)))
    }
}

/// Takes out what the driver does not know and leaves the rest to it. The URL holds a password,
/// so no error may show it.
fn parse_postgres(url: &str) -> anyhow::Result<PostgresSettings> {
    let (base, query) = url.split_once('?').unwrap_or((url, ""));
    let (mut pool, mut tls, mut root_cert) = (POOL_DEFAULT, false, None);
    let mut rest = Vec::new();
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
        match (key, value) {
            ("pool", n) => {
                let n: usize = n.parse().context("`pool` in the database URL is not a number")?;
                pool = n.clamp(1, POOL_MAX);
            }
            ("sslmode", "require" | "verify-ca" | "verify-full") => tls = true,
            ("sslmode", "disable" | "allow" | "prefer") => tls = false,
            ("sslmode", other) => bail!("unknown sslmode `{other}` in the database URL"),
            ("sslrootcert", path) => root_cert = Some(PathBuf::from(path)),
            _ => rest.push(pair),
        }
    }
    // With TLS the certificate is always verified, whatever the weaker modes would allow.
    let mode = if tls { "sslmode=require" } else { "sslmode=disable" };
    rest.push(mode);
    let url = format!("{base}?{}", rest.join("&"));
    let config = url.parse().context("the PostgreSQL URL is malformed")?;
    Ok(PostgresSettings { config, pool, tls, root_cert })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_or_a_path_names_a_file() {
        for (url, wanted) in [
            ("sqlite:///var/lib/k.db", "/var/lib/k.db"),
            ("sqlite:data/k.db", "data/k.db"),
            ("data/k.db", "data/k.db"),
            ("/k.db", "/k.db"),
        ] {
            match Address::parse(url).unwrap() {
                Address::Sqlite(path) => assert_eq!(path.to_str(), Some(wanted), "{url}"),
                Address::Postgres(_) => panic!("{url} became PostgreSQL"),
            }
        }
        for url in ["", "sqlite:", "sqlite::memory:", "mysql://host/db"] {
            assert!(Address::parse(url).is_err(), "{url}");
        }
    }

    #[test]
    fn our_own_parameters_are_taken_out_of_a_postgres_url() {
        let url = "postgres://u:p@h:1/d?pool=9&sslmode=verify-full&sslrootcert=/ca.pem";
        let Address::Postgres(settings) = Address::parse(url).unwrap() else { panic!() };
        assert_eq!((settings.pool, settings.tls), (9, true));
        assert_eq!(settings.root_cert, Some(PathBuf::from("/ca.pem")));
        assert_eq!(settings.config.get_dbname(), Some("d"));
        assert!(Address::parse("postgres://h/d?sslmode=maybe").is_err());
        let wrong = Address::parse("postgres://u:hunter2@h:port/d").unwrap_err();
        assert!(!format!("{wrong:#}").contains("hunter2"), "{wrong:#}");
    }
}
