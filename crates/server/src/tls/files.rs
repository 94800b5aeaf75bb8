//! Certificates from PEM files.

use std::fs;
use std::path::Path;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::CertifiedKey;
use rustls::{Error, InconsistentKeys};
use sha2::{Digest as _, Sha256};

use super::{TlsError, provider};

/// What two files hold, as a number.
pub(super) type Digest = [u8; 32];

/// The contents of a certificate's file and of its key's.
pub(super) struct Contents {
    certificate: Vec<u8>,
    key: Vec<u8>,
}

/// Reads both files.
pub(super) fn read(certificate: &Path, key: &Path) -> Result<Contents, TlsError> {
    let file = |path: &Path| {
        fs::read(path).map_err(|source| TlsError::File { act: "read", path: path.display().to_string(), source })
    };
    Ok(Contents { certificate: file(certificate)?, key: file(key)? })
}

impl Contents {
    /// Other contents have another one.
    pub(super) fn digest(&self) -> Digest {
        let mut hash = Sha256::new();
        hash.update(Sha256::digest(&self.certificate));
        hash.update(Sha256::digest(&self.key));
        hash.finalize().into()
    }

    /// The certificate with its key; the paths are for messages.
    pub(super) fn certified(&self, certificate: &Path, key: &Path) -> Result<CertifiedKey, TlsError> {
        let (certificate, key) = (certificate.display().to_string(), key.display().to_string());
        let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&self.certificate).collect();
        let chain = chain.unwrap_or_default();
        if chain.is_empty() {
            let marker = "-----BEGIN CERTIFICATE-----";
            return Err(TlsError::Contents { path: certificate, wanted: "certificate", marker });
        }
        let private = PrivateKeyDer::from_pem_slice(&self.key).map_err(|_| TlsError::Contents {
            path: key.clone(),
            wanted: "private key that is not encrypted",
            marker: "-----BEGIN PRIVATE KEY-----",
        })?;
        match CertifiedKey::from_der(chain, private, &provider()) {
            Ok(certified) => Ok(certified),
            Err(Error::InconsistentKeys(InconsistentKeys::KeyMismatch)) => Err(TlsError::Mismatch { certificate, key }),
            Err(error) => Err(TlsError::Unusable { certificate, key, why: error.to_string() }),
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a failure here is the failure of the test")]
mod tests {
    use super::*;

    fn pair() -> (String, String) {
        let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
        (made.cert.pem(), made.signing_key.serialize_pem())
    }

    /// The message for files with these contents.
    fn refusal(certificate: &str, key: &str) -> String {
        let folder = tempfile::tempdir().unwrap();
        let (certificate_file, key_file) = (folder.path().join("c.pem"), folder.path().join("k.pem"));
        fs::write(&certificate_file, certificate).unwrap();
        fs::write(&key_file, key).unwrap();
        let read = read(&certificate_file, &key_file).unwrap();
        read.certified(&certificate_file, &key_file).unwrap_err().to_string()
    }

    #[test]
    fn what_is_wrong_with_a_pair_of_files_is_said() {
        let (certificate, key) = pair();
        let (_, other) = pair();
        assert!(refusal("hello", &key).contains("c.pem holds no certificate; a PEM file is expected"));
        assert!(refusal(&certificate, "hello").contains("k.pem holds no private key that is not encrypted"));
        assert!(refusal(&certificate, &certificate).contains("k.pem holds no private key"));
        assert!(refusal(&certificate, &other).contains("k.pem is not that of the certificate"));
        let broken = certificate.replacen("MII", "AAA", 1);
        assert!(refusal(&broken, &key).contains("cannot be used"), "{}", refusal(&broken, &key));
        let gone = read(Path::new("/nonexistent/c.pem"), Path::new("/nonexistent/k.pem")).err().unwrap();
        assert_eq!(gone.to_string(), "cannot read /nonexistent/c.pem");
    }
}
