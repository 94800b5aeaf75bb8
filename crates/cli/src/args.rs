//! The command line as a whole; each command's own arguments are with the command.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

use crate::commands::{
    access_key, account, address_group, apply, check, completion, config, demo, doctor, down, events, exec,
    network_acl, peering, policy, reach, route, route_table, security_group, serve, server, subnet, tag, trace, user,
    vip, vpc,
};
use crate::exit;
use crate::output::Format;
use crate::settings::Flags;

const EXAMPLES: &str = "\
Examples:
  causeway demo                               see it work, in seconds
  causeway serve                              run a server
  causeway apply -f network.yaml              make the network as a file says
  causeway trace ECS-A01 RDS-B01 tcp/5432     why packets arrive, or do not
  causeway doctor Peering-AB                  what keeps a peering from working
  causeway reach                              who reaches whom";

/// VPCs and VPC peering for Linux machines: API server, host agent and command line in one.
#[derive(Debug, Parser)]
#[command(name = "causeway", version, after_help = help_end(), propagate_version = false, subcommand_required = true, arg_required_else_help = true)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) global: Global,
    #[command(subcommand)]
    pub(crate) command: Command,
}

fn help_end() -> String {
    format!("{EXAMPLES}\n\n{}", exit::HELP)
}

/// Options that all commands have.
#[derive(Debug, Args)]
#[command(next_help_heading = "Global options")]
pub(crate) struct Global {
    /// How results are printed
    #[arg(
        short,
        long,
        global = true,
        value_enum,
        value_name = "FORMAT",
        default_value_t,
        hide_possible_values = true,
        help = "How results are printed: table, json or yaml"
    )]
    pub(crate) output: Format,
    /// Server and credentials by the name of a profile [env: CAUSEWAY_PROFILE]
    #[arg(long, global = true, value_name = "NAME")]
    profile: Option<String>,
    /// Where the server is, such as http://127.0.0.1:9797 [env: CAUSEWAY_ENDPOINT]
    #[arg(long, global = true, value_name = "URL")]
    endpoint: Option<String>,
    /// A PEM file with the authority of the server's certificate [env: CAUSEWAY_CA_FILE]
    #[arg(long, global = true, value_name = "FILE")]
    ca_file: Option<PathBuf>,
    /// The region to work in; the first one if not given [env: CAUSEWAY_REGION]
    #[arg(long, global = true, value_name = "REGION")]
    region: Option<String>,
}

impl Global {
    /// What they say about where to call.
    pub(crate) fn flags(&self) -> Flags {
        Flags {
            profile: self.profile.clone(),
            endpoint: self.endpoint.clone(),
            ca_file: self.ca_file.clone(),
            region: self.region.clone(),
        }
    }
}

/// A command.
#[derive(Debug, Subcommand)]
#[allow(clippy::large_enum_variant, reason = "there is one in a process")]
pub(crate) enum Command {
    /// Show two VPCs, their peering and real packets, then take all away again
    Demo(demo::DemoArgs),
    /// Run a server: API and data plane
    Serve(serve::ServeArgs),
    /// Make the network as a file says, changing only what differs
    Apply(apply::ApplyArgs),
    /// Delete what a file names, or everything
    Down(down::DownArgs),
    /// Show the server, the data plane and how much there is
    #[command(after_help = "Examples:\n  causeway status\n  causeway status -o json")]
    Status,
    /// Explain what happens to a packet from one server to another, and what to change
    Trace(trace::TraceArgs),
    /// Examine a peering connection: what is in order, what is not, and what to do
    Doctor(doctor::DoctorArgs),
    /// Show who reaches whom
    Reach(reach::ReachArgs),
    /// Compare what packets do with what a file of scenarios expects
    Check(check::CheckArgs),
    /// Run a command inside a server
    Exec(exec::ExecArgs),
    /// VPCs
    Vpc(Group<vpc::VpcCommand>),
    /// Subnets
    Subnet(Group<subnet::SubnetCommand>),
    /// Peering connections
    Peering(Group<peering::PeeringCommand>),
    /// Route tables
    RouteTable(Group<route_table::RouteTableCommand>),
    /// Routes
    Route(Group<route::RouteCommand>),
    /// Servers
    Server(Group<server::ServerCommand>),
    /// Virtual IPs
    Vip(Group<vip::VipCommand>),
    /// Security groups and their rules
    #[command(alias = "sg")]
    SecurityGroup(Group<security_group::SecurityGroupCommand>),
    /// Network ACLs, which guard subnets
    #[command(alias = "acl")]
    NetworkAcl(Group<network_acl::NetworkAclCommand>),
    /// Address groups, which rules name in place of a range
    AddressGroup(Group<address_group::AddressGroupCommand>),
    /// Tags of VPCs, subnets, groups, network ACLs and ports
    Tag(Group<tag::TagCommand>),
    /// Accounts, for operators
    Account(Group<account::AccountCommand>),
    /// Show who did what, when, from where, and what came of it
    Events(events::EventsArgs),
    /// Users of the account
    User(Group<user::UserCommand>),
    /// Access keys
    AccessKey(Group<access_key::AccessKeyCommand>),
    /// Policies, which say what users may do
    Policy(Group<policy::PolicyCommand>),
    /// Settings of this command line
    Config(Group<config::ConfigCommand>),
    /// Print a script that completes commands in a shell
    Completion(completion::CompletionArgs),
    /// Print the version
    #[command(after_help = "Examples:\n  causeway version\n  causeway version -o json")]
    Version,
}

