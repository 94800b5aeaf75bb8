//! Profiles: named servers and keys in `~/.config/causeway/profiles.toml`.

use std::collections::BTreeMap;
use std::fs::{self, DirBuilder, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use suite::suggestion;

use super::{Environment, set};
use crate::failure::{Failure, Result, chain};

/// A server and who calls it; every field may be left out.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Profile {
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(crate) endpoint: String,
    /// PEM file with the authority of an `https` endpoint's certificate.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(crate) ca_file: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(crate) access_key: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(crate) secret_key: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(crate) region: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(crate) project_id: String,
    /// Project ids by region.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) projects: BTreeMap<String, String>,
}

impl std::fmt::Debug for Profile {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Profile").field("endpoint", &self.endpoint).finish_non_exhaustive()
    }
}

/// The profiles of a file.
#[derive(Clone, Debug, Default)]
pub(crate) struct Profiles {
    path: PathBuf,
    all: BTreeMap<String, Profile>,
}

/// What became of a profile that was to be stored.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct StoredProfile {
    /// Its name; not the one asked for if that is the name of one of another server.
    pub(crate) name: String,
    /// The file it is in.
    pub(crate) path: PathBuf,
}

impl Profiles {
    /// The file: `profiles.toml` in `$XDG_CONFIG_HOME/causeway` or `~/.config/causeway`.
    pub(crate) fn default_path(environment: Environment<'_>) -> PathBuf {
        let folder = set(environment, "XDG_CONFIG_HOME")
            .map(PathBuf::from)
            .or_else(|| set(environment, "HOME").map(|home| Path::new(&home).join(".config")));
        folder.unwrap_or_else(|| PathBuf::from(".")).join("causeway").join("profiles.toml")
    }

    /// Reads the file; none are there when it is not.
    pub(crate) fn read(path: PathBuf) -> Result<Self> {
        let text = match fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
            Err(error) => return Err(Failure::usage(format!("cannot read {}: {error}", path.display()))),
        };
        match toml::from_str(&text) {
            Ok(all) => Ok(Self { path, all }),
            Err(error) => Err(Failure::usage(format!("{} is not valid: {}", path.display(), chain(&error)))),
        }
    }

    /// The file.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// A profile by its name.
    pub(crate) fn find(&self, name: &str) -> Result<&Profile> {
        self.all.get(name).ok_or_else(|| {
            let like = suggestion(name, self.all.keys().map(String::as_str));
            Failure::no_connection(format!("there is no profile named `{name}` in {}{like}", self.path.display()))
        })
    }

    /// The profile of an account of the server at `endpoint`, with its name.
    pub(crate) fn of_account(&self, account: &str, endpoint: &str) -> Option<(&str, &Profile)> {
        [account.to_owned(), Self::elsewhere(account, endpoint)].iter().find_map(|name| {
            let (name, profile) = self.all.get_key_value(name)?;
            (profile.endpoint == endpoint || profile.endpoint.is_empty()).then_some((name.as_str(), profile))
        })
    }

    /// The name for an account of a server whose own name is that of another server's profile.
    fn elsewhere(account: &str, endpoint: &str) -> String {
        format!("{account}@{}", endpoint.split("://").last().unwrap_or(endpoint))
    }

    /// Stores the profile of an account, in place of one of the same server; one of another server is left alone.
    pub(crate) fn store(&mut self, account: &str, profile: Profile) -> Result<StoredProfile> {
        let of_another = self.all.get(account).is_some_and(|there| there.endpoint != profile.endpoint);
        let name = if of_another { Self::elsewhere(account, &profile.endpoint) } else { account.to_owned() };
        self.all.insert(name.clone(), profile);
        self.write().map_err(|error| Failure::internal(format!("cannot write {}: {error}", self.path.display())))?;
        Ok(StoredProfile { name, path: self.path.clone() })
    }

    /// Removes the profile of an account of the server at `endpoint`; its name if there was one.
    pub(crate) fn forget(&mut self, account: &str, endpoint: &str) -> Result<Option<String>> {
        let found = self.of_account(account, endpoint).filter(|(_, profile)| profile.endpoint == endpoint);
        let Some(name) = found.map(|(name, _)| name.to_owned()) else { return Ok(None) };
        self.all.remove(&name);
        self.write().map_err(|error| Failure::internal(format!("cannot write {}: {error}", self.path.display())))?;
        Ok(Some(name))
    }

    /// Writes the file, whole or not at all, readable by its owner only.
    fn write(&self) -> io::Result<()> {
        let text = toml::to_string_pretty(&self.all).map_err(io::Error::other)?;
        if let Some(folder) = self.path.parent() {
            DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
        }
        let temporary = self.path.with_extension(format!("new-{}", std::process::id()));
        let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&temporary)?;
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        fs::rename(&temporary, &self.path)
    }
}

#[cfg(test)]
impl Profiles {
    /// Profiles from a text, for tests.
    pub(crate) fn of(text: &str) -> Self {
        Self { path: PathBuf::from("profiles.toml"), all: toml::from_str(text).expect("a test's profiles are valid") }
    }
}
