//! `causeway config`.

use clap::Subcommand;
use serde::Serialize;

use crate::app::App;
use crate::exit::Exit;
use crate::failure::Result;
use crate::output::{Table, note};
use crate::settings::{Place, Settings};

/// A command of settings.
#[derive(Debug, Subcommand)]
pub(crate) enum ConfigCommand {
    /// Show where the server is and who calls, and where each value comes from
    #[command(after_help = "\
What is not given comes from, in this order: the flags --profile, --endpoint and --region; the environment; a profile; a \
server on this machine. Profiles are in ~/.config/causeway/profiles.toml; the one named `default` is used if none is \
named:

  [acct-b]
  endpoint = \"http://127.0.0.1:9797\"
  access_key = \"…\"
  secret_key = \"…\"
  region = \"region-1\"

Environment:
  CAUSEWAY_ENDPOINT, CAUSEWAY_ACCESS_KEY, CAUSEWAY_SECRET_KEY, CAUSEWAY_PROJECT_ID, CAUSEWAY_REGION
  CAUSEWAY_CA_FILE  the authority of the certificate of an https endpoint (`ca_file` in a profile)
  CAUSEWAY_PROFILE  the profile to use
  CAUSEWAY_DATA     the data folder of the server on this machine
  CAUSEWAY_RUN      the folder where running servers leave marks

Examples:
  causeway config show
  causeway --profile acct-b config show -o json")]
    Show,
}

#[derive(Debug, Serialize)]
struct Setting {
    name: &'static str,
    value: String,
    origin: String,
}

/// Does it.
pub(crate) fn run(command: ConfigCommand, app: &App) -> Result<Exit> {
    let ConfigCommand::Show = command;
    let profiles = app.profiles()?;
    let settings = app.settings(&profiles)?;
    let shown = shown(&settings);
    app.printer.list(&shown, || {
        let mut table = Table::new(["SETTING", "VALUE", "FROM"]);
        for setting in &shown {
            table.row([setting.name, &setting.value, &setting.origin]);
        }
        table
    })?;
    note(format_args!("profiles: {}", profiles.path().display()));
    Ok(Exit::Done)
}

fn shown(settings: &Settings) -> Vec<Setting> {
    let none = |name| Setting { name, value: String::new(), origin: "not set".to_owned() };
    let mut all = Vec::new();
    if let Some(profile) = &settings.profile {
        all.push(Setting { name: "profile", value: profile.value.clone(), origin: profile.origin.to_string() });
    }
    all.push(settings.endpoint.as_ref().map_or_else(
        || none("endpoint"),
        |it| Setting { name: "endpoint", value: it.value.clone(), origin: it.origin.to_string() },
    ));
    if let Some(it) = &settings.ca_file {
        all.push(Setting { name: "CA file", value: it.value.display().to_string(), origin: it.origin.to_string() });
    }
    all.push(settings.key.as_ref().map_or_else(
        || none("access key"),
        |it| Setting { name: "access key", value: it.value.access.clone(), origin: it.origin.to_string() },
    ));
    all.push(settings.key.as_ref().map_or_else(
        || none("secret key"),
        |it| Setting { name: "secret key", value: "(hidden)".to_owned(), origin: it.origin.to_string() },
    ));
    all.push(match settings.place.as_ref() {
        Some(it) => {
            let origin = it.origin.to_string();
            match &it.value {
                Place::Project(id) => Setting { name: "project id", value: id.clone(), origin },
                Place::Region(region) => Setting { name: "region", value: region.clone(), origin },
            }
        }
        None => match settings.projects.first() {
            Some((region, _)) => {
                Setting { name: "region", value: region.clone(), origin: "the credentials' first".to_owned() }
            }
            None => Setting { name: "region", value: String::new(), origin: "the account's first".to_owned() },
        },
    });
    all
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test")]
    use super::*;
    use crate::settings::{Flags, Profiles};
    use crate::testing::group_help;

    #[test]
    fn help() {
        insta::assert_snapshot!(group_help(&["config"], &["show"]));
    }

    #[test]
    fn every_value_is_shown_with_its_origin_and_the_secret_is_not() {
        let flags = Flags { region: Some("region-2".to_owned()), ..Flags::default() };
        let profiles =
            Profiles::of("[default]\nendpoint = \"http://h:1\"\naccess_key = \"AK\"\nsecret_key = \"hush\"\n");
        let settings = Settings::resolve(&flags, &|_| None, &profiles, |_| Ok(None)).unwrap();
        let lines: Vec<String> =
            shown(&settings).iter().map(|s| format!("{} {} {}", s.name, s.value, s.origin)).collect();
        assert_eq!(
            lines,
            [
                "profile default profile default",
                "endpoint http://h:1 profile default",
                "access key AK profile default",
                "secret key (hidden) profile default",
                "region region-2 flag --region",
            ]
        );
    }
}
