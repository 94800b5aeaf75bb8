//! The server's own certificate authority, for who has none.

use std::fs;
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, KeyUsagePurpose,
    PublicKeyData, date_time_ymd,
};
use rustls::RootCertStore;
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::ServerCertVerifier;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer, ServerName, UnixTime};
use rustls::sign::CertifiedKey;
use sha2::{Digest, Sha256};

use super::{TlsError, provider};
use crate::credentials::write_file;

/// Life of a server's certificate; it is replaced long before.
pub(super) const LIFETIME: Duration = Duration::from_secs(90 * 24 * 3600);
/// How far clocks may be behind.
const CLOCK_SKEW: Duration = Duration::from_secs(24 * 3600);

/// Name of the certificate's file.
const CERTIFICATE: &str = "ca.pem";
/// Name of the key's.
const KEY: &str = "ca.key";

/// A certificate authority. Everything about it but the signature follows from its key, so the two files are enough.
pub(super) struct Authority {
    issuer: Issuer<'static, KeyPair>,
    certificate: CertificateDer<'static>,
    certificate_file: PathBuf,
    key_file: PathBuf,
}

impl std::fmt::Debug for Authority {
    /// Leaves the key out.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Authority").field("certificate_file", &self.certificate_file).finish_non_exhaustive()
    }
}

impl Authority {
    /// Reads the authority of a folder; makes it when there is none.
    pub(super) fn open(folder: &Path) -> Result<Self, TlsError> {
        let (certificate_file, key_file) = (folder.join(CERTIFICATE), folder.join(KEY));
        let bad = |why: &dyn std::fmt::Display| TlsError::BadAuthority {
            certificate: certificate_file.display().to_string(),
            key: key_file.display().to_string(),
            why: why.to_string(),
        };
        let write = |path: &Path, bytes: &[u8], mode: u32| {
            let written = write_file(path, bytes, mode);
            written.map_err(|source| TlsError::File { act: "write", path: path.display().to_string(), source })
        };
        let (known, key) = (read(&certificate_file)?, read(&key_file)?);
        let key = match (key, &known) {
            (Some(pem), _) => KeyPair::from_pem(&pem).map_err(|error| bad(&error))?,
            (None, Some(_)) => {
                return Err(TlsError::NoAuthorityKey {
                    certificate: certificate_file.display().to_string(),
                    key: key_file.display().to_string(),
                });
            }
            (None, None) => {
                let made = fs::DirBuilder::new().recursive(true).mode(0o755).create(folder);
                made.map_err(|source| TlsError::File { act: "write", path: folder.display().to_string(), source })?;
                let key = KeyPair::generate().map_err(generated)?;
                // The key first: with it alone the certificate can be made anew, the other way round it cannot.
                write(&key_file, key.serialize_pem().as_bytes(), 0o600)?;
                key
            }
        };
        let pem = match known {
            Some(pem) => pem,
            None => {
                let pem = params(&key).self_signed(&key).map_err(generated)?.pem();
                write(&certificate_file, pem.as_bytes(), 0o644)?;
                pem
            }
        };
        let certificate = CertificateDer::from_pem_slice(pem.as_bytes()).map_err(|error| bad(&error))?;
        Ok(Self { issuer: Issuer::new(params(&key), key), certificate, certificate_file, key_file })
    }

    /// The file that clients must trust.
    pub(super) fn certificate_file(&self) -> &Path {
        &self.certificate_file
    }

