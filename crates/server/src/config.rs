//! The configuration file: TOML, every field optional, unknown fields refused.

use std::ops::RangeInclusive;
use std::path::Path;

use agent::DEFAULT_MTU;
use api::Names;
use control::{Config, DEFAULT_IPV6_PREFIX, Limits, Region, Retention, Settings};
use ipnet::{IpNet, Ipv6Net};
use model::{EdgeSiteId, RegionId};
use serde::Deserialize;

/// From what IPv6 needs (RFC 8200 section 5) to what networks commonly carry.
const MTUS: RangeInclusive<u16> = 1280..=9000;

/// A configuration that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("cannot read the configuration {path}")]
    Read {
        /// The file.
        path: String,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// Not TOML, or a field that is not known.
    #[error("the configuration {path} is not valid: {message}")]
    Format {
        /// The file.
        path: String,
        /// What is wrong, with its line.
        message: String,
    },
}

/// Contents of the configuration file.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct FileConfig {
    /// Regions of the installation; `region-1` and `region-2` unless given.
    pub regions: Vec<RegionConfig>,
    /// The domain of host names, such as `vpc.<region>.<domain>` (api-iam §2).
    pub domain: String,
    /// Ranges of addresses of proxies before the server: what these write into `X-Forwarded-For` and `X-Forwarded-Proto` is
    /// believed. None unless given.
    pub trusted_proxies: Vec<IpNet>,
    /// Days until an unanswered peering request expires (rule LC-3); 0 means never.
    pub peering_expiry_days: u32,
    /// Where the IPv6 prefixes of subnets come from, a /64 each (rule V6-1): a /64 or shorter of 2000::/3 or fd00::/8. The
    /// prefixes that are given out stay when it is changed.
    pub ipv6_prefix: Ipv6Net,
    /// Largest packet of every server in bytes, 1280 to 9000 (rules MTU-1, MTU-3).
    pub mtu: u16,
    /// Events of an account that the audit log keeps at most, the newest ones; 0 means any number.
    pub events_per_account: usize,
    /// Days that the audit log keeps an event; 0 means for ever.
    pub events_days: u32,
    /// Quotas and limits where they differ from the defaults.
    pub limits: Limits,
}

/// A region.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RegionConfig {
    /// Its id, which is also its projects' name.
    pub id: String,
    /// Availability zones.
    #[serde(default)]
    pub availability_zones: Vec<String>,
    /// Edge sites (rule EDGE-1).
    #[serde(default)]
    pub edge_sites: Vec<String>,
}

impl RegionConfig {
    /// A region with one zone and two edge sites.
    #[must_use]
    pub fn named(id: &str) -> Self {
        Self {
            id: id.to_owned(),
            availability_zones: vec![format!("{id}a")],
            edge_sites: vec!["edge-1".to_owned(), "edge-2".to_owned()],
        }
    }
}

impl Default for FileConfig {
    fn default() -> Self {
        Self {
            regions: vec![RegionConfig::named("region-1"), RegionConfig::named("region-2")],
            domain: Names::DEFAULT_DOMAIN.to_owned(),
            peering_expiry_days: 7,
            ipv6_prefix: DEFAULT_IPV6_PREFIX,
            mtu: DEFAULT_MTU,
            events_per_account: 10_000,
            events_days: 90,
            trusted_proxies: Vec::new(),
            limits: Limits::default(),
        }
    }
}

impl FileConfig {
    /// The settings that use cases work with.
    #[must_use]
    pub fn settings(&self) -> Settings {
        let regions = self.regions.iter().map(|region| Region {
            id: RegionId(region.id.clone()),
            availability_zones: region.availability_zones.clone(),
            edge_sites: region.edge_sites.iter().map(|site| EdgeSiteId(site.clone())).collect(),
        });
        let days = i64::from(self.peering_expiry_days);
        let config = Config {
            regions: regions.collect(),
            peering_expiry_secs: (days != 0).then_some(days * 24 * 3600),
            ipv6_prefix: self.ipv6_prefix,
        };
        let events = Retention {
            per_account: (self.events_per_account != 0).then_some(self.events_per_account),
            seconds: (self.events_days != 0).then(|| i64::from(self.events_days) * 24 * 3600),
        };
        Settings { limits: self.limits.clone(), config, events, ..Settings::default() }
    }

    /// The host names of the API.
    #[must_use]
    pub fn names(&self) -> Names {
        Names::new(&self.domain, self.trusted_proxies.clone())
    }

    /// Reads the file.
    ///
    /// # Errors
    /// [`ConfigError`].
    pub fn read(path: &Path) -> Result<Self, ConfigError> {
        let name = path.display().to_string();
        let text = std::fs::read_to_string(path).map_err(|source| ConfigError::Read { path: name.clone(), source })?;
        Self::parse(&text).map_err(|message| ConfigError::Format { path: name, message })
    }

