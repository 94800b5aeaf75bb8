//! How a server is started.

use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::str::FromStr;

use crate::{FileConfig, TlsOptions};

/// Which data plane to use.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum DatapathChoice {
    /// The kernel where root and BPF are there, else the simulator.
    #[default]
    Auto,
    /// eBPF programs of this machine's kernel; refused where they cannot be loaded.
    Kernel,
    /// The simulator: no packets.
    Sim,
}

impl fmt::Display for DatapathChoice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Auto => "auto",
            Self::Kernel => "kernel",
            Self::Sim => "sim",
        })
    }
}

impl FromStr for DatapathChoice {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "auto" => Ok(Self::Auto),
            "kernel" => Ok(Self::Kernel),
            "sim" => Ok(Self::Sim),
            other => Err(format!("`{other}` is no data plane; write auto, kernel or sim")),
        }
    }
}

/// How a server is started.
#[derive(Clone, Debug)]
pub struct ServerOptions {
    /// Folder of the store, the credentials and the instance's name; made when missing.
    pub data: PathBuf,
    /// Address to listen on; port 0 takes a free one.
    pub listen: SocketAddr,
    /// TLS beside it, if wanted.
    pub tls: Option<TlsOptions>,
    /// Which data plane.
    pub datapath: DatapathChoice,
    /// Regions, zones, edge sites, limits.
    pub config: FileConfig,
}
