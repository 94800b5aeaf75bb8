//! Kernel parameters of a namespace.
//!
//! `/proc/sys/net` shows the parameters of the namespace that the *opening thread* is in, so each access opens the file
//! on a thread that has entered the namespace.

use std::fs;
use std::io::ErrorKind;

use crate::error::Context;
use crate::{Error, Namespace, Object, Result, run_in};

/// How strictly the kernel checks that the source of a packet would be routed back through the link it came in by
/// (RFC 3704).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ReversePathFilter {
    /// No check.
    Off,
    /// The best route back must use the link.
    Strict,
    /// Some route back must exist.
    Loose,
}

impl ReversePathFilter {
    /// The kernel's value.
    #[must_use]
    pub fn value(self) -> &'static str {
        match self {
            ReversePathFilter::Off => "0",
            ReversePathFilter::Strict => "1",
            ReversePathFilter::Loose => "2",
        }
    }
}

/// Sets a parameter; `path` is relative to `/proc/sys` with slashes (`net/ipv4/ip_forward`). `false` when it had that
/// value already.
///
/// # Errors
/// [`Error::NotFound`] when the kernel has no such parameter; [`Error::Refused`] otherwise; [`Error::Invalid`] for a
/// path that is not below `net/`.
pub fn write_sysctl_in(namespace: &Namespace, path: &str, value: &str) -> Result<bool> {
    check(path)?;
    run_in(namespace, || write_here(namespace.label(), path, value))?
}

/// Reads a parameter, without the newline at its end.
///
/// # Errors
/// As [`write_sysctl_in`].
pub fn read_sysctl_in(namespace: &Namespace, path: &str) -> Result<String> {
    check(path)?;
    run_in(namespace, || read_here(namespace.label(), path))?
}

/// Switches IPv4 and IPv6 forwarding of a namespace on or off, as a firewall workload needs it (the kernel without IPv6
/// is fine). `false` when nothing had to change.
///
/// # Errors
/// As [`write_sysctl_in`].
pub fn set_forwarding(namespace: &Namespace, on: bool) -> Result<bool> {
    let value = if on { "1" } else { "0" };
    run_in(namespace, || {
        let v4 = write_here(namespace.label(), "net/ipv4/ip_forward", value)?;
        match write_here(namespace.label(), "net/ipv6/conf/all/forwarding", value) {
            Ok(v6) => Ok(v4 || v6),
            Err(error) if error.is_not_found() => Ok(v4),
            Err(error) => Err(error),
        }
    })?
}

/// Sets the reverse path filter of a namespace: for all links that exist and for those to come. `false` when nothing
/// had to change.
///
/// # Errors
/// As [`write_sysctl_in`].
pub fn set_reverse_path_filter(namespace: &Namespace, filter: ReversePathFilter) -> Result<bool> {
    // The kernel takes the larger of `all` and the link's own value: both have to be set.
    set_for_all_links(namespace, "rp_filter", filter.value())
}

/// Sets whether the kernel tells senders of a better next hop on the same link (ICMP redirects), as a workload that
/// forwards out of the link that packets came in by must not: all of its neighbours are reached through it on purpose.
/// IPv4 only; IPv6 has no such parameter, and sends none where the next hop is a gateway's global address. `false` when
/// nothing had to change.
///
/// # Errors
/// As [`write_sysctl_in`].
pub fn set_send_redirects(namespace: &Namespace, on: bool) -> Result<bool> {
    // The kernel sends them when `all` or the link's own value says so.
    set_for_all_links(namespace, "send_redirects", if on { "1" } else { "0" })
}

fn set_for_all_links(namespace: &Namespace, parameter: &str, value: &str) -> Result<bool> {
    run_in(namespace, || {
        let object = || Object::Sysctl { path: "net/ipv4/conf".into(), namespace: namespace.label().into() };
        let mut changed = false;
        for entry in fs::read_dir("/proc/sys/net/ipv4/conf").context("list", object)? {
            let name = entry.context("list", object)?.file_name();
            let path = format!("net/ipv4/conf/{}/{parameter}", name.to_string_lossy());
            match write_here(namespace.label(), &path, value) {
                Ok(one) => changed |= one,
                Err(error) if error.is_not_found() => {} // The link went away meanwhile.
                Err(error) => return Err(error),
            }
        }
        Ok(changed)
    })?
}

