#![allow(clippy::unwrap_used, reason = "a test")]

use std::collections::BTreeMap;

use server::{Credentials, NamedId, ProjectCredentials, TlsAccess};

use super::*;
use crate::exit::Exit;

const PROFILES: &str = r#"
[default]
endpoint = "http://default:1"
access_key = "AK-default"
secret_key = "SK"
region = "region-9"

[b]
endpoint = "http://b:1"
access_key = "AK-b"
secret_key = "SK"
project_id = "project-b"

[place-only]
region = "region-2"
"#;

fn local() -> Local {
    let id = |name: &str| NamedId { id: name.to_owned(), name: name.to_owned() };
    let project = |region: &str| ProjectCredentials {
        region: region.to_owned(),
        id: format!("id-{region}"),
        name: region.to_owned(),
    };
    Local {
        data: PathBuf::from("/data"),
        credentials: Credentials {
            endpoint: "http://local:1".to_owned(),
            tls: Some(TlsAccess {
                endpoint: "https://local:2".to_owned(),
                ca_file: Some(PathBuf::from("/data/ca.pem")),
            }),
            domain: id("d"),
            user: id("u"),
            password: String::new(),
            access_key: "AK-local".to_owned(),
            secret_key: "SK".to_owned(),
            projects: vec![project("region-2"), project("region-1")],
        },
    }
}

fn resolve(flags: &Flags, variables: &[(&str, &str)], profiles: &str) -> Result<Settings> {
    let variables: BTreeMap<String, String> =
        variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    Settings::resolve(flags, &|name| variables.get(name).cloned(), &Profiles::of(profiles), |_| Ok(Some(local())))
}

/// Endpoint, access key and place with the place each comes from.
fn told(settings: &Settings) -> (String, String, String) {
    let (endpoint, key) = settings.required().unwrap();
    let place = settings.place.as_ref().map_or_else(String::new, |p| format!("{:?} {}", p.value, p.origin));
    (format!("{} {}", endpoint.value, endpoint.origin), format!("{} {}", key.value.access, key.origin), place)
}

fn texts(endpoint: &str, key: &str, place: &str) -> (String, String, String) {
    (endpoint.to_owned(), key.to_owned(), place.to_owned())
}

const KEY: [(&str, &str); 2] = [("CAUSEWAY_ACCESS_KEY", "AK-env"), ("CAUSEWAY_SECRET_KEY", "SK")];

#[test]
fn without_anything_the_local_server_is_used() {
    let settings = resolve(&Flags::default(), &[], "").unwrap();
    assert_eq!(told(&settings), texts("http://local:1 local server (/data)", "AK-local local server (/data)", ""));
    assert_eq!(settings.projects[0].0, "region-2", "the order of the credentials");
}

#[test]
fn a_default_profile_goes_before_the_local_server() {
    let settings = resolve(&Flags::default(), &[], PROFILES).unwrap();
    let expected =
        texts("http://default:1 profile default", "AK-default profile default", "Region(\"region-9\") profile default");
    assert_eq!(told(&settings), expected);
    assert!(settings.projects.is_empty());
}

#[test]
fn the_environment_goes_before_profiles() {
    let mut variables = KEY.to_vec();
    variables.push(("CAUSEWAY_PROFILE", "b"));
    variables.push(("CAUSEWAY_PROJECT_ID", "project-env"));
    let settings = resolve(&Flags::default(), &variables, PROFILES).unwrap();
    let expected = texts(
        "http://b:1 profile b",
        "AK-env environment CAUSEWAY_ACCESS_KEY",
        "Project(\"project-env\") environment CAUSEWAY_PROJECT_ID",
    );
    assert_eq!(told(&settings), expected);
}

#[test]
fn flags_go_before_all_and_so_does_the_profile_they_name() {
    let flags = Flags {
        profile: Some("b".to_owned()),
        endpoint: Some("http://flag:1".to_owned()),
        region: Some("region-1".to_owned()),
        ..Flags::default()
    };
    let mut variables = KEY.to_vec();
    variables.push(("CAUSEWAY_ENDPOINT", "http://env:1"));
    let settings = resolve(&flags, &variables, PROFILES).unwrap();
    let expected = texts("http://flag:1 flag --endpoint", "AK-b profile b", "Region(\"region-1\") flag --region");
    assert_eq!(told(&settings), expected);
}

#[test]
fn a_project_is_never_that_of_another_key() {
    // The profile's project belongs to the profile's key, which the environment's replaces.
    let settings = resolve(&Flags::default(), &[&KEY[..], &[("CAUSEWAY_PROFILE", "b")]].concat(), PROFILES).unwrap();
    assert_eq!(settings.place, None);
    // The environment's project belongs to no profile that a flag names.
    let flags = Flags { profile: Some("b".to_owned()), ..Flags::default() };
    let settings = resolve(&flags, &[("CAUSEWAY_PROJECT_ID", "other")], PROFILES).unwrap();
    assert_eq!(settings.place.unwrap().value, Place::Project("project-b".to_owned()));
    // A profile without a key says where only.
    let flags = Flags { profile: Some("place-only".to_owned()), ..Flags::default() };
    let settings = resolve(&flags, &[], PROFILES).unwrap();
    assert_eq!(settings.place.unwrap().value, Place::Region("region-2".to_owned()));
    assert_eq!(settings.key.unwrap().value.access, "AK-local");
}

