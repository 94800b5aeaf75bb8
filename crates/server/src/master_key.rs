//! `master.key`: what the secrets in the store are sealed with. Made at the first start; whoever loses it loses the access
//! keys, so it belongs in the backup of the data folder, and whoever has it and the store has the secrets.

use std::fs;
use std::io;
use std::path::Path;

use control::{Driver, MASTER_KEY_LEN, Vault};

use crate::StartError;
use crate::credentials::write_private;

/// File of the master key in the data folder.
const FILE: &str = "master.key";

/// The vault of a data folder, and the master key if it is not written yet.
pub(crate) struct MasterKey {
    fresh: Option<[u8; MASTER_KEY_LEN]>,
}

/// Reads the master key, or makes one up.
pub(crate) fn load(data: &Path) -> Result<(Vault, MasterKey), StartError> {
    let path = data.join(FILE);
    match fs::read(&path) {
        Ok(text) => {
            let key = parse(&text).ok_or_else(|| StartError::BadMasterKey { path: path.display().to_string() })?;
            Ok((Vault::new(&key), MasterKey { fresh: None }))
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let mut key = [0; MASTER_KEY_LEN];
            let failed = |error| StartError::Data { path: path.display().to_string(), source: io::Error::other(error) };
            getrandom::fill(&mut key).map_err(failed)?;
            Ok((Vault::new(&key), MasterKey { fresh: Some(key) }))
        }
        Err(source) => Err(StartError::Data { path: path.display().to_string(), source }),
    }
}

impl MasterKey {
    /// Checks that the key opens what the store has, writes it if it is new, and seals what an earlier version left in
    /// clear.
    pub(crate) async fn settle(self, driver: &Driver, data: &Path) -> Result<(), StartError> {
        let path = data.join(FILE);
        let vault = &driver.settings().vault;
        let catalog = driver.catalog();
        if catalog.access_keys().any(|key| vault.open(&key.id, &key.secret).is_err()) {
            let path = path.display().to_string();
            return Err(match self.fresh {
                Some(_) => StartError::NoMasterKey { path },
                None => StartError::WrongMasterKey { path },
            });
        }
        if let Some(key) = self.fresh {
            // On disk before anything is sealed with it.
            let text: String = key.iter().map(|byte| format!("{byte:02x}")).collect();
            write_private(&path, format!("{text}\n").as_bytes())
                .map_err(|source| StartError::Data { path: path.display().to_string(), source })?;
        }
        let sealed = driver
            .execute(|catalog, ctx| control::seal_access_keys(catalog, ctx, vault))
            .await
            .map_err(|error| StartError::Bootstrap(error.to_string()))?;
        if sealed.value > 0 {
            tracing::warn!(
                keys = sealed.value,
                "access keys that an earlier version kept in clear are sealed now; copies and freed pages of the store may \
                 still have them, so replace them with `causeway access-key rotate`"
            );
        }
        Ok(())
    }
}

/// The key of 64 hexadecimal digits.
fn parse(text: &[u8]) -> Option<[u8; MASTER_KEY_LEN]> {
    let digits: Option<Vec<u8>> = text
        .trim_ascii()
        .iter()
        .map(|byte| char::from(*byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok()))
        .collect();
    let bytes: Vec<u8> = digits?.chunks_exact(2).map(|pair| pair[0] << 4 | pair[1]).collect();
    let even = text.trim_ascii().len() == 2 * MASTER_KEY_LEN;
    bytes.try_into().ok().filter(|_| even)
}
