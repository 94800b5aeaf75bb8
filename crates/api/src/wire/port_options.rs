//! What a port has beside addresses and groups: `extra_dhcp_opts`, `binding:profile`, `binding:vif_details` (api-vpc §6).

use control::ServicePorts;
use model::{LEASE_OPTION, LeaseTime, Port, PortProfile};
use serde_json::{Map, Value, json};

use super::DhcpOptionV1;
use crate::error::Problem;

/// The interface of a port: whether it is its server's first one, and what carries a supplementary one.
pub(crate) fn vif_details(port: &Port) -> Value {
    let primary = port.server.is_some() && port.device_index == 0 && !port.is_supplementary();
    let mut details = json!({ "primary_interface": primary });
    if let Some(parent) = port.parent() {
        details["vlan_id"] = json!(parent.vlan);
        details["parent_id"] = json!(parent.port.to_string());
        details["parent_device_id"] = json!(port.server.map(|server| server.to_string()).unwrap_or_default());
    }
    details
}

/// The zone of the server that a port is attached to.
pub(crate) fn zone_of(port: &Port) -> Option<String> {
    let zone = port.device_owner.strip_prefix("compute:").filter(|zone| !zone.is_empty() && !port.is_supplementary());
    zone.map(str::to_owned)
}

/// The lease time, if the port has one of its own.
pub(crate) fn lease_option(port: &Port) -> Vec<DhcpOptionV1> {
    let option =
        |lease: &LeaseTime| DhcpOptionV1 { opt_name: LEASE_OPTION.to_owned(), opt_value: Some(lease.to_string()) };
    port.lease.iter().map(option).collect()
}

/// The lease time of a request: `None` when nothing was said, `Some(None)` for the subnet's, by an empty list or an empty
/// value.
pub(crate) fn lease(options: Option<Vec<DhcpOptionV1>>) -> Result<Option<Option<LeaseTime>>, Problem> {
    let Some(options) = options else { return Ok(None) };
    let [option] = options.as_slice() else {
        return match options.len() {
            0 => Ok(Some(None)),
            _ => Err(Problem::invalid("port.extra_dhcp_opts: one option at most is expected, \"51\" (lease time)")),
        };
    };
    if option.opt_name != LEASE_OPTION {
        let name: String = option.opt_name.chars().take(64).collect();
        let text = format!("port.extra_dhcp_opts: `{name}` is not available; only \"51\" (lease time) is");
        return Err(control::Error::NotSupported(text).into());
    }
    let value = option.opt_value.as_deref().filter(|value| !value.is_empty());
    let wrong = |error| Problem::invalid(format!("port.extra_dhcp_opts: option \"51\": {error}"));
    value.map(|value| value.parse().map_err(wrong)).transpose().map(Some)
}

const DISABLE: &str = "disable_security_groups";
const TCP: &str = "tcp_srvports";
const UDP: &str = "udp_srvports";

/// A port's profile: what was set, and nothing else.
pub(crate) fn profile(port: &Port) -> Value {
    let mut shown = Map::new();
    if port.profile.disable_security_groups {
        shown.insert(DISABLE.to_owned(), json!(true));
    }
    for (key, ports) in [(TCP, &port.profile.tcp_service_ports), (UDP, &port.profile.udp_service_ports)] {
        if !ports.is_empty() {
            let ports: Vec<String> = ports.iter().map(ToString::to_string).collect();
            shown.insert(key.to_owned(), json!(ports.join(" ")));
        }
    }
    Value::Object(shown)
}

/// The profile of a creation.
pub(crate) fn new_profile(given: &Map<String, Value>) -> Result<PortProfile, Problem> {
    let disable_security_groups = match given.get(DISABLE) {
        None | Some(Value::Null) => false,
        Some(Value::Bool(true)) => true,
        Some(_) => return Err(wrong(DISABLE, "only true is allowed; leave it out otherwise")),
    };
    let ServicePorts { tcp, udp } = services(given)?;
    Ok(PortProfile { disable_security_groups, tcp_service_ports: tcp, udp_service_ports: udp })
}

/// The service ports of an update, which takes the place of what the profile said of them. That security groups are
/// disabled can be said again, not changed.
pub(crate) fn changed_profile(port: &Port, given: &Map<String, Value>) -> Result<ServicePorts, Problem> {
    match given.get(DISABLE) {
        None | Some(Value::Null) => {}
        Some(Value::Bool(value)) if *value == port.profile.disable_security_groups => {}
        Some(_) => return Err(wrong(DISABLE, "it is only set when the port is made")),
    }
    services(given)
}

fn services(given: &Map<String, Value>) -> Result<ServicePorts, Problem> {
    for key in given.keys() {
        match key.as_str() {
            DISABLE | TCP | UDP => {}
            "internal_elb" => return Err(wrong(key, "the system sets it; leave it out")),
            _ => {
                let known = format!("known keys are {DISABLE}, {TCP} and {UDP}");
                return Err(wrong(&key.chars().take(64).collect::<String>(), &known));
            }
        }
    }
    Ok(ServicePorts { tcp: service_ports(given, TCP)?, udp: service_ports(given, UDP)? })
}

fn service_ports(given: &Map<String, Value>, key: &str) -> Result<Vec<u16>, Problem> {
    let text = match given.get(key) {
        None | Some(Value::Null) => return Ok(Vec::new()),
        Some(Value::String(text)) => text,
        Some(_) => return Err(wrong(key, "a text of ports with spaces between them is expected")),
    };
    let port = |text: &str| text.parse::<u16>().ok().filter(|port| *port > 0);
    let ports: Option<Vec<u16>> = text.split_ascii_whitespace().map(port).collect();
    ports.ok_or_else(|| wrong(key, "ports 1 to 65535 with spaces between them are expected"))
}

fn wrong(key: &str, what: &str) -> Problem {
    Problem::invalid(format!("port.binding:profile.{key}: {what}"))
}
