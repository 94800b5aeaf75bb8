//! Host names (api-iam §2): which service and which region a client means, and how others are named to it.

use std::net::IpAddr;

use ipnet::IpNet;

/// The names that the API goes by, and who may say that it was called by another scheme and from
/// elsewhere.
#[derive(Clone, Debug)]
pub struct Names {
    domain: String,
    trusted_proxies: Vec<IpNet>,
}

impl Default for Names {
    /// `cloud.example`, and no proxies: whoever is on this machine could write into the audit log what it likes.
    fn default() -> Self {
        Self { domain: Self::DEFAULT_DOMAIN.to_owned(), trusted_proxies: Vec::new() }
    }
}

/// What a host name says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Named<'a> {
    /// `vpc`, `iam`, …
    pub service: &'a str,
    /// The region; `None` for the host of a global service.
    pub region: Option<&'a str>,
}

impl Names {
    /// The domain unless another is set. No name of it exists on the Internet (RFC 2606).
    pub const DEFAULT_DOMAIN: &'static str = "cloud.example";

    /// The services that have hosts (api-iam §2).
    pub const SERVICES: [&'static str; 16] = [
        "iam", "vpc", "eip", "nat", "cc", "eps", "ecs", "sts", "dns", "bss", "evs", "ims", "rds", "elb", "tms",
        "causeway",
    ];

    /// The names below `domain`; proxies in `trusted_proxies` are believed.
    #[must_use]
    pub fn new(domain: &str, trusted_proxies: Vec<IpNet>) -> Self {
        Self { domain: domain.to_ascii_lowercase(), trusted_proxies }
    }

    /// The domain.
    #[must_use]
    pub fn domain(&self) -> &str {
        &self.domain
    }

    /// Whose word on the scheme and on the client's address is believed.
    #[must_use]
    pub fn trusted_proxies(&self) -> &[IpNet] {
        &self.trusted_proxies
    }

    /// Whether what a peer says in `X-Forwarded-Proto` is believed.
    #[must_use]
    pub fn trusts(&self, peer: IpAddr) -> bool {
        let peer = peer.to_canonical();
        self.trusted_proxies.iter().any(|proxies| proxies.contains(&peer))
    }

    /// What a `Host` says, port or not. A host of another domain still says something when it has the same form, as those
    /// of a name server that is not ours: its second label may be a region. An address says nothing.
    #[must_use]
    pub fn read<'a>(&self, host: &'a str) -> Option<Named<'a>> {
        let host = without_port(host);
        if let Some(rest) = self.labels(host) {
            let mut labels = rest.split('.');
            let (service, region) = (labels.next()?, labels.next());
            return labels.next().is_none().then_some(Named { service, region });
        }
        if host.starts_with('[') || host.parse::<IpAddr>().is_ok() {
            return None;
        }
        let mut labels = host.split('.');
        Some(Named { service: labels.next()?, region: labels.next() })
    }

    /// The labels before our domain; `None` for a host of another domain.
    fn labels<'a>(&self, host: &'a str) -> Option<&'a str> {
        let at = host.len().checked_sub(self.domain.len())?;
        let (rest, domain) = (host.get(..at)?, host.get(at..)?);
        rest.strip_suffix('.').filter(|rest| !rest.is_empty() && domain.eq_ignore_ascii_case(&self.domain))
    }

    /// The base address of a service for a client that came by `base`: the service's own host when the client uses host
    /// names of our domain, else the one that it used, which serves everything.
    #[must_use]
    pub fn base_of(&self, base: &str, service: &str, region: Option<&str>) -> String {
        let parts = base.split_once("://");
        let Some((scheme, host)) = parts.filter(|(_, host)| self.labels(without_port(host)).is_some()) else {
            return base.to_owned();
        };
        let port = host.get(without_port(host).len()..).unwrap_or_default();
        let region = region.map(|region| format!("{region}.")).unwrap_or_default();
        format!("{scheme}://{service}.{region}{}{port}", self.domain)
    }
}

fn without_port(host: &str) -> &str {
    match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) && !name.ends_with(':') => name,
        _ => host,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named<'a>(service: &'a str, region: Option<&'a str>) -> Option<Named<'a>> {
        Some(Named { service, region })
    }

    /// api-iam §2.
    #[test]
    fn a_host_names_a_service_and_maybe_a_region() {
        let names = Names::default();
        for (host, expected) in [
            ("vpc.region-1.cloud.example", named("vpc", Some("region-1"))),
            ("vpc.region-1.cloud.example:9443", named("vpc", Some("region-1"))),
            ("iam.Cloud.Example", named("iam", None)),
            ("cc.cloud.example:443", named("cc", None)),
            ("a.b.c.cloud.example", None),
            ("cloud.example", named("cloud", Some("example"))),
            ("vpc.region-1.cloud.test:80", named("vpc", Some("region-1"))),
            ("xcloud.example", named("xcloud", Some("example"))),
            ("localhost:9797", named("localhost", None)),
            ("127.0.0.1:9797", None),
            ("10.0.0.1", None),
            ("[::1]:9797", None),
        ] {
            assert_eq!(names.read(host), expected, "{host}");
        }
    }

    #[test]
    fn services_are_named_as_the_client_named_the_one_it_called() {
        let names = Names::default();
        for (base, service, region, expected) in [
            ("https://iam.region-1.cloud.example", "vpc", Some("region-2"), "https://vpc.region-2.cloud.example"),
            ("http://iam.cloud.example:9797", "vpc", Some("region-1"), "http://vpc.region-1.cloud.example:9797"),
            ("http://vpc.region-1.cloud.example:9797", "iam", None, "http://iam.cloud.example:9797"),
            ("http://127.0.0.1:9797", "vpc", Some("region-1"), "http://127.0.0.1:9797"),
            ("https://[::1]:9797", "vpc", Some("region-1"), "https://[::1]:9797"),
            ("http://iam.region-1.cloud.test:9797", "vpc", Some("region-1"), "http://iam.region-1.cloud.test:9797"),
        ] {
            assert_eq!(names.base_of(base, service, region), expected, "{base}");
        }
    }

    /// Whoever is on this machine is no proxy for that.
    #[test]
    fn only_proxies_that_are_named_are_trusted() {
        let trusts = |names: &Names, peer: &str| names.trusts(peer.parse().unwrap_or(IpAddr::from([9, 9, 9, 9])));
        let nobody = Names::default();
        let local = ["127.0.0.1", "::1"].map(|address| IpNet::from(address.parse::<IpAddr>().unwrap_or([0; 4].into())));
        let names = Names::new(Names::DEFAULT_DOMAIN, local.to_vec());
        for (peer, expected) in [
            ("127.0.0.1", true),
            ("::1", true),
            ("::ffff:127.0.0.1", true),
            ("127.0.0.2", false),
            ("10.0.0.1", false),
            ("::2", false),
        ] {
            assert_eq!(trusts(&names, peer), expected, "{peer}");
            assert!(!trusts(&nobody, peer), "{peer}");
        }
    }
}
