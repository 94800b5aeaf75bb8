use model::{AccessKey, AccessKeyId, KeySecret, Remote, Site, Temporary, Timestamp};

use super::fixture::{World, account_request, config, vault};
use crate::{
    AccountUse, Changes, CreateAccessKey, CreateAccount, CreateToken, CreateUser, Error, Outcome, Region,
    UpdateAccessKey, UpdateUser, create_access_key, create_account, create_bootstrap_account, create_missing_projects,
    create_temporary_key, create_token, create_user, delete_access_key, delete_account, delete_expired_tokens,
    delete_user, delete_vpc, projects, reset_user, revoke_token, rotate_access_key, seal_access_keys,
    update_access_key, update_user,
};

/// SG-10.
#[test]
fn an_account_has_a_project_with_a_default_group_in_each_region() {
    let world = World::new();
    let projects: Vec<_> = world.catalog.projects_of(world.a.account).collect();
    let mut regions: Vec<_> = projects.iter().map(|project| project.name.as_str()).collect();
    regions.sort_unstable();
    assert_eq!(regions, ["region-1", "region-2"]);
    for project in projects {
        let group = world.catalog.default_security_group(project.id).unwrap();
        assert_eq!(group.name, "default");
        assert_eq!(group.rules.len(), 6);
        assert!(group.rules.iter().all(|rule| rule.priority == 100));
        let members = group.rules.iter().filter(|rule| rule.remote == Remote::Group(group.id)).count();
        assert_eq!(members, 2);
        let mut ports: Vec<_> = group.rules.iter().flat_map(|rule| &rule.services).map(|range| range.first).collect();
        ports.sort_unstable();
        assert_eq!(ports, [22, 3389]);
    }
}

#[test]
fn only_operators_make_and_delete_accounts() {
    let mut world = World::new();
    let (a, operator) = (world.a.clone(), world.operator.clone());
    assert_eq!(world.refused(|c, x| create_account(c, &a, x, account_request("x"))).code(), "not_authorized");
    assert_eq!(world.refused(|c, x| delete_account(c, &a, x, a.account)).code(), "not_authorized");
    assert_eq!(world.refused(|c, x| create_account(c, &operator, x, account_request("a"))).code(), "name_taken");
    let error = world.refused(|c, x| create_bootstrap_account(c, x, account_request("first")));
    assert_eq!(error.code(), "not_authorized");
    let own = operator.account;
    assert_eq!(world.refused(|c, x| delete_account(c, &operator, x, own)).code(), "not_authorized");
}

/// SITE-1: the site is kept and changes nothing else.
#[test]
fn an_account_belongs_to_a_site() {
    let mut world = World::new();
    let operator = world.operator.clone();
    let request = CreateAccount { site: Site::Intl, ..account_request("abroad") };
    let made = world.ok(|c, x| create_account(c, &operator, x, request));
    assert_eq!(made.account.site, Site::Intl);
}

/// EF-11: an account goes after its VPCs, and its peerings go with those.
#[test]
fn an_empty_account_can_be_deleted_and_leaves_nothing() {
    let mut world = World::new();
    let (a, operator) = (world.a.clone(), world.operator.clone());
    let before = {
        let mut other = World::new();
        let request = account_request("x");
        let before = other.catalog.len();
        let made = other.ok(|c, x| create_account(c, &operator, x, request));
        other.ok(|c, x| delete_account(c, &operator, x, made.account.id));
        assert_eq!(other.catalog.len(), before);
        before
    };
    assert_eq!(world.catalog.len(), before);
    let vpc = world.vpc(&a, "vpc", "10.0.0.0/16").id;
    let b = world.b.clone();
    let other = world.vpc(&b, "other", "10.1.0.0/16").id;
    let peering = world.peer(&a, vpc, other).id;
    let error = world.refused(|c, x| delete_account(c, &operator, x, a.account));
    assert_eq!(error, Error::AccountInUse { account: a.account, by: vec![AccountUse::Vpcs(1)] });
    world.ok(|c, x| delete_vpc(c, &a, x, vpc));
    world.ok(|c, x| delete_account(c, &operator, x, a.account));
    assert!(world.catalog.account_by_name("a").is_none());
    assert!(world.catalog.peering(peering).is_none());
    // The name is free again.
    world.ok(|c, x| create_account(c, &operator, x, account_request("a")));
}

#[test]
fn a_new_region_brings_projects_to_every_account() {
    let mut world = World::new();
    let mut config = config();
    config.regions.push(Region { id: "region-3".into(), availability_zones: Vec::new(), edge_sites: Vec::new() });
    world.config = config;
    let made = world.ok(create_missing_projects);
    assert_eq!(made.len(), world.catalog.accounts().count());
    assert!(world.ok(create_missing_projects).is_empty());
    assert_eq!(projects(&world.catalog, &world.a).len(), 3);
}