    /// Reads a text.
    ///
    /// # Errors
    /// What is wrong, with its line.
    pub fn parse(text: &str) -> Result<Self, String> {
        let config: Self = toml::from_str(text).map_err(|e| e.to_string())?;
        if config.regions.is_empty() {
            return Err("at least one region is needed".to_owned());
        }
        for (index, region) in config.regions.iter().enumerate() {
            if region.id.is_empty() || config.regions.iter().take(index).any(|r| r.id == region.id) {
                return Err(format!("region ids must be unique and not empty: `{}`", region.id));
            }
        }
        if !is_domain(&config.domain) {
            return Err(format!("domain `{}`: a host name such as cloud.example is expected", config.domain));
        }
        let prefix = config.ipv6_prefix;
        if prefix.trunc() != prefix || prefix.prefix_len() > 64 {
            return Err(format!("ipv6_prefix `{prefix}`: a /64 or shorter without bits behind the prefix is expected"));
        }
        model::validate_workload_range_v6(prefix).map_err(|error| format!("ipv6_prefix: {error}"))?;
        if !MTUS.contains(&config.mtu) {
            return Err(format!("mtu {}: {} to {} is expected", config.mtu, MTUS.start(), MTUS.end()));
        }
        Ok(config)
    }
}

/// Whether hosts can be named below it; an address is no domain.
fn is_domain(text: &str) -> bool {
    let label = |label: &str| {
        (1..=63).contains(&label.len())
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    };
    text.len() <= 180 && text.split('.').all(label) && text.parse::<std::net::IpAddr>().is_err()
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a failed parse is the failure of the test")]
mod tests {
    use super::*;

    #[test]
    fn an_empty_file_is_the_default_and_mistakes_are_refused() {
        let config = FileConfig::parse("").unwrap();
        assert_eq!(config.regions.len(), 2);
        assert!(FileConfig::parse("region = 1").unwrap_err().contains("region"));
        assert!(FileConfig::parse("regions = []").is_err());
        assert!(FileConfig::parse("[[regions]]\nid = \"a\"\n[[regions]]\nid = \"a\"\n").is_err());
        let config = FileConfig::parse("[[regions]]\nid = \"hong-kong\"\nedge_sites = [\"e1\"]\n").unwrap();
        assert_eq!(config.regions[0].edge_sites, ["e1"]);
    }

    #[test]
    fn events_are_kept_as_the_file_says() {
        let retention = |text: &str| FileConfig::parse(text).unwrap().settings().events;
        assert_eq!(retention(""), Retention::default());
        assert_eq!(
            retention("events_per_account = 7\nevents_days = 2\n"),
            Retention { per_account: Some(7), seconds: Some(2 * 24 * 3600) }
        );
        assert_eq!(
            retention("events_per_account = 0\nevents_days = 0\n"),
            Retention { per_account: None, seconds: None }
        );
        let file = FileConfig::parse("trusted_proxies = [\"10.0.0.0/8\", \"2001:db8::1/128\"]\n").unwrap();
        assert_eq!(file.trusted_proxies.len(), 2);
        assert!(FileConfig::parse("trusted_proxies = [\"proxy.example\"]\n").unwrap_err().contains("trusted_proxies"));
    }

    /// V6-1, MTU-1: what could not work is refused at the start.
    #[test]
    fn names_prefix_and_mtu_are_checked() {
        let file = FileConfig::parse("ipv6_prefix = \"2001:db8::/32\"\nmtu = 1400\n").unwrap();
        assert_eq!((file.settings().config.ipv6_prefix.to_string().as_str(), file.mtu), ("2001:db8::/32", 1400));
        for (text, hint) in [
            ("ipv6_prefix = \"2001:db8::/65\"", "a /64 or shorter"),
            ("ipv6_prefix = \"2001:db8::1/48\"", "a /64 or shorter"),
            ("ipv6_prefix = \"fe80::/48\"", "not for workloads"),
            ("ipv6_prefix = \"::/0\"", "not for workloads"),
            ("ipv6_prefix = \"10.0.0.0/8\"", "ipv6_prefix"),
            ("domain = \"cloud..example\"", "a host name such as cloud.example"),
            ("domain = \"10.0.0.1\"", "a host name"),
            ("domain = \"\"", "a host name"),
            ("trusted_proxies = [\"10.0.0.1\"]", "trusted_proxies"),
            ("mtu = 1279", "1280 to 9000"),
            ("mtu = 9001", "1280 to 9000"),
        ] {
            let error = FileConfig::parse(text).unwrap_err();
            assert!(error.contains(hint), "{text}: {error}");
        }
    }
}
