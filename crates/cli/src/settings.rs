//! Where the server is, who calls and in which region, with the place each answer comes from.
//!
//! Precedence: flags; the profile named by a flag; the environment; the profile named by the environment, or the one
//! named `default` (unless it names a data folder); a server on this machine. An access key and its secret come from one place, and so does the project,
//! which is the key's: none of them is mixed.

mod local;
mod profiles;

use std::fmt;
use std::path::PathBuf;

use crate::failure::{Failure, Result};

pub(crate) use local::{Local, answers, find as find_local};
pub(crate) use profiles::{Profile, Profiles};

/// Where a value comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Origin {
    /// A flag of the command line.
    Flag(&'static str),
    /// A variable of the environment.
    Environment(&'static str),
    /// A profile.
    Profile(String),
    /// The data folder of a server on this machine.
    Local(PathBuf),
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Flag(name) => write!(f, "flag {name}"),
            Self::Environment(name) => write!(f, "environment {name}"),
            Self::Profile(name) => write!(f, "profile {name}"),
            Self::Local(data) => write!(f, "local server ({})", data.display()),
        }
    }
}

/// A value and where it comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Sourced<T = String> {
    pub(crate) value: T,
    pub(crate) origin: Origin,
}

/// Which project calls go to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// The project of this id.
    Project(String),
    /// The caller's project in this region.
    Region(String),
}

/// What flags say.
#[derive(Clone, Debug, Default)]
pub(crate) struct Flags {
    pub(crate) profile: Option<String>,
    pub(crate) endpoint: Option<String>,
    pub(crate) ca_file: Option<PathBuf>,
    pub(crate) region: Option<String>,
}

/// An access key with its secret.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Key {
    pub(crate) access: String,
    pub(crate) secret: String,
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Key").field("access", &self.access).finish_non_exhaustive()
    }
}

/// Everything that is needed to call.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Settings {
    /// The profile in use.
    pub(crate) profile: Option<Sourced>,
    pub(crate) endpoint: Option<Sourced>,
    /// Whom to trust about the certificate of an `https` endpoint; not set: whom the machine trusts.
    pub(crate) ca_file: Option<Sourced<PathBuf>>,
    pub(crate) key: Option<Sourced<Key>>,
    /// Not set: the first project of the caller.
    pub(crate) place: Option<Sourced<Place>>,
    /// Project ids by region, as far as they are known without asking; in the order of the credentials.
    pub(crate) projects: Vec<(String, String)>,
}

/// A variable of the environment; an empty one counts as not set.
pub(crate) type Environment<'a> = &'a dyn Fn(&str) -> Option<String>;

const ENDPOINT: &str = "CAUSEWAY_ENDPOINT";
const CA_FILE: &str = "CAUSEWAY_CA_FILE";
const ACCESS_KEY: &str = "CAUSEWAY_ACCESS_KEY";
const SECRET_KEY: &str = "CAUSEWAY_SECRET_KEY";
const PROJECT_ID: &str = "CAUSEWAY_PROJECT_ID";
const REGION: &str = "CAUSEWAY_REGION";
const DATA: &str = "CAUSEWAY_DATA";
const PROFILE: &str = "CAUSEWAY_PROFILE";
/// The profile that is used when none is named.
const DEFAULT_PROFILE: &str = "default";

impl Settings {
    /// Puts them together. `local` finds a server on this machine, the one at the endpoint if one is given.
    pub(crate) fn resolve(
        flags: &Flags,
        environment: Environment<'_>,
        profiles: &Profiles,
        local: impl Fn(Option<&str>) -> Result<Option<Local>>,
    ) -> Result<Self> {
        let endpoint = flags.endpoint.clone().map(|value| Sourced { value, origin: Origin::Flag("--endpoint") });
        let place = flags.region.clone().map(Place::Region);
        let place = place.map(|value| Sourced { value, origin: Origin::Flag("--region") });
        let ca_file = flags.ca_file.clone().map(|value| Sourced { value, origin: Origin::Flag("--ca-file") });
        let mut settings = Self { endpoint, ca_file, place, ..Self::default() };
        if let Some(name) = &flags.profile {
            let profile = Sourced { value: name.clone(), origin: Origin::Flag("--profile") };
            settings.add_profile(profile, profiles.find(name)?);
        }
        settings.add_environment(environment)?;
        if settings.profile.is_none() {
            if let Some(name) = set(environment, PROFILE) {
                let found = profiles.find(&name)?;
                settings.add_profile(Sourced { value: name, origin: Origin::Environment(PROFILE) }, found);
            } else if let Ok(found) = profiles.find(DEFAULT_PROFILE)
                && set(environment, DATA).is_none()
            {
                let origin = Origin::Profile(DEFAULT_PROFILE.to_owned());
                settings.add_profile(Sourced { value: DEFAULT_PROFILE.to_owned(), origin }, found);
            }
        }
        let endpoint = settings.endpoint.as_ref().map(|endpoint| endpoint.value.clone());
        if endpoint.is_none() || settings.key.is_none() {
            if let Some(local) = local(endpoint.as_deref())? {
                settings.add_local(local);
            }
        } else if settings.ca_file.is_none() && endpoint.as_ref().is_some_and(|it| it.starts_with("https://")) {
            // The authority of a server on this machine is known; that it cannot be looked up is no reason to fail.
            if let Some(local) = local(endpoint.as_deref()).ok().flatten() {
                settings.add_local(local);
            }
        }
        Ok(settings)
    }

