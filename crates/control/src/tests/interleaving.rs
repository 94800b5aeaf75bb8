//! Calls that are decided on the same catalog and committed one after the other: what the guards let through must be in order.

use catalog::Catalog;
use model::{Direction, Remote, Timestamp};
use proptest::prelude::*;
use store::{CommitError, Options, Store, Watch};

use super::fixture::{SeededIds, account_request, config, net, server_request, via_peering, via_server};
use super::invariants::check;
use super::properties::{Step, steps, tight};
use crate::{
    Caller, Changes, Config, Context, CreatePeering, CreatePort, CreateSecurityGroup, CreateSecurityGroupRules,
    CreateSubnet, CreateToken, CreateVpc, Error, Limits, NewSecurityGroupRule, Outcome, UpdateRouteTable, UpdateUser,
    accept_peering, create_account, create_bootstrap_account, create_peering, create_port, create_route_table,
    create_security_group, create_security_group_rules, create_server, create_subnet, create_token, create_vpc,
    delete_account, delete_peering, delete_security_group, delete_server, delete_subnet, delete_vpc, reject_peering,
    update_route_table, update_user,
};

/// A store with its catalog, in step.
pub(super) struct Bench {
    runtime: tokio::runtime::Runtime,
    store: Store,
    watch: Watch,
    pub(super) catalog: Catalog,
    ids: SeededIds,
    pub(super) limits: Limits,
    config: Config,
    operator: Caller,
    pub(super) a: Caller,
    pub(super) b: Caller,
}

impl Bench {
    pub(super) fn new(seed: u64, limits: Limits) -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let store = Store::memory(Options::default());
        let watch = runtime.block_on(store.watch(store::Revision::ZERO)).unwrap();
        let nobody = Caller {
            account: model::AccountId::new(uuid::Uuid::nil()),
            user: model::UserId::new(uuid::Uuid::nil()),
            project: None,
            operator: true,
        };
        let mut bench = Self {
            runtime,
            store,
            watch,
            catalog: Catalog::default(),
            ids: SeededIds::new(seed),
            limits,
            config: config(),
            operator: nobody.clone(),
            a: nobody.clone(),
            b: nobody,
        };
        bench.ok(|c, x| create_bootstrap_account(c, x, account_request("op")));
        [bench.a, bench.b] = ["a", "b"].map(|name| {
            let operator = bench.operator.clone();
            let made = bench.ok(|c, x| create_account(c, &operator, x, account_request(name)));
            Caller { account: made.account.id, user: made.user.id, project: Some(made.projects[0].id), operator: false }
        });
        bench
    }

    pub(super) fn decide<T>(
        &mut self,
        use_case: impl FnOnce(&Catalog, &mut Context<'_>) -> Result<Outcome<T>, Error>,
    ) -> Result<Outcome<T>, Error> {
        let now = Timestamp::from_unix_seconds(1_700_000_000);
        let mut ctx = Context { now, limits: &self.limits, config: &self.config, ids: &mut self.ids };
        use_case(&self.catalog, &mut ctx)
    }

    /// Commits; `false` for a conflict.
    pub(super) fn commit(&mut self, changes: Changes) -> bool {
        if changes.is_empty() {
            return true;
        }
        match self.runtime.block_on(self.store.commit(changes.into_commit().unwrap())) {
            Ok(_) => {
                let set = self.runtime.block_on(self.watch.next()).unwrap();
                self.catalog = self.catalog.apply(&set).unwrap().0;
                true
            }
            Err(CommitError::Conflict { .. }) => false,
            Err(error) => panic!("{error}"),
        }
    }

    pub(super) fn ok<T>(
        &mut self,
        use_case: impl FnOnce(&Catalog, &mut Context<'_>) -> Result<Outcome<T>, Error>,
    ) -> T {
        let outcome = self.decide(use_case).unwrap();
        assert!(self.commit(outcome.changes));
        outcome.value
    }

    /// Two calls decided on the same catalog: whether the second one meets a conflict after the first one, in both orders.
    pub(super) fn conflict(&mut self, pair: [Changes; 2]) -> [bool; 2] {
        let state = self.runtime.block_on(self.store.snapshot()).unwrap();
        let mut met = [false; 2];
        for (order, met) in met.iter_mut().enumerate() {
            let (store, mut puts) = (Store::memory(Options::default()), store::Commit::new());
            // The same contents; the same revisions by as many commits.
            for _ in 1..state.revision.0 {
                self.runtime.block_on(store.commit(store::Commit::new().delete("nothing"))).unwrap();
            }
            for entry in &state.entries {
                puts = puts.put(entry.key.clone(), entry.value.clone());
            }
            self.runtime.block_on(store.commit(puts)).unwrap();
            let revisions = |mut commit: store::Commit| {
                for guard in &mut commit.guards {
                    guard.expected = guard.expected.map(|_| state.revision);
                }
                commit
            };
            let [first, second] = [0, 1].map(|n| revisions(pair[(n + order) % 2].clone().into_commit().unwrap()));
            self.runtime.block_on(store.commit(first)).unwrap();
            *met = match self.runtime.block_on(store.commit(second)) {
                Ok(_) => false,
                Err(CommitError::Conflict { .. }) => true,
                Err(error) => panic!("{error}"),
            };
        }
        met
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, ..ProptestConfig::default() })]

    #[test]
    fn what_the_guards_let_through_keeps_every_invariant(seed: u64, steps in steps()) {
        let mut bench = Bench::new(seed, tight());
        let callers = [bench.a.clone(), bench.b.clone()];
        for together in steps.chunks(4) {
            let decided: Vec<_> = together
                .iter()
                .filter_map(|step: &Step| bench.decide(|c, x| step.run(c, x, &callers)).ok())
                .collect();
            for outcome in decided {
                bench.commit(outcome.changes);
            }
            check(&bench.catalog, &bench.limits);
        }
    }
}

