//! The accounts of a topology document, for `apply` and `down`: the caller for the default one, profiles for the others.

use std::path::Path;

use client::Client;
use client::types::Status;
use suite::{Access, AccountAccess, Defaults, Document, Scenario, accounts};

use crate::app::App;
use crate::failure::{Failure, Result};
use crate::output::warn;
use crate::session::Session;
use crate::settings::{Place, Profile, Settings};

/// A document's topology and the accounts to call as.
pub(crate) struct Prepared {
    pub(crate) scenario: Scenario,
    pub(crate) defaults: Defaults,
    pub(crate) access: Access,
    /// The server that the access is for.
    pub(crate) session: Session,
}

/// Reads the one topology of a file that is meant.
pub(crate) fn read(file: &Path, scenario: Option<&str>) -> Result<(Scenario, Defaults)> {
    let document = if file.as_os_str() == "-" {
        let text = std::io::read_to_string(std::io::stdin())
            .map_err(|error| Failure::usage(format!("cannot read the standard input: {error}")))?;
        Document::parse(&text, "standard input")?
    } else {
        Document::read(file)?
    };
    let path = file.display().to_string();
    let chosen = match scenario {
        Some(id) => document.select(&[id.to_owned()], &path)?,
        None => document.scenarios.iter().collect(),
    };
    match chosen.as_slice() {
        [one] => Ok(((*one).clone(), document.defaults.clone())),
        [] => Err(Failure::usage(format!("{path} has no scenario"))),
        several => {
            let ids: Vec<&str> = several.iter().map(|scenario| scenario.id.as_str()).collect();
            Err(Failure::usage(format!("{path} has {} scenarios; choose one with --scenario", several.len()))
                .hint(format!("it has {}", ids.join(", "))))
        }
    }
}

/// Finds out as whom to call for each account of the topology.
pub(crate) async fn prepare(app: &App, scenario: Scenario, mut defaults: Defaults) -> Result<Prepared> {
    let profiles = app.profiles()?;
    let settings: Settings = app.settings(&profiles)?;
    let session = Session::open(&settings).await?;
    let status: Status = session.client.status().await?;
    // A region that is asked for takes the place of the document's default one.
    if app.flags.region.is_some()
        && let Some(Place::Region(region)) = settings.place.as_ref().map(|place| &place.value)
    {
        defaults.region.clone_from(region);
    }
    let (_, key) = settings.required()?;
    let mut access = Access::new(session.client.clone(), status.account.operator);
    let own = AccountAccess {
        access_key: key.value.access.clone(),
        secret_key: key.value.secret.clone(),
        projects: session.projects().await?.into_iter().collect(),
    };
    access.add(&status.account.name, own.clone());
    access.add(&defaults.account, own);
    for account in accounts(&scenario, &defaults).into_keys() {
        if account == defaults.account || account == status.account.name {
            continue;
        }
        if let Some((name, profile)) = profiles.of_account(&account, &session.endpoint)
            && let Some(found) = usable(&session.client, name, profile).await?
        {
            access.add(&account, found);
        }
    }
    Ok(Prepared { scenario, defaults, access, session })
}

/// What a profile gives access to; nothing if the server does not take its key, as when it has been set up anew.
async fn usable(base: &Client, name: &str, profile: &Profile) -> Result<Option<AccountAccess>> {
    match base.with_key(&profile.access_key, &profile.secret_key).list_projects(None).await {
        Ok(projects) => Ok(Some(AccountAccess {
            access_key: profile.access_key.clone(),
            secret_key: profile.secret_key.clone(),
            projects: projects.into_iter().map(|project| (project.name, project.id)).collect(),
        })),
        Err(error) if Failure::is_unauthenticated(&error) => {
            warn(format_args!("the server does not take the access key of profile `{name}`; it is not used"));
            Ok(None)
        }
        Err(error) => Err(error.into()),
    }
}

/// The profile of an account that was made.
pub(crate) fn profile_of(session: &Session, access: &AccountAccess) -> Profile {
    let ca_file = session.ca_file.as_ref().map(|path| std::path::absolute(path).unwrap_or_else(|_| path.clone()));
    Profile {
        endpoint: session.endpoint.clone(),
        ca_file: ca_file.map(|path| path.display().to_string()).unwrap_or_default(),
        access_key: access.access_key.clone(),
        secret_key: access.secret_key.clone(),
        projects: access.projects.clone(),
        ..Profile::default()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test")]
    use super::*;
    use crate::exit::Exit;

    fn file(text: &str) -> tempfile::NamedTempFile {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), text).unwrap();
        file
    }

    #[test]
    fn of_a_suite_one_scenario_has_to_be_chosen() {
        let suite = file("scenarios:\n- {id: one, vpcs: []}\n- {id: two, vpcs: []}\n");
        let path = suite.path();
        let failure = read(path, None).map(|_| ()).unwrap_err();
        assert_eq!(failure.exit, Exit::Usage);
        assert_eq!(failure.hint.as_deref(), Some("it has one, two"));
        assert_eq!(read(path, Some("two")).unwrap().0.id, "two");
        let failure = read(path, Some("twoo")).map(|_| ()).unwrap_err();
        assert_eq!(failure.exit, Exit::NotFound);
        assert!(failure.message.contains("did you mean `two`?"), "{}", failure.message);
    }

    #[test]
    fn a_file_that_is_not_there_is_named() {
        let failure = read(Path::new("/nowhere/x.yaml"), None).map(|_| ()).unwrap_err();
        assert_eq!(failure.message, "cannot read /nowhere/x.yaml: No such file or directory (os error 2)");
        assert_eq!(failure.exit, Exit::Usage);
    }
}
