//! Typed client of the HTTP API for the command line, the suite and tests.
//!
//! [`Client`] signs every request with an access key (crate `signing`) and has one method per operation: the public
//! VPC and IAM operations that Causeway serves as Huawei Cloud does, and Causeway's own under `/causeway/v1`. Wire types
//! are in [`types`]; what the server leaves out or sends as `null` is the default, what it sends in addition is ignored.
//!
//! Lists are complete: they follow markers until the empty page. Every failure is an [`Error`] that says what to do or
//! carries the code, the message and the request id of the answer, whichever envelope it came in.
//!
//! What it does not do: no retries, no caches, no redirects, and no reading of configuration files or the environment
//! (proxies excepted, which are not used for a server on this machine).
//!
//! ```no_run
//! # async fn run() -> Result<(), client::Error> {
//! use client::{Client, ClientConfig, types::{SubnetFilter, VpcCreate}};
//!
//! let client = Client::new(ClientConfig {
//!     endpoint: "http://127.0.0.1:9797".to_owned(),
//!     access_key: "AK".to_owned(),
//!     secret_key: "SK".to_owned(),
//!     ..ClientConfig::default()
//! })?;
//! let project = client.project_named("region-a").await?;
//! let client = client.with_project(&project.id);
//! let vpc = client.create_vpc(&VpcCreate { name: "demo".to_owned(), cidr: "10.0.0.0/16".to_owned(), ..Default::default() }).await?;
//! let subnets = client.list_subnets(&SubnetFilter { vpc_id: Some(vpc.id) }).await?;
//! # Ok(()) }
//! ```

mod config;
mod draft;
mod envelope;
mod error;
mod operations;
mod page;
mod transport;
pub mod types;
mod warnings;

pub use config::ClientConfig;
pub use error::{Error, Result};
pub use page::{Keyed, collect_pages};
pub use reqwest::Method;
pub use transport::Client;
