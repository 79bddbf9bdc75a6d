//! Which addresses may be called.
//!
//! Webhook addresses are typed by people. Without a guard somebody could make the server call its
//! own admin port, a neighbour in its network or the cloud's metadata service. Names are checked
//! after resolving, on the very addresses that are then connected to, so that a name cannot show
//! one address to the check and another to the connection.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use serde::Deserialize;

/// What is allowed beside the public internet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub enum AddressPolicy {
    /// Nothing: for addresses that come from people.
    #[serde(rename = "never")]
    PublicOnly,
    /// This machine: for emulators in demos and tests.
    #[serde(rename = "loopback")]
    AllowLoopback,
    /// Anything: for a bank's base URL or a network of shops that the operator chose.
    #[serde(rename = "any")]
    OperatorChosen,
}

impl AddressPolicy {
    /// Checks a host that is an address; names are checked when they are resolved.
    pub(super) fn check_host(self, host: &str) -> Result<(), String> {
        let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
        match bare.parse::<IpAddr>() {
            Ok(address) if !self.allows(address) => Err(refusal(bare)),
            Ok(_) | Err(_) => Ok(()),
        }
    }

    pub fn allows(self, address: IpAddr) -> bool {
        let address = embedded(address);
        match self {
            AddressPolicy::PublicOnly => is_public(address),
            AddressPolicy::AllowLoopback => address.is_loopback() || is_public(address),
            AddressPolicy::OperatorChosen => true,
        }
    }
}

fn refusal(host: &str) -> String {
    format!("`{host}` is a private address, not one of the public internet")
}

/// Resolves with the system and keeps only allowed addresses.
pub(super) struct Resolver(pub AddressPolicy);

impl Resolve for Resolver {
    fn resolve(&self, name: Name) -> Resolving {
        let policy = self.0;
        Box::pin(async move {
            let found = tokio::net::lookup_host((name.as_str(), 0)).await?;
            let allowed: Vec<SocketAddr> =
                found.filter(|found| policy.allows(found.ip())).collect();
            if allowed.is_empty() {
                return Err(refusal(name.as_str()).into());
            }
            let allowed: Addrs = Box::new(allowed.into_iter());
            Ok(allowed)
        })
    }
}

/// Why a name cannot be called, if all of its addresses are forbidden now.
pub(super) async fn leads_inside(name: &str, policy: AddressPolicy) -> Option<String> {
    let found: Vec<SocketAddr> = tokio::net::lookup_host((name, 0)).await.ok()?.collect();
    let is_inside = !found.is_empty() && found.iter().all(|found| !policy.allows(found.ip()));
    is_inside.then(|| refusal(name))
}

/// The IPv4 address that an IPv6 address leads to: mapped, compatible, NAT64, 6to4.
fn embedded(address: IpAddr) -> IpAddr {
    let IpAddr::V6(v6) = address else { return address };
    let [a, b, c, d, e, f, g, h] = v6.segments();
    let v4 = |high: u16, low: u16| {
        let ([a, b], [c, d]) = (high.to_be_bytes(), low.to_be_bytes());
        IpAddr::V4(Ipv4Addr::new(a, b, c, d))
    };
    match (a, b, [c, d, e, f]) {
        (0, 0, [0, 0, 0, 0xffff]) | (0x64, 0xff9b, [0, 0, 0, 0]) => v4(g, h),
        (0, 0, [0, 0, 0, 0]) if g != 0 => v4(g, h),
        (0x2002, high, [low, ..]) => v4(high, low),
        _ => address,
    }
}

fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => is_public_v6(address),
    }
}

/// By the IANA registry of special-purpose addresses.
fn is_public_v4(address: Ipv4Addr) -> bool {
    let special = match address.octets() {
        [0 | 240..=255, ..] => true, // this network; reserved and broadcast
        [100, 64..=127, ..] => true, // carrier-grade NAT
        [192, 0, 0, _] => true,      // protocol assignments
        [192, 88, 99, _] => true,    // 6to4 relay
        [198, 18..=19, ..] => true,  // benchmarks
        _ => false,
    };
    // Link-local holds the clouds' metadata service, 169.254.169.254.
    !(special
        || address.is_private()
        || address.is_loopback()
        || address.is_link_local()
        || address.is_multicast()
        || address.is_documentation())
}

/// Only 2000::/3 is given out; within it some blocks lead nowhere or elsewhere.
fn is_public_v6(address: Ipv6Addr) -> bool {
    match address.segments() {
        [0x2001, 0..=0x01ff, ..] => false, // Teredo, ORCHID, benchmarks
        [0x2001, 0x0db8, ..] => false,     // documentation
        [0x3fff, 0..=0x0fff, ..] => false, // documentation
        [first, ..] => (0x2000..=0x3fff).contains(&first),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_public_addresses_pass() {
        for address in [
            "0.0.0.0",
            "10.0.0.1",
            "100.64.0.1",
            "127.0.0.1",
            "127.8.8.8",
            "169.254.169.254",
            "172.16.0.1",
            "172.31.255.255",
            "192.168.1.1",
            "192.0.0.8",
            "198.18.0.1",
            "192.0.2.1",
            "224.0.0.1",
            "240.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "fe80::1",
            "fc00::1",
            "fd12::1",
            "ff02::1",
            "::ffff:10.0.0.1",
            "::127.0.0.1",
            "64:ff9b::a9fe:a9fe",
            "2002:7f00:1::",
            "2001:db8::1",
            "2001::1",
            "fec0::1",
        ] {
            assert!(!AddressPolicy::PublicOnly.allows(address.parse().unwrap()), "{address}");
            assert!(AddressPolicy::OperatorChosen.allows(address.parse().unwrap()), "{address}");
        }
        for address in [
            "1.1.1.1",
            "172.32.0.1",
            "100.128.0.1",
            "91.194.226.1",
            "2a02:6b8::1",
            "::ffff:8.8.8.8",
        ] {
            assert!(AddressPolicy::PublicOnly.allows(address.parse().unwrap()), "{address}");
        }
        for (address, allowed) in [
            ("127.0.0.1", true),
            ("::1", true),
            ("::ffff:127.0.0.1", true),
            ("10.0.0.1", false),
            ("0.0.0.0", false),
        ] {
            let address: IpAddr = address.parse().unwrap();
            assert_eq!(AddressPolicy::AllowLoopback.allows(address), allowed, "{address}");
        }
    }
}