    /// A server's certificate for these names, good from `now` (seconds since 1970) for [`LIFETIME`].
    pub(super) fn issue(&self, names: &[String], now: u64) -> Result<CertifiedKey, TlsError> {
        let mut params = CertificateParams::new(names.to_vec()).map_err(generated)?;
        let now = date_time_ymd(1970, 1, 1) + Duration::from_secs(now);
        params.not_before = now - CLOCK_SKEW;
        params.not_after = now + LIFETIME;
        params.distinguished_name.push(DnType::CommonName, "Causeway");
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        params.use_authority_key_identifier_extension = true;
        let key = KeyPair::generate().map_err(generated)?;
        let certificate = params.signed_by(&key, &self.issuer).map_err(generated)?;
        let private = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key.serialize_der()));
        let chain = vec![certificate.der().clone(), self.certificate.clone()];
        CertifiedKey::from_der(chain, private, &provider()).map_err(generated)
    }

    /// Whether who trusts the file of this authority trusts the certificate.
    pub(super) fn check(&self, issued: &CertifiedKey) -> Result<(), TlsError> {
        let bad = |why: &dyn std::fmt::Display| TlsError::BadAuthority {
            certificate: self.certificate_file.display().to_string(),
            key: self.key_file.display().to_string(),
            why: why.to_string(),
        };
        let mut roots = RootCertStore::empty();
        roots.add(self.certificate.clone()).map_err(|error| bad(&error))?;
        let verifier = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider()).build();
        let verifier = verifier.map_err(|error| bad(&error))?;
        let name = ServerName::try_from("localhost").map_err(generated)?;
        let leaf = issued.end_entity_cert().map_err(generated)?;
        let checked = verifier.verify_server_cert(leaf, &[], &name, &[], UnixTime::now());
        checked.map(drop).map_err(|error| bad(&error))
    }
}

/// What the certificate of an authority says. It has no end (RFC 5280 section 4.1.2.5): its end would be the end of every
/// client's trust at once. Who wants another authority deletes the folder.
fn params(key: &KeyPair) -> CertificateParams {
    let mut params = CertificateParams::default();
    let name = hex::encode(&Sha256::digest(key.der_bytes())[..4]);
    params.distinguished_name = rcgen::DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, format!("Causeway certificate authority {name}"));
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params.not_before = date_time_ymd(2020, 1, 1);
    params.not_after = date_time_ymd(9999, 12, 31) + Duration::from_secs(24 * 3600 - 1);
    params
}

fn generated(error: impl std::fmt::Display) -> TlsError {
    TlsError::Generate(error.to_string())
}

fn read(path: &Path) -> Result<Option<String>, TlsError> {
    match fs::read_to_string(path) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(source) => Err(TlsError::File { act: "read", path: path.display().to_string(), source }),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a failure here is the failure of the test")]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;
    use crate::tls::now;

    fn issue(authority: &Authority) -> CertifiedKey {
        authority.issue(&["localhost".to_owned(), "127.0.0.1".to_owned()], now()).unwrap()
    }

    #[test]
    fn an_authority_stays_and_its_key_is_private() {
        let data = tempfile::tempdir().unwrap();
        let folder = data.path().join("tls");
        let first = Authority::open(&folder).unwrap();
        first.check(&issue(&first)).unwrap();
        let mode = |name: &str| fs::metadata(folder.join(name)).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(KEY), mode(CERTIFICATE)), (0o600, 0o644));
        // Who trusts the first start trusts the second, also when the certificate was lost in between.
        let second = Authority::open(&folder).unwrap();
        first.check(&issue(&second)).unwrap();
        fs::remove_file(folder.join(CERTIFICATE)).unwrap();
        let third = Authority::open(&folder).unwrap();
        first.check(&issue(&third)).unwrap();
        third.check(&issue(&first)).unwrap();
    }

    #[test]
    fn files_that_do_not_belong_together_are_refused() {
        let data = tempfile::tempdir().unwrap();
        let (one, other) = (data.path().join("one"), data.path().join("other"));
        Authority::open(&one).unwrap();
        Authority::open(&other).unwrap();
        fs::copy(other.join(CERTIFICATE), one.join(CERTIFICATE)).unwrap();
        let mixed = Authority::open(&one).unwrap();
        let message = mixed.check(&issue(&mixed)).unwrap_err().to_string();
        assert!(message.contains("are not the key and the certificate of one authority"), "{message}");
        fs::write(one.join(KEY), "no key").unwrap();
        assert!(matches!(Authority::open(&one), Err(TlsError::BadAuthority { .. })));
        fs::remove_file(one.join(KEY)).unwrap();
        assert!(matches!(Authority::open(&one), Err(TlsError::NoAuthorityKey { .. })));
    }

    #[test]
    fn a_certificate_is_good_for_its_time_only() {
        let data = tempfile::tempdir().unwrap();
        let authority = Authority::open(&data.path().join("tls")).unwrap();
        let names = ["localhost".to_owned()];
        let old = authority.issue(&names, now() - LIFETIME.as_secs() - 60).unwrap();
        assert!(authority.check(&old).unwrap_err().to_string().contains("expired"));
        authority.check(&authority.issue(&names, now() + 3600).unwrap()).unwrap();
    }
}
