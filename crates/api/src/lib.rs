//! The HTTP API: Huawei Cloud wire types, authentication, errors, OpenAPI; and Causeway's own `/causeway/v1`.
//!
//! [`router`] serves a [`State`] (the control plane's driver and the data plane's agent); [`serve`] and [`serve_tls`] are
//! the accept loops.
//!
//! What it guarantees: field names, statuses, error bodies and pages are those that the official SDKs and the official
//! Terraform provider expect (API specification of VPC and IAM). Every answer carries `X-Request-Id`, every refusal
//! `X-Causeway-Error` with a code that does not depend on the family. An operation of the network is answered after it
//! is durable and the data plane has it in force.
//!
//! What it does not do: it decides nothing about networks (that is `control`), keeps no state of its own and has no
//! certificates. Huawei's field names end here.
#![forbid(unsafe_code)]

mod audit;
mod auth;
mod causeway;
mod enterprise;
mod error;
mod extract;
mod family;
mod frame;
mod iam;
mod lenient;
mod names;
mod openapi;
mod query;
mod router;
mod serve;
mod state;
mod vpc;
mod wire;

pub use auth::{Identity, Scope};
pub use error::{Answer, ERROR_HEADER, Problem, answer};
pub use extract::BODY_LIMIT;
pub use family::{Family, Resource};
pub use frame::{Frame, REQUEST_ID_HEADER};
pub use names::{Named, Names};
pub use router::{document, router};
pub use serve::{Connection, HANDSHAKE_TIMEOUT, PROTOCOLS, SHUTDOWN_GRACE, serve, serve_tls, tls_config};
pub use state::{SETTLE_TIMEOUT, State, WARNINGS_HEADER};
