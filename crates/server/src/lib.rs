//! Wires store, catalog, control, agent and API into one running server.
//!
//! [`start`] opens the data folder, makes the first account when there is none, starts the data plane and listens.
//! [`RunningServer::stop`] leaves the data plane as it is: packets go on without the server.
//! [`RunningServer::stop_and_remove`] takes everything away that the server made on the machine.
#![forbid(unsafe_code)]

mod bootstrap;
mod config;
mod credentials;
mod marker;
mod master_key;
mod options;
mod running;
mod tls;

pub use agent::kernel_supported;
pub use config::{ConfigError, FileConfig, RegionConfig};
pub use credentials::{Credentials, NamedId, ProjectCredentials, TlsAccess};
pub use marker::{Mark, Marker, default_data};
pub use options::{DatapathChoice, ServerOptions};
pub use running::{RunningServer, StartError, remove_leftovers, start};
pub use tls::{CertificateSource, TlsError, TlsOptions};