/// A command with commands below it.
#[derive(Debug, Args)]
#[command(subcommand_required = true, arg_required_else_help = true)]
pub(crate) struct Group<C: Subcommand> {
    #[command(subcommand)]
    pub(crate) command: C,
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;
    use crate::testing::help;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn the_help_shows_commands_and_exit_codes() {
        insta::assert_snapshot!(help(&[]));
    }

    #[test]
    fn every_command_shows_examples() {
        fn walk(command: &clap::Command, path: &str) {
            for sub in command.get_subcommands().filter(|sub| sub.get_name() != "help") {
                let path = format!("{path} {}", sub.get_name());
                if sub.has_subcommands() {
                    walk(sub, &path);
                } else {
                    let end = sub.get_after_help().map(ToString::to_string).unwrap_or_default();
                    assert!(end.contains(&format!("causeway{path}")), "`causeway{path}` has no example: {end}");
                }
            }
        }
        walk(&Cli::command(), "");
    }

    /// The tracer writes these commands into its answers.
    #[test]
    fn commands_that_traces_give_are_commands() {
        for line in [
            "causeway route add rtb-VPC-A 172.17.0.0/16 peering Peering-AB",
            "causeway peering create VPC-A-VPC-B --vpc VPC-A --peer-vpc VPC-B",
            "causeway peering create AC --vpc VPC-A --peer-vpc 66f2 --peer-project 0605",
            "causeway peering accept Peering-AC",
            "causeway peering delete Peering-BC",
            "causeway security-group rule add web ingress tcp --port 5432 --remote 172.16.0.0/24",
            "causeway security-group rule add web egress icmp --remote 172.16.0.0/24",
            "causeway security-group rule add web ingress icmpv6 --remote fd00::1/128 --priority 19 --ipv6",
            "causeway security-group rule add web ingress --remote 172.17.0.0/16",
            "causeway security-group rule delete 5f9e1f3c-7d2a-4c39-9c8e-3a2b1c0d9e8f",
            "causeway route delete rtb-VPC-A 172.17.0.21/32",
            "causeway route add rtb-VPC-A 172.17.0.21/32 ecs FW",
            "causeway subnet delete Late",
            "causeway server start FW",
            "causeway server update FW --source-check off",
            "causeway vip claim VIP-B ECS-B01 --configure",
            "causeway network-acl rule add acl-db ingress tcp --source 172.16.0.111 --destination 172.17.0.21 --port 5432",
            "causeway network-acl rule add acl-db egress tcp --source fd00::1 --destination fd01::1 --source-port 80 --ipv6",
            "causeway --region region-2 peering accept Peering-AC",
            "causeway network-acl rule add acl-b01 ingress tcp --source 172.16.0.0/16 --port 5432",
            "causeway network-acl rule add acl-b01 egress icmpv6 --ipv6 --destination fd00::/64",
            "causeway network-acl rule remove acl-b01 3d2f9c",
            "causeway network-acl disable acl-b01",
        ] {
            if let Err(error) = Cli::try_parse_from(line.split(' ')) {
                panic!("{line}: {error}");
            }
        }
    }
}
