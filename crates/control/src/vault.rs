//! Secrets at rest: sealed with the installation's master key (ChaCha20-Poly1305, RFC 8439).
//!
//! A sealed secret is bound to the access key that it belongs to: copied into another record, it does not open.

use std::fmt;

use model::{AccessKeyId, KeySecret};
use ring::aead::{Aad, CHACHA20_POLY1305, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use ring::digest::{self, SHA256};
use uuid::Uuid;

use crate::{Context, Error};

/// Bytes of a master key.
pub const MASTER_KEY_LEN: usize = 32;

/// Seals and opens the secrets of access keys.
pub struct Vault(LessSafeKey);

impl fmt::Debug for Vault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Vault")
    }
}

/// A secret that the master key does not open.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the secret was sealed with another master key, or is damaged")]
pub struct Unopened;

impl Vault {
    /// The vault of a master key.
    ///
    /// # Panics
    /// Never: the key has the length that the algorithm wants.
    #[must_use]
    pub fn new(master_key: &[u8; MASTER_KEY_LEN]) -> Self {
        let key = UnboundKey::new(&CHACHA20_POLY1305, master_key).expect("the key has the algorithm's length");
        Self(LessSafeKey::new(key))
    }

    /// A vault whose master key nobody will ever have again: for stores that end with the process.
    #[must_use]
    pub fn passing() -> Self {
        // Each id has 122 random bits: three make a key of 256.
        let mut digest = digest::Context::new(&SHA256);
        for _ in 0..3 {
            digest.update(Uuid::new_v4().as_bytes());
        }
        let mut key = [0; MASTER_KEY_LEN];
        key.copy_from_slice(digest.finish().as_ref());
        Self::new(&key)
    }

    /// The secret of an access key as it may be stored.
    ///
    /// # Errors
    /// [`Error::Unavailable`]; never for secrets of a sane length.
    pub fn seal(&self, ctx: &mut Context<'_>, id: &AccessKeyId, secret: &str) -> Result<KeySecret, Error> {
        // 96 random bits: no two of the few keys that an installation ever makes are the same.
        let mut nonce = [0; NONCE_LEN];
        for chunk in nonce.chunks_mut(4) {
            chunk.copy_from_slice(&ctx.ids.number().to_be_bytes()[..chunk.len()]);
        }
        let mut bytes = secret.as_bytes().to_vec();
        self.0
            .seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), Aad::from(id.0.as_bytes()), &mut bytes)
            .map_err(|_| Error::Unavailable("the secret cannot be sealed".to_owned()))?;
        let sealed = nonce.iter().chain(&bytes).map(|byte| format!("{byte:02x}")).collect();
        Ok(KeySecret::Sealed { sealed })
    }

    /// The secret of an access key.
    ///
    /// # Errors
    /// [`Unopened`].
    pub fn open(&self, id: &AccessKeyId, secret: &KeySecret) -> Result<String, Unopened> {
        let sealed = match secret {
            KeySecret::Clear(secret) => return Ok(secret.clone()),
            KeySecret::Sealed { sealed } => sealed,
        };
        let mut bytes = bytes(sealed).ok_or(Unopened)?;
        let (nonce, rest) = bytes.split_at_mut_checked(NONCE_LEN).ok_or(Unopened)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| Unopened)?;
        let opened = self.0.open_in_place(nonce, Aad::from(id.0.as_bytes()), rest).map_err(|_| Unopened)?;
        String::from_utf8(opened.to_vec()).map_err(|_| Unopened)
    }
}

/// The bytes of hexadecimal text.
fn bytes(text: &str) -> Option<Vec<u8>> {
    let digits: Option<Vec<u8>> = text.chars().map(|c| c.to_digit(16).and_then(|d| u8::try_from(d).ok())).collect();
    digits.filter(|digits| digits.len() % 2 == 0).map(|digits| digits.chunks(2).map(|d| d[0] << 4 | d[1]).collect())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed step is the failure of the test")]
    use super::*;
    use crate::tests::fixture::World;

    #[test]
    fn a_sealed_secret_opens_with_its_key_for_its_record_only() {
        let mut world = World::new();
        let (vault, other) = (Vault::new(&[7; 32]), Vault::new(&[8; 32]));
        let (id, foreign) = (AccessKeyId("A".repeat(20)), AccessKeyId("B".repeat(20)));
        let seal = |world: &mut World| {
            let mut sealed = None;
            world.ok(|_, ctx| {
                sealed = Some(vault.seal(ctx, &id, "secret of the key").unwrap());
                Ok(crate::Outcome::new((), crate::Changes::new()))
            });
            sealed.unwrap()
        };
        let (one, two) = (seal(&mut world), seal(&mut world));
        let KeySecret::Sealed { sealed } = &one else { panic!("not sealed") };
        assert!(one != two, "the nonce must not repeat");
        assert_eq!(vault.open(&id, &one).unwrap(), "secret of the key");
        assert_eq!(other.open(&id, &one), Err(Unopened));
        assert_eq!(vault.open(&foreign, &one), Err(Unopened));
        for damaged in [String::new(), "zz".to_owned(), "a".repeat(11), sealed.replace(&sealed[30..31], "x")] {
            assert_eq!(vault.open(&id, &KeySecret::Sealed { sealed: damaged }), Err(Unopened));
        }
        let mut flipped = sealed.clone();
        flipped.replace_range(40..41, if &sealed[40..41] == "0" { "1" } else { "0" });
        assert_eq!(vault.open(&id, &KeySecret::Sealed { sealed: flipped }), Err(Unopened));
        assert_eq!(vault.open(&id, &KeySecret::Clear("old".to_owned())).unwrap(), "old");
    }
}