    fn add_profile(&mut self, name: Sourced, profile: &Profile) {
        let origin = || Origin::Profile(name.value.clone());
        if self.endpoint.is_none() && !profile.endpoint.is_empty() {
            self.endpoint = Some(Sourced { value: profile.endpoint.clone(), origin: origin() });
        }
        if self.ca_file.is_none() && !profile.ca_file.is_empty() {
            self.ca_file = Some(Sourced { value: PathBuf::from(&profile.ca_file), origin: origin() });
        }
        let place = if profile.project_id.is_empty() {
            Some(profile.region.clone()).filter(|region| !region.is_empty()).map(Place::Region)
        } else {
            Some(Place::Project(profile.project_id.clone()))
        };
        let key = Key { access: profile.access_key.clone(), secret: profile.secret_key.clone() };
        if !key.access.is_empty() {
            let projects = profile.projects.clone().into_iter().collect();
            self.add_key(Sourced { value: key, origin: origin() }, place, projects);
        } else if self.place.is_none() && self.key.is_none() {
            self.place = place.map(|value| Sourced { value, origin: origin() });
        }
        self.profile = Some(name);
    }

    fn add_environment(&mut self, environment: Environment<'_>) -> Result<()> {
        if self.endpoint.is_none() {
            self.endpoint =
                set(environment, ENDPOINT).map(|value| Sourced { value, origin: Origin::Environment(ENDPOINT) });
        }
        if self.ca_file.is_none() {
            let origin = Origin::Environment(CA_FILE);
            self.ca_file = set(environment, CA_FILE).map(|path| Sourced { value: PathBuf::from(path), origin });
        }
        let project = set(environment, PROJECT_ID)
            .map(|id| Sourced { value: Place::Project(id), origin: Origin::Environment(PROJECT_ID) });
        let region = set(environment, REGION)
            .map(|name| Sourced { value: Place::Region(name), origin: Origin::Environment(REGION) });
        // A project is that of a key: the environment's belongs to no key of a profile that a flag names.
        if self.place.is_none() && self.key.is_none() {
            self.place = project.or(region);
        }
        match (set(environment, ACCESS_KEY), set(environment, SECRET_KEY)) {
            (Some(access), Some(secret)) => {
                let key = Sourced { value: Key { access, secret }, origin: Origin::Environment(ACCESS_KEY) };
                self.add_key(key, None, Vec::new());
                Ok(())
            }
            (Some(_), None) => Err(Failure::usage(format!("{ACCESS_KEY} is set, but {SECRET_KEY} is not"))),
            (None, Some(_)) => Err(Failure::usage(format!("{SECRET_KEY} is set, but {ACCESS_KEY} is not"))),
            (None, None) => Ok(()),
        }
    }

    fn add_local(&mut self, local: Local) {
        let origin = || Origin::Local(local.data.clone());
        let credentials = &local.credentials;
        if self.endpoint.is_none() {
            self.endpoint = Some(Sourced { value: credentials.endpoint.clone(), origin: origin() });
        }
        let secure = self.endpoint.as_ref().is_some_and(|endpoint| endpoint.value.starts_with("https://"));
        if self.ca_file.is_none() && secure {
            let ca_file = credentials.tls.as_ref().and_then(|tls| tls.ca_file.clone());
            self.ca_file = ca_file.map(|value| Sourced { value, origin: origin() });
        }
        let key = Key { access: credentials.access_key.clone(), secret: credentials.secret_key.clone() };
        let projects = credentials.projects.iter().map(|p| (p.region.clone(), p.id.clone())).collect();
        self.add_key(Sourced { value: key, origin: origin() }, None, projects);
    }

    /// Sets key and projects, unless they are set.
    fn add_key(&mut self, key: Sourced<Key>, place: Option<Place>, projects: Vec<(String, String)>) {
        if self.key.is_none() {
            let origin = key.origin.clone();
            self.key = Some(key);
            self.projects = projects;
            if self.place.is_none() {
                self.place = place.map(|value| Sourced { value, origin });
            }
        }
    }

    /// Where to call, as whom.
    pub(crate) fn required(&self) -> Result<(&Sourced, &Sourced<Key>)> {
        let Some(endpoint) = &self.endpoint else {
            return Err(Failure::no_connection("no server was found on this machine, and none is named").hint(
                "start one with `causeway serve`, or name one with --endpoint, --profile or the environment \
                 (CAUSEWAY_ENDPOINT, CAUSEWAY_ACCESS_KEY, CAUSEWAY_SECRET_KEY)",
            ));
        };
        let Some(key) = &self.key else {
            return Err(Failure::no_connection(format!(
                "there are no credentials for the server at {}",
                endpoint.value
            ))
            .hint(
                "set CAUSEWAY_ACCESS_KEY and CAUSEWAY_SECRET_KEY, or use a profile (`causeway config show --help`)",
            ));
        };
        Ok((endpoint, key))
    }
}

/// A variable that is set and not empty.
pub(crate) fn set(environment: Environment<'_>, name: &str) -> Option<String> {
    environment(name).filter(|value| !value.is_empty())
}

#[cfg(test)]
mod tests;