/// The file of the authority with the place that it comes from.
fn authority(flags: &Flags, variables: &[(&str, &str)], profiles: &str) -> Option<String> {
    let settings = resolve(flags, variables, profiles).unwrap();
    settings.ca_file.map(|it| format!("{} {}", it.value.display(), it.origin))
}

#[test]
fn the_authority_comes_from_where_the_others_do_and_is_known_for_a_local_server() {
    let profiles = "[p]\nendpoint = \"https://p:1\"\nca_file = \"/p.pem\"\n";
    let flags = |endpoint: Option<&str>, ca_file: Option<&str>| Flags {
        endpoint: endpoint.map(str::to_owned),
        ca_file: ca_file.map(PathBuf::from),
        ..Flags::default()
    };
    let environment = [("CAUSEWAY_CA_FILE", "/env.pem"), ("CAUSEWAY_PROFILE", "p")];
    let (none, https) = (flags(None, None), flags(Some("https://local:2"), None));
    assert_eq!(
        authority(&flags(None, Some("/flag.pem")), &environment, profiles).as_deref(),
        Some("/flag.pem flag --ca-file")
    );
    assert_eq!(authority(&none, &environment, profiles).as_deref(), Some("/env.pem environment CAUSEWAY_CA_FILE"));
    assert_eq!(authority(&none, &environment[1..], profiles).as_deref(), Some("/p.pem profile p"));
    assert_eq!(authority(&none, &[], ""), None, "the plain endpoint needs none");
    assert_eq!(authority(&https, &[], "").as_deref(), Some("/data/ca.pem local server (/data)"));
    assert_eq!(authority(&https, &KEY, "").as_deref(), Some("/data/ca.pem local server (/data)"), "another's key");
}

#[test]
fn half_a_key_and_unknown_profiles_are_said() {
    let failure = resolve(&Flags::default(), &KEY[..1], "").unwrap_err();
    assert_eq!(failure.message, "CAUSEWAY_ACCESS_KEY is set, but CAUSEWAY_SECRET_KEY is not");
    let flags = Flags { profile: Some("bb".to_owned()), ..Flags::default() };
    let failure = resolve(&flags, &[], "[bbb]\nregion = \"r\"\n").unwrap_err();
    assert_eq!(failure.message, "there is no profile named `bb` in profiles.toml; did you mean `bbb`?");
    assert_eq!(failure.exit, Exit::NoConnection);
}

#[test]
fn nothing_at_all_is_a_hint() {
    let settings = Settings::resolve(&Flags::default(), &|_| None, &Profiles::default(), |_| Ok(None)).unwrap();
    let failure = settings.required().unwrap_err();
    assert_eq!(failure.exit, Exit::NoConnection);
    assert!(failure.hint.unwrap().contains("causeway serve"));
}

#[test]
fn secrets_are_not_in_debug_output() {
    let settings = resolve(&Flags::default(), &[], "").unwrap();
    assert!(!format!("{settings:?}").contains("SK"));
}

#[test]
fn profiles_are_stored_privately_and_do_not_replace_those_of_other_servers() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("deep/profiles.toml");
    let profile = |endpoint: &str| Profile { endpoint: endpoint.to_owned(), ..Profile::default() };
    let mut profiles = Profiles::read(path.clone()).unwrap();
    assert_eq!(profiles.store("acct-b", profile("http://one:1")).unwrap().name, "acct-b");
    assert_eq!(profiles.store("acct-b", profile("http://two:2")).unwrap().name, "acct-b@two:2");
    assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    let profiles = Profiles::read(path.clone()).unwrap();
    assert_eq!(profiles.of_account("acct-b", "http://one:1").unwrap().0, "acct-b");
    assert_eq!(profiles.of_account("acct-b", "http://two:2").unwrap().0, "acct-b@two:2");
    assert!(profiles.of_account("acct-b", "http://three:3").is_none());
    let mut profiles = profiles;
    assert_eq!(profiles.forget("acct-b", "http://two:2").unwrap().as_deref(), Some("acct-b@two:2"));
    assert_eq!(profiles.forget("acct-b", "http://two:2").unwrap(), None);
    std::fs::write(&path, "[a]\nendpoimt = 1\n").unwrap();
    let failure = Profiles::read(path).unwrap_err();
    assert!(failure.exit == Exit::Usage && failure.message.contains("endpoimt"), "{}", failure.message);
}
