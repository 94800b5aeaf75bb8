//! TLS: where the certificate comes from, and how it stays current while the server runs.

mod authority;
mod files;
mod names;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use arc_swap::ArcSwap;
use rustls::ServerConfig;
use rustls::crypto::CryptoProvider;
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use tokio_util::sync::CancellationToken;

use authority::Authority;
pub(crate) use names::HostNames;

/// How often files are looked at, and generated certificates renewed when it is time.
const ROUND: Duration = Duration::from_secs(2);
/// Age at which a generated certificate is replaced, in seconds: a third of its life.
const RENEW_AFTER: u64 = authority::LIFETIME.as_secs() / 3;

/// TLS beside the plain listener.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlsOptions {
    /// Address to listen on; port 0 takes a free one.
    pub listen: SocketAddr,
    /// Where the certificate comes from.
    pub certificate: CertificateSource,
}

/// Where a certificate comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CertificateSource {
    /// PEM files; read again within seconds when they change.
    Files {
        /// The server's certificate, then those that lead to a root.
        certificate: PathBuf,
        /// Its private key, not encrypted.
        key: PathBuf,
    },
    /// A certificate authority of the server's own, made when there is none, in the folder `tls` of the data folder.
    Generated,
}

/// A certificate that cannot be used; each message says what to do.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file cannot be read or written.
    #[error("cannot {act} {path}")]
    File {
        /// `read` or `write`.
        act: &'static str,
        /// The file.
        path: String,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// Something else is in the file.
    #[error("{path} holds no {wanted}; a PEM file is expected, with {marker}")]
    Contents {
        /// The file.
        path: String,
        /// What should be in it.
        wanted: &'static str,
        /// How that begins.
        marker: &'static str,
    },
    /// The key is another certificate's.
    #[error("the key {key} is not that of the certificate {certificate}, which must be the first in its file")]
    Mismatch {
        /// File of the certificate.
        certificate: String,
        /// File of the key.
        key: String,
    },
    /// The cryptography refuses the pair.
    #[error("the certificate {certificate} with the key {key} cannot be used: {why}")]
    Unusable {
        /// File of the certificate.
        certificate: String,
        /// File of the key.
        key: String,
        /// Why.
        why: String,
    },
    /// The generated authority has lost its key.
    #[error(
        "{key} is missing, the key of the certificate authority {certificate}; put it back, or delete {certificate} to have \
         a new authority made, which clients must then trust anew"
    )]
    NoAuthorityKey {
        /// File of the authority's certificate.
        certificate: String,
        /// File of its key.
        key: String,
    },
    /// The authority's files are not of one authority, or damaged.
    #[error(
        "{key} and {certificate} are not the key and the certificate of one authority ({why}); put the right ones back, or \
         delete both to have a new authority made, which clients must then trust anew"
    )]
    BadAuthority {
        /// File of the authority's certificate.
        certificate: String,
        /// File of its key.
        key: String,
        /// Why.
        why: String,
    },
    /// A certificate cannot be made.
    #[error("a certificate cannot be made: {0}")]
    Generate(String),
}

/// The certificate in use. Connections that are there keep theirs when it is replaced.
#[derive(Debug)]
pub(crate) struct Certificates {
    source: Source,
    current: ArcSwap<CertifiedKey>,
}

#[derive(Debug)]
enum Source {
    Files {
        certificate: PathBuf,
        key: PathBuf,
        /// What was tried last, good or bad.
        tried: Mutex<files::Digest>,
    },
    Generated {
        authority: Box<Authority>,
        hosts: HostNames,
        /// The names in the current certificate, and when it was made, in seconds since 1970.
        issued: Mutex<(Vec<String>, u64)>,
    },
}

impl Certificates {
    /// Reads or makes the certificate; `data` is the data folder.
    pub(crate) fn open(source: &CertificateSource, data: &Path, hosts: HostNames) -> Result<Self, TlsError> {
        match source {
            CertificateSource::Files { certificate, key } => {
                let read = files::read(certificate, key)?;
                let current = read.certified(certificate, key)?;
                let tried = Mutex::new(read.digest());
                let source = Source::Files { certificate: certificate.clone(), key: key.clone(), tried };
                Ok(Self { source, current: ArcSwap::from_pointee(current) })
            }
            CertificateSource::Generated => {
                let authority = Box::new(Authority::open(&data.join("tls"))?);
                let (names, now) = (hosts.all(), now());
                let current = authority.issue(&names, now)?;
                authority.check(&current)?;
                let source = Source::Generated { authority, hosts, issued: Mutex::new((names, now)) };
                Ok(Self { source, current: ArcSwap::from_pointee(current) })
            }
        }
    }

    /// The file with the authority that clients must trust, when it is the server's own.
    pub(crate) fn ca_file(&self) -> Option<PathBuf> {
        match &self.source {
            Source::Files { .. } => None,
            Source::Generated { authority, .. } => Some(authority.certificate_file().to_owned()),
        }
    }

    /// What a listener needs.
    pub(crate) fn config(self: &Arc<Self>) -> Result<ServerConfig, TlsError> {
        api::tls_config(self.clone(), provider()).map_err(|error| TlsError::Generate(error.to_string()))
    }

    /// Replaces the certificate when its files have changed or it is time. `None` when nothing is to be done.
    fn refresh(&self) -> Option<Result<(), TlsError>> {
        let renewed = match &self.source {
            Source::Files { certificate, key, tried } => {
                // A file that is away for a moment is being replaced: the next round sees the new one.
                let read = files::read(certificate, key).ok()?;
                let digest = read.digest();
                let mut tried = tried.lock().unwrap_or_else(PoisonError::into_inner);
                if *tried == digest {
                    return None;
                }
                *tried = digest;
                read.certified(certificate, key)
            }
            Source::Generated { authority, hosts, issued } => {
                let (names, now) = (hosts.all(), now());
                let mut issued = issued.lock().unwrap_or_else(PoisonError::into_inner);
                // A clock that was set back would make the certificate one of the future.
                if issued.0 == names && (issued.1..issued.1 + RENEW_AFTER).contains(&now) {
                    return None;
                }
                let renewed = authority.issue(&names, now);
                *issued = (names, now);
                renewed
            }
        };
        Some(renewed.map(|certificate| self.current.store(Arc::new(certificate))))
    }
}

impl ResolvesServerCert for Certificates {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.current.load_full())
    }
}

/// Keeps the certificate current until the server stops.
pub(crate) async fn keep_current(certificates: Arc<Certificates>, shutdown: CancellationToken) {
    loop {
        tokio::select! {
            () = shutdown.cancelled() => return,
            () = tokio::time::sleep(ROUND) => {}
        }
        let certificates = certificates.clone();
        match tokio::task::spawn_blocking(move || certificates.refresh()).await {
            Ok(Some(Ok(()))) => tracing::info!("new TLS connections get a new certificate"),
            Ok(Some(Err(error))) => {
                let error: &dyn std::error::Error = &error;
                tracing::error!(error, "the new TLS certificate cannot be used; the old one stays in use");
            }
            Ok(None) | Err(_) => {}
        }
    }
}

fn provider() -> Arc<CryptoProvider> {
    Arc::new(rustls::crypto::ring::default_provider())
}

/// Seconds since 1970.
fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}
