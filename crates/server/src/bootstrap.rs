//! The first start: the instance's name, the first account, its credentials.

use std::fs;
use std::io;
use std::path::Path;

use argon2::Argon2;
use argon2::password_hash::PasswordHasher;
use control::{Caller, CreateAccount, Driver, NewAccessKey, Origin};
use model::{Account, Site, User};

use crate::credentials::write_private;
use crate::{Credentials, NamedId, ProjectCredentials, StartError, TlsAccess};

/// Name of the first account and of its user.
const FIRST_ACCOUNT: &str = "admin";
/// Characters of passwords and instance names.
const LETTERS: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyz23456789";

/// File with the instance's name.
const INSTANCE: &str = "instance";

/// The instance's name: read from the data folder, made up when the folder has never been `used`.
pub(crate) fn instance(data: &Path, used: bool) -> Result<String, StartError> {
    match known_instance(data)? {
        Some(name) => Ok(name),
        None if used => Err(StartError::NoInstance { path: data.join(INSTANCE).display().to_string() }),
        None => {
            let written = random_text(6).and_then(|name| {
                write_private(&data.join(INSTANCE), name.as_bytes())?;
                Ok(name)
            });
            written.map_err(|source| StartError::Data { path: data.display().to_string(), source })
        }
    }
}

/// The name that the data folder has; `None` when there is none.
pub(crate) fn known_instance(data: &Path) -> Result<Option<String>, StartError> {
    let path = data.join(INSTANCE);
    let text = match fs::read(&path) {
        Ok(bytes) => String::from_utf8_lossy(&bytes).trim().to_owned(),
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(source) => return Err(StartError::Data { path: path.display().to_string(), source }),
    };
    if !agent::is_instance(&text) {
        let found = text.chars().take(40).collect();
        return Err(StartError::BadInstance { path: path.display().to_string(), found });
    }
    Ok(Some(text))
}

/// Makes what is missing: the first account, projects of new regions, the credentials file. A file that was lost is
/// made anew with a new access key and password.
pub(crate) async fn accounts(
    driver: &Driver,
    data: &Path,
    endpoint: &str,
    tls: Option<TlsAccess>,
) -> Result<Credentials, StartError> {
    let failed = |error: control::Error| StartError::Bootstrap(error.to_string());
    let in_data = |source| StartError::Data { path: data.join(Credentials::FILE).display().to_string(), source };
    let mut made = false;
    if driver.catalog().accounts().next().is_none() {
        let (_, password_hash) = new_password().await?;
        let request = CreateAccount {
            name: FIRST_ACCOUNT.to_owned(),
            site: Site::Cn,
            user_name: FIRST_ACCOUNT.to_owned(),
            password_hash,
        };
        driver
            .execute_as(&Origin::system("bootstrap"), |catalog, ctx| {
                control::create_bootstrap_account(catalog, ctx, request.clone())
            })
            .await
            .map_err(failed)?;
        made = true;
    }
    driver.execute_as(&Origin::system("bootstrap"), control::create_missing_projects).await.map_err(failed)?;

    let catalog = driver.catalog();
    let operator = catalog.accounts().find(|a| a.operator).cloned();
    let operator = operator.ok_or_else(|| StartError::Bootstrap("no account is an operator".to_owned()))?;
    let user = catalog.users_of(operator.id).find(|user| user.root).cloned();
    let user = user.ok_or_else(|| StartError::Bootstrap("the operator's account has no user".to_owned()))?;
    let mut credentials = match Credentials::read(data).map_err(in_data)? {
        Some(known) if !made => known,
        _ => {
            let caller = Caller { account: operator.id, user: user.id, project: None, operator: true };
            let (password, key) = replace_secrets(driver, &caller, &user).await?;
            fresh(&operator, &user, password, &key)
        }
    };
    credentials.endpoint = endpoint.to_owned();
    credentials.tls = tls;
    // In the order of the configuration: the first region is the command line's default.
    let catalog = driver.catalog();
    let regions = driver.settings().config.regions.iter();
    credentials.projects = regions
        .filter_map(|region| catalog.project_in(operator.id, &region.id))
        .map(|p| ProjectCredentials { region: p.region.to_string(), id: p.id.to_string(), name: p.name.clone() })
        .collect();
    credentials.write(data).map_err(in_data)?;
    Ok(credentials)
}

fn fresh(operator: &Account, user: &User, password: String, made: &NewAccessKey) -> Credentials {
    Credentials {
        endpoint: String::new(),
        tls: None,
        domain: NamedId { id: operator.id.to_string(), name: operator.name.clone() },
        user: NamedId { id: user.id.to_string(), name: user.name.clone() },
        password,
        access_key: made.key.id.to_string(),
        secret_key: made.secret.clone(),
        projects: Vec::new(),
    }
}

/// A new password and one new access key; the user's older keys go, since nobody has their secrets any more.
async fn replace_secrets(driver: &Driver, caller: &Caller, user: &User) -> Result<(String, NewAccessKey), StartError> {
    let (password, hash) = new_password().await?;
    let vault = &driver.settings().vault;
    let done = driver
        .execute_as(&Origin::system("bootstrap"), |catalog, ctx| {
            control::reset_user(catalog, caller, ctx, vault, user.id, hash.clone())
        })
        .await
        .map_err(|error| StartError::Bootstrap(error.to_string()))?;
    Ok((password, done.value.1))
}

/// A new password and its hash.
async fn new_password() -> Result<(String, String), StartError> {
    let failed = |what: String| StartError::Bootstrap(what);
    let password = random_text(20).map_err(|error| failed(error.to_string()))?;
    let clear = password.clone();
    let hashed = tokio::task::spawn_blocking(move || {
        Argon2::default().hash_password(clear.as_bytes()).map(|hash| hash.to_string())
    });
    let hash = hashed.await.map_err(|e| failed(e.to_string()))?.map_err(|e| failed(e.to_string()))?;
    Ok((password, hash))
}

/// Random letters and digits; each carries five bits.
fn random_text(length: usize) -> io::Result<String> {
    let mut bytes = vec![0; length];
    getrandom::fill(&mut bytes).map_err(io::Error::other)?;
    Ok(bytes.into_iter().map(|b| char::from(LETTERS[usize::from(b % 32)])).collect())
}
