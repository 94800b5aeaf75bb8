//! What the kernel counted in a namespace.

use std::collections::BTreeMap;
use std::fs;

use anyhow::Context;
use netlink::{Namespace, run_in};
use serde::Serialize;

/// Traffic of an interface. A segment that was not cut to packets yet counts as one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct LinkCounters {
    /// Received bytes.
    pub bytes: u64,
    /// Received packets or segments.
    pub packets: u64,
}

impl LinkCounters {
    /// Of one interface of a namespace.
    ///
    /// # Errors
    /// The interface is not there.
    pub fn read(namespace: &Namespace, interface: &str) -> anyhow::Result<Self> {
        let text = run_in(namespace, || fs::read_to_string("/proc/thread-self/net/dev"))??;
        Self::parse(&text, interface).with_context(|| format!("{} has no interface {interface}", namespace.label()))
    }

    fn parse(text: &str, interface: &str) -> Option<Self> {
        let line = text.lines().find_map(|line| line.trim().strip_prefix(interface)?.strip_prefix(':'))?;
        let mut numbers = line.split_whitespace().map_while(|number| number.parse().ok());
        Some(Self { bytes: numbers.next()?, packets: numbers.next()? })
    }

    /// What came since `earlier`.
    pub fn since(self, earlier: Self) -> Self {
        Self { bytes: self.bytes.saturating_sub(earlier.bytes), packets: self.packets.saturating_sub(earlier.packets) }
    }

    /// Mean size of a packet or segment in bytes; 0 without any.
    pub fn mean(self) -> u64 {
        self.bytes.checked_div(self.packets).unwrap_or(0)
    }
}

/// Packets that a namespace threw away for their checksums: `InCsumErrors` of all protocols.
///
/// # Errors
/// The namespace cannot be entered.
pub fn checksum_errors(namespace: &Namespace) -> anyhow::Result<u64> {
    let read = |name| fs::read_to_string(format!("/proc/thread-self/net/{name}"));
    let (four, six) = run_in(namespace, || anyhow::Ok((read("snmp")?, read("snmp6")?)))??;
    Ok(snmp(&four, "InCsumErrors") + snmp6(&six, "InCsumErrors"))
}

/// The sum of a counter over all protocols of IPv6: one to a line, its name behind that of the protocol.
fn snmp6(text: &str, counter: &str) -> u64 {
    let counters = text.lines().filter_map(|line| line.split_once(char::is_whitespace));
    let of_all = counters.filter(|(name, _)| name.ends_with(counter));
    of_all.filter_map(|(_, value)| value.trim().parse::<u64>().ok()).sum()
}

/// The sum of a counter over all protocols. Each has a line of names and a line of values.
fn snmp(text: &str, counter: &str) -> u64 {
    let mut names: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    let mut sum = 0;
    for (protocol, fields) in text.lines().filter_map(|line| line.split_once(':')) {
        let fields: Vec<_> = fields.split_whitespace().collect();
        match names.remove(protocol) {
            None => {
                names.insert(protocol, fields);
            }
            Some(names) => {
                let values = names.iter().zip(fields).filter(|(name, _)| **name == counter);
                sum += values.filter_map(|(_, value)| value.parse::<u64>().ok()).sum::<u64>();
            }
        }
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_interface_is_found_by_its_whole_name() {
        let text = "Inter-|   Receive\n face |bytes packets\n  eth0: 3000 2 0 0 0 0 0 0 70 1\neth01: 9 9 0";
        let counters = LinkCounters::parse(text, "eth0").unwrap_or_default();
        assert_eq!(counters, LinkCounters { bytes: 3000, packets: 2 });
        assert_eq!(counters.mean(), 1500);
        assert_eq!(LinkCounters::parse(text, "eth"), None);
        assert_eq!(LinkCounters::default().mean(), 0);
    }

    #[test]
    fn checksum_errors_of_all_protocols_are_added() {
        let text = "Tcp: InErrs InCsumErrors\nTcp: 5 2\nUdp: InCsumErrors MemErrors\nUdp: 3 4\n";
        assert_eq!(snmp(text, "InCsumErrors"), 5);
        let text = "Udp6InErrors        \t9\nUdp6InCsumErrors    \t3\nIcmp6InCsumErrors   \t4\n";
        assert_eq!(snmp6(text, "InCsumErrors"), 7);
    }
}
