//! One module for each command or group of commands: arguments, what it does, and the tests of both.

pub(crate) mod access_key;
pub(crate) mod account;
pub(crate) mod address_group;
pub(crate) mod apply;
pub(crate) mod check;
pub(crate) mod completion;
pub(crate) mod config;
pub(crate) mod demo;
pub(crate) mod doctor;
pub(crate) mod down;
pub(crate) mod events;
pub(crate) mod exec;
pub(crate) mod network_acl;
pub(crate) mod peering;
pub(crate) mod policy;
pub(crate) mod reach;
pub(crate) mod route;
pub(crate) mod route_table;
pub(crate) mod security_group;
pub(crate) mod serve;
pub(crate) mod server;
pub(crate) mod status;
pub(crate) mod subnet;
pub(crate) mod tag;
pub(crate) mod trace;
pub(crate) mod user;
pub(crate) mod version;
pub(crate) mod vip;
pub(crate) mod vpc;

mod accounts;
mod common;
mod network_acl_rule;