fn check(path: &str) -> Result<()> {
    let plain = path.split('/').all(|part| !part.is_empty() && part != "." && part != "..");
    if plain && path.starts_with("net/") {
        return Ok(());
    }
    Err(Error::Invalid {
        what: "sysctl path",
        value: path.to_owned(),
        why: "only paths below net/ belong to a namespace",
    })
}

pub(crate) fn read_here(namespace: &str, path: &str) -> Result<String> {
    match fs::read_to_string(format!("/proc/sys/{path}")) {
        Err(error) if error.kind() == ErrorKind::NotFound => Err(Error::NotFound(object(namespace, path))),
        read => Ok(read.context("read", || object(namespace, path))?.trim_end().to_owned()),
    }
}

/// In the namespace of the calling thread; `namespace` is for messages.
pub(crate) fn write_here(namespace: &str, path: &str, value: &str) -> Result<bool> {
    if read_here(namespace, path)? == value {
        return Ok(false);
    }
    fs::write(format!("/proc/sys/{path}"), value).context("write", || object(namespace, path))?;
    Ok(true)
}

fn object(namespace: &str, path: &str) -> Object {
    Object::Sysctl { path: path.to_owned(), namespace: namespace.to_owned() }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]
    use super::*;
    use crate::testing::{TestNamespace, root};

    #[test]
    fn paths_outside_the_namespace_are_refused() {
        for path in ["kernel/hostname", "net/../kernel/hostname", "/net/ipv4/ip_forward", "net//ipv4"] {
            assert!(matches!(check(path), Err(Error::Invalid { .. })), "{path}");
        }
    }

    #[test]
    fn forwarding_is_switched_in_the_namespace_alone() {
        root!();
        let ns = TestNamespace::new("fwd");
        let other = TestNamespace::new("fwd2");
        set_forwarding(&ns, false).unwrap();
        set_forwarding(&other, false).unwrap();
        assert!(set_forwarding(&ns, true).unwrap());
        assert_eq!(read_sysctl_in(&ns, "net/ipv6/conf/all/forwarding").unwrap(), "1");
        assert!(!set_forwarding(&ns, true).unwrap());
        assert_eq!(read_sysctl_in(&ns, "net/ipv4/ip_forward").unwrap(), "1");
        assert_eq!(read_sysctl_in(&other, "net/ipv4/ip_forward").unwrap(), "0");
    }

    #[test]
    fn the_reverse_path_filter_covers_present_and_future_links() {
        root!();
        let ns = TestNamespace::new("rpf");
        set_reverse_path_filter(&ns, ReversePathFilter::Strict).unwrap();
        assert!(set_reverse_path_filter(&ns, ReversePathFilter::Off).unwrap());
        for link in ["all", "default", "lo"] {
            assert_eq!(read_sysctl_in(&ns, &format!("net/ipv4/conf/{link}/rp_filter")).unwrap(), "0");
        }
    }

    #[test]
    fn redirects_are_switched_off_for_present_and_future_links() {
        root!();
        let ns = TestNamespace::new("redirect");
        set_send_redirects(&ns, true).unwrap();
        assert!(set_send_redirects(&ns, false).unwrap());
        assert!(!set_send_redirects(&ns, false).unwrap());
        for link in ["all", "default", "lo"] {
            assert_eq!(read_sysctl_in(&ns, &format!("net/ipv4/conf/{link}/send_redirects")).unwrap(), "0");
        }
    }

    #[test]
    fn an_unknown_parameter_is_not_found() {
        root!();
        let ns = TestNamespace::new("sysctl");
        let error = write_sysctl_in(&ns, "net/ipv4/no_such_thing", "1").unwrap_err();
        assert!(error.is_not_found());
        assert!(error.to_string().contains("net/ipv4/no_such_thing"), "{error}");
    }
}
