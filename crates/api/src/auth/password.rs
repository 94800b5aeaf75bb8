//! Passwords: Argon2id in PHC form, never on a thread that serves requests.

use std::sync::Arc;
use std::time::Duration;

use argon2::Argon2;
use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use axum::http::StatusCode;
use tokio::sync::Semaphore;

use crate::error::Problem;

/// How many passwords are hashed at the same time: each takes 19 MiB and a core.
const CONCURRENT: usize = 2;

/// How long a login waits for its turn: logins that nobody waits for any more must not pile up.
const PATIENCE: Duration = Duration::from_secs(10);

/// Hashes and checks passwords.
#[derive(Clone, Debug)]
pub(crate) struct Passwords {
    permits: Arc<Semaphore>,
    /// Checked when there is no such user, so that the time of the answer does not tell.
    nobody: Arc<tokio::sync::OnceCell<String>>,
}

impl Default for Passwords {
    fn default() -> Self {
        Self { permits: Arc::new(Semaphore::new(CONCURRENT)), nobody: Arc::default() }
    }
}

impl Passwords {
    /// The PHC string of a password.
    pub(crate) async fn hash(&self, password: String) -> Result<String, Problem> {
        self.run(move || {
            Argon2::default().hash_password(password.as_bytes()).map(|hash| hash.to_string()).map_err(Problem::internal)
        })
        .await?
    }

    /// Whether the password is the one of the hash; `None` is the hash of somebody who is not there, and an empty one that
    /// of a user without a password: both take as long as a wrong one.
    pub(crate) async fn matches(&self, password: String, hash: Option<String>) -> Result<bool, Problem> {
        let hash = hash.filter(|hash| !hash.is_empty());
        let known = hash.is_some();
        let hash = match hash {
            Some(hash) => hash,
            None => {
                let nobody = || async { self.hash(super::secret::password()?).await };
                self.nobody.get_or_try_init(nobody).await?.clone()
            }
        };
        let equal = self
            .run(move || {
                argon2::PasswordHash::new(&hash)
                    .is_ok_and(|hash| Argon2::default().verify_password(password.as_bytes(), &hash).is_ok())
            })
            .await?;
        Ok(known && equal)
    }

    async fn run<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Result<T, Problem> {
        let busy = |_| Problem::identity(StatusCode::SERVICE_UNAVAILABLE, "Too many logins at once.", "busy");
        let permit = tokio::time::timeout(PATIENCE, Arc::clone(&self.permits).acquire_owned());
        let permit = permit.await.map_err(busy)?.map_err(Problem::internal)?;
        tokio::task::spawn_blocking(move || {
            let done = work();
            drop(permit);
            done
        })
        .await
        .map_err(Problem::internal)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed hash is the failure of the test")]
    use super::*;

    #[tokio::test]
    async fn only_the_right_password_of_somebody_who_exists_matches() {
        let passwords = Passwords::default();
        let hash = passwords.hash("secret".to_owned()).await.unwrap();
        assert!(hash.starts_with("$argon2id$"), "{hash}");
        assert!(passwords.matches("secret".to_owned(), Some(hash.clone())).await.unwrap());
        assert!(!passwords.matches("Secret".to_owned(), Some(hash)).await.unwrap());
        assert!(!passwords.matches("secret".to_owned(), None).await.unwrap());
        assert!(!passwords.matches("secret".to_owned(), Some("damaged".to_owned())).await.unwrap());
    }
}