#[test]
fn users_are_managed_in_their_own_account() {
    let mut world = World::new();
    let (a, b, operator) = (world.a.clone(), world.b.clone(), world.operator.clone());
    let request = |account, name: &str| {
        let (name, password_hash) = (name.into(), "h".into());
        CreateUser { account, name, password_hash, enabled: true, description: String::new() }
    };
    let user = world.ok(|c, x| create_user(c, &a, x, request(a.account, "second")));
    assert_eq!(world.refused(|c, x| create_user(c, &a, x, request(a.account, "second"))).code(), "name_taken");
    assert_eq!(world.refused(|c, x| create_user(c, &b, x, request(a.account, "third"))).code(), "not_found");
    assert_eq!(world.refused(|c, x| delete_user(c, &b, x, user.id)).code(), "not_found");
    world.ok(|c, x| create_user(c, &operator, x, request(a.account, "third")));
    world.ok(|c, x| delete_user(c, &a, x, user.id));
    assert_eq!(world.refused(|c, x| delete_user(c, &b, x, b.user)).code(), "not_authorized");
}

/// api-iam section 1.
#[test]
fn access_keys_have_their_documented_form() {
    let mut world = World::new();
    let (a, b) = (world.a.clone(), world.b.clone());
    let (vault, request) = (vault(), CreateAccessKey::new(a.user));
    let first = world.ok(|c, x| create_access_key(c, &a, x, &vault, request.clone()));
    let id = first.key.id.clone();
    assert_eq!((id.0.len(), first.secret.len()), (20, 40));
    assert!(id.0.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit()));
    let given = |user, id: &str| {
        let given = Some((AccessKeyId(id.to_owned()), "x".repeat(40)));
        CreateAccessKey { given, ..CreateAccessKey::new(user) }
    };
    let taken = given(b.user, &id.0);
    assert_eq!(world.refused(|c, x| create_access_key(c, &b, x, &vault, taken)).code(), "name_taken");
    let short = given(b.user, "SHORT");
    assert_eq!(world.refused(|c, x| create_access_key(c, &b, x, &vault, short)).code(), "invalid_parameter");
    world.ok(|c, x| create_access_key(c, &a, x, &vault, request.clone()));
    assert_eq!(world.refused(|c, x| create_access_key(c, &a, x, &vault, request.clone())).code(), "quota_exceeded");
    assert_eq!(world.refused(|c, x| delete_access_key(c, &b, x, &id)).code(), "not_found");
    world.ok(|c, x| delete_access_key(c, &a, x, &id));
    assert!(world.catalog.access_key(&id).is_none());
}

/// What is stored of a secret does not have it in clear, and what an old store has in clear is sealed.
#[test]
fn secrets_are_sealed() {
    let mut world = World::new();
    let (a, vault) = (world.a.clone(), vault());
    let made = world.ok(|c, x| create_access_key(c, &a, x, &vault, CreateAccessKey::new(a.user)));
    let stored = world.catalog.access_key(&made.key.id).unwrap().clone();
    let record = String::from_utf8(model::Record::from(AccessKey::clone(&stored)).encode().unwrap()).unwrap();
    assert!(!record.contains(&made.secret), "{record}");
    assert_eq!(vault.open(&stored.id, &stored.secret).unwrap(), made.secret);
    assert_eq!(world.ok(|c, x| seal_access_keys(c, x, &vault)), 0);

    // As the first versions wrote it.
    let old = r#"{"id":"OLDOLDOLDOLDOLDOLD00","secret":"clear","user":"USER","account":"ACCOUNT","created_at":"2026-01-02T03:04:05Z"}"#;
    let old = old.replace("USER", &a.user.to_string()).replace("ACCOUNT", &a.account.to_string());
    let record = model::Record::decode("access-key/OLDOLDOLDOLDOLDOLD00", old.as_bytes()).unwrap();
    let model::Record::AccessKey(old) = record else { panic!("not a key") };
    assert!(old.enabled && old.secret == KeySecret::Clear("clear".into()));
    world.ok(|_, _| {
        let mut changes = Changes::new();
        changes.create(old.clone());
        Ok(Outcome::new((), changes))
    });
    assert_eq!(world.ok(|c, x| seal_access_keys(c, x, &vault)), 1);
    let sealed = world.catalog.access_key(&old.id).unwrap();
    assert!(matches!(sealed.secret, KeySecret::Sealed { .. }));
    assert_eq!(vault.open(&old.id, &sealed.secret).unwrap(), "clear");
}

