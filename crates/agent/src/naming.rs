//! How links and namespaces are called: by instance and object, so that an agent finds its own again and leaves those
//! of others alone.

use model::{Port, PortId, Server};

/// First letters of the names of all host ends.
pub const LINK_PREFIX: &str = "cw";

/// Name of the host's end of a port's veth: 14 characters from the port's id (15 are the kernel's limit).
#[must_use]
pub fn host_interface(port: PortId) -> String {
    let id = port.uuid().simple().to_string();
    format!("{LINK_PREFIX}{}", &id[..12])
}

/// Name of the workload's end of a port's veth: `eth0` for the primary port. A supplementary interface is a VLAN of one:
/// `eth0.100`.
#[must_use]
pub fn workload_interface(port: &Port) -> String {
    let carrier = carrier_interface(port);
    port.parent().map_or(carrier.clone(), |parent| format!("{carrier}.{}", parent.vlan))
}

/// Name of the workload's end of the veth that carries a port's frames.
pub(crate) fn carrier_interface(port: &Port) -> String {
    format!("eth{}", port.device_index)
}

/// Alias of the host's end: says whose it is. What carries another alias is never touched.
#[must_use]
pub fn link_alias(instance: &str, port: PortId) -> String {
    format!("{}{port}", link_alias_prefix(instance))
}

/// What the aliases of all links of an instance begin with.
#[must_use]
pub fn link_alias_prefix(instance: &str) -> String {
    format!("causeway:{instance}:")
}

/// What the names of all namespaces of an instance begin with.
#[must_use]
pub fn namespace_prefix(instance: &str) -> String {
    format!("cw-{instance}-")
}

/// Name of a server's network namespace: instance, the server's name as far as a file name can carry it, and the first
/// 48 bits of its id, since names need not be unique.
#[must_use]
pub fn namespace(instance: &str, server: &Server) -> String {
    let name: String =
        server.name.chars().map(|c| if c.is_ascii_alphanumeric() || c == '_' || c == '-' { c } else { '_' }).collect();
    let id = server.id.uuid().simple().to_string();
    format!("{}{name}-{}", namespace_prefix(instance), &id[..12])
}

/// What of a namespace's name does not change with the server's name.
pub(crate) fn id_suffix(namespace: &str) -> &str {
    namespace.rsplit('-').next().unwrap_or_default()
}

/// Whether this can name an instance.
#[must_use]
pub fn is_instance(name: &str) -> bool {
    (1..=32).contains(&name.len()) && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit())
}