/// Each pair would break a rule if both got through.
#[test]
fn pairs_that_exclude_each_other_conflict_in_either_order() {
    let mut bench = Bench::new(7, Limits::default());
    let (a, b, operator) = (bench.a.clone(), bench.b.clone(), bench.operator.clone());
    let named = |name: &str| CreateVpc { name: name.into(), cidr: Some(net("10.0.0.0/16")), ..CreateVpc::default() };
    let one = bench.ok(|c, x| create_vpc(c, &a, x, named("one")));
    let two = bench.ok(|c, x| create_vpc(c, &b, x, named("two")));
    let subnet = bench.ok(|c, x| create_subnet(c, &a, x, CreateSubnet::new(one.id, "s", net("10.0.0.0/24")))).id;
    let server = bench.ok(|c, x| create_server(c, &a, x, server_request(subnet, "s"))).id;
    let group = CreateSecurityGroup { name: "g".into(), ..CreateSecurityGroup::default() };
    let group = bench.ok(|c, x| create_security_group(c, &a, x, group)).id;
    let other = CreateSecurityGroup { name: "h".into(), ..CreateSecurityGroup::default() };
    let other = bench.ok(|c, x| create_security_group(c, &a, x, other)).id;
    let empty = bench.ok(|c, x| create_subnet(c, &a, x, CreateSubnet::new(one.id, "e", net("10.0.9.0/24")))).id;
    let request = CreatePeering {
        name: "p".into(),
        description: String::new(),
        local_vpc: one.id,
        local_project: None,
        peer_vpc: two.id,
        peer_project: Some(two.project),
    };
    let pending = bench.ok(|c, x| create_peering(c, &a, x, request)).id;

    macro_rules! changes {
        ($use_case:expr) => {
            bench.decide($use_case).unwrap().changes
        };
    }
    let table = one.default_route_table;
    let add = |route| UpdateRouteTable { add: vec![route], ..UpdateRouteTable::default() };
    let rule = NewSecurityGroupRule { remote: Remote::Group(group), ..NewSecurityGroupRule::allow(Direction::Ingress) };
    let rules = CreateSecurityGroupRules { group: other, rules: vec![rule], ignore_duplicates: false };
    let port = CreatePort { security_groups: Some(vec![group]), ..CreatePort::new(subnet) };
    let token = CreateToken {
        hash: "t".into(),
        user: a.user,
        project: None,
        methods: Vec::new(),
        expires_at: Timestamp::from_unix_seconds(1_800_000_000),
        password_hash: None,
    };
    let new_table =
        crate::CreateRouteTable { vpc: two.id, name: String::new(), description: String::new(), routes: Vec::new() };
    let new_subnet = CreateSubnet::new(two.id, "s", net("10.0.1.0/24"));
    let renamed = CreateVpc { name: "same".into(), ..CreateVpc::default() };
    let password = UpdateUser { password_hash: Some("new".into()), ..UpdateUser::default() };
    let pairs = [
        (
            "delete a group, use it in a port",
            changes!(|c, x| delete_security_group(c, &a, x, group)),
            changes!(|c, x| create_port(c, &a, x, port)),
        ),
        (
            "delete a group, name it in a rule",
            changes!(|c, x| delete_security_group(c, &a, x, group)),
            changes!(|c, x| create_security_group_rules(c, &a, x, rules)),
        ),
        (
            "delete a server, route to it",
            changes!(|c, x| delete_server(c, &a, x, server)),
            changes!(|c, x| update_route_table(c, &a, x, table, add(via_server("10.9.0.0/16", server)))),
        ),
        (
            "delete a peering, route to it",
            changes!(|c, x| delete_peering(c, &b, x, pending)),
            changes!(|c, x| update_route_table(c, &a, x, table, add(via_peering("10.9.0.0/16", pending)))),
        ),
        (
            "accept, reject",
            changes!(|c, x| accept_peering(c, &b, x, pending)),
            changes!(|c, x| reject_peering(c, &b, x, pending)),
        ),
        (
            "accept, delete the VPC",
            changes!(|c, x| accept_peering(c, &b, x, pending)),
            changes!(|c, x| delete_vpc(c, &b, x, two.id)),
        ),
        (
            "delete a VPC, make a subnet",
            changes!(|c, x| delete_vpc(c, &b, x, two.id)),
            changes!(|c, x| create_subnet(c, &b, x, new_subnet)),
        ),
        (
            "delete a VPC, make a table",
            changes!(|c, x| delete_vpc(c, &b, x, two.id)),
            changes!(|c, x| create_route_table(c, &b, x, new_table)),
        ),
        (
            "delete a subnet, make a port",
            changes!(|c, x| delete_subnet(c, &a, x, empty, None)),
            changes!(|c, x| create_port(c, &a, x, CreatePort::new(empty))),
        ),
        (
            "two VPCs of one name",
            changes!(|c, x| create_vpc(c, &a, x, renamed.clone())),
            changes!(|c, x| create_vpc(c, &a, x, renamed.clone())),
        ),
        (
            "two accounts of one name",
            changes!(|c, x| create_account(c, &operator, x, account_request("new"))),
            changes!(|c, x| create_account(c, &operator, x, account_request("new"))),
        ),
        (
            "a new password, a token for the old one",
            changes!(|c, x| update_user(c, &a, x, a.user, password)),
            changes!(|c, x| create_token(c, x, token)),
        ),
    ];
    for (what, first, second) in pairs {
        assert_eq!(bench.conflict([first, second]), [true; 2], "{what}");
    }

    // A route that was there before the rejection stays (rule EF-3); one that comes after it is refused.
    let reject = changes!(|c, x| reject_peering(c, &b, x, pending));
    let route = changes!(|c, x| update_route_table(c, &a, x, table, add(via_peering("10.9.0.0/16", pending))));
    assert_eq!(bench.conflict([reject, route]), [true, false]);

    let mut lonely = Bench::new(8, Limits::default());
    let (a, operator) = (lonely.a.clone(), lonely.operator.clone());
    let delete = lonely.decide(|c, x| delete_account(c, &operator, x, a.account)).unwrap().changes;
    let create = lonely.decide(|c, x| create_vpc(c, &a, x, CreateVpc::default())).unwrap().changes;
    assert_eq!(lonely.conflict([delete, create]), [true; 2], "delete an account, make a VPC");
}

/// What does not touch the same things runs at the same time.
#[test]
fn independent_calls_do_not_conflict() {
    let mut bench = Bench::new(9, Limits::default());
    let (a, b) = (bench.a.clone(), bench.b.clone());
    let request = CreateVpc { cidr: Some(net("10.0.0.0/16")), ..CreateVpc::default() };
    let vpc = bench.ok(|c, x| create_vpc(c, &a, x, request)).id;
    let mut subnet = |cidr| bench.ok(|c, x| create_subnet(c, &a, x, CreateSubnet::new(vpc, "s", net(cidr)))).id;
    let (s1, s2) = (subnet("10.0.1.0/24"), subnet("10.0.2.0/24"));
    // Both ports join the project's default group.
    let one = bench.decide(|c, x| create_server(c, &a, x, server_request(s1, "s"))).unwrap().changes;
    let two = bench.decide(|c, x| create_server(c, &a, x, server_request(s2, "s"))).unwrap().changes;
    assert_eq!(bench.conflict([one.clone(), two]), [false; 2]);
    let three = bench.decide(|c, x| create_vpc(c, &b, x, CreateVpc::default())).unwrap().changes;
    assert_eq!(bench.conflict([one, three]), [false; 2]);
}