/// api-iam section 5.3: a temporary key ends by itself, and with what it rests on; it is none of the permanent ones.
#[test]
fn temporary_keys_come_and_go() {
    let mut world = World::new();
    let (a, vault) = (world.a.clone(), vault());
    let temporary = |now: Timestamp| Temporary { token_hash: "h".into(), expires_at: now.plus_seconds(900) };
    let make = |world: &mut World| {
        let temporary = temporary(world.now);
        world.ok(|c, x| create_temporary_key(c, &a, x, &vault, temporary)).key
    };
    let keys: Vec<_> = (0..3).map(|_| make(&mut world).id).collect();
    assert_eq!(world.refused(|c, x| delete_access_key(c, &a, x, &keys[0])).code(), "not_found");
    assert_eq!(world.refused(|c, x| rotate_access_key(c, &a, x, &vault, &keys[0])).code(), "not_found");
    // They leave room for both permanent keys, and end when those change.
    let permanent = world.ok(|c, x| create_access_key(c, &a, x, &vault, CreateAccessKey::new(a.user))).key.id;
    world.ok(|c, x| create_access_key(c, &a, x, &vault, CreateAccessKey::new(a.user)));
    assert!(world.catalog.access_key(&keys[2]).is_some());
    world.ok(|c, x| delete_access_key(c, &a, x, &permanent));
    assert!(keys.iter().all(|key| world.catalog.access_key(key).is_none()));
    let key = make(&mut world).id;
    let now = world.now;
    assert_eq!(world.ok(|c, _| Ok(delete_expired_tokens(c, now.plus_seconds(900), 10))), 0);
    assert_eq!(world.ok(|c, _| Ok(delete_expired_tokens(c, now.plus_seconds(901), 10))), 1);
    assert!(world.catalog.access_key(&key).is_none());
}

#[test]
fn keys_are_rotated_turned_off_and_reset() {
    let mut world = World::new();
    let (a, vault) = (world.a.clone(), vault());
    let make = |world: &mut World| {
        let request = CreateAccessKey { description: "ci".into(), ..CreateAccessKey::new(a.user) };
        world.ok(|c, x| create_access_key(c, &a, x, &vault, request)).key.id
    };
    let (first, second) = (make(&mut world), make(&mut world));
    // With both keys in use there is still room to rotate one.
    let rotated = world.ok(|c, x| rotate_access_key(c, &a, x, &vault, &first)).key;
    assert!(world.catalog.access_key(&first).is_none() && rotated.description == "ci" && rotated.user == a.user);
    let off = UpdateAccessKey { enabled: Some(false), description: Some("off".into()) };
    world.ok(|c, x| update_access_key(c, &a, x, &second, off));
    assert!(!world.catalog.access_key(&second).unwrap().enabled);
    let b = world.b.clone();
    assert_eq!(world.refused(|c, x| rotate_access_key(c, &b, x, &vault, &second)).code(), "not_found");
    let operator = world.operator.clone();
    let (user, key) = world.ok(|c, x| reset_user(c, &operator, x, &vault, a.user, "new".into()));
    assert_eq!((user.password_hash.as_str(), user.enabled), ("new", true));
    let left: Vec<_> = world.catalog.access_keys_of(a.user).map(|key| key.id.clone()).collect();
    assert_eq!(left, [key.key.id]);
}

/// api-iam section 5.2: a token dies when its user is disabled or deleted, or the password or access keys change.
#[test]
fn tokens_end_with_what_they_rest_on() {
    let mut world = World::new();
    let (a, b) = (world.a.clone(), world.b.clone());
    let issue = |world: &mut World, hash: &str| {
        let request = CreateToken {
            hash: hash.into(),
            user: a.user,
            project: a.project,
            methods: vec!["password".into()],
            expires_at: world.now.plus_seconds(60),
            password_hash: None,
        };
        world.call(|c, x| create_token(c, x, request)).map(|_| ())
    };
    issue(&mut world, "one").unwrap();
    let password = UpdateUser { password_hash: Some("new".into()), ..UpdateUser::default() };
    world.ok(|c, x| update_user(c, &a, x, a.user, password));
    assert!(world.catalog.token("one").is_none());
    issue(&mut world, "two").unwrap();
    world.ok(|c, _| Ok(revoke_token(c, "two")));
    assert!(world.catalog.token("two").is_none());
    issue(&mut world, "three").unwrap();
    let now = world.now;
    assert_eq!(world.ok(|c, _| Ok(delete_expired_tokens(c, now, 10))), 0);
    assert_eq!(world.ok(|c, _| Ok(delete_expired_tokens(c, now.plus_seconds(61), 10))), 1);
    issue(&mut world, "four").unwrap();
    let disabled = UpdateUser { enabled: Some(false), ..UpdateUser::default() };
    // The first user cannot lock itself out; operators can.
    assert_eq!(world.refused(|c, x| update_user(c, &a, x, a.user, disabled.clone())).code(), "not_authorized");
    let operator = world.operator.clone();
    world.ok(|c, x| update_user(c, &operator, x, a.user, disabled));
    assert!(world.catalog.token("four").is_none());
    assert_eq!(issue(&mut world, "five").unwrap_err().code(), "not_found");
    // A project of another account is not for this user; a password that was changed in between does not count.
    let request = |project, password_hash| CreateToken {
        hash: "six".into(),
        user: b.user,
        project,
        methods: Vec::new(),
        expires_at: now,
        password_hash,
    };
    assert_eq!(world.refused(|c, x| create_token(c, x, request(a.project, None))).code(), "not_found");
    let stale = Some("old".to_owned());
    assert_eq!(world.refused(|c, x| create_token(c, x, request(b.project, stale))).code(), "not_authorized");
}
