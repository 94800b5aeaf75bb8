//! The names that a generated certificate is good for (api-iam §2).

use std::collections::BTreeSet;
use std::fs;
use std::net::IpAddr;

use api::Names;
use nix::ifaddrs::getifaddrs;

/// What clients may call the server.
#[derive(Clone, Debug)]
pub(crate) struct HostNames {
    /// The address that is listened on.
    pub(crate) listen: IpAddr,
    /// The domain of service names.
    pub(crate) domain: String,
    /// The regions.
    pub(crate) regions: Vec<String>,
}

impl HostNames {
    /// All names and addresses, sorted: this machine's, `*.<region>.<domain>` and `<service>.<domain>`.
    pub(super) fn all(&self) -> Vec<String> {
        let mut all: BTreeSet<String> = ["localhost", "127.0.0.1", "::1"].map(str::to_owned).into();
        if self.listen.is_unspecified() {
            all.extend(addresses().iter().map(ToString::to_string));
        } else {
            all.insert(self.listen.to_string());
        }
        all.extend(fs::read_to_string("/proc/sys/kernel/hostname").map(|name| name.trim().to_owned()));
        all.extend(self.regions.iter().map(|region| format!("*.{region}.{}", self.domain)));
        all.extend(Names::SERVICES.iter().map(|service| format!("{service}.{}", self.domain)));
        all.into_iter().filter(|name| is_name(name)).collect()
    }
}

/// The addresses of the machine's interfaces. Those of a link are not of use: a name in a certificate has no scope.
fn addresses() -> Vec<IpAddr> {
    let Ok(interfaces) = getifaddrs() else { return Vec::new() };
    interfaces
        .filter_map(|interface| {
            let address = interface.address?;
            let v4 = address.as_sockaddr_in().map(|it| IpAddr::from(it.ip()));
            v4.or_else(|| address.as_sockaddr_in6().map(|it| IpAddr::from(it.ip())))
        })
        .filter(|address| !matches!(address, IpAddr::V6(v6) if v6.is_unicast_link_local()))
        .collect()
}

/// Whether it may stand in a certificate: a region may be called what no host is.
fn is_name(text: &str) -> bool {
    let label = |label: &str| {
        (1..=63).contains(&label.len())
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    };
    text.parse::<IpAddr>().is_ok()
        || (text.len() <= 253 && text.strip_prefix("*.").unwrap_or(text).split('.').all(label))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_machine_and_the_services_are_named() {
        let regions = vec!["region-1".to_owned(), "no such_host".to_owned()];
        let names = |listen: [u8; 4]| {
            HostNames { listen: listen.into(), domain: "cloud.example".to_owned(), regions: regions.clone() }.all()
        };
        let all = names([192, 0, 2, 7]);
        let expected = [
            "localhost",
            "127.0.0.1",
            "::1",
            "192.0.2.7",
            "*.region-1.cloud.example",
            "iam.cloud.example",
            "cc.cloud.example",
        ];
        for name in expected {
            assert!(all.iter().any(|it| it == name), "{name}: {all:?}");
        }
        assert!(!all.iter().any(|name| name.contains(' ')), "{all:?}");
        assert!(!names([0, 0, 0, 0]).contains(&"0.0.0.0".to_owned()));
    }
}
