//! Policies and who has them (api-iam section 9).

use model::{Attachment, PolicyDocument, PolicyId, PolicyScope, User, UserId, builtins};

use super::fixture::{World, vault};
use crate::{
    Caller, CreateAccessKey, CreatePolicy, CreateToken, CreateUser, Error, UpdatePolicy, UpdateUser, attach_policy,
    attachments, create_access_key, create_policy, create_token, create_user, delete_account, delete_policy,
    delete_user, detach_policy, policies_in_force, update_policy, update_user,
};

fn document(action: &str) -> PolicyDocument {
    let text = format!(r#"{{"Version":"1.1","Statement":[{{"Effect":"Allow","Action":["{action}"]}}]}}"#);
    serde_json::from_str(&text).unwrap()
}

fn draft(name: &str) -> CreatePolicy {
    CreatePolicy {
        name: name.into(),
        description: String::new(),
        description_cn: String::new(),
        scope: PolicyScope::Account,
        document: document("vpc:*:*"),
    }
}

fn builtin(name: &str) -> PolicyId {
    builtins().iter().find(|builtin| builtin.display_name == name).unwrap().id
}

fn everywhere(policy: PolicyId) -> Attachment {
    Attachment { policy, project: None }
}

fn user(world: &mut World, caller: &Caller, name: &str) -> User {
    let request = CreateUser {
        account: caller.account,
        name: name.into(),
        password_hash: "h".into(),
        enabled: true,
        description: String::new(),
    };
    world.ok(|c, x| create_user(c, caller, x, request))
}

fn login(world: &mut World, user: UserId, hash: &str) {
    let request = CreateToken {
        hash: hash.into(),
        user,
        project: None,
        methods: Vec::new(),
        expires_at: world.now.plus_seconds(60),
        password_hash: None,
    };
    world.ok(|c, x| create_token(c, x, request));
}

fn acting(caller: &Caller, user: UserId) -> Caller {
    Caller { user, operator: false, ..caller.clone() }
}

#[test]
fn policies_are_of_their_account_and_their_names_unique() {
    let mut world = World::new();
    let (a, b) = (world.a.clone(), world.b.clone());
    let made = world.ok(|c, x| create_policy(c, &a, x, draft("my policy")));
    for taken in ["my policy", "VPC FullAccess", "te_admin"] {
        assert_eq!(world.refused(|c, x| create_policy(c, &a, x, draft(taken))).code(), "name_taken", "{taken}");
    }
    for wrong in ["", " x", "a<b", &"x".repeat(129)] {
        assert_eq!(world.refused(|c, x| create_policy(c, &a, x, draft(wrong))).code(), "invalid_parameter", "{wrong}");
    }
    world.ok(|c, x| create_policy(c, &b, x, draft("my policy")));
    assert_eq!(world.refused(|c, x| delete_policy(c, &b, x, made.id)).code(), "not_found");
    assert_eq!(world.refused(|c, x| update_policy(c, &b, x, made.id, UpdatePolicy::default())).code(), "not_found");
    let fixed = builtin("VPC FullAccess");
    assert_eq!(world.refused(|c, x| delete_policy(c, &a, x, fixed)).code(), "not_authorized");
    world.limits.policies = 1;
    assert_eq!(world.refused(|c, x| create_policy(c, &a, x, draft("two"))).code(), "quota_exceeded");
    let other = user(&mut world, &b, "u");
    let foreign = everywhere(made.id);
    assert_eq!(world.refused(|c, x| attach_policy(c, &b, x, other.id, foreign)).code(), "not_found");
    // A policy goes with its account.
    let operator = world.operator.clone();
    world.ok(|c, x| delete_account(c, &operator, x, a.account));
    assert!(world.catalog.policy(made.id).is_none());
}

/// api-iam section 5.2: a token dies when the user's permissions change.
#[test]
fn tokens_end_when_permissions_change() {
    let mut world = World::new();
    let a = world.a.clone();
    let id = user(&mut world, &a, "u").id;
    let policy = world.ok(|c, x| create_policy(c, &a, x, draft("p"))).id;
    let ends = |world: &mut World, what: &str, change: &mut dyn FnMut(&mut World)| {
        login(world, id, what);
        login(world, a.user, "other");
        change(world);
        assert!(world.catalog.token(what).is_none(), "{what}");
        assert!(world.catalog.token("other").is_some(), "{what} ends the token of somebody else");
        world.ok(|c, _| Ok(crate::revoke_token(c, "other")));
    };
    ends(&mut world, "attach", &mut |world| {
        world.ok(|c, x| attach_policy(c, &a, x, id, everywhere(policy)));
    });
    ends(&mut world, "document", &mut |world| {
        let update = UpdatePolicy { document: Some(document("vpc:*:get")), ..UpdatePolicy::default() };
        world.ok(|c, x| update_policy(c, &a, x, policy, update));
    });
    // A new text changes nobody's permissions, nor does what is attached already.
    login(&mut world, id, "stays");
    let update = UpdatePolicy { description: Some("text".into()), ..UpdatePolicy::default() };
    world.ok(|c, x| update_policy(c, &a, x, policy, update));
    world.ok(|c, x| attach_policy(c, &a, x, id, everywhere(policy)));
    assert!(world.catalog.token("stays").is_some());
    let error = world.refused(|c, x| delete_policy(c, &a, x, policy));
    assert_eq!(error, Error::PolicyInUse { policy, users: vec!["u".into()] });
    ends(&mut world, "detach", &mut |world| {
        world.ok(|c, x| detach_policy(c, &a, x, id, policy, None));
    });
    assert_eq!(world.refused(|c, x| detach_policy(c, &a, x, id, policy, None)).code(), "not_found");
    world.ok(|c, x| delete_policy(c, &a, x, policy));
}

#[test]
fn an_attachment_may_be_good_for_one_project_only() {
    let mut world = World::new();
    let (a, b) = (world.a.clone(), world.b.clone());
    let id = user(&mut world, &a, "u").id;
    let (here, there) = (a.project, world.elsewhere(&a).project);
    let policy = builtin("VPC FullAccess");
    let foreign = Attachment { policy, project: b.project };
    assert_eq!(world.refused(|c, x| attach_policy(c, &a, x, id, foreign)).code(), "not_found");
    world.ok(|c, x| attach_policy(c, &a, x, id, Attachment { policy, project: here }));
    world.ok(|c, x| attach_policy(c, &a, x, id, everywhere(builtin("ReadOnlyAccess"))));
    let names = |world: &World, project| -> Vec<String> {
        let user = world.catalog.user(id).unwrap();
        policies_in_force(&world.catalog, user, project).iter().map(|policy| policy.name().to_owned()).collect()
    };
    assert_eq!(names(&world, here), ["ReadOnlyAccess", "VPC FullAccess"]);
    assert_eq!(names(&world, there), ["ReadOnlyAccess"]);
    assert_eq!(names(&world, None), ["ReadOnlyAccess"]);
    assert_eq!(attachments(&world.catalog, &a, id).unwrap().len(), 2);
    assert_eq!(attachments(&world.catalog, &b, id).unwrap_err().code(), "not_found");
    world.limits.policies_per_user = 2;
    let third = everywhere(builtin("Causeway FullAccess"));
    assert_eq!(world.refused(|c, x| attach_policy(c, &a, x, id, third)).code(), "quota_exceeded");
}

/// Nobody gets more rights by changing somebody who has them.
#[test]
fn who_may_less_does_not_change_who_may_more() {
    let mut world = World::new();
    let (a, vault) = (world.a.clone(), vault());
    let [plain, admin] = ["plain", "boss"].map(|name| user(&mut world, &a, name).id);
    let administrators = everywhere(builtin("admin"));
    world.ok(|c, x| attach_policy(c, &a, x, admin, administrators));
    assert!(
        world.catalog.user(admin).unwrap().is_administrator() && !world.catalog.user(plain).unwrap().is_administrator()
    );
    let (as_plain, as_admin) = (acting(&a, plain), acting(&a, admin));
    let password = UpdateUser { password_hash: Some("mine".into()), ..UpdateUser::default() };
    for (caller, victim) in [(&as_plain, a.user), (&as_plain, admin), (&as_admin, a.user)] {
        assert_eq!(world.refused(|c, x| update_user(c, caller, x, victim, password.clone())).code(), "not_authorized");
        let key = CreateAccessKey::new(victim);
        assert_eq!(world.refused(|c, x| create_access_key(c, caller, x, &vault, key)).code(), "not_authorized");
        assert_eq!(world.refused(|c, x| delete_user(c, caller, x, victim)).code(), "not_authorized");
    }
    assert_eq!(world.refused(|c, x| attach_policy(c, &as_plain, x, plain, administrators)).code(), "not_authorized");
    assert_eq!(
        world.refused(|c, x| detach_policy(c, &as_plain, x, admin, administrators.policy, None)).code(),
        "not_authorized"
    );
    let readonly = everywhere(builtin("ReadOnlyAccess"));
    assert_eq!(world.refused(|c, x| attach_policy(c, &a, x, a.user, readonly)).code(), "not_authorized");
    world.ok(|c, x| update_user(c, &as_plain, x, plain, password.clone()));
    world.ok(|c, x| update_user(c, &as_admin, x, plain, password.clone()));
    world.ok(|c, x| attach_policy(c, &as_admin, x, plain, administrators));
    world.ok(|c, x| update_user(c, &acting(&a, plain), x, admin, password));
    world.ok(|c, x| delete_user(c, &as_admin, x, plain));
}

#[test]
fn users_are_renamed_and_counted() {
    let mut world = World::new();
    let a = world.a.clone();
    let id = user(&mut world, &a, "one").id;
    user(&mut world, &a, "two");
    let rename = |name: &str| UpdateUser { name: Some(name.into()), ..UpdateUser::default() };
    assert_eq!(world.refused(|c, x| update_user(c, &a, x, id, rename("two"))).code(), "name_taken");
    assert_eq!(world.refused(|c, x| update_user(c, &a, x, id, rename("a b"))).code(), "invalid_name");
    world.ok(|c, x| update_user(c, &a, x, id, rename("three")));
    assert_eq!(world.catalog.user_by_name(a.account, "three").unwrap().id, id);
    assert!(world.catalog.user_by_name(a.account, "one").is_none());
    let stale = UpdateUser { old_password_hash: Some("other".into()), ..rename("four") };
    assert_eq!(world.refused(|c, x| update_user(c, &a, x, id, stale)).code(), "not_authorized");
    world.limits.users = 3;
    let request = CreateUser {
        account: a.account,
        name: "five".into(),
        password_hash: String::new(),
        enabled: true,
        description: String::new(),
    };
    assert_eq!(world.refused(|c, x| create_user(c, &a, x, request)).code(), "quota_exceeded");
}
