//! `causeway tag`.

use clap::{Subcommand, ValueEnum};
use client::types::{PortFilter, ResourceTag, TagKind};

use crate::app::App;
use crate::exit::Exit;
use crate::failure::{Failure, Result};
use crate::output::Table;
use crate::session::Session;

/// A kind of object with tags.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Kind {
    /// VPCs
    Vpc,
    /// Subnets
    Subnet,
    /// Security groups
    #[value(alias = "sg")]
    SecurityGroup,
    /// Network ACLs
    #[value(alias = "acl")]
    NetworkAcl,
    /// Address groups
    AddressGroup,
    /// Ports
    Port,
}

/// A command of tags.
#[derive(Debug, Subcommand)]
pub(crate) enum TagCommand {
    /// List the tags of an object
    #[command(
        alias = "ls",
        after_help = "Examples:\n  causeway tag list vpc VPC-A\n  causeway tag list subnet Subnet-A01 -o json"
    )]
    List {
        /// What kind of object it is
        #[arg(value_enum)]
        kind: Kind,
        /// Its name or id
        object: String,
    },
    /// Give an object tags; a key that it has gets the new value
    #[command(
        after_help = "Examples:\n  causeway tag set vpc VPC-A env=prod team=network\n  causeway tag set security-group web reviewed"
    )]
    Set {
        /// What kind of object it is
        #[arg(value_enum)]
        kind: Kind,
        /// Its name or id
        object: String,
        /// Keys and values; a key alone has the empty value
        #[arg(required = true, value_name = "KEY[=VALUE]")]
        tags: Vec<String>,
    },
    /// Take tags from an object
    #[command(after_help = "Examples:\n  causeway tag unset vpc VPC-A env team")]
    Unset {
        /// What kind of object it is
        #[arg(value_enum)]
        kind: Kind,
        /// Its name or id
        object: String,
        /// Keys
        #[arg(required = true, value_name = "KEY")]
        keys: Vec<String>,
    },
}

/// Does it.
pub(crate) async fn run(command: TagCommand, app: &App) -> Result<Exit> {
    let session = app.session().await?;
    let (kind, id) = match command {
        TagCommand::List { kind, object } => find(&session, kind, &object).await?,
        TagCommand::Set { kind, object, tags } => {
            let tags: Vec<ResourceTag> = tags.iter().map(|text| tag(text)).collect();
            let (kind, id) = find(&session, kind, &object).await?;
            session.client.set_tags(kind, &id, &tags).await?;
            (kind, id)
        }
        TagCommand::Unset { kind, object, keys } => {
            let (kind, id) = find(&session, kind, &object).await?;
            session.client.unset_tags(kind, &id, &keys).await?;
            (kind, id)
        }
    };
    let tags = session.client.list_tags(kind, &id).await?;
    app.printer.list(&tags, || {
        let mut table = Table::new(["KEY", "VALUE"]).empty("it has no tags");
        for tag in &tags {
            table.row([&tag.key, &tag.value]);
        }
        table
    })?;
    Ok(Exit::Done)
}

/// The object that is meant: what kind it is for the API, and its id.
async fn find(session: &Session, kind: Kind, object: &str) -> Result<(TagKind, String)> {
    Ok(match kind {
        Kind::Vpc => (TagKind::Vpc, session.vpc(object).await?.id),
        Kind::Subnet => (TagKind::Subnet, session.subnet(object, None).await?.id),
        Kind::SecurityGroup => (TagKind::SecurityGroup, session.security_group(object).await?.id),
        Kind::NetworkAcl => (TagKind::NetworkAcl, session.network_acl(object).await?.id),
        Kind::AddressGroup => (TagKind::AddressGroup, session.address_group(object).await?.id),
        Kind::Port => (TagKind::Port, port(session, object).await?),
    })
}

/// The id of the port with this id or name.
async fn port(session: &Session, wanted: &str) -> Result<String> {
    let ports = session.client.list_ports(&PortFilter::default()).await?;
    if ports.iter().any(|port| port.id == wanted) {
        return Ok(wanted.to_owned());
    }
    let called: Vec<&str> = ports.iter().filter(|port| port.name == wanted).map(|port| port.id.as_str()).collect();
    match called.as_slice() {
        [one] if !wanted.is_empty() => Ok((*one).to_owned()),
        [] | [_] => Err(Failure::not_found(format!("no port has the id or name `{wanted}`"))),
        several => Err(Failure::usage(format!("{} ports are named `{wanted}`: {}", several.len(), several.join(", ")))
            .hint("use the id of the one you mean")),
    }
}

/// A tag as it is written on the command line.
fn tag(text: &str) -> ResourceTag {
    let (key, value) = text.split_once('=').unwrap_or((text, ""));
    ResourceTag { key: key.to_owned(), value: value.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::group_help;

    #[test]
    fn help() {
        insta::assert_snapshot!(group_help(&["tag"], &["list", "set", "unset"]));
    }

    #[test]
    fn a_key_alone_has_the_empty_value_and_a_value_may_have_equals_signs() {
        let pair = |text: &str| {
            let tag = tag(text);
            (tag.key, tag.value)
        };
        assert_eq!(pair("env"), ("env".to_owned(), String::new()));
        assert_eq!(pair("env="), ("env".to_owned(), String::new()));
        assert_eq!(pair("env=a=b"), ("env".to_owned(), "a=b".to_owned()));
    }
}
